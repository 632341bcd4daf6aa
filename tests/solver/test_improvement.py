"""Neighbourhoods: whom a seed is solved with, and how large that may get."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from solver.asking import Asked, Dialogue, Engine
from solver.compact_columns import Longs
from solver.improvement import FEW_COLUMNS, MANY_COLUMNS
from solver.prices import no_prices
from solver.problem import Apart, Level, Problem
from solver.search import STEP_NODES, Search, Step
from tests.solver.random_fleets import fleet_of
from tests.solver.searches import first_come, improvement_of
from tests.solver.tiny import GANG, Row, Rules, Want, like, problem
from tests.solver.watched import Watched


class Noting(Search):
    """Notes whom steps are for."""

    asked: list[list[int]]

    def trying(self, demands: Longs, *, nodes: int = STEP_NODES) -> Dialogue[Step]:
        """Note the demands, then solve for them."""
        self.asked.append(demands.tolist())
        return super().trying(demands, nodes=nodes)


def steps_of(
    one: Problem,
    least: list[float],
    price: float,
    steps: int,
    engine: Engine,
    *,
    most_columns: int = FEW_COLUMNS,
) -> Noting:
    """Improve a plan that serves one demand after another, the last first."""
    known = first_come(one, engine, range(one.demands.count)[::-1])
    search = Noting(known.compact, known.incumbent.model, engine, known.incumbent.x)
    search.asked = []
    prices = replace(no_prices(one), capacity=np.full(one.supply.count, price))
    improvement = improvement_of(search, least, prices)
    improvement.improve(steps, lambda: False, lambda: None, most_columns=most_columns)
    return search


@pytest.mark.parametrize(("each", "most_columns"), [(120, FEW_COLUMNS), (300, MANY_COLUMNS)])
def test_company_makes_no_large_model(engine: Engine, each: int, most_columns: int) -> None:
    """Twelve gangs that hold a unit of what all want: of so many columns each, three fit."""
    rows = [Row(cost=1 + number / 100, capacity=1) for number in range(each)]
    one = problem(rows, [GANG] * 12)
    search = steps_of(one, [100.0] * 12, 1.0, 10, engine, most_columns=most_columns)
    assert {len(asked) for asked in search.asked} == {3}


def test_a_seed_that_is_large_is_tried_alone(engine: Engine) -> None:
    """With more columns than a model should have, it has no company, and is still tried."""
    rows = [Row(cost=1 + number / 1000, capacity=1) for number in range(1200)]
    search = steps_of(problem(rows, [GANG] * 2), [100.0] * 2, 1.0, 4, engine)
    assert {len(asked) for asked in search.asked} == {1}


def test_who_is_in_the_way_is_asked_when_nothing_came_of_it(engine: Engine) -> None:
    """The place near the data has room, but who may not stand beside is there, and can move."""
    rows = [Row(cost=1, capacity=9), Row(cost=2, capacity=9, place=1)]
    wants: list[Want] = [like(GANG, data=1000.0), GANG]
    one = problem(rows, wants, Rules(apart=(Apart(level=Level.PLACE, groups=((0,), (1,))),)))
    search = steps_of(one, [100.0, 100.0], 0.0, 3, engine)
    assert search.asked[:2] == [[0], [0, 1]]
    assert search.incumbent.cost == 300.0


class Hinted(Watched):
    """Notes what points it is told of that keep a model, and what they cost."""

    def __init__(self) -> None:
        """Start the engine."""
        super().__init__()
        self.told: list[float | None] = []

    def before(self, asked: Asked) -> None:
        """Note the cost of the known point."""
        _, model, effort = asked.request
        known = None if effort is None else effort.known
        self.told.append(None if known is None else float(model.cost @ known))


def test_a_step_starts_from_the_plan_that_it_improves() -> None:
    """The engine is told of the plan's part, and finds a cheaper one."""
    one = problem([Row(cost=1, capacity=1), Row(cost=3)], [GANG, like(GANG, data=1.0)])
    with Hinted() as engine:
        search = first_come(one, engine, [1, 0])
        engine.told.clear()
        search.step(np.array([0, 1]))
        assert engine.told == [search.incumbent.cost]


def standing(search: Search) -> list[float]:
    """What is unmet, the highest priority first, and what the plan costs, without roundings."""
    demands = search.compact.problem.demands
    lost = demands.weight * search.unmet
    levels = [lost[demands.priority == one].sum() for one in np.unique(demands.priority)[::-1]]
    return [*(round(float(one), 5) for one in levels), round(search.incumbent.cost, 3)]


def broken(search: Search) -> float:
    """By what part of its value a row is missed, at most."""
    model, total = search.incumbent.model, search.incumbent.activity
    over = np.maximum(total - model.row_high, model.row_low - total)
    return float((over / np.maximum(1.0, np.abs(total))).max(initial=0.0))


@pytest.mark.parametrize("ahead", [1, 4])
def test_steps_at_a_time_keep_all_rules_and_make_nothing_worse(
    monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    """Nobody is in two of them, and what comes of them does not depend on the processes."""
    monkeypatch.setattr("solver.improvement._ABREAST", ahead)
    monkeypatch.setattr("solver.improvement._FEW_ABREAST", 0)
    better = 0
    for seed in range(4):
        case, found = fleet_of(seed), []
        for most in (1, 2):
            monkeypatch.setattr("solver.asking._ABREAST", most)
            with Engine() as own:
                own.lose(1e9)
                search = first_come(case.problem, own)
                before = standing(search)
                least = [0.0] * case.problem.demands.count
                improvement_of(search, least).improve(25, lambda: False, lambda: None)
                found.append(search.incumbent.x.tobytes())
                better += standing(search) < before
                assert standing(search) <= before
                assert broken(search) <= 1e-5
        assert found[0] == found[1]
    assert better


class Open(Search):
    """Notes whose steps are not taken yet when another one begins."""

    def __init__(self, *given: Any) -> None:
        """Nobody's."""
        super().__init__(*given)
        self.open: list[set[int]] = []
        self.most, self.shared = 0, set[int]()

    def trying(self, demands: Longs, *, nodes: int = STEP_NODES) -> Dialogue[Step]:
        """Note who is in two of them."""
        self.shared |= set(demands.tolist()) & set[int]().union(*self.open)
        self.open.append(set(demands.tolist()))
        self.most = max(self.most, len(self.open))
        return super().trying(demands, nodes=nodes)

    def take(self, step: Step) -> bool:
        """The first of them is over."""
        self.open.pop(0)
        return super().take(step)


def test_nobody_is_in_two_steps_at_a_time(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty gangs that want the same; up to five steps are not taken while the sixth begins."""
    monkeypatch.setattr("solver.improvement._FEW_ABREAST", 0)
    rows = [Row(cost=1 + number / 10, capacity=8) for number in range(5)]
    known = first_come(problem(rows, [GANG] * 40), engine)
    search = Open(known.compact, known.incumbent.model, engine, known.incumbent.x)
    improvement_of(search, [100.0] * 40).improve(20, lambda: False, lambda: None)
    assert search.most == 6
    assert search.shared == set()
