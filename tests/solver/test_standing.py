"""What still stands of an earlier allocation, on problems worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from solver.asking import Engine
from solver.problem import Apart, Family, Level, Problem, Together
from solver.solution import Allocation, Solution
from solver.standing import standing
from tests.solver.tiny import Row, Rules, Want, problem

GANG, SERVICE, BATCH = Family.GANG, Family.SERVICE, Family.BATCH


def held(*rows: tuple[int, int, int, float]) -> Allocation:
    """(demand, supply, units, share) of demands with one mode each."""
    demand, supply, units, share = zip(*rows, strict=True)
    return Allocation(
        demand=np.array(demand, np.int32),
        mode=np.array(demand, np.int32),
        supply=np.array(supply, np.int32),
        units=np.array(units, np.int64),
        unit_hours=np.zeros(len(rows)),
        share=np.array(share, np.float64),
    )


def kept(found: Solution | None) -> Sequence[tuple[int, int, int]]:
    """(demand, supply, units) of what stands."""
    assert found is not None
    rows = found.allocation
    return sorted(
        zip(rows.demand.tolist(), rows.supply.tolist(), rows.units.tolist(), strict=True)
    )


def test_the_higher_priority_keeps_what_both_held(engine: Engine) -> None:
    """Three units are left for gangs of two: the later row of higher priority has them."""
    wants = [Want(family=GANG, amount=2), Want(family=GANG, amount=2, priority=1)]
    asked = problem([Row(cost=1, capacity=3)], wants)
    found = standing(asked, held((0, 0, 2, 1.0), (1, 0, 2, 1.0)), engine)
    assert kept(found) == [(1, 0, 2)]
    assert found is not None
    assert (found.unmet.tolist(), found.cost) == ([1.0, 0.0], 200.0)


def test_owned_units_stay_mixed_in(engine: Engine) -> None:
    """A gang of two stands on one owned unit and one that is paid; in two pools it does not."""
    rows = [Row(cost=1, capacity=5), Row(cost=0, capacity=1, owned=True)]
    gang = [Want(family=GANG, amount=2)]
    both = held((0, 0, 1, 0.5), (0, 1, 1, 0.5))
    found = standing(problem(rows, gang), both, engine)
    assert kept(found) == [(0, 0, 1), (0, 1, 1)]
    assert found is not None
    assert found.cost == 100.0
    apart = [rows[0], Row(cost=0, capacity=1, owned=True, zone=1)]
    assert standing(problem(apart, gang), both, engine) is None


def test_a_gang_of_another_number_does_not_stand(engine: Engine) -> None:
    """It takes three units today."""
    asked = problem([Row(cost=1)], [Want(family=GANG, amount=3)])
    assert standing(asked, held((0, 0, 2, 1.0)), engine) is None


def test_a_limit_over_two_supplies_is_kept(engine: Engine) -> None:
    """Two batches of one unit each under a limit of one unit: the first keeps its own."""
    rows = [Row(cost=1), Row(cost=1, place=1)]
    wants = [Want(family=BATCH, amount=50)] * 2
    asked = problem(rows, wants, Rules(limits=[({0: 1.0, 1: 1.0}, 1.0)]))
    found = standing(asked, held((0, 0, 1, 1.0), (1, 1, 1, 1.0)), engine)
    assert kept(found) == [(0, 0, 1)]


def test_a_batch_does_what_its_units_have_hours_for(engine: Engine) -> None:
    """300 unit-hours on two units of 100 hours are two thirds of the work."""
    asked = problem([Row(cost=1)], [Want(family=BATCH, amount=300)])
    found = standing(asked, held((0, 0, 2, 1.0)), engine)
    assert found is not None
    assert found.unmet.tolist() == pytest.approx([1 / 3])
    assert found.allocation.unit_hours.tolist() == pytest.approx([200.0])


def test_a_batch_puts_no_more_at_risk_than_today_allows(engine: Engine) -> None:
    """Half of it ran at risk; of what is served a quarter may: a sixth beside the sure half."""
    rows = [Row(cost=2), Row(cost=1, risk=1)]
    asked = problem(rows, [Want(family=BATCH, amount=100, risky_share=0.25)])
    found = standing(asked, held((0, 0, 1, 0.5), (0, 1, 1, 0.5)), engine)
    assert found is not None
    assert found.allocation.share.tolist() == pytest.approx([0.5, 1 / 6])
    assert found.unmet.tolist() == pytest.approx([1 / 3])
    assert standing(asked, held((0, 1, 1, 0.25)), engine) is None


def test_a_gang_at_risk_stands_where_today_allows_it(engine: Engine) -> None:
    """A gang on units that may be lost stands when all of it may, not when half of it may."""
    for most, stands in ((1.0, True), (0.5, False)):
        asked = problem([Row(cost=1, risk=1)], [Want(family=GANG, amount=2, risky_share=most)])
        assert (standing(asked, held((0, 0, 2, 1.0)), engine) is not None) == stands


def test_a_service_is_routed_anew(engine: Engine) -> None:
    """Load that may go no farther than 10 is carried by the near place alone, two thirds of it."""
    want = Want(family=SERVICE, amount=1.0, loads=[(0, 3.0)], farthest=10.0)
    rules = Rules(distance=[[5.0, 20.0, 0.0, 0.0]])
    asked = problem([Row(cost=1), Row(cost=1, place=1)], [want], rules)
    found = standing(asked, held((0, 0, 2, 2.0), (0, 1, 4, 4.0)), engine)
    assert found is not None
    assert found.unmet.tolist() == pytest.approx([1 / 3])
    assert (found.routes.place.tolist(), found.routes.amount.tolist()) == ([0], [2.0])


@pytest.mark.parametrize(
    ("rules", "stands"),
    [
        (Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),)), [(0, 0, 1)]),
        (Rules(together=(Together(level=Level.PLACE, demands=(0, 1)),)), [(0, 0, 1), (1, 0, 1)]),
    ],
)
def test_rules_on_scopes_are_todays(
    rules: Rules, stands: Sequence[tuple[int, int, int]], engine: Engine
) -> None:
    """Two gangs of one place: apart, one stands; together, both."""
    asked = problem([Row(cost=1)], [Want(family=GANG)] * 2, rules)
    assert kept(standing(asked, held((0, 0, 1, 1.0), (1, 0, 1, 1.0)), engine)) == stands


def test_nothing_held_is_no_start(engine: Engine) -> None:
    """There is no plan to begin with."""
    asked: Problem = problem([Row(cost=1)], [Want(family=GANG)])
    empty = held((0, 0, 1, 1.0))
    none = Allocation(**{name: getattr(empty, name)[:0] for name in Allocation.__slots__})
    assert standing(asked, none, engine) is None
