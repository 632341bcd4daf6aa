"""Owned units mixed into gangs: the exact model and bounds, one against the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver import rivals
from solver.certificate import Certifier
from solver.child import EngineProcess
from solver.columns import Columns
from solver.effort import Outcome
from solver.pairs import enumerate_pairs
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.relaxation import Service, prices_of, restrict, service_of
from solver.solution import Solution
from solver.stay_rows import unbilled_cost
from tests.solver.random_gangs import owning, tried
from tests.solver.random_problems import TOLERANCE, bounded, exactly, some_prices, unchecked
from tests.solver.test_certificate import served

SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
        yield running


def weighed(one: Problem, found: Solution) -> float:
    """Return the cost, with what moves weigh beyond it."""
    return found.cost + unbilled_cost(one, found.allocation)


def at_level_of(one: Problem, found: Solution) -> Service:
    return service_of(one, found.unmet, Columns.of(one, one).forced())


def duals(one: Problem, service: Service, engine: EngineProcess) -> Prices | None:
    """Return the prices of the relaxation over every pair, which are those that matter."""
    restricted = restrict(one, enumerate_pairs(one), service)
    answer = engine.solve_linear(restricted.model)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        return None
    return prices_of(restricted, answer, service)


def every_price(
    one: Problem, service: Service, seed: int, engine: EngineProcess
) -> Iterator[Prices]:
    """Yield none, some at random, and those of the relaxation."""
    for prices in (no_prices(one), some_prices(one, seed), some_prices(one, seed + 1)):
        yield served(one, prices, service, seed)
    found = duals(one, service, engine)
    if found is not None:
        yield found


@bounded(80)
@given(owning(batches=False))
def test_the_exact_model_mixes_as_well_as_who_tries_everything(
    engine: EngineProcess, one: Problem
) -> None:
    """Capacities below a gang, limits, risk, homes, data to move: the same levels and cost."""
    found, (lost, cost) = exactly(one, engine), tried(one)
    assert [level.unmet for level in found.levels] == pytest.approx(lost, abs=1e-6)
    assert weighed(one, found) == pytest.approx(cost, abs=TOLERANCE)


@bounded(80)
@given(owning(), SEEDS)
def test_gangs_that_mix_are_bounded_at_any_prices(
    engine: EngineProcess, one: Problem, seed: int
) -> None:
    """One certifier sees all the prices, one after another."""
    best = exactly(one, engine)
    service = at_level_of(one, best)
    certifier = Certifier(one, service, engine)
    for prices in every_price(one, service, seed, engine):
        bound = certifier.certify(prices, unchecked).bound
        assert bound <= weighed(one, best) + TOLERANCE * max(1.0, weighed(one, best) / 1000)


@pytest.mark.parametrize("few", [10_000, 0])
@bounded(25)
@given(owning(roomy=True), SEEDS)
def test_gangs_that_mix_are_bounded_together(
    engine: EngineProcess,
    monkeypatch: pytest.MonkeyPatch,
    few: int,
    one: Problem,
    seed: int,
) -> None:
    """Over all their pairs, and over scarce ones with one choice for everything else."""
    monkeypatch.setattr(rivals, "_FEW", few)
    best = exactly(one, engine)
    optimum, service = weighed(one, best), at_level_of(one, best)
    assume(service.hard.all())  # it is asked for nothing else
    certifier = Certifier(one, service, engine)
    for prices in every_price(one, service, seed, engine):
        apart = certifier.certify(prices, unchecked)
        for more in (1e-3, 0.05, 1.0):
            within = optimum - apart.bound + more * max(optimum, 1.0)
            joint = certifier.jointly(prices, apart, within)
            assert apart.bound - TOLERANCE <= joint
            assert joint <= optimum + TOLERANCE * max(1.0, optimum / 1000)
