"""What changed between two markets: offers added and removed, prices, availability.

Prices are compared as the rate of an instance-hour, upfront fees spread over their term, so that
a cheaper fee counts as cheaper.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Final

import polars as pl

from broker.offer_query import Query
from broker.offer_selection import RATE, rate_usd_per_hour, select
from broker.offers import OFFER_KEY, Purchasable


class Change(StrEnum):
    """What happened to an offer, in the order lists show it."""

    ADDED = "added"
    REMOVED = "removed"
    DEARER = "dearer"
    CHEAPER = "cheaper"
    PRICED = "priced"  # the price was unknown
    UNPRICED = "unpriced"  # the price is no longer known
    OPENED = "opened"  # it was not sold
    CLOSED = "closed"  # it is no longer sold
    MORE = "more"  # more instances can be had
    FEWER = "fewer"


#: Columns of the frame of changes, beside `OFFER_KEY`; ``_before`` is null for what was added.
CHANGE: Final = "change"
RELATIVE: Final = "relative"
_COMPARED: Final = (RATE, "purchasable", "available", "price_observed_at")
_ORDER: Final[Mapping[str, int]] = {change.value: place for place, change in enumerate(Change)}


def offer_changes(before: pl.DataFrame, after: pl.DataFrame, query: Query) -> pl.DataFrame:
    """Return the changes from one offer table to another, one row per offer and change.

    An offer may be both dearer and closed, hence stand twice.

    Args:
        before: the earlier offers, columns of `OFFER_SCHEMA`.
        after: the later offers.
        query: which offers to compare; those that fit it before or after. Offers without a
            price, and those not sold, take part too.

    Returns:
        `CHANGE`, the columns of `OFFER_KEY`, `RATE`, purchasable, available and
        price_observed_at each with ``_before`` and ``_after``, and `RELATIVE`: rate after / rate
        before - 1, null unless the price moved. Sorted by kind, the largest move first.

    Raises:
        QueryError: if a place of the query is in neither table.
    """
    wanted = _wanted(before, after, query)
    both = _side(before, wanted, "before").join(
        _side(after, wanted, "after"), on=OFFER_KEY, how="full", coalesce=True
    )
    changes = [both.filter(test).with_columns(pl.lit(name).alias(CHANGE)) for name, test in _TESTS]
    found = pl.concat(changes).drop("was", "is").with_columns(_relative())
    place = pl.col(CHANGE).replace_strict(_ORDER, return_dtype=pl.Int8)
    move = pl.col(RELATIVE).abs()
    order = [place, move, *map(pl.col, OFFER_KEY)]
    descending = [False, True, *([False] * len(OFFER_KEY))]
    columns = [CHANGE, *OFFER_KEY, *(f"{name}_{when}" for name in _COMPARED for when in _WHEN)]
    return found.sort(order, descending=descending, nulls_last=True).select(*columns, RELATIVE)


def change_counts(changes: pl.DataFrame) -> dict[Change, int]:
    """Return how many changes there are of each kind that occurs, in the order of `Change`."""
    counted = dict(changes.group_by(CHANGE).len().rows())
    return {change: counted[change.value] for change in Change if change.value in counted}


_WHEN: Final = ("before", "after")


def _wanted(before: pl.DataFrame, after: pl.DataFrame, query: Query) -> pl.DataFrame:
    """Return the keys of the offers that fit `query` in either table."""
    together = pl.concat([before.with_columns(era=pl.lit(0)), after.with_columns(era=pl.lit(1))])
    fitting = select(together, replace(query, everything=True))
    return fitting.select(OFFER_KEY).unique()


def _side(offers: pl.DataFrame, wanted: pl.DataFrame, when: str) -> pl.DataFrame:
    kept = offers.join(wanted, on=OFFER_KEY, how="semi").with_columns(rate_usd_per_hour())
    figures = (pl.col(name).alias(f"{name}_{when}") for name in _COMPARED)
    return kept.select(
        *OFFER_KEY, *figures, pl.lit(value=True).alias({"before": "was", "after": "is"}[when])
    )


def _relative() -> pl.Expr:
    moved = pl.col(CHANGE).is_in([Change.DEARER.value, Change.CHEAPER.value])
    before, after = (pl.col(f"{RATE}_{when}").cast(pl.Float64) for when in _WHEN)
    return pl.when(moved & (before > 0)).then(after / before - 1).alias(RELATIVE)


def _tests() -> list[tuple[str, pl.Expr]]:
    was, here = pl.col("was").is_not_null(), pl.col("is").is_not_null()
    stayed = was & here
    price_before, price_after = pl.col(f"{RATE}_before"), pl.col(f"{RATE}_after")
    sold_before, sold_after = (
        pl.col(f"purchasable_{when}").ne_missing(Purchasable.NO.value) for when in _WHEN
    )
    room_before, room_after = pl.col("available_before"), pl.col("available_after")
    tests = {
        Change.ADDED: here & ~was,
        Change.REMOVED: was & ~here,
        Change.DEARER: stayed & (price_after > price_before),
        Change.CHEAPER: stayed & (price_after < price_before),
        Change.PRICED: stayed & price_before.is_null() & price_after.is_not_null(),
        Change.UNPRICED: stayed & price_before.is_not_null() & price_after.is_null(),
        Change.OPENED: stayed & ~sold_before & sold_after,
        Change.CLOSED: stayed & sold_before & ~sold_after,
        Change.MORE: stayed & (room_after > room_before),
        Change.FEWER: stayed & (room_after < room_before),
    }
    return [(change.value, test) for change, test in tests.items()]


_TESTS: Final = _tests()
