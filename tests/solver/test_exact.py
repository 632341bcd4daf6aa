"""The compact model on problems a person can solve."""

from __future__ import annotations

import numpy as np
import pytest

from solver.problem import Apart, Level, Measure, Together
from tests.solver.tiny import (
    BATCH,
    GANG,
    SERVICE,
    Row,
    Rules,
    account,
    like,
    problem,
    solved,
    used,
)


def test_gang_is_placed_whole_on_the_cheapest_pool_that_holds_it() -> None:
    """A gang of four skips the cheaper pool of three."""
    one = problem([Row(cost=1, capacity=3), Row(cost=2, capacity=4)], [like(GANG, amount=4)])
    solution = solved(one)
    assert used(solution) == {(0, 1): 4}
    assert solution.cost == pytest.approx(4 * 100 * 2)
    assert solution.gap == 0


def test_gang_mixes_owned_units_with_one_other_supply_of_its_pool() -> None:
    """Three owned units are free; the fourth comes from the same pool, not from the cheaper."""
    rows = [
        Row(cost=0, capacity=3, owned=True),
        Row(cost=5, capacity=9),
        Row(cost=1, capacity=2, zone=1),
    ]
    solution = solved(problem(rows, [like(GANG, amount=4)]))
    assert used(solution) == {(0, 0): 3, (0, 1): 1}
    assert solution.cost == pytest.approx(500)


def test_owned_units_serve_only_once() -> None:
    """Two gangs of two share three owned units: one of them buys a unit."""
    rows = [Row(cost=0, capacity=3, owned=True), Row(cost=5)]
    solution = solved(problem(rows, [like(GANG, amount=2), like(GANG, amount=2)]))
    assert sum(units for (_, supply), units in used(solution).items() if supply == 0) == 3
    assert solution.cost == pytest.approx(500)


def test_batch_splits_over_supplies_and_counts_whole_units() -> None:
    """150 unit-hours at 100 each take the one cheap unit and half of a dear one."""
    rows = [Row(cost=1, capacity=1), Row(cost=3, capacity=1)]
    solution = solved(problem(rows, [BATCH]))
    assert used(solution) == {(0, 0): 1, (0, 1): 1}
    assert solution.cost == pytest.approx(100 * 1 + 50 * 3)


def test_spoilage_makes_cheap_risky_hours_dearer() -> None:
    """At a factor of 1.5 a risky hour of 1 beats a safe hour of 2; one of 1.5 does not."""
    for price, supply in ((1.0, 0), (1.5, 1)):
        rows = [Row(cost=price, risk=1), Row(cost=2)]
        solution = solved(problem(rows, [like(BATCH, spoilage=1.5)]))
        assert {key[1] for key in used(solution)} == {supply}


def test_risky_share_caps_every_family() -> None:
    """Half of the work at most may run on what can be lost."""
    rows = [Row(cost=1, risk=1), Row(cost=2)]
    batch = solved(problem(rows, [like(BATCH, risky_share=0.5)]))
    assert batch.cost == pytest.approx(75 * 1 + 75 * 2)
    service = solved(problem(rows, [like(SERVICE, loads=((0, 40.0),), risky_share=0.5)]))
    assert used(service) == {(0, 0): 2, (0, 1): 2}
    gang = solved(problem(rows, [like(GANG, amount=2, risky_share=0.5)]))
    assert used(gang) == {(0, 1): 2}


def test_service_carries_its_load_with_whole_units() -> None:
    """A load of 25 takes three units of 10."""
    assert used(solved(problem([Row(cost=1)], [SERVICE]))) == {(0, 0): 3}


def test_far_load_is_capped_over_all_points_or_each_by_itself() -> None:
    """A quarter of all may come from one point; each by itself it is a quarter of each."""
    rows = [Row(cost=1, place=0), Row(cost=3, place=1)]
    near = [[90.0, 5.0, 0, 0], [5.0, 90.0, 0, 0]]
    loads = ((0, 40.0), (1, 60.0))
    want = like(SERVICE, amount=10.0, loads=loads, near=50, far_share=0.25)
    rules = Rules(distance=near)
    assert used(solved(problem(rows, [want], rules))) == {(0, 0): 8, (0, 1): 2}
    each = solved(problem(rows, [like(want, each_point=True)], rules))
    assert used(each) == {(0, 0): 7, (0, 1): 3}


