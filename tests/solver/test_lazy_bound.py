"""A bound that does not solve every block gives away no more than it may, and says how much."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.certificate import Certificate, Certifier
from solver.columns import Columns
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.relaxation import service_of
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from tests.solver.random_problems import (
    TOLERANCE,
    Case,
    bounded,
    cases,
    exactly,
    ruled_cases,
    some_prices,
    unchecked,
)
from tests.solver.random_services import services
from tests.solver.test_certificate import served

SEEDS = st.integers(0, 2**32 - 1)
#: Gap to which blocks are solved whatever a bound may give away, as a part of their costs.
_SOLVED = 3e-3


def assert_lazy(one: Problem, seed: int, engine: Engine) -> None:
    """Check lazy bounds of some slacks against the strict one, ways known and unknown."""
    found, (flat, credit) = exactly(one, engine), flat_below(one)
    service = service_of(flat, found.unmet, Columns.of(one, flat).forced())
    best = found.cost + unbilled_cost(one, found.allocation) + credit
    for prices in (no_prices(one), some_prices(one, seed)):
        asked = served(one, prices, service, seed)
        strict = Certifier(flat, service, engine).certify(asked, unchecked)
        rounding = TOLERANCE + _SOLVED * float(np.abs(strict.least).sum())
        for part in (0.0, 0.05, 10.0):
            slack = part * max(float(strict.least.sum()), 1.0)
            lazy = Certifier(flat, service, engine).certify(
                asked, unchecked, ways=strict.ways, slack=slack
            )
            assert lazy.bound <= best + rounding
            assert lazy.bound <= strict.bound + rounding
            assert lazy.short <= slack * (1 + 1e-9)
            if one.reads is None:  # what they move is no part of what known ways cost
                solved = slack if lazy.ways else 0.0  # what solved blocks give away is not told
                assert lazy.bound + lazy.short + solved >= strict.bound - rounding
                assert lazy.bound >= strict.bound - 2 * slack - rounding
            assert_enough(Certifier(flat, service, engine), asked, strict, lazy, rounding)


def assert_enough(
    certifier: Certifier, asked: Prices, strict: Certificate, lazy: Certificate, rounding: float
) -> None:
    """Check that a bound halfway between two others is reached, and no block solved after it."""
    enough = (lazy.bound + strict.bound) / 2
    found = certifier.certify(asked, unchecked, ways=strict.ways, enough=enough)
    assert found.bound <= strict.bound + rounding
    again = certifier.certify(asked, unchecked, ways=strict.ways, enough=found.bound)
    assert again.bound == found.bound
    assert len(again.ways) == len(found.ways)
    if strict.short == 0:
        assert found.bound >= enough - rounding


@bounded(10)
@given(services(scarce=True, count=3), SEEDS)
def test_services_need_not_all_be_solved(engine: Engine, one: Problem, seed: int) -> None:
    """Three of them, under every rule that a service can have."""
    assert_lazy(one, seed, engine)


@bounded(10)
@given(cases(), SEEDS)
def test_blocks_need_not_all_be_solved(engine: Engine, case: Case, seed: int) -> None:
    """On random markets and specs of every kind."""
    assert_lazy(case.problem, seed, engine)


@bounded(10)
@given(ruled_cases(), SEEDS)
def test_blocks_need_not_all_be_solved_under_any_two_rules(
    engine: Engine, case: Case, seed: int
) -> None:
    """Under every rule there is, two at a time."""
    assert_lazy(case.problem, seed, engine)
