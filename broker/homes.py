"""Where workloads run now, as rows of the stock, and what it costs to move them away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.market import Market
from broker.offers import UNKNOWN_ZONE, PurchaseOption
from broker.stock import Stock
from broker.units import round_cents
from broker.workloads import Running, Spec, Stability

#: Options that differ in the bill alone: an instance goes from one to another without moving.
STANDING = frozenset({"on-demand", "owned", "reserved-1y", "reserved-3y"})
_UNNAMED = ("", UNKNOWN_ZONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """Where one workload runs now.

    Attributes:
        workload: name.
        running: its instances, by pool and option.
        rows: int64[.], stock rows on which it stays, ascending.
        move_usd: what moving it costs, whole cents.
        is_priced: False when that rests on instances whose price nobody states.
    """

    workload: str
    running: tuple[Running, ...]
    rows: NDArray[np.int64]
    move_usd: Decimal
    is_priced: bool


def homes_of(spec: Spec, market: Market, stock: Stock) -> dict[str, Home]:
    """Return the homes of the workloads that run now, by name; none without `stability`."""
    if spec.stability is None:
        return {}
    names = {workload.name for workload in spec.workloads}
    by_name: dict[str, list[Running]] = {}
    for one in running_now(spec.stability, market):
        if one.workload in names:
            by_name.setdefault(one.workload, []).append(one)
    indexed = stock.frame.with_row_index("row")
    return {name: _home(spec, name, found, indexed) for name, found in sorted(by_name.items())}


def running_now(stability: Stability, market: Market) -> tuple[Running, ...]:
    """Return what runs now: as stated, else as the market saw it."""
    if stability.current is not None:
        return stability.current
    columns = ["workload", "provider", "region", "zone", "instance_type", "option", "instances"]
    seen = market.running.filter(pl.col("instances") > 0).select(columns).sort(columns)
    return tuple(
        Running(
            workload=workload,
            pool="/".join((provider, region, zone or UNKNOWN_ZONE, kind)),
            option=PurchaseOption(option),
            instances=instances,
        )
        for workload, provider, region, zone, kind, option, instances in seen.iter_rows()
    )


def _home(spec: Spec, name: str, running: Sequence[Running], indexed: pl.DataFrame) -> Home:
    pools = [_rows_of(one, indexed) for one in running]
    stays = [_same_kind(one, rows) for one, rows in zip(running, pools, strict=True)]
    prices = [_usd_per_hour(one, rows) for one, rows in zip(running, pools, strict=True)]
    stated = spec.stability.move_cost.get(name) if spec.stability is not None else None
    held = [price * one.instances for price, one in zip(prices, running, strict=True) if price]
    derived = _restart_h(spec, name) * sum(held, Decimal(0))
    rows = np.unique(np.concatenate([stay["row"].to_numpy() for stay in stays]))
    return Home(
        workload=name,
        running=tuple(running),
        rows=rows.astype(np.int64),
        move_usd=round_cents(derived if stated is None else stated),
        is_priced=stated is not None or None not in prices,
    )


def _rows_of(one: Running, indexed: pl.DataFrame) -> pl.DataFrame:
    """Rows of the pool; where either side names no zone, of the type in the region."""
    provider, region, zone, kind = one.pool.split("/")
    here = (pl.col("provider") == provider) & (pl.col("region") == region)
    there = pl.col("zone").is_in([zone, *_UNNAMED]) | pl.lit(zone in _UNNAMED)
    return indexed.filter(here, pl.col("instance_type") == kind, there)


def _same_kind(one: Running, rows: pl.DataFrame) -> pl.DataFrame:
    options = STANDING if one.option.value in STANDING else {one.option.value}
    return rows.filter(pl.col("option").is_in(sorted(options)))


def _usd_per_hour(one: Running, rows: pl.DataFrame) -> Decimal | None:
    """Contracted price of one instance; owned and reserved at the on-demand price."""
    option = "on-demand" if one.option.value in STANDING else one.option.value
    priced = rows.filter(pl.col("option") == option, pl.col("usd_per_hour").is_not_null())
    prices = [
        price * (1 - Decimal(off)) for price, off in priced.select("usd_per_hour", "off").rows()
    ]
    return min(prices, default=None)


def _restart_h(spec: Spec, name: str) -> Decimal:
    workload = next(one for one in spec.workloads if one.name == name)
    if workload.spot is not None and workload.spot.restart:
        return workload.spot.restart
    return spec.stability.restart if spec.stability is not None else Decimal(0)
