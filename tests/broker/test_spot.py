"""What losing spot capacity costs."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from broker.spot import carried_share, is_worth_it, rework_factor
from broker.workloads import Spot

RATES = st.decimals(min_value=0, max_value=5, places=4)
HOURS = st.decimals(min_value=0, max_value=2, places=3)


def test_the_factor_of_the_worked_example() -> None:
    """With d = 0.1, R = 0.2, L = 0.05 give 1 + 0.10 + 0.01."""
    spot = Spot(checkpoint=Decimal("0.1"), restart=Decimal("0.2"))
    assert rework_factor(spot, Decimal("0.05")) == Decimal("1.11")
    assert carried_share(spot, Decimal("0.05")) == Decimal("0.99")


def test_never_lost_costs_nothing() -> None:
    """L = 0 gives exactly 1."""
    assert rework_factor(Spot(checkpoint=Decimal(1)), Decimal(0)) == 1


def test_more_than_double_is_refused() -> None:
    """A factor of 2 is admitted, anything above is not."""
    assert is_worth_it(Spot(restart=Decimal(1)), Decimal(1))
    assert not is_worth_it(Spot(restart=Decimal(1)), Decimal("1.000001"))


@given(rate=RATES, more=RATES, checkpoint=HOURS, restart=HOURS)
def test_more_interruptions_never_cost_less(
    rate: Decimal, more: Decimal, checkpoint: Decimal, restart: Decimal
) -> None:
    """The factor grows and the carried share falls with the rate."""
    spot = Spot(checkpoint=checkpoint, restart=restart)
    assert 1 <= rework_factor(spot, rate) <= rework_factor(spot, rate + more)
    assert 0 <= carried_share(spot, rate + more) <= carried_share(spot, rate) <= 1
