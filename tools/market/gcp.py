"""Google Cloud: on-demand, spot, committed and flex-start offers, by zone where known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.offers import UNKNOWN_ZONE, PurchaseOption
from broker.units import HOURS_PER_MONTH
from tools.market.gcp_parts import (
    Pair,
    Parts,
    b200_slices,
    composed,
    n1_prices,
    read_parts,
    region_of,
    tpu_prices,
)
from tools.market.gcp_sums import summed
from tools.market.gcp_types import (
    MODELS,
    N1_CHOICES,
    machine_specs,
    n1_name,
    n1_specs,
    purchasable,
    quota_family,
)
from tools.market.rows import UNPRICED, Place, Price, Row, Specs, Terms, offer
from tools.market.tables import NINE_DIGITS, Record, money, read_table

#: N1 machines that take GPUs.
_N1_HOSTS: Final = frozenset(name for _, _, names in N1_CHOICES for name in names)

Where = tuple[str, str]  # machine type, region
Prices = dict[PurchaseOption, Price]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compute:
    """The collected Compute Engine tables.

    Attributes:
        existing: machine type and region -> vCPUs and memory; what is not here does not exist.
        regional: prices that hold in a whole region.
        parts: prices by part and zone.
        tpus: machine type and zone -> prices of TPU machines.
        attachable: accelerator type and region that exist.
    """

    existing: Mapping[Where, Record]
    regional: Mapping[Where, Prices]
    parts: Parts
    tpus: Mapping[Where, Prices]
    attachable: frozenset[Where]


def gcp_rows(data: Path) -> list[Row]:
    """Return every Google Cloud offer of the collected data under `data`."""
    compute = _collected(data / "offers_raw")
    rows = [row for where in compute.existing for row in _machine_rows(compute, where)]
    rows += [row for choice in _n1_choices() for row in _n1_rows(compute, *choice)]
    return summed(rows)


def monthly(text: str) -> Decimal | None:
    """Return the hourly price of a month's commitment: a month has 730 hours."""
    month_usd = money(text)
    return (month_usd / HOURS_PER_MONTH).quantize(NINE_DIGITS) if month_usd else None


def _collected(offers: Path) -> Compute:
    existing = {
        _where(r): r for r in read_table(offers, "gcp_machine_types_by_region_2026-08-17.csv.gz")
    }
    calculator = read_table(offers, "gcp_ondemand_spot_cud_2026-07-30.csv.gz")
    whole = read_table(offers, "gcp_ondemand_spot_2026-08-03.csv.gz")
    pairs: dict[Where, Pair] = {
        _where(r): (money(r["on_demand_usd_hour"]), money(r["spot_usd_hour"])) for r in whole
    }
    parts = read_parts(offers, pairs)
    tpus: dict[Where, Prices] = {}
    for machine_type, zone, option, price in tpu_prices(parts):
        tpus.setdefault((machine_type, zone), {})[option] = price
    types = read_table(offers, "gcp_accelerator_types_by_region_2026-08-10.csv")
    return Compute(
        existing=existing,
        regional=_regional(calculator, whole),
        parts=parts,
        tpus=tpus,
        attachable=frozenset((r["accelerator_type"], r["region"]) for r in types),
    )


def _where(record: Record) -> Where:
    return record["machine_type"], record["region"]


def _regional(calculator: list[Record], whole: list[Record]) -> dict[Where, Prices]:
    """Read prices of whole machines, the newer list replacing the calculator's."""
    prices: dict[Where, Prices] = {}
    for record in calculator:
        prices[_where(record)] = dict(_listed(record, "gcp-calculator")) | dict(_committed(record))
    for record in whole:
        prices[_where(record)] = prices.get(_where(record), {}) | dict(
            _listed(record, "gcp-prices")
        )
    return prices


