"""Google Cloud prices by part: vCPU and memory, accelerators, local SSD, TPU chips.

The zone catalogue states a machine (vCPU and memory alone) and an accelerator apart. Where
Google sells no accelerator on demand it shows another price in the on-demand column: that of
DWS Flex Start, or of DWS Calendar Mode. Both are told by their rate per GPU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.offers import PurchaseOption
from tools.market.gcp_types import MODELS, Model
from tools.market.rows import Price
from tools.market.tables import NINE_DIGITS, Record, money, read_table

#: Accelerator as the catalogue names it: what its commitment SKUs are called.
_SKU_OF_GPU: Final = {
    "A100": r"Nvidia Tesla A100 GPU",
    "A100-80GB": r"Nvidia Tesla A100 80GB GPU",
    "H100": r"Nvidia H100 80GB GPU",
    "H100-MEGA": r"Nvidia H100 (80GB Mega|Mega 80GB) GPU",
    "H200": r"H200 141GB GPU",
    "B200": r"A4 Nvidia B200 \(1 gpu slice\)",
}
_GPU_OF_MACHINE: Final = {
    "a2-highgpu": "A100",
    "a2-megagpu": "A100",
    "a2-ultragpu": "A100-80GB",
    "a3-highgpu": "H100",
    "a3-megagpu": "H100-MEGA",
    "a3-ultragpu": "H200",
    "a4-highgpu": "B200",
}
#: TPU slice of one host as the catalogue names it: machine type.
TPU_MACHINE: Final = {
    "tpu-v3-8": "ct3-hightpu-4t",
    "tpu-v5p-8": "ct5p-hightpu-4t",
    **{f"tpu-v5litepod-{chips}": f"ct5lp-hightpu-{chips}t" for chips in (1, 4, 8)},
    **{f"tpu-v6e-{chips}": f"ct6e-standard-{chips}t" for chips in (1, 4, 8)},
}
#: The catalogue writes 700 USD for TPUs whose price it does not know.
_CHIP_PLACEHOLDER_USD: Final = Decimal(50)
#: Two rates per GPU and hour are the same if only rounding tells them apart.
_SAME_RATE_USD: Final = Decimal("0.0002")
_ALL_IN: Final = "B200"
#: Regions that Google prices by the SKU "running in Americas" and that have A3 High.
_AMERICAN_REGIONS: Final = frozenset({"us-central1", "us-west1"})

#: Which option a price of the on-demand column is for; a calendar price is for neither.
_OPTION_OF_TIER: Final = {
    "on_demand": PurchaseOption.ON_DEMAND,
    "dws_flex_start": PurchaseOption.FLEX_START,
}

Pair = tuple[Decimal | None, Decimal | None]  # on-demand column, spot column


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Prices of the zone catalogue by part, and the rates that tell DWS prices.

    Attributes:
        machines: machine type and zone -> vCPU and memory.
        accelerators: accelerator, count and zone -> that many accelerators.
        rates: accelerator and tier -> USD per GPU and hour in us-central1.
        ssd_usd_per_gib: region -> local SSD on demand, USD per GiB and hour.
    """

    machines: Mapping[tuple[str, str], Pair]
    accelerators: Mapping[tuple[str, float, str], Pair]
    rates: Mapping[tuple[str, str], Decimal]
    ssd_usd_per_gib: Mapping[str, Decimal]

    def zones(self, machine_type: str, region: str) -> tuple[str, ...]:
        """Return the zones of `region` in which the catalogue knows the machine type."""
        found = {zone for name, zone in self.machines if name == machine_type}
        return tuple(sorted(zone for zone in found if region_of(zone) == region))

    def tier(self, gpu: str, usd_per_gpu: Decimal) -> str:
        """Return the tier whose price stands in the on-demand column for `gpu`."""
        for tier in ("dws_flex_start", "dws_calendar"):
            rate = self.rates.get((gpu, tier))
            if rate and abs(rate - usd_per_gpu) <= _SAME_RATE_USD:
                return tier
        return "on_demand"


def region_of(zone: str) -> str:
    """Return the region of a Google Cloud zone."""
    return zone.rsplit("-", 1)[0]


def read_parts(offers: Path, whole: Mapping[tuple[str, str], Pair]) -> Parts:
    """Read the zone catalogue; `whole` prices of A3 High give the price of local SSD."""
    records = read_table(offers, "gcp_zone_ondemand_spot_2026-05-20.csv.gz")
    machines = {(r["machine_type"], r["zone"]): _pair(r) for r in records if r["machine_type"]}
    accelerators = {
        (r["accel_name"], float(r["accel_count"]), r["zone"]): _pair(r)
        for r in records
        if r["accel_name"]
    }
    rates = _rates(read_table(offers, "commitments_mixed_2026-06-15.csv"))
    parts = Parts(machines=machines, accelerators=accelerators, rates=rates, ssd_usd_per_gib={})
    ssd = dict(_ssd_rates(parts, whole))
    return Parts(machines=machines, accelerators=accelerators, rates=rates, ssd_usd_per_gib=ssd)


def composed(parts: Parts, machine_type: str, zone: str) -> dict[PurchaseOption, Price]:
    """Return the prices of a machine put together from its parts in one zone.

    An option with a part missing is left out: the sum of the rest would be far too cheap.
    """
    model = MODELS[machine_type]
    gpu = _GPU_OF_MACHINE.get("-".join(machine_type.split("-")[:2]))
    on_demand, spot = parts.accelerators.get((gpu or "", model.count, zone), (None, None))
    machine_on_demand, machine_spot = parts.machines.get((machine_type, zone), (None, None))
    ssd = _ssd(parts, model, region_of(zone), gpu)
    totals = {PurchaseOption.SPOT: _sum(spot, machine_spot, ssd)}
    if gpu and on_demand is not None:
        tier = parts.tier(gpu, on_demand / Decimal(model.count))
        if tier in _OPTION_OF_TIER:
            totals[_OPTION_OF_TIER[tier]] = _sum(on_demand, machine_on_demand, ssd)
    return {
        option: Price(usd_per_hour=total, source=_source(option, gpu))
        for option, total in totals.items()
        if total
    }


