"""Azure prices from three lists, newest first, and never a Windows licence in one of them.

The retail price list holds a Linux and a Windows meter of most sizes, a Cloud Services meter
of some (Windows too) and retired Low Priority meters, all of unit "1 Hour". Lists made from it
are right for most sizes and wrong where they took the dearer meter, so each price is compared
with the other list: a difference of exactly the licence is a licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.offers import PurchaseOption
from tools.market.azure_types import LEFT_OUT, is_gpu
from tools.market.rows import ZERO, Price
from tools.market.tables import Record, money, read_table

Key = tuple[str, str, PurchaseOption]  # size, region, option
Prices = dict[Key, Price]

#: What Windows Server adds to a size's price, per vCPU and hour.
WINDOWS_USD_PER_VCPU: Final = Decimal("0.046")
#: List prices are rounded to a tenth of a cent, so that large sizes differ by a few.
_ROUNDING_USD: Final = Decimal("0.0015")
_ROUNDING_SHARE: Final = Decimal("0.02")
_NOT_LINUX: Final = re.compile(r" (Win|Windows)\b|Cloud ?Services|Dedicated", re.IGNORECASE)
_LOW_PRIORITY: Final = " Low Priority"
_SPOT: Final = " Spot"


def azure_prices(offers: Path) -> Prices:
    """Return the hourly and upfront prices of every size, region and option known."""
    catalog = _read(offers, "azure_ondemand_spot_2026-05-20.csv.gz")
    priced = _read(offers, "azure_ondemand_2026-06-18.csv.gz")
    prices = dict(_catalog_prices(catalog, {_where(r) for r in priced}))
    prices |= _listed_prices(priced, catalog)
    sizes = {size for size, _, _ in prices}
    meters = read_table(offers, "azure_retail_meters_5eu_2026-08-22.csv.gz")
    prices |= linux_meters(meters, sizes)
    return prices | dict(_reservations(_read(offers, "azure_reservations_2026-03-21.csv")))


def linux_meters(meters: list[Record], sizes: set[str]) -> Prices:
    """Return the Linux on-demand and spot prices among raw meters of known `sizes`.

    Raises:
        ValueError: if two meters are left for one size, region and option.
    """
    size_of = {_folded(size): size for size in sizes}
    prices: Prices = {}
    for meter in meters:
        sku = meter["sku_name"]
        size = size_of.get(_folded(sku.removesuffix(_SPOT)))
        if size is None or _NOT_LINUX.search(meter["product_name"]) or sku.endswith(_LOW_PRIORITY):
            continue
        if meter["price_type"] != "Consumption" or not Decimal(meter["retail_price_usd"]):
            continue
        is_spot = sku.endswith(_SPOT)
        option = PurchaseOption.SPOT if is_spot else PurchaseOption.ON_DEMAND
        key = (size, meter["region"], option)
        if key in prices:
            raise ValueError(f"two Linux meters for {key}: {meter['product_name']}")
        prices[key] = Price(usd_per_hour=money(meter["retail_price_usd"]), source="azure-meters")
    return prices


def is_windows(usd_per_hour: Decimal, linux_usd_per_hour: Decimal, vcpus: int) -> bool:
    """Tell whether a price exceeds the Linux one by exactly the Windows licence."""
    licence = WINDOWS_USD_PER_VCPU * vcpus
    rounding = max(_ROUNDING_USD, licence * _ROUNDING_SHARE)
    return abs(usd_per_hour - linux_usd_per_hour - licence) <= rounding


def reservation(total_usd: str) -> Price:
    """Return the price of a term paid at once: the list shows its total, never an hour's."""
    total = money(total_usd)
    return Price(usd_per_hour=ZERO, upfront_usd=total or ZERO, source="azure-reservations")


def _read(offers: Path, name: str) -> list[Record]:
    """Read a list, keeping virtual machines: lists also hold dedicated hosts and FPGA sizes."""
    return [
        r
        for r in read_table(offers, name)
        if r["instance_type"].startswith("Standard_") and not LEFT_OUT.match(r["instance_type"])
    ]


def _where(record: Record) -> tuple[str, str]:
    return record["instance_type"], record["region"]


def _catalog_prices(
    catalog: list[Record], linux: set[tuple[str, str]]
) -> Iterator[tuple[Key, Price]]:
    """Yield the catalogue's prices; a GPU size that `linux` lacks is sold with Windows only."""
    for record in catalog:
        size, region = _where(record)
        if is_gpu(size) and (size, region) not in linux:
            continue
        for option, column in (
            (PurchaseOption.ON_DEMAND, "on_demand_usd_hour"),
            (PurchaseOption.SPOT, "spot_usd_hour"),
        ):
            if record[column]:
                price = Price(usd_per_hour=money(record[column]), source="azure-catalog")
                yield (size, region, option), price


def _listed_prices(priced: list[Record], catalog: list[Record]) -> Prices:
    """Return the on-demand list without the rows that hold a Windows licence.

    A row is compared with the catalogue's; CPU sizes it lacks with the cheapest of their
    series in the region, because a series costs the same per vCPU at every size.
    """
    known = {_where(r): Decimal(r["on_demand_usd_hour"]) for r in catalog}
    cheapest = _cheapest_per_vcpu(priced)
    prices: Prices = {}
    for record in priced:
        size, region = _where(record)
        usd_per_hour, vcpus = Decimal(record["on_demand_usd_hour"]), _vcpus(size)
        linux = known.get((size, region))
        if linux is None and not is_gpu(size):
            linux = cheapest[_series(size), region] * vcpus
        if linux is None or not is_windows(usd_per_hour, linux, vcpus):
            price = Price(usd_per_hour=money(record["on_demand_usd_hour"]), source="azure-prices")
            prices[size, region, PurchaseOption.ON_DEMAND] = price
    return prices


def _cheapest_per_vcpu(priced: list[Record]) -> dict[tuple[str, str], Decimal]:
    cheapest: dict[tuple[str, str], Decimal] = {}
    for record in priced:
        size, region = _where(record)
        usd_per_vcpu = Decimal(record["on_demand_usd_hour"]) / _vcpus(size)
        key = (_series(size), region)
        cheapest[key] = min(usd_per_vcpu, cheapest.get(key, usd_per_vcpu))
    return cheapest


def _series(size: str) -> str:
    return re.sub(r"\d+", "#", size, count=1)


def _vcpus(size: str) -> int:
    """Read the vCPUs off a size's name: the first number in it."""
    match = re.search(r"\d+", size)
    return int(match[0]) if match else 1


def _reservations(records: list[Record]) -> Iterator[tuple[Key, Price]]:
    for record in records:
        for option in (PurchaseOption.RESERVED_1Y, PurchaseOption.RESERVED_3Y):
            total = record[f"reservation_total_{option.years}y_usd"]
            if total:
                yield (*_where(record), option), reservation(total)


def _folded(name: str) -> str:
    """Return a size's name as meters and sizes share it: ``NC24ads A100 v4``, ``..._v4``."""
    folded = re.sub(r"[ _]", "", name.removeprefix("Standard_")).casefold()
    return folded.replace("rtxpro6000bse", "rtx6k")
