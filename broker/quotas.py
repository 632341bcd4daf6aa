"""Quotas of the account, shared by all workloads.

Inequality: for every quota, the sum over matching rows of instances x size <= limit; size is
the instance's vCPUs, its accelerators, or 1, by the quota's unit. Owned instances need none.
A quota of a spec replaces the market's of the same provider, region, selector and option; one
that names several regions limits each by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.market import Market
from broker.offers import PurchaseOption
from broker.stock import Stock
from broker.workloads import QuotaLimit, QuotaUnit, Spec

_SIZES = {QuotaUnit.VCPUS: "vcpus", QuotaUnit.GPUS: "accelerators"}


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
    found = [row for quota in quotas_in_force(spec, market) for row in _per_region(quota, stock)]
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


def _per_region(quota: QuotaLimit, stock: Stock) -> Iterator[QuotaRow]:
    counted = _counted(quota, stock)
    code, regions = stock.codes("region")
    region_of = code[counted]
    size = np.ones(stock.count)
    if quota.unit in _SIZES:
        size = stock.number(_SIZES[quota.unit])
    for number in np.unique(region_of).tolist():
        region = regions[number]
        if quota.region is not None and not fnmatchcase(region, quota.region):
            continue
        rows = counted[region_of == number]
        what = quota.family or quota.accelerator or quota.type or "all"
        option = f" {quota.option.value}" if quota.option else ""
        yield QuotaRow(
            label=f"{quota.provider}/{region} {what}{option} ({quota.unit.value})",
            limit=quota.limit,
            unit=quota.unit,
            rows=rows,
            size=size[rows],
        )


def _counted(quota: QuotaLimit, stock: Stock) -> NDArray[np.int64]:
    """Return the rows that a quota counts in any region, ascending."""
    rows = np.flatnonzero(~stock.frame["owned"].to_numpy())
    for column, is_meant in _selectors(quota):
        # Names are few and rows are many: each name is judged once.
        code, names = stock.codes(column)
        meant = np.array([is_meant(name) for name in names], np.bool_)
        rows = rows[meant[code[rows]]]
    return rows


def _selectors(quota: QuotaLimit) -> Iterator[tuple[str, Callable[[str], bool]]]:
    """Yield columns of the stock, and which names in them a quota means."""
    yield "provider", lambda name: name == quota.provider
    if quota.option is not None:
        option = quota.option.value
        yield "option", lambda name: name == option
    if quota.accelerator is not None:
        yield "accelerator", lambda name: name == quota.accelerator
    if quota.family is not None:
        family = plain_family(quota.family)
        yield "quota_family", lambda name: plain_family(name) == family
    if quota.type is not None:
        glob = quota.type
        yield "instance_type", lambda name: fnmatchcase(name, glob)