def _listed(record: Record, source: str) -> Iterator[tuple[PurchaseOption, Price]]:
    for option, column in (
        (PurchaseOption.ON_DEMAND, "on_demand_usd_hour"),
        (PurchaseOption.SPOT, "spot_usd_hour"),
    ):
        usd_per_hour = money(record[column])
        if usd_per_hour:
            yield option, Price(usd_per_hour=usd_per_hour, source=source)


def _committed(record: Record) -> Iterator[tuple[PurchaseOption, Price]]:
    for option in (PurchaseOption.RESERVED_1Y, PurchaseOption.RESERVED_3Y):
        usd_per_hour = monthly(record[f"month_cud_{option.years}y_usd"])
        if usd_per_hour:
            yield option, Price(usd_per_hour=usd_per_hour, source="gcp-calculator")


def _machine_rows(compute: Compute, where: Where) -> Iterator[Row]:
    """Yield the offers of one machine type in one region; no price, no CPU machine."""
    machine_type, region = where
    specs = machine_specs(machine_type, compute.existing[where])
    is_accelerated = machine_type in MODELS
    for place in _places(compute, machine_type, region):
        prices = _prices(compute, machine_type, place)
        if is_accelerated:
            prices.setdefault(PurchaseOption.ON_DEMAND, UNPRICED)
        for option, price in prices.items():
            yield _row(place, machine_type, specs, option, price)


def _places(compute: Compute, machine_type: str, region: str) -> list[Place]:
    """Return the zones known to have the machine.

    CPU machines stay by region, but for the N1 that take GPUs: with GPUs they stand by zone.
    """
    tpu_zones = {z for name, z in compute.tpus if name == machine_type and region_of(z) == region}
    zones = sorted(tpu_zones) or list(compute.parts.zones(machine_type, region))
    if not zones or machine_type not in MODELS.keys() | _N1_HOSTS:
        return [Place(provider="gcp", region=region)]
    return [_place(zone) for zone in zones]


def _place(zone: str) -> Place:
    return Place(provider="gcp", region=region_of(zone), zone=zone, source="gcp-zones")


def _prices(compute: Compute, machine_type: str, place: Place) -> Prices:
    """Return the best known prices: of the region, else of the zone put together from parts."""
    prices: Prices = {}
    if machine_type in MODELS and place.zone != UNKNOWN_ZONE:
        prices |= composed(compute.parts, machine_type, place.zone)
        prices |= compute.tpus.get((machine_type, place.zone), {})
    if (machine_type, place.region) == ("a4-highgpu-8g", "us-central1"):
        prices |= b200_slices(compute.parts)
    return prices | compute.regional.get((machine_type, place.region), {})


def _row(
    place: Place, instance_type: str, specs: Specs, option: PurchaseOption, price: Price
) -> Row:
    card = specs.accelerator.name if specs.accelerator else None
    terms = Terms(
        option=option,
        purchasable=purchasable(instance_type, option),
        purchasable_source=_listed_by(instance_type, card),
        quota_family=quota_family(instance_type, card, option),
    )
    return offer(place, instance_type, specs, price, terms)


def _listed_by(instance_type: str, card: str | None) -> str:
    """Return the source that says whether the type is sold in its place."""
    if "+" in instance_type:
        return "gcp-accelerator-types"
    return "gcp-consumption" if card else "gcp-types"


def _n1_choices() -> Iterator[tuple[str, str, int]]:
    for card, count, machines in N1_CHOICES:
        for machine in machines:
            yield machine, card, count


def _n1_rows(compute: Compute, machine: str, card: str, count: int) -> Iterator[Row]:
    accelerator_type = f"nvidia-tesla-{card.lower()}"
    for zone, option, price in n1_prices(compute.parts, machine, card, count, compute.regional):
        region = region_of(zone)
        record = compute.existing.get((machine, region))
        if record and (accelerator_type, region) in compute.attachable:
            specs = n1_specs(card, count, record)
            yield _row(_place(zone), n1_name(machine, card, count), specs, option, price)
