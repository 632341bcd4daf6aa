"""Each kind of cell has one parser that says what would be right."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.csv_cells import PARSERS, one_of, parse_count, parse_moment, parse_price
from broker.offers import OFFER_SCHEMA, PurchaseOption
from broker.units import plain


@given(st.decimals(min_value=0, max_value=999_999_999, places=9))
def test_every_price_of_nine_decimals_is_kept_exactly(price: Decimal) -> None:
    """No price is rounded on its way in."""
    assert parse_price(plain(price)) == price


@given(st.text(min_size=1, max_size=12))
def test_any_text_is_a_value_or_a_value_error(text: str) -> None:
    """Parsers fail in one way only."""
    for parse in set(PARSERS.values()):
        try:
            outcome = parse(text)
        except ValueError as error:
            outcome = str(error)
        assert outcome is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-17", datetime(2026, 8, 17, tzinfo=UTC)),
        ("2026-08-17T09:30:00Z", datetime(2026, 8, 17, 9, 30, tzinfo=UTC)),
        ("2026-08-17 09:30:00+05:30", datetime(2026, 8, 17, 4, 0, tzinfo=UTC)),
    ],
)
def test_moments_are_utc(text: str, expected: datetime) -> None:
    """Dates and times without a zone are taken as UTC."""
    assert parse_moment(text) == expected


def test_counts_are_whole() -> None:
    """8 and 8.0 are a count, 8.5 is none."""
    assert (parse_count("8"), parse_count("8.0")) == (8, 8)
    with pytest.raises(ValueError, match="whole"):
        parse_count("8.5")


def test_named_values_suggest_the_nearest() -> None:
    """A misspelt option names the right one."""
    with pytest.raises(ValueError, match="'reserved-1y'"):
        one_of(PurchaseOption)("reserved_1yr")


def test_every_numeric_and_dated_column_has_a_parser() -> None:
    """Only text may go unparsed."""
    texts = {name for name, dtype in OFFER_SCHEMA.items() if str(dtype) == "String"}
    assert set(OFFER_SCHEMA) - texts <= set(PARSERS)
