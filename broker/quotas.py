"""Quotas of the account, shared by all workloads.

Inequality: for every quota, the sum over matching rows of instances x size <= limit; size is
the instance's vCPUs, its accelerators, or 1, by the quota's unit. Owned instances need none.
A quota of a spec replaces the market's of the same provider, region, selector and option; one
that names several regions limits each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import translate
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.market import Market
from broker.offers import PurchaseOption
from broker.stock import Stock
from broker.workloads import QuotaLimit, QuotaUnit, Spec

_SIZES = {QuotaUnit.VCPUS: "vcpus", QuotaUnit.GPUS: "accelerators"}
#: Columns in which quotas name globs.
_GLOBS = ("region", "instance_type")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaRow:
    """One quota of one region, as the plan obeys it.

    Attributes:
        label: for people, e.g. ``aws/us-east-1 H100 gpus``.
        limit: in `unit`.
        unit: what is counted.
        rows: int64[.], stock rows it counts, ascending.
        size: float64[.], what one instance of each counts; NaN where unknown.
    """

    label: str
    limit: Decimal
    unit: QuotaUnit
    rows: NDArray[np.int64]
    size: NDArray[np.float64]


def quota_rows(spec: Spec, market: Market, stock: Stock) -> tuple[QuotaRow, ...]:
    """Return every quota that counts at least one stock row."""
    meant = _Meant(stock=stock)
    found = [row for quota in quotas_in_force(spec, market) for row in _per_region(quota, meant)]
    return tuple(row for row in found if len(row.rows))


def quotas_in_force(spec: Spec, market: Market) -> list[QuotaLimit]:
    """Return the spec's quotas and those of the market it does not replace."""
    named = {_key(quota) for quota in spec.quotas}
    kept = [quota for quota in _from_market(market.quotas) if _key(quota) not in named]
    return [*spec.quotas, *kept]


def _from_market(frame: pl.DataFrame) -> Iterator[QuotaLimit]:
    for row in frame.iter_rows(named=True):
        if row["limit"] is not None:
            yield QuotaLimit(
                provider=row["provider"],
                region=row["region"] or None,
                family=row["family"] or None,
                accelerator=row["accelerator"] or None,
                type=row["instance_type"] or None,
                option=PurchaseOption(row["option"]) if row["option"] else None,
                limit=Decimal(repr(row["limit"])),
                unit=QuotaUnit(row["unit"]),
            )


def _key(quota: QuotaLimit) -> tuple[object, ...]:
    family = plain_family(quota.family) if quota.family else None
    return (
        quota.provider, quota.region, family, quota.accelerator, quota.type, quota.option
    )  # fmt: skip


@lru_cache(maxsize=4096)
def plain_family(name: str) -> str:
    """Return a quota family's name without case, spaces and punctuation, to match spellings."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _per_region(quota: QuotaLimit, meant: _Meant) -> Iterator[QuotaRow]:
    stock = meant.stock
    counted = _counted(quota, meant)
    code, regions = stock.codes("region")
    region_of = code[counted]
    for number in np.unique(region_of).tolist():
        rows = counted[region_of == number]
        what = quota.family or quota.accelerator or quota.type or "all"
        option = f" {quota.option.value}" if quota.option else ""
        has_size = quota.unit in _SIZES
        yield QuotaRow(
            label=f"{quota.provider}/{regions[number]} {what}{option} ({quota.unit.value})",
            limit=quota.limit,
            unit=quota.unit,
            rows=rows,
            size=stock.number(_SIZES[quota.unit])[rows] if has_size else np.ones(len(rows)),
        )


def _counted(quota: QuotaLimit, meant: _Meant) -> NDArray[np.int64]:
    """Return the rows that a quota counts in any of its regions, ascending."""
    counted = ~meant.stock.frame["owned"].to_numpy()
    for column, wanted in _selectors(quota):
        counted &= meant.rows(column, wanted)
    return np.flatnonzero(counted)


def _selectors(quota: QuotaLimit) -> Iterator[tuple[str, str]]:
    """Yield columns of the stock, and what a quota wants of each."""
    yield "provider", quota.provider
    if quota.region is not None:
        yield "region", quota.region
    if quota.option is not None:
        yield "option", quota.option.value
    if quota.accelerator is not None:
        yield "accelerator", quota.accelerator
    if quota.family is not None:
        yield "quota_family", plain_family(quota.family)
    if quota.type is not None:
        yield "instance_type", quota.type


def _judge(column: str, wanted: str) -> Callable[[str], object]:
    """Return what tells (truth value) whether a name in a column is one that is wanted."""
    if column == "quota_family":
        return lambda name: plain_family(name) == wanted
    if column in _GLOBS:
        return re.compile(translate(wanted)).match
    return lambda name: name == wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Meant:
    """Stock rows that selectors mean: many quotas share the same few.

    Attributes:
        stock: whose rows.
        known: bool[S] of each (column, what is wanted of it) asked for so far.
    """

    stock: Stock
    known: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)

    def rows(self, column: str, wanted: str) -> NDArray[np.bool_]:
        """Return the rows that one selector means, bool[S]."""
        if (column, wanted) not in self.known:
            # Names are few and rows are many: each name is judged once.
            code, names = self.stock.codes(column)
            named = np.array([bool(one) for one in map(_judge(column, wanted), names)], np.bool_)
            self.known[column, wanted] = named[code]
        return self.known[column, wanted]
