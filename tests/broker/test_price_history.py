"""What a type cost over time: the cheapest zone of each region, in every market."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from broker.errors import QueryError
from broker.market import Market
from broker.offer_query import Query
from broker.offers import PurchaseOption
from broker.price_history import price_history
from tests.broker.market_rows import ROWS, market_of


def taken(day: int, *rows: str) -> Market:
    """Return the market of `rows`, taken on a day of November."""
    market = market_of(*rows)
    return replace(market, taken_at=datetime(2026, 11, day, tzinfo=UTC), digest=f"d{day}")


SECOND_ZONE = ROWS[0].replace("use1-az1", "use1-az2").replace(",40,", ",38,")


def test_the_cheapest_zone_stands_for_its_region() -> None:
    """Two zones at 40 and 38 are one line at 38; each market is one point, oldest first."""
    markets = [taken(3, ROWS[0].replace(",40,", ",30,")), taken(1, ROWS[0], SECOND_ZONE)]
    history = price_history(markets, "P5.48XLARGE", Query())
    assert history.points.select(
        "provider", "region", "option", "market", "rate_usd_per_hour"
    ).rows() == [
        ("aws", "us-east-1", "on-demand", "d1", Decimal(38)),
        ("aws", "us-east-1", "on-demand", "d3", Decimal(30)),
    ]


def test_a_market_without_the_type_has_no_point() -> None:
    """Absence and an unknown price are no price, never zero."""
    unpriced = ROWS[0].replace(",40,", ",,")
    history = price_history([taken(1, ROWS[5]), taken(2, unpriced), taken(3, ROWS[0])],
                            "p5.48xlarge", Query())  # fmt: skip
    assert history.points["market"].to_list() == ["d3"]
    assert [moment.day for moment in history.moments] == [1, 2, 3]


def test_equal_markets_count_once() -> None:
    """A market that is named twice is one point."""
    history = price_history([taken(1, ROWS[0]), taken(1, ROWS[0])], "p5.48xlarge", Query())
    assert history.points.height == 1


def test_a_query_narrows_options() -> None:
    """Spot alone leaves one line."""
    query = Query(options=(PurchaseOption.SPOT,))
    assert price_history([taken(1)], "p5.48xlarge", query).points["option"].to_list() == ["spot"]


def test_an_unknown_type_is_an_error_with_the_nearest_names() -> None:
    """A misspelt type is not an empty history."""
    with pytest.raises(QueryError) as raised:
        price_history([taken(1)], "p5.84xlarge", Query())
    assert "p5.48xlarge" in raised.value.remedy
