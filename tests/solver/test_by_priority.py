"""Where there is not enough for all: what must be left of each priority, and plans for that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.by_priority import serve_by_priority
from solver.certificate import Certifier
from solver.columns import Columns
from solver.costless import without_costs
from solver.decomposition import solve_decomposed
from solver.first_plan import first_plan
from solver.level_bounds import LevelBounds
from solver.optimize import solve
from solver.problem import Measure, Problem, ShareCap
from solver.relaxation import service_of
from solver.rounds import adopt, first_prices
from solver.search import Planned
from solver.solution import SearchLimits
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from solver.work import Work
from tests.solver.random_fleets import fleet_of
from tests.solver.random_problems import (
    TOLERANCE,
    Case,
    bounded,
    cases,
    exactly,
    ruled_cases,
    some_prices,
    unchecked,
)
from tests.solver.random_services import services
from tests.solver.test_certificate import served
from tests.solver.test_less_served import with_few_units
from tests.solver.tiny import GANG, SERVICE, Row, like, problem

SEEDS = st.integers(0, 2**32 - 1)


def weights_left(one: Problem, unmet: np.ndarray) -> list[float]:
    """Return the unmet weight of each priority, from the highest."""
    demands = one.demands
    lost = demands.weight * unmet
    return [
        float(lost[demands.priority == row].sum()) for row in np.unique(demands.priority)[::-1]
    ]


def assert_levels_bounded(one: Problem, seed: int, engine: Engine) -> None:
    """No bound of a priority, at any prices, is more than the optimum leaves of it."""
    found, (flat, _) = exactly(one, engine), flat_below(one)
    columns, free = Columns.of(one, flat), without_costs(flat)
    bounds = LevelBounds(free, columns.forced(), engine)
    for row, left in enumerate(weights_left(one, found.unmet)):
        relaxed = bounds.relaxed(columns.pairs, row, found.unmet)
        if relaxed is None:
            continue
        drawn = replace(some_prices(free, seed), unmet=relaxed.prices.unmet)
        for prices in (relaxed.prices, drawn):
            asked = replace(relaxed, prices=prices)
            least = bounds.bound(asked, row, found.unmet, unchecked).value
            assert least <= left + TOLERANCE * max(1.0, left / 1000)


@bounded(25)
@given(cases(), SEEDS)
def test_no_plan_leaves_less_than_is_proven(engine: Engine, case: Case, seed: int) -> None:
    """On random markets and specs of every kind, with the units of each offer few."""
    assert_levels_bounded(with_few_units(case.problem, seed), seed, engine)


@bounded(25)
@given(ruled_cases(), SEEDS)
def test_no_plan_leaves_less_under_any_two_rules(engine: Engine, case: Case, seed: int) -> None:
    """Under every rule there is, two at a time."""
    assert_levels_bounded(with_few_units(case.problem, seed), seed, engine)


@bounded(10)
@given(services(scarce=True, count=3), SEEDS)
def test_no_services_leave_less(engine: Engine, one: Problem, seed: int) -> None:
    """Three of them on a few units."""
    assert_levels_bounded(one, seed, engine)


@bounded(25)
@given(cases(), SEEDS)
def test_a_bound_for_one_service_says_something_of_another(
    engine: Engine, case: Case, seed: int
) -> None:
    """At prices of what stays unmet, less what more of it costs at these."""
    one = with_few_units(case.problem, seed)
    found, (flat, credit) = exactly(one, engine), flat_below(one)
    best = found.cost + unbilled_cost(one, found.allocation)
    forced = Columns.of(one, flat).forced()
    drawn = np.random.default_rng(seed).random(one.demands.count)
    service = service_of(flat, np.maximum(np.where(found.unmet > 0, drawn, 0.0), forced), forced)
    prices = served(one, some_prices(one, seed), service, seed)
    certifier = Certifier(flat, service, engine)
    bound = certifier.certify(prices, unchecked).bound - credit
    less = bound - certifier.loosened(prices, found.unmet)
    assert less <= best + TOLERANCE * max(1.0, best / 1000)


def work_of(one: Problem, engine: Engine) -> Work:
    """Return what a search knows after its first plan and prices."""
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    adopt(work, first_plan(one))
    first_prices(work)
    return work


def plan_of(work: Work) -> Planned:
    """Return the plan so far."""
    assert work.search is not None
    return work.search.decoded()


def test_two_that_fit_are_better_than_a_heavier_one(engine: Engine) -> None:
    """Gangs of 6, 5 and 5 on ten units: 6 stay unmet, not the 10 of first come, first served."""
    sizes = (6.0, 5.0, 5.0)
    wants = [like(GANG, amount=size, weight=size) for size in sizes]
    one = problem([Row(cost=1, capacity=10)], wants)
    work = work_of(one, engine)
    assert weights_left(one, plan_of(work)[2]) == [10.0]
    serve_by_priority(work)
    assert weights_left(one, plan_of(work)[2]) == pytest.approx([6.0])
    assert work.least_unmet[0].value == pytest.approx(6.0, abs=1e-3)


def test_a_higher_priority_makes_the_dearer_choice(engine: Engine) -> None:
    """One gang of two machines, which only leaving two others makes room for, comes first."""
    rows = [Row(cost=1, capacity=2), Row(cost=1, capacity=1, place=1)]
    low = like(GANG, amount=1.0, weight=1.0)
    high = like(GANG, amount=2.0, weight=2.0, priority=1)
    one = problem(rows, [low, low, low, high])
    work = work_of(one, engine)
    held = first_plan(one, urgent=[0, 1, 2])
    work.set_aside()
    adopt(work, held)
    assert weights_left(one, plan_of(work)[2]) == [2.0, 0.0]
    serve_by_priority(work)
    assert weights_left(one, plan_of(work)[2]) == pytest.approx([0.0, 2.0])


def test_what_the_search_proves_of_priorities_is_said(engine: Engine) -> None:
    """Thirteen gangs of 4 on pools of 6 and 10: three fit, and no plan serves more than four."""
    wants = [like(GANG, amount=4.0, weight=4.0) for _ in range(13)]
    one = problem([Row(cost=1, capacity=6), Row(cost=2, capacity=10, place=1)], wants)
    found = solve_decomposed(one, SearchLimits(gap=0.0), engine=engine)
    (level,) = found.levels
    assert level.unmet == pytest.approx(40.0)
    assert 36.0 - 1e-3 <= level.bound <= 40.0
    assert found.cost == pytest.approx(4 * 100 * (1 + 2 + 2))


def test_caps_that_count_money_prove_nothing_of_what_is_left(engine: Engine) -> None:
    """Half of what is spent and owned, on one owned machine and one for a price: one gang each."""
    rows = [Row(cost=0, capacity=1), Row(cost=1, capacity=1, place=1)]
    plain = problem(rows, [GANG, GANG, GANG])
    cap = ShareCap(measure=Measure.VALUE, most=0.5, scope=np.array([0, 1], np.int32))
    stock = replace(plain.supply, hour_value=np.array([1.0, 0.0]))
    one = replace(plain, supply=stock, shares=(cap,))
    assert weights_left(one, exactly(one, engine).unmet) == pytest.approx([1.0])
    assert_levels_bounded(one, 0, engine)


def test_what_is_proven_holds_for_plans_that_leave_no_more_above(engine: Engine) -> None:
    """Two of priority 1 and one of 0 on two machines: once one of 1 is left, 0 may be served."""
    wants = [like(GANG, priority=1), like(GANG, priority=1), GANG]
    one = problem([Row(cost=1, capacity=2)], wants)
    columns = Columns.of(one, one)
    bounds = LevelBounds(without_costs(one), columns.forced(), engine)
    both = np.array([0.0, 0.0, 1.0])
    relaxed = bounds.relaxed(columns.pairs, 1, both)
    assert relaxed is not None
    bound = bounds.bound(relaxed, 1, both, unchecked)
    assert bound.at(one, both) == pytest.approx(1.0, abs=1e-4)
    assert bound.at(one, np.array([1.0, 0.0, 0.0])) == 0.0
    half = np.array([0.5, 0.0, 0.5])
    relaxed = bounds.relaxed(columns.pairs, 1, half)
    assert relaxed is not None
    bound = bounds.bound(relaxed, 1, half, unchecked)
    assert bound.at(one, half) == pytest.approx(0.5, abs=1e-4)
    assert bound.at(one, np.array([1.0, 0.0, 0.0])) == pytest.approx(0.0, abs=1e-4)
    assert bound.at(one, np.array([0.2, 0.0, 0.8])) == pytest.approx(0.8, abs=1e-4)


def test_pairs_join_the_relaxation_until_it_settles(engine: Engine) -> None:
    """A gang knows the cheap pools that others take, and is left; with another pool it is not."""
    rows = [Row(cost=row + 1.0, capacity=1, place=row % 4) for row in range(30)]
    one = problem(rows, [GANG] * 30)
    work = work_of(one, engine)
    few = work.columns.pairs.supply < 20
    work.columns.pairs = work.columns.pairs.keep(few)
    work.set_aside()
    adopt(work, first_plan(problem(rows[:20], [GANG] * 30)))
    assert work.search is not None
    serve_by_priority(work)
    assert weights_left(one, plan_of(work)[2]) == pytest.approx([0.0])


def test_what_stays_open_is_looked_at_by_one_exact_model(engine: Engine) -> None:
    """Gangs of 4 on pools of 6 and 10: parts of them would serve 14 units, whole ones 12."""
    wants = [like(GANG, amount=4.0, weight=4.0 + row) for row in range(13)]
    wants.append(like(SERVICE, priority=1))
    one = problem([Row(cost=1, capacity=6), Row(cost=2, capacity=10, place=1)], wants)
    apart = solve_decomposed(one, SearchLimits(gap=0.0), engine=engine)
    assert apart.levels[1].is_open
    whole = solve(one, SearchLimits(gap=0.0), engine=engine)
    assert whole.levels[1].unmet == pytest.approx(apart.levels[1].unmet)
    assert not whole.levels[1].is_open


@bounded(6)
@given(SEEDS)
def test_shared_out_plans_keep_all_rules_and_serve_no_less(engine: Engine, seed: int) -> None:
    """Fleets over owned and scarce machines, some apart or alone, of four priorities."""
    case = fleet_of(seed)
    demands = case.problem.demands
    priority = np.random.default_rng(seed).integers(0, 4, demands.count).astype(np.int32)
    one = replace(case.problem, demands=replace(demands, priority=priority))
    work = work_of(one, engine)
    before = weights_left(one, plan_of(work)[2])
    serve_by_priority(work)
    after = weights_left(one, plan_of(work)[2])
    assert [round(left, 3) for left in after] <= [round(left, 3) for left in before]
    for row, priority_of in enumerate(np.unique(priority)[::-1].tolist()):
        if priority_of in work.least_unmet:
            least = work.least_unmet[priority_of].at(one, plan_of(work)[2])
            assert least <= after[row] + TOLERANCE
