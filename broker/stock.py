"""The rows a plan can hold: planned offers and owned instances, as one table and as arrays.

"Stock" is the spec's view of a market: offers that may be planned at all, with contracted
prices, assumptions filled in and owned instances appended. Row order is fixed by the market's
sort key, so a permuted market gives the same stock.

    contracted price  =  list price x (1 - `off`)      USD per instance-hour, fees alike

Of several discounts that match an offer's provider, type and option the largest counts, alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.market import Market
from broker.offers import OFFER_KEY, UNKNOWN_ZONE, LocationKind, PurchaseOption, offer_id, pool_id
from broker.windows import BOUNDED
from broker.workloads import Discount, Reservation, Spec

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

_TYPE_FACTS = (
    "accelerator",
    "accelerators",
    "accelerator_memory_gib",
    "vcpus",
    "memory_gib",
    "fabric",
    "arch",
    "rack_hosts",
    "quota_family",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """An owned reservation and whether this period can use it.

    Attributes:
        pool: ``provider/region/zone/type``.
        instances: how many.
        usd_per_hour: sunk rate, None when not stated.
        unused: why it cannot be used; "" when it can.
    """

    pool: str
    instances: int
    usd_per_hour: Decimal | None
    unused: str


@dataclass(frozen=True, kw_only=True)
class Stock:
    """Planned offers and owned instances; S rows.

    Attributes:
        frame: columns of the offer table plus ``id``, ``pool``, ``place`` (provider/region),
            ``owned``, ``capacity`` (null: unlimited), ``capacity_assumed``,
            ``interruptions`` (0 where never), ``interruptions_assumed``, ``off`` (fraction off
            list, decimal text).
        owned: every reservation, used or not.
        dropped: reason -> offers of the market that no plan may use.
        start: first moment of the period.
        period_h: length of the period, hours.
    """

    frame: pl.DataFrame
    owned: tuple[Owned, ...]
    dropped: dict[str, int]
    start: datetime
    period_h: Decimal

    @property
    def count(self) -> int:
        """Number of rows S."""
        return self.frame.height

    def text(self, column: str) -> NDArray[np.str_]:
        """Return a text column, str[S], null as ""; read it, do not write to it."""
        if column not in self._texts:
            values = self.frame[column].fill_null("").to_list()
            self._texts[column] = np.asarray(values, dtype=np.str_)
        return self._texts[column]

    def number(self, column: str) -> Floats:
        """Return a numeric column, float64[S], null as NaN; read it, do not write to it."""
        if column not in self._numbers:
            values = self.frame[column].cast(pl.Float64).fill_null(np.nan).to_numpy()
            self._numbers[column] = values.astype(np.float64)
        return self._numbers[column]

    def codes(self, column: str) -> tuple[Ints, list[str]]:
        """Return a text column as int32[S] codes into its sorted distinct values; read only."""
        if column not in self._codes:
            names, code = np.unique(self.text(column), return_inverse=True)
            self._codes[column] = code.astype(np.int32), [str(name) for name in names]
        return self._codes[column]

    def named(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the columns of the rows with these ids, by id."""
        rows = self.frame.filter(pl.col("id").is_in(sorted(set(ids))))
        return {row["id"]: row for row in rows.iter_rows(named=True)}

    @cached_property
    def _texts(self) -> dict[str, NDArray[np.str_]]:
        """Text columns asked for so far: rules ask for the same ones, workload by workload."""
        return {}

    @cached_property
    def _numbers(self) -> dict[str, Floats]:
        """Numeric columns asked for so far."""
        return {}

    @cached_property
    def _codes(self) -> dict[str, tuple[Ints, list[str]]]:
        """Codes asked for so far."""
        return {}

    @cached_property
    def option(self) -> NDArray[np.str_]:
        """Purchase option of each row, str[S]."""
        return self.text("option")

    @cached_property
    def interruption_rates(self) -> tuple[list[float], Ints]:
        """Distinct rates of interruptions, ascending, and int32[S] codes into them."""
        rates, code = np.unique(self.number("interruptions"), return_inverse=True)
        return rates.tolist(), code.astype(np.int32)

    @cached_property
    def terms(self) -> tuple[NDArray[np.int64], NDArray[np.int64], list[dict[str, Any]]]:
        """Rows with a term of `BOUNDED` options, ascending; the term of each; what terms say."""
        rows = np.flatnonzero(np.isin(self.option, [one.value for one in BOUNDED]))
        said = self.frame[rows.tolist()].select("option", "starts_at", "length_h")
        number = {term: row for row, term in enumerate(dict.fromkeys(said.iter_rows()))}
        code = np.array([number[term] for term in said.iter_rows()], np.int64)
        return rows, code, [dict(zip(said.columns, term, strict=True)) for term in number]

    @cached_property
    def usd_per_hour(self) -> Floats:
        """Contracted price of each row, float64[S], for the optimizer only; owned rows 0."""
        off = self.frame["off"].cast(pl.Float64).to_numpy()
        price = np.nan_to_num(self.number("usd_per_hour")) * (1.0 - off)
        return np.where(self.frame["owned"].to_numpy(), 0.0, price)

    @cached_property
    def upfront_usd(self) -> Floats:
        """Contracted upfront fee of each row, float64[S]."""
        off = self.frame["off"].cast(pl.Float64).to_numpy()
        return np.nan_to_num(self.number("upfront_usd")) * (1.0 - off)


