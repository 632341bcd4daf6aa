"""Which offers a query means: a pure function of the offer table, sorted strictly by price."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import reduce
from operator import or_
from typing import Any, Final

import polars as pl

from broker.errors import QueryError
from broker.offer_query import Order, Query, Range, Wanted
from broker.offers import OFFER_KEY, PRICE, Purchasable, PurchaseOption
from broker.units import HOURS_PER_YEAR

#: Columns that `select` adds.
RATE: Final = "rate_usd_per_hour"
LEFT_OUT: Final = "left_out"
_PLACE: Final = ("provider", "region", "zone")
_RESOLUTION: Final = 1e-9
#: Field of a query -> what to call its condition.
_CONDITIONS: Final = {
    "infra": "--infra",
    "options": "--spot or --option",
    "accelerator_memory_gib": "--gpu-memory",
    "vcpus": "--vcpus",
    "memory_gib": "--memory",
    "most_usd_per_hour": "--max-price",
    "most_usd_per_accelerator_hour": "--max-gpu-price",
}


def rate_usd_per_hour() -> pl.Expr:
    """Return what an instance-hour costs when an upfront fee is spread over its term.

    hourly price + upfront / hours of the term (8760 a year; a block's own length), to nine
    decimals; null where the price is unknown.
    """
    years = {option.value: option.years for option in PurchaseOption if option.years}
    term_h = (
        pl.when(pl.col("option").is_in(list(years)))
        .then(pl.col("option").replace_strict(years, default=0) * HOURS_PER_YEAR)
        .otherwise(pl.col("length_h"))
        .cast(PRICE)
    )
    spread = pl.when((pl.col("upfront_usd") > 0) & (term_h > 0)).then(
        pl.col("upfront_usd") / term_h
    )
    return (pl.col("usd_per_hour") + spread.fill_null(0)).cast(PRICE).alias(RATE)


def usd_per_accelerator_hour() -> pl.Expr:
    """Return the rate divided by the accelerators as a float; null for CPU types."""
    count = pl.when(pl.col("accelerators") > 0).then(pl.col("accelerators"))
    return pl.col(RATE).cast(pl.Float64) / count


def select(offers: pl.DataFrame, query: Query) -> pl.DataFrame:
    """Return the offers that `query` means, cheapest first.

    Args:
        offers: columns of `OFFER_SCHEMA`.
        query: what is wanted.

    Returns:
        The same columns with `RATE` and `LEFT_OUT` (why an offer is never planned, null for
        all others), sorted by rate, or rate per accelerator, then by key; offers that are never
        planned come last.

    Raises:
        QueryError: if a place of `query.infra` matches nothing in `offers`.
    """
    found = offers.lazy()
    if query.infra:
        places = _places(offers, query.infra)
        found = found.join(places.lazy(), on=_PLACE, how="semi", maintain_order="left")
    conditions = list(_conditions(query))
    if conditions:
        found = found.filter(*conditions)
    found = found.with_columns(rate_usd_per_hour(), _left_out())
    priced = list(_price_conditions(query))
    if priced:
        found = found.filter(*priced)
    by = pl.col(RATE) if query.order is Order.PRICE else usd_per_accelerator_hour()
    order = [pl.col(LEFT_OUT).is_not_null(), by, *map(pl.col, OFFER_KEY)]
    return found.sort(order, nulls_last=True).collect()


def grouped(selected: pl.DataFrame, by: str) -> pl.DataFrame:
    """Return one row for each value of the column `by`, the cheapest group first.

    Args:
        selected: what `select` returned.
        by: a column; offers without an accelerator count as ``cpu``.

    Returns:
        Columns: group, offers, `RATE` and usd_per_accelerator_hour (each the lowest, null where
        no offer has one), and the id's parts of the cheapest offer.
    """
    ordered = selected.with_columns(
        pl.col(by).fill_null("cpu").alias("group"), usd_per_accelerator_hour().alias("each")
    )
    return (
        ordered.group_by("group", maintain_order=True)
        .agg(
            pl.len().alias("offers"),
            pl.col(RATE).min(),
            pl.col("each").min().alias("usd_per_accelerator_hour"),
            *(pl.col(column).first() for column in OFFER_KEY),
        )
        .sort([pl.col(RATE), pl.col("group")], nulls_last=True)
    )


def _conditions(query: Query) -> Iterable[pl.Expr]:
    """Yield what holds of the offer's own columns."""
    if not query.everything:
        yield pl.col("usd_per_hour").is_not_null()
        yield pl.col("purchasable").ne_missing(Purchasable.NO.value)
    if query.options:
        yield pl.col("option").is_in([option.value for option in query.options])
    if query.accelerators:
        yield reduce(or_, map(_fits, query.accelerators))
    for column in ("accelerator_memory_gib", "vcpus", "memory_gib"):
        wanted = getattr(query, column)
        if wanted is not None:
            yield _within(column, wanted)


def _price_conditions(query: Query) -> Iterable[pl.Expr]:
    if query.most_usd_per_hour is not None:
        most = pl.lit(query.most_usd_per_hour, dtype=pl.Decimal(38, 9))
        yield pl.col(RATE).cast(pl.Decimal(38, 9)) <= most
    if query.most_usd_per_accelerator_hour is not None:
        most_each = float(query.most_usd_per_accelerator_hour) + _RESOLUTION
        yield usd_per_accelerator_hour() <= most_each


def _fits(wanted: Wanted) -> pl.Expr:
    if wanted.names is None:
        fits = pl.col("accelerators") > 0
    elif not wanted.names:
        fits = pl.col("accelerators").fill_null(0) == 0
    else:
        fits = pl.col("accelerator").is_in(list(wanted.names))
    if wanted.count is not None:
        fits &= _within("accelerators", wanted.count)
    if wanted.memory_gib is not None:
        fits &= _within("accelerator_memory_gib", wanted.memory_gib)
    return fits


def _within(column: str, wanted: Range) -> pl.Expr:
    return pl.col(column).is_between(wanted.low, wanted.high)


def _left_out() -> pl.Expr:
    return (
        pl.when(pl.col("purchasable") == Purchasable.NO.value)
        .then(pl.lit("not sold under this option"))
        .when(pl.col("usd_per_hour").is_null())
        .then(pl.lit("price unknown"))
        .alias(LEFT_OUT)
    )


def _places(offers: pl.DataFrame, patterns: Sequence[str]) -> pl.DataFrame:
    """Return the places that any of `patterns` matches; each must match at least one."""
    places = offers.select(_PLACE).unique().sort(_PLACE)
    rows = places.rows()
    matched = [False] * len(rows)
    for pattern in patterns:
        parts = pattern.strip().lower().rstrip("/").split("/")
        hits = [_matches(place, parts) for place in rows]
        if not any(hits):
            raise _no_such_place(pattern, rows, depth=min(len(parts), len(_PLACE)))
        matched = [old or new for old, new in zip(matched, hits, strict=True)]
    return places.filter(pl.Series(matched, dtype=pl.Boolean))


def _matches(place: Sequence[str], parts: Sequence[str]) -> bool:
    if len(parts) > len(place):
        return False
    pairs = zip(place, parts, strict=False)
    return all(fnmatchcase(name.lower(), part) for name, part in pairs)


def _no_such_place(pattern: str, places: Sequence[Sequence[str]], *, depth: int) -> QueryError:
    known = sorted({"/".join(place[:depth]) for place in places})
    near = difflib.get_close_matches(pattern.lower(), known, n=3, cutoff=0.5)
    if near:
        remedy = f"did you mean {' or '.join(near)}?"
    else:
        remedy = f"known here: {', '.join(known[:10])}{', …' if len(known) > 10 else ''}"
    return QueryError(f"reading --infra {pattern}: found no offer there", remedy=remedy)


def loosened(offers: pl.DataFrame, query: Query) -> dict[str, int]:
    """Return how many offers would fit if one condition alone were dropped, most first.

    Args:
        offers: columns of `OFFER_SCHEMA`.
        query: a query, usually one that nothing fits.

    Returns:
        Words for the condition -> the number of offers; conditions whose loss finds none are
        left out.
    """
    counts = {
        words: select(offers, replace(query, **change)).height
        for words, change in _ways_to_loosen(query)
    }
    found = [item for item in counts.items() if item[1]]
    return dict(sorted(found, key=lambda item: -item[1]))


def _ways_to_loosen(query: Query) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield each condition of `query` in words, and the change that drops it."""
    if any(wanted.count is not None for wanted in query.accelerators):
        any_count = tuple(replace(wanted, count=None) for wanted in query.accelerators)
        yield "any number of accelerators", {"accelerators": any_count}
    if not query.everything:
        yield "--all (no price, or not sold)", {"everything": True}
    for field, words in _CONDITIONS.items():
        if getattr(query, field):
            dropped = () if isinstance(getattr(query, field), tuple) else None
            yield f"no {words}", {field: dropped}
