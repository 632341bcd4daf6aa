"""What must hold of every earlier plan that a search begins with, on small random cases."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

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
from solver.child import EngineProcess
from solver.decomposition import solve_decomposed
from solver.problem import Problem
from solver.solution import SearchLimits, Solution
from tests.random_cases import Data, Row, market_of, market_rows, spec_data, spec_of
from tests.test_properties import EXACT, bounded, is_worse

_FACTORS = ("0.5", "0.9", "1", "1.1", "2")
_AVAILABLE = ("", "0", "1", "4")


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
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
    both: tuple[list[Row], list[Row]], data: Data, engine: EngineProcess
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
    both: tuple[list[Row], list[Row]], data: Data, engine: EngineProcess
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


@bounded(15)
@given(both=nights(), data=spec_data())
def test_the_optimum_is_the_same_and_so_are_the_bytes(
    both: tuple[list[Row], list[Row]], data: Data, engine: EngineProcess
) -> None:
    """A small spec costs what it costs anew, and two runs from one start are one plan."""
    earlier = make_plan(spec_of(data), market_of(both[0]), limits=EXACT, engine=engine).plan
    spec, market = spec_of(data), market_of(both[1])
    anew = make_plan(spec, market, limits=EXACT, engine=engine).plan
    warm = make_plan(spec, market, limits=EXACT, engine=engine, warm_start=earlier).plan
    again = make_plan(spec, market, limits=EXACT, engine=engine, warm_start=earlier).plan
    assert warm == again
    assert (warm.cost, warm.unmet) == (anew.cost, anew.unmet)
