"""Plans that serve one demand after another, and what makes them better, for tests of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from solver.asking import Engine
from solver.blocks import blocks_of
from solver.certificate import Certificate
from solver.compact import build_compact
from solver.improvement import Improvement
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.search import Search
from solver.solution import Allocation


def first_come(one: Problem, engine: Engine, order: Sequence[int] | None = None) -> Search:
    """Return a plan that serves one demand after another, each as is cheapest by itself."""
    compact = build_compact(one)
    search = Search(compact, compact.builder.build(), engine)
    for demand in range(one.demands.count) if order is None else order:
        search.step(np.array([demand]))
    return search


def improvement_of(
    search: Search,
    least: Sequence[float],
    prices: Prices | None = None,
    ways: Mapping[int, Allocation] | None = None,
) -> Improvement:
    """Look at a plan with a bound that adds `least` up; prices are 0 where none are named."""
    one, each = search.compact.problem, np.array(least)
    certificate = Certificate(
        bound=float(each.sum()), least=each, ways=(), short=0.0, relaxed=each, saved=each
    )
    return Improvement(
        search=search,
        blocks=blocks_of(one),
        unserved=lambda unmet: 1e6 * unmet,
        prices=no_prices(one) if prices is None else prices,
        certificate=certificate,
        seed=0,
        ways=ways or {},
    )