def test_nothing_is_routed_beyond_the_farthest() -> None:
    """A point that no place reaches stays unserved, in part of the whole."""
    want = like(SERVICE, loads=((0, 30.0), (1, 10.0)), farthest=50)
    rules = Rules(distance=[[5.0] * 4, [90.0] * 4])
    solution = solved(problem([Row(cost=1)], [want], rules))
    assert solution.unmet[0] == pytest.approx(0.25)
    assert solution.levels[0].bound == pytest.approx(0.25)


def test_spread_asks_for_places_and_caps_each_share() -> None:
    """Two places, at most 75 % in one: 3 and 1 units of 10 for a load of 40."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    want = like(SERVICE, loads=((0, 40.0),), least_places=2, most_share=0.75)
    assert used(solved(problem(rows, [want]))) == {(0, 0): 3, (0, 1): 1}


def test_loss_of_any_one_place_is_survived() -> None:
    """To lose either place and still carry 20 takes two units in each of two places."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    want = like(SERVICE, loads=((0, 20.0),), survive_level=Level.PLACE)
    assert used(solved(problem(rows, [want]))) == {(0, 0): 2, (0, 1): 2}
    half = solved(problem(rows, [like(want, survive_share=0.5)]))
    assert used(half) == {(0, 0): 1, (0, 1): 1}


def test_unknown_zone_is_lost_with_every_zone_of_its_place() -> None:
    """A named and an unnamed zone of one place do not back each other up."""
    rows = [Row(cost=1, zone=0), Row(cost=1, zone=-1, kind=1), Row(cost=9, zone=1)]
    want = like(SERVICE, loads=((0, 10.0),), survive_level=Level.ZONE)
    chosen = {supply for _, supply in used(solved(problem(rows, [want])))}
    assert chosen == {0, 2}


def test_limits_count_units_by_weight() -> None:
    """A limit of 4 with weight 2 leaves two units of the cheap supply."""
    rows = [Row(cost=1), Row(cost=2)]
    rules = Rules(limits=[({0: 2.0}, 4.0)])
    assert used(solved(problem(rows, [SERVICE], rules))) == {(0, 0): 2, (0, 1): 1}


def test_a_missed_commitment_is_paid_all_the_same() -> None:
    """Spending 300 at the dearer owner costs no more than the 200 of the other plus 200 missed."""
    rows = [Row(cost=2, place=0), Row(cost=3, place=1)]
    rules = Rules(accounts=account([0.0, 1.0], measure=Measure.COST, low=250.0))
    solution = solved(problem(rows, [GANG], rules))
    assert used(solution) == {(0, 1): 1}
    assert solution.cost == pytest.approx(300)


