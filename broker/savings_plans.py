"""Savings plans as the spec and the market hold them, with their rate for every row of a stock.

A plan is money committed by the hour. It pays for on-demand hours of its provider, types and
regions, each at the plan's own rate; what it does not pay for costs what it costs without it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

import polars as pl

from broker.market import Market
from broker.offers import PurchaseOption
from broker.stock import Stock, not_covering, period_end
from broker.units import HOURS_PER_YEAR
from broker.workloads import SavingsPlan, Spec

#: What kinds of such holdings end with; the kind is the variant of the offers at its rates.
_KIND: Final = "savings-plan"
#: A plan that runs for longer than this is one of three years.
_LONG: Final = timedelta(days=2 * 365)

_NOTHING: Final = Decimal(0)

_Term = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPlan:
    """A savings plan, and whether this period can use it.

    Attributes:
        name: as the spec calls it, else its place in the list, else the market's id.
        provider: whose hours it pays for.
        per_hour_usd: the commitment, sunk.
        unused: why it does not count in this period; "" when it does.
        rates: stock row -> USD that an instance-hour of it takes from the commitment, > 0;
            ascending; empty when it is unused.
    """

    name: str
    provider: str
    per_hour_usd: Decimal
    unused: str
    rates: Mapping[int, Decimal]


def held_plans(spec: Spec, market: Market, stock: Stock) -> tuple[HeldPlan, ...]:
    """Return the plans of the spec, then those the market holds and the spec does not name."""
    end = period_end(stock.start, stock.period_h)
    found = []
    for name, plan, (begins, ends) in _stated(spec, market):
        unused = not_covering(begins, ends, stock.start, end)
        found.append(
            HeldPlan(
                name=name,
                provider=plan.provider,
                per_hour_usd=plan.per_hour,
                unused=unused,
                rates={} if unused else _rates(plan, market.offers, stock.frame),
            )
        )
    return tuple(found)


def _stated(spec: Spec, market: Market) -> Iterator[tuple[str, SavingsPlan, _Term]]:
    named = {plan.name for plan in spec.holdings.savings_plans}
    for number, plan in enumerate(spec.holdings.savings_plans):
        begins = None if plan.from_ is None else _midnight(plan.from_)
        ends = None if plan.until is None else _midnight(plan.until) + timedelta(days=1)
        yield plan.name or f"savings_plans[{number}]", plan, (begins, ends)
    held = market.holdings.filter(
        pl.col("kind").str.ends_with(_KIND) & pl.col("usd_per_hour").is_not_null()
    )
    for row in held.sort("id").iter_rows(named=True):
        if row["id"] not in named:
            named.add(row["id"])
            yield row["id"], _of_market(row), (row["starts_at"], row["ends_at"])


def _of_market(row: Mapping[str, Any]) -> SavingsPlan:
    """Return a held plan as a spec would state it; how long it runs says at which rates."""
    rates = None
    if row["starts_at"] and row["ends_at"]:
        is_long = row["ends_at"] - row["starts_at"] > _LONG
        term = PurchaseOption.RESERVED_3Y if is_long else PurchaseOption.RESERVED_1Y
        rates = f"{term.value}/{row['kind']}"
    return SavingsPlan(
        provider=row["provider"],
        per_hour=row["usd_per_hour"],
        rates=rates,
        types=(row["instance_type"],) if row["instance_type"] else None,
        regions=(row["region"],) if row["region"] else None,
    )


def _rates(plan: SavingsPlan, offers: pl.DataFrame, frame: pl.DataFrame) -> dict[int, Decimal]:
    """Return the rate of every on-demand row that the plan pays for; 0 is no rate."""
    sold = frame.with_row_index("row").filter(
        pl.col("option") == PurchaseOption.ON_DEMAND.value,
        pl.col("provider") == plan.provider,
        _matches("instance_type", plan.types, frame),
        _matches("region", plan.regions, frame),
    )
    known = {} if plan.rates is None else _market_rates(plan, offers)
    rates = {}
    for row, region, name, usd in sold.select(
        "row", "region", "instance_type", "usd_per_hour"
    ).iter_rows():
        rate = known.get((region, name)) if plan.off is None else usd * (1 - plan.off)
        if rate:
            rates[row] = rate
    return rates


def _matches(column: str, globs: Sequence[str] | None, frame: pl.DataFrame) -> pl.Expr:
    if globs is None:
        return pl.lit(value=True)
    names = frame[column].unique().to_list()
    return pl.col(column).is_in(
        [name for name in names if any(fnmatchcase(name, glob) for glob in globs)]
    )


def _market_rates(plan: SavingsPlan, offers: pl.DataFrame) -> dict[tuple[str, str], Decimal]:
    """Return (region, type) -> list price by the hour, fees spread; the dearest of its zones."""
    option, _, variant = (plan.rates or "").partition("/")
    years = PurchaseOption(option).years
    found: dict[tuple[str, str], Decimal] = {}
    rows = offers.filter(
        pl.col("provider") == plan.provider,
        pl.col("option") == option,
        pl.col("variant") == variant,
        pl.col("usd_per_hour").is_not_null(),
    ).select("region", "instance_type", "usd_per_hour", "upfront_usd")
    for region, name, hourly, upfront in rows.iter_rows():
        rate = hourly + (upfront or _NOTHING) / (HOURS_PER_YEAR * years)
        found[region, name] = max(rate, found.get((region, name), _NOTHING))
    return found


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
