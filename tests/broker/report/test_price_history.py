"""A history drawn: gaps stay blank, equal prices are flat, the last price holds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from broker.market import Market
from broker.offer_query import Query
from broker.price_history import price_history
from broker.report.price_history import (
    history_csv,
    history_drawn,
    history_json,
    in_force,
    spark,
)
from tests.broker.market_rows import ROWS, market_of

START = datetime(2026, 11, 1, tzinfo=UTC)


def taken(day: int, usd: str) -> Market:
    """Return a market with an on-demand price, and a spot price that never moves."""
    rows = [ROWS[0].replace(",40,", f",{usd},"), ROWS[1]]
    market = market_of(*(rows if usd else rows[1:]))
    return replace(market, taken_at=START + timedelta(days=day), digest=f"d{day}")


HISTORY = price_history(
    [taken(0, "40"), taken(1, "48"), taken(2, ""), taken(4, "32")], "p5.48xlarge", Query()
)


def test_heights_run_from_the_lowest_to_the_highest() -> None:
    """Lowest, middle, highest, unknown; equal values stand in the middle."""
    assert spark([Decimal(1), Decimal(8), None, Decimal(4)]) == "▁█ ▄"
    assert spark([Decimal(5), Decimal(5)]) == "▄▄"
    assert spark([]) == ""


def test_a_price_holds_until_the_next_market() -> None:
    """Columns are even in time: a market of day 2 without the type is a hole of two days."""
    prices = {START: Decimal(1), START + timedelta(days=4): Decimal(2)}
    moments = [START + timedelta(days=day) for day in (0, 1, 2, 4)]
    assert in_force(prices, moments, 5) == [Decimal(1), None, None, None, Decimal(2)]
    assert in_force(prices, moments[:1], 3) == [Decimal(1)] * 3


def test_the_drawing_fits_and_says_first_last_and_move() -> None:
    """A chart for what moved, a line for each place, at most 80 columns."""
    text = history_drawn(HISTORY, shown=0, width=80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "p5.48xlarge: 4 markets, 2026-11-01 to 2026-11-05"
    assert lines[2] == "on-demand, aws/us-east-1, $/h"
    assert lines[3].startswith("48.00 ┤")
    assert lines[7].startswith("32.00 ┤")
    assert "spot, aws/us-east-1" not in text
    assert any("16.00  16.00" in line and line.endswith("spot       aws/us-east-1")
               for line in lines)  # fmt: skip
    assert any("40.00  32.00  -20.0%" in line for line in lines)
    assert lines[-1] == "Shown 2 of 2; $/h of the cheapest zone of each region."


def test_a_type_that_is_gone_says_so() -> None:
    """A place that the newest market does not sell is marked and comes last."""
    without = replace(market_of(ROWS[4]), taken_at=START + timedelta(days=1), digest="d1")
    history = price_history([taken(0, "10"), without], "p5.48xlarge", Query())
    assert history_drawn(history, shown=0).count("(gone)") == 2
    history = price_history([taken(0, "10"), taken(1, "")], "p5.48xlarge", Query())
    assert history_drawn(history, shown=0).splitlines()[-2].endswith("aws/us-east-1 (gone)")
    assert "aws/us-east-1 (gone)" in history_drawn(history, shown=0)


def test_a_type_without_any_price_is_one_line() -> None:
    """A type that no market prices has no drawing."""
    unpriced = price_history([market_of()], "a4x-highgpu-4g", Query())
    text = history_drawn(unpriced, shown=0)
    assert text == "No price of a4x-highgpu-4g is known in these markets.\n"


def test_json_and_csv_hold_every_point() -> None:
    """Seven prices: three on demand, four spot; decimals as text."""
    document = json.loads(history_json(HISTORY))
    assert (document["format"], document["instance_type"]) == (1, "p5.48xlarge")
    assert len(document["points"]) == 7
    assert document["markets"][-1] == "2026-11-05T00:00:00Z"
    assert document["points"][0]["rate_usd_per_hour"] == "40"
    assert document["points"][0]["taken_at"] == "2026-11-01T00:00:00Z"
    assert history_csv(HISTORY).count("\n") == 8