def b200_slices(parts: Parts) -> dict[PurchaseOption, Price]:
    """Return what an A4 machine costs in us-central1 by the all-in rates per GPU."""
    tiers = {
        "on_demand": PurchaseOption.ON_DEMAND,
        "commit_1y": PurchaseOption.RESERVED_1Y,
        "commit_3y": PurchaseOption.RESERVED_3Y,
        "dws_flex_start": PurchaseOption.FLEX_START,
    }
    count = int(MODELS["a4-highgpu-8g"].count)
    return {
        option: Price(usd_per_hour=parts.rates[_ALL_IN, tier] * count, source="gcp-slices")
        for tier, option in tiers.items()
        if (_ALL_IN, tier) in parts.rates
    }


def tpu_prices(parts: Parts) -> Iterator[tuple[str, str, PurchaseOption, Price]]:
    """Yield machine type, zone, option and price of TPU machines of one host."""
    options = (PurchaseOption.ON_DEMAND, PurchaseOption.SPOT)
    for (name, _, zone), pair in parts.accelerators.items():
        machine_type = TPU_MACHINE.get(name)
        for option, usd_per_hour in zip(options, pair, strict=True):
            if machine_type and usd_per_hour and _is_chip_price(machine_type, usd_per_hour):
                price = Price(usd_per_hour=usd_per_hour, source="gcp-composed")
                yield machine_type, zone, option, price


def n1_prices(
    parts: Parts,
    machine: str,
    card: str,
    count: int,
    bare: Mapping[tuple[str, str], Mapping[PurchaseOption, Price]],
) -> Iterator[tuple[str, PurchaseOption, Price]]:
    """Yield zone, option and price of an N1 machine with `count` GPUs attached.

    The machine counts at the price that `bare` has for it in the region, as this market sells
    it without GPUs; only where there is none, at the zone catalogue's.
    """
    options = (PurchaseOption.ON_DEMAND, PurchaseOption.SPOT)
    for (name, number, zone), pair in parts.accelerators.items():
        if (name, number) == (card, count) and (machine, zone) in parts.machines:
            known = bare.get((machine, region_of(zone)), {})
            columns = zip(options, pair, parts.machines[machine, zone], strict=True)
            for option, gpu_usd, catalogue_usd in columns:
                machine_usd = known[option].usd_per_hour if option in known else catalogue_usd
                total = _sum(gpu_usd, machine_usd)
                if total:
                    yield zone, option, Price(usd_per_hour=total, source="gcp-composed")


def _source(option: PurchaseOption, gpu: str | None) -> str:
    """Name the source: Flex Start of parts is an estimate, of an all-in price it is none."""
    is_estimate = option is PurchaseOption.FLEX_START and gpu != _ALL_IN
    return "gcp-flex-estimate" if is_estimate else "gcp-composed"


def _pair(record: Record) -> Pair:
    return money(record["on_demand_usd_hour"]), money(record["spot_usd_hour"])


def _sum(*amounts: Decimal | None) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    return sum(known, Decimal(0)).quantize(NINE_DIGITS)


def _is_chip_price(machine_type: str, usd_per_hour: Decimal) -> bool:
    return usd_per_hour / Decimal(MODELS[machine_type].count) < _CHIP_PLACEHOLDER_USD


def _rates(mixed: list[Record]) -> dict[tuple[str, str], Decimal]:
    """Read the rate per GPU of each tier in us-central1; Google's SKU is for the Americas."""
    rates: dict[tuple[str, str], Decimal] = {}
    for record in mixed:
        if (record["provider"], record["region"]) == ("GCP", "us-central1"):
            for gpu, sku in _SKU_OF_GPU.items():
                if re.search(sku, record["sku"]):
                    rates[gpu, record["tier"]] = Decimal(record["per_gpu_usd_hour"])
    return rates


def _ssd(parts: Parts, model: Model, region: str, gpu: str | None) -> Decimal | None:
    if not model.ssd_gib or gpu == _ALL_IN:
        return Decimal(0)
    rate = parts.ssd_usd_per_gib.get(region)
    return None if rate is None else rate * Decimal(model.ssd_gib)


def _ssd_rates(
    parts: Parts, whole: Mapping[tuple[str, str], Pair]
) -> Iterator[tuple[str, Decimal]]:
    """Yield the region's SSD rate: what a whole A3 High costs beyond its other parts."""
    machine_type = "a3-highgpu-8g"
    model = MODELS[machine_type]
    for (name, zone), (machine_usd, _) in parts.machines.items():
        total = whole.get((machine_type, region_of(zone)), (None, None))[0]
        gpu_usd = _h100_on_demand(parts, zone, model.count) if name == machine_type else None
        if total and machine_usd and gpu_usd:
            yield region_of(zone), (total - machine_usd - gpu_usd) / Decimal(model.ssd_gib)


def _h100_on_demand(parts: Parts, zone: str, count: float) -> Decimal | None:
    """Return what `count` H100 cost on demand in a zone, None where only DWS is stated."""
    usd = parts.accelerators.get(("H100", count, zone), (None, None))[0]
    if usd is not None and parts.tier("H100", usd / Decimal(count)) == "on_demand":
        return usd
    is_american = region_of(zone) in _AMERICAN_REGIONS
    return parts.rates["H100", "on_demand"] * Decimal(count) if is_american else None
