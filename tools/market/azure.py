"""Microsoft Azure: on-demand, spot and reserved offers by region; zones are per account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.offers import Purchasable, PurchaseOption
from tools.market.azure_types import LEFT_OUT, RETIRED, Size, is_gpu, sizes, specs_of
from tools.market.rows import UNPRICED, ZERO, Place, Price, Row, Terms, offer
from tools.market.tables import Record, money, read_table

Where = tuple[str, str]  # instance type, region

ALL_UPFRONT: Final = "all-upfront"
#: The quota all spot instances share, in vCPUs.
SPOT_QUOTA: Final = "lowPriorityCores"
#: Known to exist in no price list seen.
_UNPRICED_TYPE: Final = "Standard_ND128isr_GB300_v6"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What is known of sizes: processors, quota families, and which a current client lists."""

    known: Mapping[str, Size]
    families: Mapping[str, str]
    current: frozenset[str]


def azure_rows(data: Path) -> list[Row]:
    """Return every Azure offer of the collected data under `data`."""
    offers = data / "offers_raw"
    catalog = read_table(offers, "azure_ondemand_spot_2026-05-20.csv.gz")
    types = read_table(offers, "azure_instance_types_2026-03-17.csv")
    listed = read_table(offers, "azure_gpu_sku_families_2026-07-16.csv")
    described = Sizes(
        known=sizes(types, catalog),
        families={r["instance_type"]: r["sku_family"] for r in types}
        | {r["instance_type"]: r["family"] for r in listed},
        current=frozenset(r["instance_type"] for r in listed),
    )
    priced = read_table(offers, "azure_ondemand_2026-06-18.csv.gz")
    reservations = read_table(offers, "azure_reservations_2026-03-21.csv")
    rows = [*_on_demand(priced, catalog), *_spot(catalog), *_reserved(reservations)]
    return [_row(described, *parts) for parts in rows] + [_unpriced(described)]


def reservation(total_usd: str) -> Price:
    """Return the price of a term paid at once: the list shows its total, never an hour's."""
    return Price(
        usd_per_hour=ZERO,
        upfront_usd=money(total_usd) or ZERO,
        source="azure-reservations",
    )


Parts = tuple[Where, PurchaseOption, Price]


def _on_demand(priced: list[Record], catalog: list[Record]) -> Iterator[Parts]:
    prices = {_where(r): (r["on_demand_usd_hour"], "azure-spot") for r in catalog if _wanted(r)}
    prices = {where: price for where, price in prices.items() if is_gpu(where[0])}
    prices |= {_where(r): (r["on_demand_usd_hour"], "azure-prices") for r in priced if _wanted(r)}
    for where, (text, source) in prices.items():
        yield where, PurchaseOption.ON_DEMAND, Price(usd_per_hour=money(text), source=source)


def _spot(catalog: list[Record]) -> Iterator[Parts]:
    for record in filter(_wanted, catalog):
        if record["spot_usd_hour"]:
            price = Price(usd_per_hour=money(record["spot_usd_hour"]), source="azure-spot")
            yield _where(record), PurchaseOption.SPOT, price


def _reserved(reservations: list[Record]) -> Iterator[Parts]:
    for record in filter(_wanted, reservations):
        for option in (PurchaseOption.RESERVED_1Y, PurchaseOption.RESERVED_3Y):
            total = record[f"reservation_total_{option.years}y_usd"]
            if total:
                yield _where(record), option, reservation(total)


def _wanted(record: Record) -> bool:
    """Keep virtual machines: price lists also hold dedicated hosts and FPGA sizes."""
    name = record["instance_type"]
    return name.startswith("Standard_") and not LEFT_OUT.match(name)


def _where(record: Record) -> Where:
    return record["instance_type"], record["region"]


def _row(described: Sizes, where: Where, option: PurchaseOption, price: Price) -> Row:
    instance_type, region = where
    purchasable, source = _purchasable(described, instance_type)
    is_spot = option is PurchaseOption.SPOT
    terms = Terms(
        option=option,
        variant=ALL_UPFRONT if option.years else "",
        purchasable=purchasable,
        purchasable_source=source,
        quota_family=SPOT_QUOTA if is_spot else described.families.get(instance_type),
    )
    place = Place(provider="azure", region=region)
    return offer(place, instance_type, specs_of(instance_type, described.known), price, terms)


def _purchasable(described: Sizes, instance_type: str) -> tuple[Purchasable, str | None]:
    """Tell whether a size is sold: retired ones are not, listed and CPU ones are."""
    if RETIRED.fullmatch(instance_type):
        return Purchasable.NO, "azure-retirements"
    if instance_type in described.current:
        return Purchasable.YES, "azure-sizes"
    if not is_gpu(instance_type) and instance_type in described.known:
        return Purchasable.YES, "azure-types"
    return Purchasable.UNKNOWN, None


def _unpriced(described: Sizes) -> Row:
    """List GB300, which no source prices or places, under the geography it is announced for."""
    terms = Terms(
        option=PurchaseOption.ON_DEMAND,
        purchasable=Purchasable.UNKNOWN,
        quota_family=described.families.get(_UNPRICED_TYPE),
    )
    specs = specs_of(_UNPRICED_TYPE, described.known)
    return offer(Place(provider="azure", region="-"), _UNPRICED_TYPE, specs, UNPRICED, terms)
