"""Two markets compared: what came, what went, what costs more or less, what is sold."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.errors import QueryError
from broker.market_csv import read_offers_csv
from broker.offer_changes import Change, change_counts, offer_changes
from broker.offer_query import Query, parse_accelerators
from tests.broker.market_rows import ROWS, market_of

EVERYTHING = Query()
HEAD = "provider,region,instance_type,option,usd_per_hour,upfront_usd,purchasable,available"


def offers_of(*rows: str) -> pl.DataFrame:
    """Return the offer table of lines of `HEAD`."""
    return read_offers_csv("\n".join([HEAD, *rows]).encode(), name="m").offers


def changed(before: str, after: str) -> list[tuple[str, float | None]]:
    """Return kind and relative move of each change of one offer."""
    frame = offer_changes(offers_of(before), offers_of(after), EVERYTHING)
    return frame.select("change", "relative").rows()


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ("aws,r,a,on-demand,10,,yes,", "aws,r,a,on-demand,12.5,,yes,", [("dearer", 0.25)]),
        ("aws,r,a,on-demand,10,,yes,", "aws,r,a,on-demand,5,,yes,", [("cheaper", -0.5)]),
        ("aws,r,a,on-demand,,,yes,", "aws,r,a,on-demand,5,,yes,", [("priced", None)]),
        ("aws,r,a,on-demand,5,,yes,", "aws,r,a,on-demand,,,yes,", [("unpriced", None)]),
        ("aws,r,a,on-demand,5,,no,", "aws,r,a,on-demand,5,,unknown,", [("opened", None)]),
        ("aws,r,a,on-demand,5,,yes,", "aws,r,a,on-demand,5,,no,", [("closed", None)]),
        ("aws,r,a,on-demand,5,,yes,4", "aws,r,a,on-demand,5,,yes,6", [("more", None)]),
        ("aws,r,a,on-demand,5,,yes,4", "aws,r,a,on-demand,5,,yes,0", [("fewer", None)]),
        ("aws,r,a,on-demand,5,,yes,4", "aws,r,a,on-demand,5,,yes,", []),
        ("aws,r,a,on-demand,0,,yes,", "aws,r,a,on-demand,5,,yes,", [("dearer", None)]),
        (
            "aws,r,a,on-demand,5,,yes,",
            "aws,r,a,on-demand,6,,no,",
            [("dearer", 0.2), ("closed", None)],
        ),
        (
            "aws,r,a,on-demand,5,,yes,",
            "aws,r,b,on-demand,5,,yes,",
            [("added", None), ("removed", None)],
        ),
    ],
)
def test_each_kind_of_change(
    before: str, after: str, changes: list[tuple[str, float | None]]
) -> None:
    """Every kind stands for one thing; an offer may change in two ways at once."""
    assert changed(before, after) == [
        (kind, None if move is None else pytest.approx(move)) for kind, move in changes
    ]


def test_a_cheaper_fee_is_cheaper() -> None:
    """An upfront fee of 8760 for a year is a dollar an hour; half of it is half."""
    before, after = "aws,r,a,reserved-1y,0,8760,yes,", "aws,r,a,reserved-1y,0,4380,yes,"
    assert changed(before, after) == [("cheaper", pytest.approx(-0.5))]


def test_rates_before_and_after_are_exact() -> None:
    """Both rates stand beside the change, exact, with the day each was seen."""
    before = market_of(ROWS[0])
    after = market_of(ROWS[0].replace(",40,", ",55.04,"))
    (row,) = offer_changes(before.offers, after.offers, EVERYTHING).rows(named=True)
    assert row["rate_usd_per_hour_before"] == Decimal(40)
    assert row["rate_usd_per_hour_after"] == Decimal("55.04")
    assert row["price_observed_at_after"].date().isoformat() == "2026-07-20"


def test_only_what_was_asked_for_is_compared() -> None:
    """A query keeps the offers that fit it before or after; a gone region is still a place."""
    before, after = market_of(), market_of(*ROWS[3:])
    h100 = Query(accelerators=parse_accelerators("H100"), infra=("aws/us-east-1",))
    changes = offer_changes(before.offers, after.offers, h100)
    assert change_counts(changes) == {Change.REMOVED: 2}
    with pytest.raises(QueryError, match="--infra"):
        offer_changes(before.offers, after.offers, Query(infra=("aws/nowhere",)))


def test_the_largest_move_of_a_kind_comes_first() -> None:
    """Kinds in their order, then the size of the move, then the name."""
    before = offers_of(*(f"aws,r,{name},on-demand,10,,yes," for name in "abc"))
    after = offers_of(
        "aws,r,a,on-demand,9,,yes,", "aws,r,b,on-demand,5,,yes,", "aws,r,c,on-demand,11,,yes,"
    )
    frame = offer_changes(before, after, EVERYTHING)
    assert frame.select("change", "instance_type").rows() == [
        ("dearer", "c"),
        ("cheaper", "b"),
        ("cheaper", "a"),
    ]


PRICES = st.one_of(st.none(), st.integers(0, 4))
MARKETS = st.dictionaries(st.sampled_from("abcd"), PRICES, min_size=1)


def _rows(market: dict[str, int | None]) -> list[str]:
    return [
        f"aws,r,{name},on-demand,{'' if usd is None else usd},,yes,"
        for name, usd in market.items()
    ]


@settings(max_examples=20, deadline=None)
@given(one=MARKETS, other=MARKETS)
def test_the_way_back_is_the_opposite(
    one: dict[str, int | None], other: dict[str, int | None]
) -> None:
    """Comparing in the other direction swaps each kind with its opposite, and nothing is lost."""
    there = change_counts(offer_changes(offers_of(*_rows(one)), offers_of(*_rows(other)), Query()))
    back = change_counts(offer_changes(offers_of(*_rows(other)), offers_of(*_rows(one)), Query()))
    for kind, opposite in (("added", "removed"), ("dearer", "cheaper"), ("priced", "unpriced")):
        assert there.get(Change(kind), 0) == back.get(Change(opposite), 0)
        assert there.get(Change(opposite), 0) == back.get(Change(kind), 0)
    same = offer_changes(offers_of(*_rows(one)), offers_of(*_rows(one)), Query())
    assert same.is_empty()
