"""Neighbourhoods are cut from a model, and steps in them keep its rows and its order of aims."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import owners
from solver.effort import Effort
from solver.model import Model
from solver.neighbourhood import LINK, Incumbent, Sparse
from solver.problem import Apart, Floats, Level, Problem, Reads
from solver.search import Search, held_alone
from tests.solver.random_problems import Case, bounded, cases, exactly, ruled_cases
from tests.solver.tiny import GANG, SERVICE, Row, Rules, like, problem


def activity(model: Model, x: Floats) -> Floats:
    return np.bincount(
        model.row, weights=model.value * x[model.column], minlength=len(model.row_low)
    )


def searched(one: Problem, engine: Engine) -> Search:
    compact = build_compact(one)
    return Search(compact, compact.builder.build(), engine)


def test_entries_come_line_by_line() -> None:
    """Lines may be asked for in any order, and some are empty."""
    line, index = np.array([2, 0, 2]), np.array([5, 6, 7])
    sparse = Sparse.of(line, index, np.array([1.0, 2.0, 3.0]), 3)
    position, found, value = sparse.entries(np.array([2, 1, 0]))
    assert position.tolist() == [0, 0, 2]
    assert found.tolist() == [5, 7, 6]
    assert value.tolist() == [1.0, 3.0, 2.0]


def test_a_cut_holds_what_others_take(engine: Engine) -> None:
    """The second gang sees one of two units, because the first holds the other."""
    one = problem([Row(cost=1, capacity=2)], [GANG, like(GANG, amount=2)])
    search = searched(one, engine)
    assert search.step(np.array([0]))
    cut = search.incumbent.cut(np.array([1]))
    answer = engine.solve_integer(cut.model, Effort(gap=0.0))
    assert answer.x[cut.where(search.compact.unmet)].tolist() == [1.0]
    assert cut.where(search.compact.unmet[:1]).tolist() == []


@bounded(30)
@given(st.one_of(cases(), ruled_cases()), st.integers(0, 2**32 - 1))
def test_steps_keep_every_row_and_everything_else(engine: Engine, case: Case, seed: int) -> None:
    """After steps for random demands rows add up to A x and hold, and others stand as before."""
    random = np.random.default_rng(seed)
    search = searched(case.problem, engine)
    incumbent, owner = search.incumbent, owners(search.compact)
    for _ in range(4):
        count = int(random.integers(1, case.problem.demands.count + 1))
        chosen = np.sort(random.choice(case.problem.demands.count, count, replace=False))
        before = incumbent.x.copy()
        search.step(chosen)
        others = (owner >= 0) & ~np.isin(owner, chosen)
        assert np.array_equal(before[others], incumbent.x[others])
        total, model = activity(incumbent.model, incumbent.x), incumbent.model
        assert incumbent._activity == pytest.approx(total, rel=1e-9, abs=1e-6)
        slack = 1e-5 * np.maximum(1.0, np.abs(total))
        assert (total <= model.row_high + slack).all()
        assert (total >= model.row_low - slack).all()
        assert incumbent.cost == pytest.approx(float(model.cost @ incumbent.x))


def test_demands_after_the_last_column_have_none() -> None:
    """In a master, a block's columns are its first demand's, and the last demand may be in one."""
    empty = np.empty(0, np.int64)
    model = Model(
        cost=np.ones(2),
        low=np.zeros(2),
        high=np.ones(2),
        integral=np.zeros(2, np.bool_),
        row=empty,
        column=empty,
        value=np.empty(0),
        row_low=np.empty(0),
        row_high=np.empty(0),
    )
    incumbent = Incumbent(model, np.array([1, 0]), np.zeros(2))
    assert incumbent.columns_of(np.array([0, 1, 2, 3])).tolist() == [1, 0]


def test_scopes_of_others_are_not_decided_again(engine: Engine) -> None:
    """Of three gangs that are kept apart, a cut for one has the switches of its own group."""
    rows = [Row(cost=1, capacity=9, place=place) for place in (0, 1, 2)]
    rules = Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,), (2,))),))
    search = searched(problem(rows, [GANG] * 3, rules), engine)
    for one in range(3):
        assert search.step(np.array([one]))
    switches, x = search.compact.switches, search.incumbent.x
    assert len(switches) == 9
    assert x[switches].sum() == 3
    assert len(search.incumbent.cut(np.array([1])).where(switches)) == 3


def with_reads(one: Problem, reader: list[int], source: list[int]) -> Problem:
    """Readers at another place than their source pay 5; a budget, which never binds, joins all."""
    reads = Reads(
        reader=np.array(reader, np.int32),
        source=np.array(source, np.int32),
        amount=np.ones(len(reader)),
        class_of_place=np.arange(len(one.owner_of_place), dtype=np.int32),
        cost=5.0 * (1.0 - np.eye(len(one.owner_of_place))),
    )
    return replace(one, reads=reads, most_cost=1e6)


def test_what_others_read_is_not_decided_again(engine: Engine) -> None:
    """Of two pairs that read, a cut for either end of the one has its reads and no others."""
    rows = [Row(cost=1, capacity=2), Row(cost=2, capacity=2, place=1)]
    search = searched(with_reads(problem(rows, [GANG] * 4), [1, 3], [0, 2]), engine)
    reads = [np.concatenate([one.stay, one.move]) for one in search.compact.reads]
    for demand, own in ((0, 0), (1, 0), (2, 1), (3, 1)):
        cut = search.incumbent.cut(np.array([demand]))
        assert len(cut.where(np.sort(reads[own]))) == len(reads[own])
        assert not len(cut.where(np.sort(reads[1 - own])))


def test_a_reader_that_moves_pays_for_what_it_reads(engine: Engine) -> None:
    """Its source stands at the one place with room for one; it comes to the other, or both do."""
    rows = [Row(cost=1, capacity=1), Row(cost=2, capacity=2, place=1)]
    search = searched(with_reads(problem(rows, [GANG] * 2), [1], [0]), engine)
    assert search.step(np.array([0]))
    assert search.step(np.array([1]))
    assert search.incumbent.cost == 100.0 + 200.0 + 5.0
    total = activity(search.incumbent.model, search.incumbent.x)
    assert (total <= search.incumbent.model.row_high + 1e-6).all()
    assert (total >= search.incumbent.model.row_low - 1e-6).all()


def test_what_follows_joins_nothing_else_to_a_cut() -> None:
    """A link that follows shares a row with the demand, and another link a row with that one."""
    one = Model(
        cost=np.ones(3),
        low=np.zeros(3),
        high=np.ones(3),
        integral=np.zeros(3, np.bool_),
        row=np.array([0, 0, 1, 1]),
        column=np.array([0, 1, 1, 2]),
        value=np.ones(4),
        row_low=np.zeros(2),
        row_high=np.full(2, 2.0),
    )
    owner = np.array([0, LINK, LINK])
    for follows, free in (([1], [0, 1]), ([], [0, 1, 2])):
        incumbent = Incumbent(one, owner, np.zeros(3), np.array(follows, np.int64))
        assert incumbent.cut(np.array([0])).free.tolist() == free


def test_a_scope_where_nobody_stands_is_free(engine: Engine) -> None:
    """A point may say that a group has a scope it has nothing in; a plan does not."""
    rows = [Row(cost=1, capacity=9, place=place) for place in (0, 1)]
    rules = Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),))
    one = problem(rows, [GANG] * 2, rules)
    compact = build_compact(one)
    x = np.zeros(compact.builder.columns)
    x[compact.unmet] = x[compact.switches[:1]] = 1.0
    search = Search(compact, compact.builder.build(), engine, x)
    assert not search.incumbent.x[compact.switches].any()


@bounded(30)
@given(ruled_cases(), st.integers(0, 2**32 - 1))
def test_what_follows_takes_nothing_from_a_cut(engine: Engine, case: Case, seed: int) -> None:
    """A cut has the same optimum where the switches of all groups are decided again."""
    random = np.random.default_rng(seed)
    search = searched(case.problem, engine)
    model, compact = search.incumbent.model, search.compact
    for one in random.permutation(case.problem.demands.count):
        search.step(np.array([one]))
    chosen = np.flatnonzero(random.random(case.problem.demands.count) < 0.6)
    least = model.cost[compact.unmet] + 1e4  # else nobody is served
    model.cost[compact.unmet] = least
    whole = Incumbent(model, owners(compact), search.incumbent.x)
    found = [
        engine.solve_integer(some.cut(chosen).model, Effort(gap=0.0)).objective
        for some in (search.incumbent, whole)
    ]
    assert found[0] == pytest.approx(found[1], rel=1e-6, abs=1e-6)


@bounded(15)
@given(ruled_cases(), st.integers(0, 2**32 - 1))
def test_a_cut_has_the_optimum_of_the_model_with_all_others_held(
    engine: Engine, case: Case, seed: int
) -> None:
    """What rows say of a single column are bounds, and nothing is lost or forbidden by that."""
    random = np.random.default_rng(seed)
    search = searched(case.problem, engine)
    for one in range(case.problem.demands.count):
        search.step(np.array([one]))
    incumbent, model = search.incumbent, search.incumbent.model
    cut = incumbent.cut(np.flatnonzero(random.random(case.problem.demands.count) < 0.5))
    free = np.zeros(len(model.cost), np.bool_)
    free[cut.free] = True
    held = replace(
        model,
        low=np.where(free, model.low, incumbent.x),
        high=np.where(free, model.high, incumbent.x),
        # The engine may miss a row by a millionth; a cut allows what stands.
        row_low=np.minimum(model.row_low, incumbent.activity),
        row_high=np.maximum(model.row_high, incumbent.activity),
    )
    entries = np.bincount(cut.model.row, minlength=len(cut.model.row_low))
    assert (entries != 1).all()
    best = engine.solve_integer(held, Effort(gap=0.0))
    least = engine.solve_integer(cut.model, Effort(gap=0.0))
    rest = float(model.cost[~free] @ incumbent.x[~free])
    assert least.objective + rest == pytest.approx(best.objective, rel=1e-5, abs=1e-4)


@bounded(15)
@given(ruled_cases())
def test_links_that_break_rows_are_settled_by_the_engine(engine: Engine, case: Case) -> None:
    """Set to nothing, what links demands breaks the rows of those who stand; it comes back."""
    search = searched(case.problem, engine)
    for one in range(case.problem.demands.count):
        search.step(np.array([one]))
    incumbent = search.incumbent
    links = incumbent.cut_links()
    incumbent.take(links, np.zeros(len(links.free)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("solver.search.settled", lambda *_: None)
        assert search.settle_links()
    assert incumbent.keeps(np.ones(len(incumbent.activity), np.bool_))


@bounded(30)
@given(st.one_of(cases(), ruled_cases()), st.integers(0, 2**32 - 1))
def test_no_step_gives_up_a_higher_aim(engine: Engine, case: Case, seed: int) -> None:
    """Unmet of higher priority, then lower, then overrides, then cost: each step is no worse."""
    random, one = np.random.default_rng(seed), case.problem
    search = searched(one, engine)
    rank = aims(one, search)
    for _ in range(4):
        count = int(random.integers(1, one.demands.count + 1))
        search.step(np.sort(random.choice(one.demands.count, count, replace=False)))
        after = aims(one, search)
        for value, former in zip(after, rank, strict=True):
            slack = 1e-5 * max(1.0, abs(former))
            assert value <= former + slack
            if value < former - slack:
                break
        rank = after


def aims(one: Problem, search: Search) -> list[float]:
    """Return what counts, from the most important."""
    lost = one.demands.weight * search.unmet
    levels = np.unique(one.demands.priority)[::-1]
    unmet = [float(lost[one.demands.priority == level].sum()) for level in levels]
    return [*unmet, search.overridden, search.incumbent.cost]


def test_serving_the_higher_priority_is_worth_any_cost(engine: Engine) -> None:
    """One step for both gangs moves the unit from the cheap low priority to the dear high one."""
    wants = [like(GANG, hours=1.0, weight=99.0), like(GANG, priority=1)]
    search = searched(problem([Row(cost=7, capacity=1)], wants), engine)
    assert search.step(np.array([0]))
    assert search.unmet.tolist() == [0.0, 1.0]
    assert not search.step(np.array([1]))
    assert search.step(np.array([0, 1]))
    assert search.unmet.tolist() == [1.0, 0.0]


def test_a_whole_plan_is_held(engine: Engine) -> None:
    """The optimum is taken as it is, into any model that has its pairs."""
    wants = [GANG, like(GANG, amount=2)]
    one = problem([Row(cost=1, capacity=3), Row(cost=2)], wants)
    best = exactly(one, engine)
    plan = (best.allocation, best.routes, best.unmet)
    compact = build_compact(one)
    for search in (
        Search.holding(plan, compact, compact.builder.build(), engine),
        held_alone(one, plan, engine),
    ):
        assert search is not None
        assert search.incumbent.cost == pytest.approx(best.cost)


def test_a_model_to_judge_plans_by_takes_no_steps(engine: Engine) -> None:
    """It has units of services, and neither routes nor their rows, so a step is refused."""
    one = problem([Row(cost=1, place=0), Row(cost=2, place=1)], [like(SERVICE, least_places=2)])
    best = exactly(one, engine)
    whole = build_compact(one).builder.build()
    judge = build_compact(one, is_whole=False).builder.build()
    assert len(judge.cost) < len(whole.cost)
    assert len(judge.row_low) < len(whole.row_low)
    search = held_alone(one, (best.allocation, best.routes, best.unmet), engine)
    assert search is not None
    assert search.incumbent.cost == pytest.approx(best.cost)
    assert search.decoded()[0].units.tolist() == best.allocation.units.tolist()
    assert search.decoded()[1].amount.tolist() == best.routes.amount.tolist()
    with pytest.raises(ValueError, match="rows of services"):
        search.step(np.array([0]))


def test_a_plan_that_breaks_a_rule_over_demands_is_not_held(engine: Engine) -> None:
    """Two plans of one demand each that together need more than there is are no plan."""
    wants = [GANG, GANG]
    best = exactly(problem([Row(cost=1, capacity=2)], wants), engine)
    plan = (best.allocation, best.routes, best.unmet)
    assert held_alone(problem([Row(cost=1, capacity=1)], wants), plan, engine) is None


def two_want_the_cheap_unit(engine: Engine, *, units: float) -> Search:
    """Two gangs that stand on dear units, and some cheap ones."""
    one = problem([Row(cost=1, capacity=units), Row(cost=9)], [GANG, GANG])
    compact = build_compact(one)
    search = Search(compact, compact.builder.build(), engine)
    dear = compact.main[compact.pairs.supply == 1]
    search.incumbent.take(search.incumbent.only(np.sort(dear)), np.ones(2))
    search.incumbent.take(search.incumbent.only(np.sort(compact.unmet)), np.zeros(2))
    return search


@pytest.mark.parametrize(("units", "taken"), [(1.0, [True, False]), (2.0, [True, True])])
def test_of_two_steps_at_a_time_the_second_takes_what_is_left(
    engine: Engine, units: float, taken: list[bool]
) -> None:
    """Both would move to the cheap supply; where it has one unit, one of them stays."""
    search = two_want_the_cheap_unit(engine, units=units)
    tries = [search.trying(np.array([one])) for one in (0, 1)]
    steps = list(search.steps(tries, ahead=2))
    assert all(step.found is not None for step in steps)
    assert [search.take(step) for step in steps] == taken
    assert search.incumbent.cost == 200.0 * sum(taken) / 2 + 900.0 * (2 - sum(taken))
    every = np.ones(len(search.incumbent.activity), np.bool_)
    assert search.incumbent.keeps(every)
    model, x = search.incumbent.model, search.incumbent.x
    total = np.bincount(model.row, model.value * x[model.column], len(model.row_low))
    assert search.incumbent.activity == pytest.approx(total)


def test_what_others_have_decided_meanwhile_is_not_decided_again(engine: Engine) -> None:
    """A step that was begun twice is taken once."""
    search = two_want_the_cheap_unit(engine, units=2.0)
    first, second = (search.trying(np.array([0])) for _ in range(2))
    steps = list(search.steps([first, second], ahead=2))
    assert search.take(steps[0])
    before = search.incumbent.x.copy()
    assert not search.take(steps[1])
    assert (search.incumbent.x == before).all()


def test_a_step_that_is_refused_changes_nothing_for_others(engine: Engine) -> None:
    """Of two refused in turn, the one that is begun again is taken: nobody was, in between."""
    search = two_want_the_cheap_unit(engine, units=1.0)
    tries = [search.trying(np.array([one])) for one in (0, 1, 1)]
    first, second, third = search.steps(tries, ahead=3)
    assert search.take(first)
    again = search.incumbent.cut(np.array([1]))
    assert not search.take(second)
    assert not search.take(third)
    search.incumbent.model.row_high[:] -= 10.0  # nothing keeps all rows any more
    assert search.incumbent.take_beside(again, again.known)
