"""Owned units mixed into gangs: the exact model and bounds, one against the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver import rivals
from solver.asking import Engine
from solver.certificate import Certifier
from solver.columns import Columns
from solver.effort import Outcome
from solver.joint_bounds import JointBounds
from solver.lone_bounds import whole_costs
from solver.pairs import enumerate_pairs, most_units
from solver.prices import Prices, no_prices, priced
from solver.problem import Floats, Problem
from solver.relaxation import Service, prices_of, restrict, service_of
from solver.selection import pairs_of
from solver.solution import Solution
from solver.stay_rows import unbilled_cost
from tests.solver.random_gangs import owning, owning_of, tried
from tests.solver.random_problems import TOLERANCE, bounded, exactly, some_prices, unchecked
from tests.solver.test_certificate import served
from tests.solver.tiny import BATCH, Row, like, problem

SEEDS = st.integers(0, 2**32 - 1)


def weighed(one: Problem, found: Solution) -> float:
    """Return the cost, with what moves weigh beyond it."""
    return found.cost + unbilled_cost(one, found.allocation)


def slack(cost: float) -> float:
    """Return what the engine's tolerances may leave on the table of a cost."""
    return 3 * TOLERANCE * max(1.0, cost / 1000)


def at_level_of(one: Problem, found: Solution) -> Service:
    return service_of(one, found.unmet, Columns.of(one, one).forced())


def duals(one: Problem, service: Service, engine: Engine) -> Prices | None:
    """Return the prices of the relaxation over every pair, which are those that matter."""
    restricted = restrict(one, enumerate_pairs(one), service)
    answer = engine.solve_linear(restricted.model)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        return None
    return prices_of(restricted, answer, service)


def every_price(one: Problem, service: Service, seed: int, engine: Engine) -> Iterator[Prices]:
    """Yield none, some at random, and those of the relaxation."""
    for prices in (no_prices(one), some_prices(one, seed), some_prices(one, seed + 1)):
        yield served(one, prices, service, seed)
    found = duals(one, service, engine)
    if found is not None:
        yield found


@bounded(50)
@given(owning(batches=False))
def test_the_exact_model_mixes_as_well_as_who_tries_everything(
    engine: Engine, one: Problem
) -> None:
    """Capacities below a gang, limits, risk, homes, data to move: the same levels and cost."""
    found, (lost, cost) = exactly(one, engine), tried(one)
    assert [level.unmet for level in found.levels] == pytest.approx(lost, abs=1e-6)
    assert weighed(one, found) == pytest.approx(cost, abs=TOLERANCE)


def test_everybody_is_served_though_one_engine_sees_no_solution(engine: Engine) -> None:
    """HiGHS says of this model, of twenty columns, that it has none; all unmet is one."""
    one = owning_of(11_176, roomy=True)
    found, (lost, cost) = exactly(one, engine), tried(one)
    assert [level.unmet for level in found.levels] == pytest.approx(lost, abs=1e-6)
    assert weighed(one, found) == pytest.approx(cost, abs=TOLERANCE)


@bounded(50)
@given(owning(), SEEDS)
def test_gangs_that_mix_are_bounded_at_any_prices(engine: Engine, one: Problem, seed: int) -> None:
    """One certifier sees all the prices, one after another."""
    best = exactly(one, engine)
    service = at_level_of(one, best)
    certifier = Certifier(one, service, engine)
    for prices in every_price(one, service, seed, engine):
        bound = certifier.certify(prices, unchecked).bound
        assert bound <= weighed(one, best) + slack(weighed(one, best))


@bounded(50)
@given(owning(batches=False), SEEDS)
def test_the_best_mix_of_a_gang_is_among_few_columns(one: Problem, seed: int) -> None:
    """Alone, a pair may be dear that is cheapest with owned units mixed in."""
    one = replace(one, stay=None)
    columns, prices = Columns.of(one, one, few=True), some_prices(one, seed)
    columns.grow(prices, more=1)
    at_prices, most = priced(one, prices), most_units(one)
    for gang in range(one.demands.count):
        every = pairs_of(at_prices, gang, most)
        known = every.keep(
            np.isin(every.supply, columns.pairs.supply[columns.pairs.demand == gang])
        )
        least = [whole_costs(at_prices, some, most).min(initial=np.inf) for some in (every, known)]
        assert least[1] == pytest.approx(least[0])


@bounded(50)
@given(owning())
def test_no_fine_is_below_what_serving_may_cost(one: Problem) -> None:
    """What is owned may cost nothing, and not be there for all."""
    columns = Columns.of(one, one)
    pairs = columns.pairs
    serving = pairs.compute + pairs.extra
    assert (columns.fines[pairs.demand] >= serving).all()


@pytest.mark.parametrize("few", [10_000, 0])
@bounded(25)
@given(owning(roomy=True), SEEDS)
def test_gangs_that_mix_are_bounded_together(
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    one: Problem,
    seed: int,
) -> None:
    """Over all their pairs, and over scarce ones with one choice for everything else."""
    monkeypatch.setattr(rivals, "_FEW", few)
    assert_bounded_together(one, seed, engine, JointBounds.of_rivals)


@bounded(25)
@given(owning(roomy=True), SEEDS)
def test_everybody_who_may_mix_is_bounded_as_a_whole(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Without prices for what is scarce."""
    assert_bounded_together(one, seed, engine, JointBounds.of_all)


def test_safe_work_elsewhere_makes_room_for_work_at_risk_here(engine: Engine) -> None:
    """Two fifths of it on the one unit at risk, at 1 an hour; the rest where it costs 5."""
    rows = [Row(cost=1, risk=1, capacity=1), Row(cost=5)]
    one = problem(rows, [like(BATCH, amount=100.0, risky_share=0.4)])
    best = exactly(one, engine)
    assert best.cost == pytest.approx(40 + 60 * 5)
    service = at_level_of(one, best)
    scarce = replace(no_prices(one), capacity=np.array([10.0, 0.0]))
    certifier, prices = Certifier(one, service, engine), served(one, scarce, service, 0)
    apart = certifier.certify(prices, unchecked)
    for together in (certifier.joint.of_rivals, certifier.joint.of_all):
        gain = together(prices, apart.least, 500 - apart.bound)
        assert apart.bound + gain <= best.cost + TOLERANCE


def assert_bounded_together(
    one: Problem,
    seed: int,
    engine: Engine,
    together: Callable[[JointBounds, Prices, Floats, float], float],
) -> None:
    """No bound is above the optimum, or below what it improves; whatever plans matter."""
    best = exactly(one, engine)
    optimum, service = weighed(one, best), at_level_of(one, best)
    assume(service.hard.all())  # it is asked for nothing else
    certifier = Certifier(one, service, engine)
    for prices in every_price(one, service, seed, engine):
        apart = certifier.certify(prices, unchecked)
        for more in (1e-3, 0.05, 1.0):
            within = optimum - apart.bound + more * max(optimum, 1.0)
            gain = together(certifier.joint, prices, apart.least, within)
            assert gain >= 0
            assert apart.bound + gain <= optimum + slack(optimum)
