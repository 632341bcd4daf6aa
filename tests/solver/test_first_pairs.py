"""The cheapest pairs of gangs and batches, without spelling out all others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver import first_pairs as module
from solver.first_pairs import first_pairs, most_cost
from solver.pairs import Listing, most_units
from solver.prices import priced
from solver.problem import Family, Problem
from tests.solver.random_problems import Case, bounded, cases, some_prices
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem


def others(one: Problem) -> np.ndarray:
    """Gangs and batches, the last one first."""
    return np.flatnonzero(one.demands.family != Family.SERVICE)[::-1].astype(np.int64)


def test_dear_modes_are_not_spelled_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three machine kinds only the cheapest is looked at, and of it what beats the second."""
    monkeypatch.setattr(module, "_MODES", 1)
    rows = [Row(cost=7, kind=0), Row(cost=4, kind=1), Row(cost=2, kind=1), Row(cost=3, kind=2)]
    one = problem(rows, [GANG, SERVICE, BATCH])
    found = list(first_pairs(one, Listing.of(one), others(one), most_units(one)))
    assert [pairs.demand.tolist() for pairs in found] == [[2], [0]]
    assert [pairs.supply.tolist() for pairs in found] == [[2], [2]]


def test_gangs_that_find_too_few_units_look_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two units do not hold a gang of three, so its cheapest mode is the other one."""
    monkeypatch.setattr(module, "_MODES", 1)
    rows = [Row(cost=1, kind=0, capacity=2), Row(cost=4, kind=1), Row(cost=3, kind=1)]
    one = problem(rows, [like(GANG, amount=3)])
    (found,) = first_pairs(one, Listing.of(one), others(one), most_units(one))
    assert found.supply.tolist() == [2, 1]


@bounded(80)
@given(
    case=cases(), seed=st.integers(0, 99), at_prices=st.booleans(), few=st.sampled_from([1, 2, 9])
)
def test_what_is_left_out_costs_no_less(case: Case, seed: int, at_prices: bool, few: int) -> None:
    """Every pair that is not among the first of its demand costs what the dearest of them does."""
    one = case.problem
    one = priced(one, some_prices(one, seed)) if at_prices else one
    listing, most, order = Listing.of(one), most_units(one), others(one)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_FEW", 1)
        patch.setattr(module, "_MODES", few)
        patch.setattr(module, "_FIRST", few)
        found = list(first_pairs(one, listing, order, most))
    for demand, some in zip(order.tolist(), found, strict=True):
        every = listing.pairs(one, np.array([demand]), most)
        cost = most_cost(one, every)
        known = set(zip(some.mode.tolist(), some.supply.tolist(), strict=True))
        keys = zip(every.mode.tolist(), every.supply.tolist(), strict=True)
        listed = np.array([key in known for key in keys], np.bool_)
        assert int(listed.sum()) == len(known)
        dearest = cost[listed].max(initial=-np.inf)
        slack = 1e-6 + 1e-8 * abs(dearest) if listed.any() else 0.0
        assert (cost[~listed] >= dearest - slack).all()
        assert (np.diff(most_cost(one, some)) >= 0).all()


def test_most_units_of_some_are_those_of_all() -> None:
    """Capacities and limits count alike, whether all supplies are asked for or two."""
    rows = [Row(cost=1, capacity=2.5), Row(cost=1), Row(cost=1, capacity=9)]
    some = np.array([2, 0], np.int32)
    for rules in (None, Rules(limits=[({2: 2.0}, 7.0)])):
        one = problem(rows, [GANG], rules)
        assert most_units(one, some).tolist() == most_units(one)[some].tolist()
