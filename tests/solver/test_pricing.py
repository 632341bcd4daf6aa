"""Gangs and batches are priced as their spelt-out pairs are, without spelling them out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.pairs import Pairs, enumerate_pairs
from solver.prices import priced
from solver.pricing import Choices, Pricer
from solver.problem import Family, Floats, Problem
from solver.tier_bounds import flat_below
from tests.solver.random_problems import Case, bounded, cases, ruled_cases, some_prices
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem

SEEDS = st.integers(0, 2**32 - 1)


def every(one: Problem) -> np.ndarray:
    return np.arange(one.demands.count)


def at_some_prices(one: Problem, seed: int) -> Problem:
    flat, _ = flat_below(one)
    return priced(flat, some_prices(flat, seed))


def costs_of(one: Problem, pairs: Pairs) -> Floats:
    """Return float64[P], cost of whole demands on each pair, units of batch as one or more."""
    hours = one.demands.mode_hours[pairs.mode]
    is_batch = pairs.family == Family.BATCH
    held = np.where(is_batch, np.maximum(pairs.amount / hours, 1.0) * pairs.unit_cost, 0.0)
    return np.asarray(pairs.compute + pairs.extra + pairs.move + held)


def by_mode(choices: Choices) -> dict[int, list[tuple[float, int]]]:
    """Return (cost, supply) of each mode, in the order of the choices."""
    found: dict[int, list[tuple[float, int]]] = {}
    for mode, supply, cost in zip(
        choices.mode.tolist(), choices.supply.tolist(), choices.cost.tolist(), strict=True
    ):
        found.setdefault(mode, []).append((cost, supply))
    return found


def test_the_cheapest_supply_of_a_gang_costs_its_units_hours_and_data() -> None:
    """2 units x (5 + 100 x 3) and 7 for the data against 2 x 100 x 4 at home."""
    rows = [Row(cost=4), Row(cost=3, unit_cost=5, place=1)]
    one = problem(rows, [like(GANG, amount=2.0, data=7.0)])
    choices = Pricer.of(one, every(one)).cheapest(one, 2)
    assert choices.supply.tolist() == [1, 0]
    assert choices.cost.tolist() == [617.0, 800.0]


def test_of_what_costs_the_same_the_first_supplies_are_kept() -> None:
    """Four supplies at one price and a cheaper one: a few are the cheaper one and the first."""
    one = problem([Row(cost=3), Row(cost=3), Row(cost=2), Row(cost=3), Row(cost=3)], [GANG, BATCH])
    pricer = Pricer.of(one, every(one))
    for keep, kept in ((1, [2]), (3, [2, 0, 1]), (4, [2, 0, 1, 3]), (9, [2, 0, 1, 3, 4])):
        choices = pricer.cheapest(one, keep)
        assert choices.demand.tolist() == [0] * len(kept) + [1] * len(kept)
        assert choices.supply.tolist() == kept + kept


@pytest.mark.parametrize("keep", [1, 2, 50])
def test_many_modes_are_priced_some_at_a_time(monkeypatch: pytest.MonkeyPatch, keep: int) -> None:
    """However many entries are priced at once, the choices are the same."""
    rows = [Row(cost=1 + (7 * n) % 5, kind=n % 2) for n in range(12)]
    asked = [like(GANG, amount=1.0 + n) for n in range(4)] + [BATCH, SERVICE, BATCH]
    one = problem(rows, asked)
    pricer = Pricer.of(one, every(one))
    whole = pricer.cheapest(one, keep)
    assert len(whole.cost)
    for at_once in (1, 5, 13):
        monkeypatch.setattr("solver.pricing._AT_ONCE", at_once)
        parts = pricer.cheapest(one, keep)
        for name in Choices.__slots__:
            assert getattr(parts, name).tolist() == getattr(whole, name).tolist()


def test_services_have_no_choices() -> None:
    """A service is no single pair."""
    one = problem([Row(cost=1)], [SERVICE, BATCH])
    assert Pricer.of(one, every(one)).cheapest(one, 1).demand.tolist() == [1]


@bounded(50)
@given(st.one_of(cases(), ruled_cases()), SEEDS)
def test_choices_are_the_admitted_pairs_at_their_costs(case: Case, seed: int) -> None:
    """At any prices: every admitted pair of a gang or batch, no other, and at its cost."""
    one = at_some_prices(case.problem, seed)
    choices = Pricer.of(one, every(one)).cheapest(one, one.supply.count + 1)
    pairs = enumerate_pairs(one)
    pairs = pairs.keep(pairs.family != Family.SERVICE)
    keys = zip(pairs.mode.tolist(), pairs.supply.tolist(), strict=True)
    expected = dict(zip(keys, costs_of(one, pairs).tolist(), strict=True))
    keys = zip(choices.mode.tolist(), choices.supply.tolist(), strict=True)
    assert dict(zip(keys, choices.cost.tolist(), strict=True)) == pytest.approx(
        expected, rel=1e-9, abs=1e-6
    )


@bounded(30)
@given(st.one_of(cases(), ruled_cases()), SEEDS)
def test_fewer_choices_are_the_first_of_more(case: Case, seed: int) -> None:
    """One choice of a mode is its least; of two, three or all of them, fewer begin more."""
    one = at_some_prices(case.problem, seed)
    pricer = Pricer.of(one, every(one))
    whole = by_mode(pricer.cheapest(one, one.supply.count + 1))
    for keep in (1, 2, 3):
        some = by_mode(pricer.cheapest(one, keep))
        assert some.keys() == whole.keys()
        for mode, found in some.items():
            assert len(found) == min(keep, len(whole[mode]))
            assert [cost for cost, _ in found] == [cost for cost, _ in whole[mode][: len(found)]]
