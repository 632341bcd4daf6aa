"""Bills of volume tiers are exact sums of steps."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tiers import Tier, bill, first_price, free_gb, without_free

LIST = (
    Tier(up_to_gb=Decimal(100), usd_per_gb=Decimal(0)),
    Tier(up_to_gb=Decimal(1000), usd_per_gb=Decimal("0.09")),
    Tier(up_to_gb=None, usd_per_gb=Decimal("0.05")),
)
AMOUNTS = st.decimals(min_value=0, max_value=10**7, places=3)


@pytest.mark.parametrize(
    ("gb", "usd"),
    [("0", "0"), ("100", "0"), ("101", "0.09"), ("1000", "81"), ("1000.5", "81.025")],
)
def test_each_gb_costs_the_price_of_its_step(gb: str, usd: str) -> None:
    """100 GB are free, 900 cost 0.09 each, the rest 0.05."""
    assert bill(LIST, Decimal(gb)) == Decimal(usd)


def test_the_first_price_leaves_the_free_step_out() -> None:
    """The price shown for one GB is the first that is paid at all."""
    assert first_price(LIST) == Decimal("0.09")
    assert first_price(LIST[:1]) == 0


def test_free_gb_can_be_used_up_elsewhere() -> None:
    """Without its free GB a list starts with its first price and keeps the widths of its steps."""
    rest = without_free(LIST)
    assert free_gb(LIST) == 100
    assert free_gb(rest) == 0
    assert bill(rest, Decimal(900)) == 81
    assert bill(rest, Decimal(901)) == Decimal("81.05")
    assert without_free(rest) == rest


@given(first=AMOUNTS, second=AMOUNTS)
def test_more_never_costs_less(first: Decimal, second: Decimal) -> None:
    """A bill grows with the amount, by at most the dearest step for each GB."""
    less, more = sorted((first, second))
    assert 0 <= bill(LIST, more) - bill(LIST, less) <= (more - less) * Decimal("0.09")


@given(gb=AMOUNTS)
def test_a_bill_without_the_allowance_is_dearer_by_at_most_the_allowance(gb: Decimal) -> None:
    """Losing 100 free GB costs at most 100 x the first price."""
    extra = bill(without_free(LIST), gb) - bill(LIST, gb)
    assert 0 <= extra <= 100 * Decimal("0.09")
