"""First prices of few demands, and what is done otherwise where demands are few."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from solver import columns, improving, rounds
from solver.asking import Engine
from solver.columns import Columns
from solver.decomposition import solve_decomposed
from solver.prices import no_prices
from solver.problem import Problem
from solver.rounds import bound_again, certify, first_prices
from solver.solution import SearchLimits
from solver.work import Work
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem


def limited() -> Problem:
    """Two batches of five units each, and a limit that sells three of the cheap ones."""
    rows = [Row(cost=1, capacity=10), Row(cost=5)]
    return problem(rows, [like(BATCH, amount=500.0)] * 2, Rules(limits=(({0: 1.0}, 3.0),)))


def phases_of(one: Problem, engine: Engine, limits: SearchLimits) -> list[str]:
    """Return the phases of a search."""
    phases = list[str]()
    solve_decomposed(one, limits, engine=engine, progress=lambda phase, *_: phases.append(phase))
    return phases


def test_a_limit_that_was_left_out_and_broken_has_a_price(engine: Engine) -> None:
    """The relaxation without it settles at once; another one minds it."""
    work = Work(limited(), SearchLimits(), engine, lambda *_: None, None)
    assert first_prices(work).limit.tolist() == pytest.approx([400])


def test_a_limit_that_all_known_pairs_break_has_a_price_once_others_are_known(
    engine: Engine,
) -> None:
    """Of a hundred cheap supplies together three units: the others cost 20 an hour, not a fine."""
    rows = [Row(cost=1, capacity=9)] * 100 + [Row(cost=20, place=1)]
    rules = Rules(limits=((dict.fromkeys(range(100), 1.0), 3.0),))
    one = problem(rows, [like(BATCH, amount=1_000.0)], rules)
    work = Work(one, SearchLimits(), engine, lambda *_: None, None)
    assert first_prices(work).limit.tolist() == pytest.approx([1_900])


@pytest.mark.parametrize(("few", "bound"), [(60, 3_800), (0, 3_200)])
def test_better_prices_of_few_are_tried_as_they_are(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, few: int, bound: float
) -> None:
    """The first bound minds the limit for each by itself: all the way to 3,800, or half of it."""
    monkeypatch.setattr(rounds, "_PRICE_ROUNDS", 1)
    monkeypatch.setattr(rounds, "_SOON_BOUNDED", few)
    work = Work(limited(), SearchLimits(), engine, lambda *_: None, None)
    certify(work, first_prices(work))
    assert work.bound == pytest.approx(2_600)
    bound_again(work)
    assert work.bound == pytest.approx(bound)


@pytest.mark.parametrize(("few", "tries"), [(0, 2), (60, 1)])
def test_few_are_tried_all_at_once_and_then_some_are_given_up(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, few: int, tries: int
) -> None:
    """One unit for two gangs: a bound for both says nothing of a plan for one."""
    monkeypatch.setattr(improving, "FEW", few)
    one = problem([Row(cost=1, capacity=1), Row(cost=9, place=1)], [GANG, GANG, SERVICE])
    one = replace(one, most_cost=150.0)
    phases = phases_of(one, engine, SearchLimits())
    assert phases.count("repaired") == tries


def test_of_very_many_pairs_those_join_that_are_cheapest_at_prices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Six supplies are too many for a batch, none for a service."""
    monkeypatch.setattr(columns, "_VERY_MANY", 5)
    monkeypatch.setattr(columns, "_OF_VERY_MANY", 2)
    rows = [Row(cost=1 + number, capacity=9, kind=number) for number in range(6)]
    one = problem(rows, [BATCH, SERVICE])
    prices = replace(no_prices(one), capacity=np.array([500.0, 500, 0, 0, 0, 0]))
    for given, cheapest in ((None, [0, 1]), (prices, [2, 3])):
        found = Columns.of(one, one, few=True)
        found.pairs = found.pairs.keep(np.zeros(found.pairs.count, np.bool_))
        found.add_all(np.array([0, 1]), given)
        assert found.pairs.supply[found.pairs.demand == 0].tolist() == cheapest
        assert (found.pairs.demand == 1).sum() == 6
        found.add_all(np.empty(0, np.int64))
        assert found.pairs.count == 8