def test_a_hard_account_caps_a_share() -> None:
    """At most half of the hours in place 0: one gang of two moves to the dearer place."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    rules = Rules(accounts=account([0.5, -0.5], measure=Measure.SIZE, high=0.0))
    solution = solved(problem(rows, [GANG, GANG], rules))
    assert sorted(supply for _, supply in used(solution)) == [0, 1]


def test_apart_keeps_groups_out_of_each_others_places() -> None:
    """Two gangs that must stand apart take two owners, a third is free."""
    rows = [Row(cost=1, place=0), Row(cost=2, place=1)]
    rules = Rules(apart=(Apart(level=Level.OWNER, groups=((0,), (1,))),))
    solution = solved(problem(rows, [GANG, GANG, GANG], rules))
    assert sorted(key[1] for key in used(solution)) == [0, 0, 1]
    assert solution.cost == pytest.approx(400)


def test_together_keeps_all_units_in_one_scope() -> None:
    """Batch and gang together go where both fit, though each alone would go elsewhere."""
    rows = [Row(cost=1, place=0, capacity=1), Row(cost=2, place=1)]
    rules = Rules(together=(Together(level=Level.PLACE, demands=(0, 1)),))
    solution = solved(problem(rows, [GANG, BATCH], rules))
    assert {key[1] for key in used(solution)} == {1}


def test_higher_priority_is_served_whatever_it_costs() -> None:
    """One unit for two gangs goes to the higher priority, though the other weighs more."""
    wants = [like(GANG, priority=1, weight=1), like(GANG, priority=0, weight=100)]
    solution = solved(problem([Row(cost=7, capacity=1)], wants))
    assert used(solution) == {(0, 0): 1}
    assert [(level.priority, level.unmet) for level in solution.levels] == [
        (1, 0.0),
        (0, pytest.approx(100.0)),
    ]


def test_held_units_are_paid_for_the_whole_period() -> None:
    """A unit that costs 120 to hold beats 2 an hour for 100 hours, not 1 an hour."""
    for price, supply in ((2.0, 0), (1.0, 1)):
        rows = [Row(cost=0, unit_cost=120), Row(cost=price)]
        assert set(used(solved(problem(rows, [GANG])))) == {(0, supply)}


def test_data_pays_for_every_place_it_goes_to() -> None:
    """Moving 500 units of data makes the cheaper place the dearer one."""
    rows = [Row(cost=3, place=0), Row(cost=1, place=1)]
    assert set(used(solved(problem(rows, [like(GANG, data=100)])))) == {(0, 1)}
    assert set(used(solved(problem(rows, [like(GANG, data=500)])))) == {(0, 0)}


def test_demand_without_any_pair_is_unmet_and_its_bound_says_so() -> None:
    """A gang longer than the period fits nowhere."""
    solution = solved(problem([Row(cost=1)], [like(GANG, hours=101.0, weight=5.0)]))
    assert solution.unmet.tolist() == [1.0]
    assert solution.levels[0].unmet == solution.levels[0].bound == 5.0
    assert solution.cost == 0


def test_the_same_problem_gives_the_same_arrays() -> None:
    """Two solves agree to the last bit."""
    rows = [Row(cost=1, capacity=2, place=place) for place in range(4)]
    wants = [like(SERVICE, loads=((0, 33.0),)), BATCH, like(GANG, amount=2)]
    first, second = solved(problem(rows, wants)), solved(problem(rows, wants))
    assert np.array_equal(first.allocation.unit_hours, second.allocation.unit_hours)
    assert np.array_equal(first.routes.amount, second.routes.amount)
    assert first.allocation.demand.tolist() == second.allocation.demand.tolist()


def test_families_share_one_supply() -> None:
    """A service, a gang and a batch fill a pool of six exactly."""
    wants = [SERVICE, like(GANG, amount=1), like(BATCH, amount=200.0)]
    solution = solved(problem([Row(cost=1, capacity=6)], wants))
    assert sum(used(solution).values()) == 6
    assert not solution.unmet.any()
    assert {int(one) for one in solution.allocation.demand} == {0, 1, 2}


@pytest.mark.parametrize("most", [0, 8])
def test_cuts_and_flows_say_the_same_of_survival(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two classes of points that see different places: both ways of writing it agree."""
    monkeypatch.setattr("solver.service_rows.MOST_CLASSES", most)
    rows = [Row(cost=1, place=0), Row(cost=2, place=1), Row(cost=4, place=2)]
    distance = [[5.0, 5.0, 90.0, 0], [90.0, 5.0, 5.0, 0]]
    want = like(
        SERVICE,
        loads=((0, 20.0), (1, 20.0)),
        near=50,
        survive_level=Level.PLACE,
        survive_share=0.75,
    )
    solution = solved(problem(rows, [want], Rules(distance=distance)))
    # Whatever place is lost, 30 must be routable: both points reach place 1 only together.
    assert used(solution) == {(0, 0): 2, (0, 1): 2, (0, 2): 1}
    assert solution.cost == pytest.approx(100 * (2 + 4 + 4))


@pytest.mark.parametrize("work", [9e-8, 1e-3, 100.0])
def test_however_little_work_takes_a_unit(work: float) -> None:
    """It is served, and pays 50 for the unit."""
    one = problem([Row(cost=1, unit_cost=50, capacity=3)], [like(BATCH, amount=work)])
    found = solved(one)
    assert found.unmet.tolist() == [0.0]
    assert found.cost == pytest.approx(50 + work)
