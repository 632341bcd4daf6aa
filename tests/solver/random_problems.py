"""Random problems of every kind, from random markets and specs, for the optimizer's own tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from hypothesis import HealthCheck, reject, settings
from hypothesis import strategies as st

from broker.assemble import assemble
from broker.audit import audit
from broker.candidates import Candidates, find_candidates
from broker.errors import SpecError
from broker.formulate import formulate
from broker.market import Market
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.workloads import Spec
from solver.asking import Engine
from solver.exact import solve_exact
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.solution import SearchLimits, Solution
from tests.random_cases import Data, Row, market_of, market_rows, spec_data, spec_of
from tests.rule_table import RULES, case, stated

#: What the engine's tolerances may leave on the table: of a weight, and of a cost.
TOLERANCE = 1e-3


@dataclass(frozen=True, kw_only=True)
class Case:
    """A problem with everything it was made from; shown as its rows."""

    rows: list[Row]
    data: Data = field(repr=False)
    spec: Spec = field(repr=False)
    market: Market = field(repr=False)
    scene: Scene = field(repr=False)
    candidates: tuple[Candidates, ...] = field(repr=False)
    problem: Problem = field(repr=False)

    def violations(self, solution: Solution) -> list[str]:
        """Return what the audit says of the plan made from a solution."""
        plan = assemble(self.scene, self.market, self.candidates, self.problem, solution)
        return [f"{one.rule}: {one.text}" for one in audit(plan, self.spec, self.market)]


def case_of(rows: list[Row], data: Data) -> Case:
    """Return the case of an offer table and a spec."""
    spec, market = spec_of(data), market_of(rows)
    scene = build_scene(spec, market)
    candidates = tuple(find_candidates(scene))
    return Case(
        rows=rows,
        data=data,
        spec=spec,
        market=market,
        scene=scene,
        candidates=candidates,
        problem=formulate(scene, candidates),
    )


@st.composite
def cases(draw: st.DrawFn, *, rules: bool = True) -> Case:
    """Draw a market and a spec."""
    return case_of(draw(market_rows()), draw(spec_data(rules=rules)))


@st.composite
def ruled_cases(draw: st.DrawFn) -> Case:
    """Draw four workloads under one or two rules of the table of all rules that go together."""
    rows, data = case(draw(st.integers(0, 10_000)))
    names = draw(st.lists(st.sampled_from(sorted(RULES)), min_size=1, max_size=2, unique=True))
    try:
        return case_of(rows, stated(data, *(RULES[name].strict for name in names)))
    except SpecError:
        reject()


def some_prices(problem: Problem, seed: int) -> Prices:
    """Return random prices >= 0 of every shared row that has an end, many of them 0."""
    random = np.random.default_rng(seed)
    scale = float(random.choice((0.0, 1.0, 100.0, 5000.0)))
    nothing = no_prices(problem)

    def some(size: int, most: float = scale) -> np.ndarray:
        return random.uniform(0, most, size) * (random.random(size) < 0.5)

    accounts = problem.accounts
    capacity = np.where(np.isfinite(problem.supply.capacity), some(problem.supply.count), 0.0)
    small = min(scale, 1.0)
    return replace(
        nothing,
        capacity=capacity,
        limit=some(problem.limits.count),
        low=np.where(
            np.isfinite(accounts.low),
            np.minimum(some(accounts.count, small), accounts.slack_cost),
            0.0,
        ),
        high=np.where(np.isfinite(accounts.high), some(accounts.count, small), 0.0),
        share=tuple(some(len(one), small) for one in nothing.share),
        cost=float(some(1, small)[0]) if np.isfinite(problem.most_cost) else 0.0,
        moves=(
            float(some(1)[0])
            if problem.stay is not None and np.isfinite(problem.stay.most)
            else 0.0
        ),
        coverage=some(len(nothing.coverage)),
    )


def exactly(problem: Problem, engine: Engine) -> Solution:
    """Return the optimum."""
    return solve_exact(problem, SearchLimits(gap=0.0), engine=engine)


def unchecked() -> None:
    """Let a search go on for ever."""


def bounded(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the settings of a property: always the same examples, and so many."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
