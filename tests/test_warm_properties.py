"""What must hold of every earlier plan that a search begins with, on small random cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broker.assemble import assemble
from broker.audit import audit
from broker.candidates import Candidates, find_candidates
from broker.formulate import formulate
from broker.market import Market
from broker.planning import make_plan
from broker.plans import Plan
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.warm_start import begun_from
from solver.asking import Engine
from solver.decomposition import solve_decomposed
from solver.exact import solve_exact
from solver.first_plan import first_plan
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.solution import SearchLimits, Solution
from tests.random_cases import Data, Row, market_of, market_rows, spec_data, spec_of
from tests.solver.random_problems import TOLERANCE, Case, exactly, ruled_cases
from tests.test_properties import EXACT, bounded, is_worse

_FACTORS = ("0.5", "0.9", "1", "1.1", "2")
_AVAILABLE = ("", "0", "1", "4")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    """Draw a market of yesterday and one of today: other prices, other capacity, a row less."""
    before = draw(market_rows())
    after: list[Row] = []
    for row in before[draw(st.integers(0, 1)) :]:
        price = str(Decimal(row[2]) * Decimal(draw(st.sampled_from(_FACTORS))))
        available = draw(st.sampled_from((row[4], row[4], *_AVAILABLE)))
        after.append((*row[:2], price, row[3], available, row[5]))
    return before, after


class Today:
    """A spec on a market, ready to be solved and assembled."""

    def __init__(self, data: Data, market: Market) -> None:
        self.market, self.spec = market, spec_of(data)
        self.scene: Scene = build_scene(self.spec, market)
        self.candidates: tuple[Candidates, ...] = find_candidates(self.scene)
        self.problem: Problem = formulate(self.scene, self.candidates)

    def plan(self, found: Solution) -> Plan:
        """The plan of a solution; not audited."""
        return assemble(self.scene, self.market, self.candidates, self.problem, found)


@bounded(40)
@given(both=nights(), data=spec_data())
def test_what_stands_is_a_plan_that_keeps_every_rule(
    both: tuple[list[Row], list[Row]], data: Data, engine: Engine
) -> None:
    """The start alone passes the audit, wherever nobody looks at it again."""
    earlier = make_plan(spec_of(data), market_of(both[0]), limits=EXACT, engine=engine).plan
    today = Today(data, market_of(both[1]))
    start = begun_from(earlier, today.scene, today.problem, engine).start
    assume(start is not None and not today.problem.is_coupled)
    assert start is not None
    assert audit(today.plan(start), today.spec, today.market) == ()


@bounded(20)
@given(both=nights(), data=spec_data())
def test_a_start_never_makes_the_plan_worse(
    both: tuple[list[Row], list[Row]], data: Data, engine: Engine
) -> None:
    """By decomposition, too, it is no worse than the plan made anew, beyond what is unproven."""
    earlier = make_plan(spec_of(data), market_of(both[0]), limits=EXACT, engine=engine).plan
    today = Today(data, market_of(both[1]))
    start = begun_from(earlier, today.scene, today.problem, engine).start
    limits = SearchLimits(gap=0.0, work=5_000)
    anew = today.plan(solve_decomposed(today.problem, limits, engine=engine))
    warm = today.plan(solve_decomposed(today.problem, limits, engine=engine, start=start))
    assert audit(warm, today.spec, today.market) == ()
    assert not is_worse(warm, anew)


#: What nobody would write: not a number, endless, below nothing, more than everything costs.
_NONSENSE = (float("nan"), float("inf"), -float("inf"), -5.0, 1e300, 1e6)


def prices_of(problem: Problem, seed: int) -> Prices:
    """Prices of capacities and limits: some sound, some nonsense."""
    draw = np.random.default_rng(seed)

    def some(size: int) -> np.ndarray:
        sound = draw.choice((0.0, 1.0, 30.0, 1000.0), size)
        return np.where(draw.random(size) < 0.3, draw.choice(_NONSENSE, size), sound)

    nothing = no_prices(problem)
    return replace(nothing, capacity=some(problem.supply.count), limit=some(problem.limits.count))


@bounded(20)
@given(both=nights(), data=spec_data(), seed=st.integers(0, 10_000))
def test_whatever_prices_a_search_begins_with_its_bound_holds(
    both: tuple[list[Row], list[Row]], data: Data, seed: int, engine: Engine
) -> None:
    """Bound <= optimum, the plan is audited, no dearer than its start, and comes out twice."""
    earlier = make_plan(spec_of(data), market_of(both[0]), limits=EXACT, engine=engine).plan
    today = Today(data, market_of(both[1]))
    start = begun_from(earlier, today.scene, today.problem, engine).start
    assume(start is not None)
    assert start is not None
    limits = SearchLimits(gap=0.001, work=5_000)
    prices = prices_of(today.problem, seed)
    found = [
        solve_decomposed(today.problem, limits, engine=engine, start=start, prices=prices)
        for _ in range(2)
    ]
    best = solve_exact(today.problem, SearchLimits(gap=0.0), engine=engine)
    warm, again = (today.plan(one) for one in found)
    assert audit(warm, today.spec, today.market) == ()
    assert warm == again
    if np.allclose(found[0].unmet, best.unmet, atol=1e-6):
        assert found[0].bound <= best.cost * (1 + 1e-6) + 1e-3
    if not today.problem.is_coupled:
        assert not is_worse(warm, today.plan(start))


@bounded(25)
@given(case=ruled_cases(), seed=st.integers(0, 10_000))
def test_under_every_rule_a_bound_at_given_prices_holds(
    case: Case, seed: int, engine: Engine
) -> None:
    """From a plan by arithmetic: bound <= optimum, and the plan is audited."""
    problem = case.problem
    best = exactly(problem, engine)
    limits = SearchLimits(gap=0.001, work=5_000)
    found = solve_decomposed(
        problem,
        limits,
        engine=engine,
        start=first_plan(problem),
        prices=prices_of(problem, seed),
    )
    plan = assemble(case.scene, case.market, case.candidates, problem, found)
    assert audit(plan, case.spec, case.market) == ()
    if np.allclose(found.unmet, best.unmet, atol=1e-6) and found.overridden <= best.overridden:
        assert found.bound <= best.cost * (1 + 1e-6) + TOLERANCE


@bounded(10)
@given(both=nights(), data=spec_data())
def test_the_optimum_is_the_same_and_so_are_the_bytes(
    both: tuple[list[Row], list[Row]], data: Data, engine: Engine
) -> None:
    """A small spec costs what it costs anew, and two runs from one start are one plan."""
    earlier = make_plan(spec_of(data), market_of(both[0]), limits=EXACT, engine=engine).plan
    spec, market = spec_of(data), market_of(both[1])
    anew = make_plan(spec, market, limits=EXACT, engine=engine).plan
    warm = make_plan(spec, market, limits=EXACT, engine=engine, warm_start=earlier).plan
    again = make_plan(spec, market, limits=EXACT, engine=engine, warm_start=earlier).plan
    assert warm == again
    assert (warm.cost, warm.unmet) == (anew.cost, anew.unmet)
