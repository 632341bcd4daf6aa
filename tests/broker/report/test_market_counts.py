"""A market's counts add up."""

from __future__ import annotations

from broker.report.market_counts import counts_table, market_counts
from tests.broker.market_rows import market_of

COUNTS = market_counts(market_of().offers)


def test_counts_of_the_eight_offers() -> None:
    """AWS has two regions and types, one accelerated; Google's one type has no price."""
    assert COUNTS.row(0, named=True) == {
        "provider": "aws",
        "regions": 2,
        "zones": 2,
        "instance_types": 2,
        "accelerated_types": 1,
        "accelerators": 1,
        "offers": 4,
        "priced": 4,
        "on-demand": 2,
        "spot": 1,
        "reserved-1y": 1,
    }
    gcp = COUNTS.row(2, named=True)
    assert (gcp["offers"], gcp["priced"]) == (3, 2)


def test_unknown_zones_are_no_zones() -> None:
    """Azure's offer without a zone counts none."""
    assert COUNTS.row(1, named=True)["zones"] == 0


def test_total_is_the_sum() -> None:
    """The last row counts all providers; accelerators of several count once."""
    total = COUNTS.row(-1, named=True)
    assert total["provider"] == "total"
    assert total["offers"] == COUNTS["offers"][:-1].sum() == 8
    assert total["accelerators"] == 4


def test_table_fits_a_terminal() -> None:
    """The counts fit 80 columns."""
    assert max(map(len, counts_table(COUNTS).splitlines())) <= 80
