"""The age of prices is told for a day the caller names."""

from __future__ import annotations

from datetime import date

from broker.freshness import freshness, freshness_by_source
from tests.broker.market_rows import market_of


def test_oldest_and_newest_price() -> None:
    """Eight offers, seven with a price, seen from May to August."""
    found = freshness(market_of().offers)
    assert (found.oldest, found.newest) == (date(2026, 5, 1), date(2026, 8, 3))
    assert (found.prices, found.undated) == (7, 0)
    assert found.oldest_days(date(2026, 5, 11)) == 10


def test_sources_come_with_the_oldest_first() -> None:
    """Each source has its own dates."""
    found = freshness_by_source(market_of().offers)
    assert [each.source for each in found] == ["aws-spot", "azure-list", "aws-list", "gcp-list"]


def test_undated_prices_are_counted() -> None:
    """A price without a date has no age."""
    head = "provider,region,instance_type,option,usd_per_hour"
    found = freshness(market_of("aws,r,t,spot,1", head=head).offers)
    assert (found.undated, found.oldest, found.oldest_days(date(2026, 1, 1))) == (1, None, None)


def test_no_price_at_all() -> None:
    """Offers without prices have no age either."""
    head = "provider,region,instance_type,option,usd_per_hour"
    assert freshness(market_of("aws,r,t,spot,", head=head).offers).prices == 0
