"""Microsoft Azure: on-demand, spot and reserved offers by region; zones are per account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from broker.offers import LocationKind, Purchasable, PurchaseOption
from tools.market.azure_prices import azure_prices
from tools.market.azure_types import RETIRED, Size, is_gpu, sizes, specs_of
from tools.market.rows import UNPRICED, Place, Price, Row, Terms, offer
from tools.market.tables import read_table

ALL_UPFRONT: Final = "all-upfront"
#: The quota all spot instances share, in vCPUs.
SPOT_QUOTA: Final = "lowPriorityCores"
#: In no price list seen, and no list says where it stands.
_UNPRICED_SIZE: Final = "Standard_ND128isr_GB300_v6"
_UNKNOWN_REGION: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What is known of sizes: processors, quota families, and which a current client lists."""

    known: Mapping[str, Size]
    families: Mapping[str, str]
    current: frozenset[str]


def azure_rows(data: Path) -> list[Row]:
    """Return every Azure offer of the collected data under `data`."""
    offers = data / "offers_raw"
    described = _described(offers)
    prices = azure_prices(offers)
    rows = [
        _row(described, _place(region), size, option, price)
        for (size, region, option), price in prices.items()
    ]
    nowhere = Place(provider="azure", region=_UNKNOWN_REGION)
    unpriced = _row(described, nowhere, _UNPRICED_SIZE, PurchaseOption.ON_DEMAND, UNPRICED)
    return [*rows, unpriced]


def _described(offers: Path) -> Sizes:
    catalog = read_table(offers, "azure_ondemand_spot_2026-05-20.csv.gz")
    types = read_table(offers, "azure_instance_types_2026-03-17.csv")
    listed = read_table(offers, "azure_gpu_sku_families_2026-07-16.csv")
    return Sizes(
        known=sizes(types, catalog),
        families={r["instance_type"]: r["sku_family"] for r in types}
        | {r["instance_type"]: r["family"] for r in listed},
        current=frozenset(r["instance_type"] for r in listed),
    )


def _row(described: Sizes, place: Place, size: str, option: PurchaseOption, price: Price) -> Row:
    purchasable, source = _purchasable(described, size)
    is_priced = price.source is not None
    is_spot = option is PurchaseOption.SPOT
    terms = Terms(
        option=option,
        variant=ALL_UPFRONT if option.years else "",
        purchasable=purchasable if is_priced else Purchasable.UNKNOWN,
        purchasable_source=source if is_priced else None,
        quota_family=SPOT_QUOTA if is_spot else described.families.get(size),
    )
    return offer(place, size, specs_of(size, described.known), price, terms)


def _place(region: str) -> Place:
    is_government = region.startswith(("usgov", "usdod"))
    kind = LocationKind.GOVERNMENT if is_government else LocationKind.REGION
    return Place(provider="azure", region=region, kind=kind)


def _purchasable(described: Sizes, size: str) -> tuple[Purchasable, str | None]:
    """Tell whether a size is sold: retired ones are not, listed and CPU ones are."""
    if RETIRED.fullmatch(size):
        return Purchasable.NO, "azure-retirements"
    if size in described.current:
        return Purchasable.YES, "azure-sizes"
    if not is_gpu(size) and size in described.known:
        return Purchasable.YES, "azure-types"
    return Purchasable.UNKNOWN, None
