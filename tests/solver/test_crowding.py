"""What a gang leaves of a supply to each service by itself: rows, and the tolls they charge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.certificate import Certifier
from solver.child import EngineProcess
from solver.compact import build_compact
from solver.compact_columns import Compact
from solver.crowding import Crowds, broken_crowds, with_crowds
from solver.effort import Effort
from solver.model import Model
from solver.pairs import enumerate_pairs
from solver.prices import blended, no_prices
from solver.problem import Problem
from solver.relaxation import prices_of, restrict, service_of
from solver.tolls import Tolls, pair_keys
from tests.solver.random_problems import bounded, exactly, some_prices, unchecked
from tests.solver.tiny import GANG, SERVICE, Row, like, problem


def crowded() -> Problem:
    """Four units for a gang of four or for two services of one; each may go elsewhere.

    The gang costs 400 here and 4,000 there, a service 100 and 1,500: together 3,400 at least.
    """
    rows = [Row(cost=1, capacity=4), Row(cost=10, kind=1), Row(cost=15, kind=2)]
    one = problem(rows, [like(GANG, amount=4.0)] + [like(SERVICE, loads=[(0, 10.0)])] * 2)
    kinds = np.array([0, 1, NOWHERE, 0, NOWHERE, 2, 0, NOWHERE, 2], np.int32)
    return replace(one, demands=replace(one.demands, mode_kind=kinds))


#: No supply is of this machine kind.
NOWHERE = 9


def random_crowd(seed: int) -> Problem:
    """Gangs and small services that want the same few pools, some of them owned or mixed."""
    random = np.random.default_rng(seed)
    pools = int(random.integers(1, 4))
    rows = [
        Row(
            cost=float(random.integers(1, 9)),
            capacity=float(random.integers(2, 9)),
            place=place,
            owned=bool(random.random() < 0.3),
        )
        for place in range(pools)
    ]
    place, zone = (int(one) for one in random.integers(0, [3, 2]))
    rows.append(Row(cost=float(random.integers(10, 40)), place=place, zone=zone))
    gangs = [like(GANG, amount=float(random.integers(1, 7))) for _ in range(random.integers(1, 4))]
    services = [
        like(SERVICE, loads=[(0, float(random.integers(1, 45)))])
        for _ in range(random.integers(1, 4))
    ]
    return problem(rows, gangs + services)


def serving_all(one: Problem) -> tuple[Compact, Model]:
    """Return the model of plans that leave nothing unmet."""
    compact = build_compact(one, enumerate_pairs(one), loose=False)
    model = compact.builder.build()
    model.high[compact.unmet] = 0.0
    return compact, model


def relaxed(one: Problem, engine: EngineProcess) -> tuple[float, Crowds, float]:
    """Return the relaxation's value without crowds, the crowds, and its value with them."""
    compact, model = serving_all(one)
    crowds, values = Crowds.none(), []
    for _ in range(5):
        answer = engine.solve_linear(with_crowds(compact, model, crowds))
        assert answer is not None
        values.append(answer.objective)
        crowds = crowds.joined(broken_crowds(compact, model, answer.x))
    return values[0], crowds, values[-1]


def test_part_of_a_gang_leaves_no_whole_unit(engine: EngineProcess) -> None:
    """Half a gang and a unit of each service fit the pool; no plan holds them."""
    one = crowded()
    before, crowds, after = relaxed(one, engine)
    assert before == pytest.approx(2400)
    assert after == pytest.approx(3400)
    assert crowds.weight.tolist() == [1.0] * 4
    assert crowds.high.tolist() == [1.0] * 2


def test_tolls_bound_what_the_price_of_capacity_alone_cannot(engine: EngineProcess) -> None:
    """At the prices of the relaxation with its crowds the bound is the optimum."""
    one = crowded()
    _, crowds, _ = relaxed(one, engine)
    service = service_of(one, np.zeros(3), np.zeros(3))
    restricted = restrict(one, enumerate_pairs(one), service)
    answer = engine.solve_linear(with_crowds(restricted.compact, restricted.model, crowds))
    assert answer is not None
    rows = len(restricted.model.row_low)
    plain = prices_of(restricted, replace(answer, dual=answer.dual[:rows]), service)
    prices = replace(plain, tolls=crowds.tolls(np.abs(answer.dual[rows:])))
    bounds = [
        Certifier(one, service, engine).certify(some, unchecked).bound for some in (plain, prices)
    ]
    assert bounds[1] == pytest.approx(3400, rel=1e-3)
    assert bounds[0] < bounds[1] - 1
    assert exactly(one, engine).cost == pytest.approx(3400)


@given(st.integers(0, 10_000))
@bounded(40)
def test_whole_plans_keep_the_rows_that_relaxations_break(
    engine: EngineProcess, seed: int
) -> None:
    """The optimum is the same with them; the relaxation is no lower."""
    one = random_crowd(seed)
    before, crowds, after = relaxed(one, engine)
    compact, model = serving_all(one)
    x = np.random.default_rng(seed).uniform(0, 1, len(model.cost)) * np.minimum(model.high, 9)
    crowds = crowds.joined(broken_crowds(compact, model, x))
    values = [
        engine.solve_integer(some, Effort(gap=0.0)).objective
        for some in (model, with_crowds(compact, model, crowds))
    ]
    assert values[1] == pytest.approx(values[0])
    assert before - 1e-6 <= after <= values[0] + 1e-3


@given(st.integers(0, 10_000))
@bounded(40)
def test_any_tolls_bound_the_optimum(engine: EngineProcess, seed: int) -> None:
    """At any prices >= 0 of rows that whole plans keep."""
    one = random_crowd(seed)
    _, crowds, _ = relaxed(one, engine)
    found = exactly(one, engine)
    service = service_of(one, found.unmet, found.unmet)
    chance = np.random.default_rng(seed)
    price = chance.uniform(0, 3000, crowds.count) * (chance.random(crowds.count) < 0.7)
    prices = replace(some_prices(one, seed), tolls=crowds.tolls(price))
    prices = replace(prices, unmet=np.full(one.demands.count, np.inf))
    bound = Certifier(one, service, engine).certify(prices, unchecked).bound
    assert bound <= found.cost * (1 + 1e-6) + 1e-3


def test_tolls_add_up_and_are_blended() -> None:
    """Rows charge a pair together; where one side has none, half of the other is left."""
    key = pair_keys(np.array([3, 1, 3]), np.array([5, 2, 5]))
    tolls = Tolls.of(key, np.array([1.0, 4.0, 2.0]), 10.0)
    assert tolls is not None
    mode, supply = np.array([1, 3, 3], np.int32), np.array([2, 5, 6], np.int32)
    assert tolls.on(mode, supply).tolist() == [4.0, 3.0, 0.0]
    one = crowded()
    half = blended(replace(no_prices(one), tolls=tolls), no_prices(one), 0.5).tolls
    assert half is not None
    assert half.worth == 5.0
    assert half.on(mode, supply).tolist() == [2.0, 1.5, 0.0]
    some = tolls.among(np.array([1, 4]))
    assert some is not None
    assert some.on(np.array([0, 1], np.int32), np.array([2, 5], np.int32)).tolist() == [4.0, 0.0]
    assert tolls.among(np.array([4, 7])) is None
