"""Where workloads run now, as rows of the stock, and what it costs to move them away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.market import Market
from broker.offers import UNKNOWN_ZONE, PurchaseOption
from broker.stock import Stock
from broker.units import round_cents
from broker.workloads import Running, Spec, Stability, Workload

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


class _Row(NamedTuple):
    """What is told of a stock row where workloads run: `price` is listed, `off` its discount."""

    number: int
    zone: str
    option: str
    price: Decimal | None
    off: str


def homes_of(spec: Spec, market: Market, stock: Stock) -> dict[str, Home]:
    """Return the homes of the workloads that run now, by name; none without `stability`."""
    if spec.stability is None:
        return {}
    workloads = {workload.name: workload for workload in spec.workloads}
    by_name: dict[str, list[Running]] = {}
    for one in running_now(spec.stability, market):
        if one.workload in workloads:
            by_name.setdefault(one.workload, []).append(one)
    every = [one for running in by_name.values() for one in running]
    rows_of = dict(zip(every, _rows_of(every, stock), strict=True))
    return {
        name: _home(spec.stability, workloads[name], [(one, rows_of[one]) for one in running])
        for name, running in sorted(by_name.items())
    }


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


def _home(
    rule: Stability, workload: Workload, running: Sequence[tuple[Running, Sequence[_Row]]]
) -> Home:
    stays = [row.number for one, rows in running for row in rows if _same_kind(one, row)]
    prices = [(_usd_per_hour(one, rows), one.instances) for one, rows in running]
    stated = rule.move_cost.get(workload.name)
    hourly = sum((price * count for price, count in prices if price), Decimal(0))
    spot = workload.spot
    restart_h = spot.restart if spot is not None and spot.restart else rule.restart
    return Home(
        workload=workload.name,
        running=tuple(one for one, _ in running),
        rows=np.unique(np.array(stays, np.int64)),
        move_usd=round_cents(restart_h * hourly if stated is None else stated),
        is_priced=stated is not None or all(price is not None for price, _ in prices),
    )


def _rows_of(running: Sequence[Running], stock: Stock) -> Iterator[list[_Row]]:
    """Yield the rows of each pool; where either side names no zone, of the type in the region."""
    wanted = {_without_zone(one.pool) for one in running}
    found: dict[tuple[str, ...], list[_Row]] = {key: [] for key in wanted}
    columns = ("provider", "region", "instance_type", "zone", "option", "usd_per_hour", "off")
    for number, (*key, zone, option, price, off) in enumerate(stock.frame.select(columns).rows()):
        if tuple(key) in wanted:
            found[tuple(key)].append(_Row(number, zone, option, price, off))
    for one in running:
        zone = one.pool.split("/")[2]
        there = found[_without_zone(one.pool)]
        yield [row for row in there if zone in _UNNAMED or row.zone in (zone, *_UNNAMED)]


def _without_zone(pool: str) -> tuple[str, str, str]:
    provider, region, _, kind = pool.split("/")
    return provider, region, kind


def _same_kind(one: Running, row: _Row) -> bool:
    return row.option in (STANDING if one.option.value in STANDING else {one.option.value})


def _usd_per_hour(one: Running, rows: Sequence[_Row]) -> Decimal | None:
    """Contracted price of one instance; owned and reserved at the on-demand price."""
    option = "on-demand" if one.option.value in STANDING else one.option.value
    prices = [
        row.price * (1 - Decimal(row.off))
        for row in rows
        if row.option == option and row.price is not None
    ]
    return min(prices, default=None)