def build_stock(spec: Spec, market: Market) -> Stock:
    """Make the stock of `market` as `spec` sees it."""
    start = period_start(spec, market)
    offers, dropped = _plannable(market.offers, spec.providers)
    owned = _owned(spec, market, start)
    rows = offers.with_columns(
        pl.lit(value=False).alias("owned"),
        *_capacity(spec),
        *_interruptions(spec),
    )
    rows = pl.concat([rows, _owned_rows(owned, market.offers, rows.schema)], how="vertical")
    rows = rows.with_columns(
        offer_id(),
        pool_id(),
        pl.concat_str(["provider", "region"], separator="/").alias("place"),
        pl.Series("off", _discounts(rows, spec.holdings.discounts), dtype=pl.String),
    )
    return Stock(
        frame=rows, owned=tuple(owned), dropped=dropped, start=start, period_h=spec.period
    )


def period_start(spec: Spec, market: Market) -> datetime:
    """Return the first moment of the period: the spec's start, else the market's day."""
    day = spec.start or market.taken_at.date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def period_end(start: datetime, period_h: Decimal) -> datetime:
    """Return the moment after the period's last hour."""
    return start + timedelta(seconds=float(period_h * 3600))


def _plannable(
    offers: pl.DataFrame, providers: Sequence[str] | None
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Split off what no plan may use, counting it by reason."""
    reasons = {
        "provider not in `providers`": (
            pl.lit(value=False) if providers is None else ~pl.col("provider").is_in(providers)
        ),
        "not purchasable": pl.col("purchasable") == "no",
        "price unknown": pl.col("usd_per_hour").is_null(),
        "accelerators unknown": pl.col("accelerators").is_null(),
    }
    reason = pl.lit("")
    for text, condition in reversed(reasons.items()):
        reason = pl.when(condition).then(pl.lit(text)).otherwise(reason)
    judged = offers.with_columns(reason.alias("reason"))
    counts = judged.filter(pl.col("reason") != "").group_by("reason").len().sort("reason")
    kept = judged.filter(pl.col("reason") == "").drop("reason").sort(OFFER_KEY)
    return kept, dict(counts.iter_rows())


def _capacity(spec: Spec) -> list[pl.Expr]:
    assumed = spec.assume.instances_per_pool
    stated = pl.lit(None, dtype=pl.Int64)
    for option, instances in assumed.items():
        stated = pl.when(pl.col("option") == option.value).then(instances).otherwise(stated)
    return [
        pl.coalesce("available", stated).alias("capacity"),
        (pl.col("available").is_null() & stated.is_not_null()).alias("capacity_assumed"),
    ]


def _interruptions(spec: Spec) -> list[pl.Expr]:
    is_spot = pl.col("option") == PurchaseOption.SPOT.value
    known = pl.col("interruptions_per_hour")
    assumed = pl.lit(float(spec.assume.interruptions_per_hour))
    rate = pl.when(is_spot).then(pl.coalesce(known, assumed)).otherwise(0.0)
    return [
        rate.alias("interruptions"),
        (is_spot & known.is_null()).alias("interruptions_assumed"),
    ]


def _owned(spec: Spec, market: Market, start: datetime) -> list[Owned]:
    """Join the spec's reservations with the market's holdings; the spec's word wins."""
    end = period_end(start, spec.period)
    stated = [_from_spec(reservation, end) for reservation in spec.holdings.reservations]
    named = {one.pool for one in stated}
    held = market.holdings.filter(
        pl.col("kind").is_in(["reservation", "capacity-block"]) & pl.col("instances").is_not_null()
    )
    for row in held.sort("id").iter_rows(named=True):
        parts = (row["provider"], row["region"], row["zone"], row["instance_type"])
        pool = "/".join(parts)
        if pool not in named:
            unused = not_covering(row["starts_at"], row["ends_at"], start, end)
            stated.append(
                Owned(
                    pool=pool,
                    instances=row["instances"],
                    usd_per_hour=row["usd_per_hour"],
                    unused=unused,
                )
            )
    return stated


def _from_spec(reservation: Reservation, end: datetime) -> Owned:
    ends = _end_of_day(reservation.until) if reservation.until else None
    unused = not_covering(None, ends, end, end)
    return Owned(
        pool=reservation.pool,
        instances=reservation.instances,
        usd_per_hour=reservation.usd_per_hour,
        unused=unused,
    )


def _end_of_day(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


def not_covering(
    starts: datetime | None, ends: datetime | None, start: datetime, end: datetime
) -> str:
    """Return why a holding does not cover the period from `start` to `end`; "" when it does."""
    if starts is not None and starts > start:
        return f"begins on {starts.date()}, after the period does"
    if ends is not None and ends < end:
        last = (ends - timedelta(microseconds=1)).date()  # midnight belongs to the day before
        return f"ends on {last}, before the period does"
    return ""


def _owned_rows(owned: Sequence[Owned], offers: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Owned instances as rows of the stock: free, their pool's instances summed."""
    total: dict[str, int] = {}
    for one in owned:
        if not one.unused:
            total[one.pool] = total.get(one.pool, 0) + one.instances
    keys = [(*pool.split("/"), count) for pool, count in sorted(total.items())]
    names = ["provider", "region", "zone", "instance_type", "capacity"]
    held = pl.DataFrame(keys, schema=names, orient="row").with_columns(
        pl.col(name).cast(pl.Int64 if name == "capacity" else pl.String) for name in names
    )
    by_type = offers.unique(["provider", "instance_type"], keep="first", maintain_order=True)
    facts = by_type.select("provider", "instance_type", *_TYPE_FACTS)
    rows = held.join(facts, on=["provider", "instance_type"], how="left", maintain_order="left")
    kinds = offers.unique(["provider", "region", "zone"], keep="first", maintain_order=True)
    kinds = kinds.select("provider", "region", "zone", "location_kind")
    rows = rows.join(
        kinds, on=["provider", "region", "zone"], how="left", maintain_order="left"
    ).with_columns(pl.col("location_kind").fill_null(LocationKind.REGION.value))
    constant = {
        "option": pl.lit(PurchaseOption.OWNED.value),
        "variant": pl.lit(""),
        "owned": pl.lit(value=True),
        "capacity_assumed": pl.lit(value=False),
        "interruptions": pl.lit(0.0),
        "interruptions_assumed": pl.lit(value=False),
        "purchasable": pl.lit("yes"),
    }
    rows = rows.with_columns(value.alias(name) for name, value in constant.items())
    missing = [name for name in schema if name not in rows.columns]
    rows = rows.with_columns(pl.lit(None).alias(name) for name in missing)
    return rows.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _discounts(rows: pl.DataFrame, discounts: Sequence[Discount]) -> list[str]:
    """The fraction off of each row, as text: the largest of the discounts that match."""
    if not discounts:
        return ["0"] * rows.height
    keys = rows.select("provider", "instance_type", "option").iter_rows()
    known: dict[tuple[str, str, str], str] = {}
    return [
        known[key] if key in known else known.setdefault(key, _largest_off(key, discounts))
        for key in keys
    ]


def _largest_off(key: tuple[str, str, str], discounts: Sequence[Discount]) -> str:
    provider, instance_type, option = key
    matching = [
        discount.off
        for discount in discounts
        if discount.provider == provider
        and (discount.on is None or option in {one.value for one in discount.on})
        and (
            discount.types is None
            or any(fnmatchcase(instance_type, glob) for glob in discount.types)
        )
    ]
    return str(max(matching, default=Decimal(0)))


def zone_is_known(zone: str) -> bool:
    """True when a zone is named; the unnamed zone is written ``-``."""
    return zone not in {"", UNKNOWN_ZONE}
