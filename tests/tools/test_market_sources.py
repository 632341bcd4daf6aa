"""The page on the market stays true to what ships."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.snapshot import read_market
from tools.market.sources import SOURCES, observed_at

PAGE = Path(__file__).parents[2] / "docs" / "market.md"


@pytest.mark.parametrize("key", sorted(SOURCES))
def test_page_lists_every_source_as_it_is(key: str) -> None:
    """Name, day and licence of each source stand in the page's table."""
    source = SOURCES[key]
    line = f"| `{key}` | {source.name} | {source.observed_on} | {source.licence} |"
    assert line in PAGE.read_text(encoding="utf-8").splitlines()


def test_every_source_is_used() -> None:
    """No source is described that no figure of the shipped market comes from."""
    assert set(read_market("embedded").sources) == set(SOURCES)


def test_page_states_the_number_of_offers() -> None:
    """The page says how many offers ship."""
    height = read_market("embedded").offers.height
    assert f"holds {height:,} offers" in PAGE.read_text(encoding="utf-8")


def test_a_day_begins_at_midnight_utc() -> None:
    """A source's day dates its figures at 00:00 UTC."""
    assert observed_at("aws-prices") == datetime(2026, 7, 20, tzinfo=UTC)
