"""Routes that sum exactly to what is served."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from broker.routes import _fitted, smallest_digit

SHARES = st.lists(st.integers(min_value=1, max_value=10**6), min_size=1, max_size=5)
RATES = st.decimals(min_value="0.001", max_value=100_000, places=3)


@given(shares=SHARES, stated=RATES)
def test_parts_of_a_served_rate_sum_to_it(shares: list[int], stated: Decimal) -> None:
    """Whatever the rounding of the parts, their sum is the stated rate."""
    parts = {
        place: (stated * share / sum(shares)).quantize(smallest_digit(stated))
        for place, share in enumerate(shares)
    }
    fitted = _fitted({place: part for place, part in parts.items() if part}, stated)
    assert sum(rate for _, rate in fitted) == stated


def test_a_part_that_is_not_served_stays_unserved() -> None:
    """Half of a rate is half of it."""
    assert _fitted({3: Decimal(50)}, Decimal(100)) == [(3, Decimal(50))]


def test_more_than_stated_is_cut() -> None:
    """Two parts that exceed the rate by more than rounding lose it at the largest."""
    assert _fitted({0: Decimal(70), 1: Decimal(40)}, Decimal(100)) == [
        (0, Decimal(60)),
        (1, Decimal(40)),
    ]
