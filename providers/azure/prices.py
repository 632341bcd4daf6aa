"""Prices of a region: rows of the Retail Prices API, made into one frame.

Rows lie easily to a hurried reader. A reservation's price is that of the whole term although its
unit says one hour; Windows, Low Priority, Dedicated and Cloud Services meters carry the names of
plain sizes; superseded and future rows stand among those in force.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import polars as pl

from broker.market import Schema
from broker.offers import MOMENT, PRICE, PurchaseOption
from broker.provider import Fetched, Row
from providers.azure.fields import region_key, rows_of, text_of, usd_of

#: Variants of the reserved options.
ALL_UPFRONT: Final = "all-upfront"
SAVINGS_PLAN: Final = "savings-plan"

#: Columns of the frame of prices; `type_key` is the size's name in lower case.
PRICE_SCHEMA: Final[Schema] = {
    "region": pl.String,
    "type_key": pl.String,
    "instance_type": pl.String,
    "option": pl.String,
    "variant": pl.String,
    "usd_per_hour": PRICE,
    "upfront_usd": PRICE,
    "price_observed_at": MOMENT,
}

_KEPT: Final = (
    "armSkuName",
    "armRegionName",
    "currencyCode",
    "effectiveEndDate",
    "effectiveStartDate",
    "isPrimaryMeterRegion",
    "meterName",
    "productName",
    "reservationTerm",
    "retailPrice",
    "savingsPlan",
    "skuName",
    "type",
    "unitOfMeasure",
)
_OTHER_PRODUCT: Final = re.compile(r"\bWin(dows)?\b|Cloud ?Services|Dedicated", re.IGNORECASE)
_LOW_PRIORITY: Final = re.compile(r"\bLow Priority\b", re.IGNORECASE)
_SPOT: Final = re.compile(r" Spot$", re.IGNORECASE)
_TERMS: Final = {
    "1 Year": PurchaseOption.RESERVED_1Y,
    "3 Years": PurchaseOption.RESERVED_3Y,
}

_Key = tuple[str, str, PurchaseOption]  # region, size in lower case, option


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What the price rows say.

    Attributes:
        frame: one row per region, size, option and variant; schema `PRICE_SCHEMA`.
        doubtful: region -> sizes for which two rows in force disagree; they have no price.
    """

    frame: pl.DataFrame
    doubtful: Mapping[str, Sequence[str]]


def price_filters(region: str, cpu_generations: Iterable[str]) -> tuple[str, ...]:
    """Return the OData filters that together find every price of `region` worth a row.

    GPU sizes first, then one filter for each generation of CPU sizes. Windows products are left
    out by the service, which halves the pages.
    """
    place = (
        f"serviceName eq 'Virtual Machines' and armRegionName eq '{region}'"
        " and contains(productName,'Windows') eq false"
    )
    gpu = f"{place} and contains(armSkuName,'Standard_N')"
    cpu = (
        f"{place} and contains(armSkuName,'_{generation}')"
        " and contains(armSkuName,'Standard_N') eq false"
        for generation in sorted(cpu_generations)
    )
    return (gpu, *cpu)


def trimmed_price(item: Row) -> Row | None:
    """Return what is kept of one price row; None for what is never sold as a plain instance."""
    name = text_of(item, "armSkuName")
    if not name or _OTHER_PRODUCT.search(text_of(item, "productName")):
        return None
    if _LOW_PRIORITY.search(text_of(item, "skuName") + " " + text_of(item, "meterName")):
        return None
    return {key: item[key] for key in _KEPT if key in item}


def read_prices(fetched: Sequence[Fetched]) -> Prices:
    """Turn price rows into one price per region, size and option.

    Of several rows in force the primary meter's, then the newest, stands; rows that still
    disagree make the price doubtful, hence unknown.
    """
    lines: list[tuple[object, ...]] = []
    doubtful: dict[str, list[str]] = defaultdict(list)
    for one in fetched:
        if one.dataset.partition("/")[0] != "prices" or one.fetched_at is None:
            continue
        for key, rows in _grouped(one.rows, one.fetched_at).items():
            chosen = _in_charge(rows)
            if chosen is None:
                doubtful[key[0]].append(text_of(rows[0], "armSkuName"))
            else:
                lines.extend(_lines(key, chosen, one.fetched_at))
    frame = pl.DataFrame(lines, schema=dict(PRICE_SCHEMA), orient="row")
    return Prices(
        frame=frame.unique(["region", "type_key", "option", "variant"], maintain_order=True),
        doubtful={region: sorted(set(names)) for region, names in doubtful.items()},
    )


def _grouped(rows: Iterable[Row], at: datetime) -> dict[_Key, list[Row]]:
    grouped: dict[_Key, list[Row]] = defaultdict(list)
    now = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    for row in rows:
        option = _option(row)
        if option is not None and _is_in_force(row, now) and usd_of(row.get("retailPrice")):
            region = region_key(text_of(row, "armRegionName"))
            grouped[region, text_of(row, "armSkuName").casefold(), option].append(row)
    return grouped


def _option(row: Row) -> PurchaseOption | None:
    if text_of(row, "currencyCode") != "USD" or text_of(row, "unitOfMeasure") != "1 Hour":
        return None
    kind = text_of(row, "type")
    if kind == "Reservation":
        return _TERMS.get(text_of(row, "reservationTerm"))
    if kind != "Consumption":
        return None
    spot = _SPOT.search(text_of(row, "skuName")) or _SPOT.search(text_of(row, "meterName"))
    return PurchaseOption.SPOT if spot else PurchaseOption.ON_DEMAND


def _is_in_force(row: Row, now: str) -> bool:
    """Compare ISO texts of one form; a window that ends before it begins never was in force."""
    start, end = text_of(row, "effectiveStartDate"), text_of(row, "effectiveEndDate")
    return start <= now and (not end or end > max(start, now))


def _in_charge(rows: Sequence[Row]) -> Row | None:
    ranked = sorted(rows, key=_rank, reverse=True)
    first = ranked[0]
    rivals = [row for row in ranked if _rank(row) == _rank(first)]
    agreed = {usd_of(row.get("retailPrice")) for row in rivals}
    return first if len(agreed) == 1 else None


def _rank(row: Row) -> tuple[bool, str]:
    return row.get("isPrimaryMeterRegion") is True, text_of(row, "effectiveStartDate")


def _lines(key: _Key, row: Row, at: datetime) -> Iterator[tuple[object, ...]]:
    region, type_key, option = key
    name = text_of(row, "armSkuName")
    price = usd_of(row.get("retailPrice"))
    zero = Decimal(0)
    if option.years:
        yield (region, type_key, name, option.value, ALL_UPFRONT, zero, price, at)
        return
    yield (region, type_key, name, option.value, "", price, zero, at)
    for plan in rows_of(row, "savingsPlan") if option is PurchaseOption.ON_DEMAND else ():
        term, rate = _TERMS.get(text_of(plan, "term")), usd_of(plan.get("retailPrice"))
        if term is not None and rate is not None:
            yield (region, type_key, name, term.value, SAVINGS_PLAN, rate, zero, at)
