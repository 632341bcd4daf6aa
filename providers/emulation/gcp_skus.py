"""SKUs as the price catalog writes them: texts, usage types, units and money in nanos."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from broker.offers import PurchaseOption
from broker.units import HOURS_PER_MONTH

Wire = dict[str, Any]  # JSON as the APIs write it

_NANO: Final = 10**9
_CORES: Final[Mapping[str, str]] = {
    "a3plus": "A3Plus Instance",
    "a3ultra": "A3Ultra Instance",
    "c2": "Compute optimized",
    "c2d": "C2D AMD Instance",
    "c4a": "C4A Arm Instance",
    "n1": "N1 Predefined Instance",
    "n2d": "N2D AMD Instance",
    "t2a": "T2A Arm Instance",
    "t2d": "T2D AMD Instance",
}
_CHIPS: Final[Mapping[str, str]] = {
    "p4": "Nvidia Tesla P4 GPU",
    "p100": "Nvidia Tesla P100 GPU",
    "v100": "Nvidia Tesla V100 GPU",
    "t4": "Nvidia Tesla T4 GPU",
    "a100": "Nvidia Tesla A100 GPU",
    "80gb a100": "Nvidia Tesla A100 80GB GPU",
    "l4": "Nvidia L4 GPU",
    "6000 96gb rtx": "RTX 6000 96GB",
    "80gb h100": "Nvidia H100 80GB GPU",
    "80gb h100 mega": "Nvidia H100 80GB Mega GPU",
    "141gb h200": "H200 141GB GPU",
    "a4 b200": "A4 Nvidia B200 (1 gpu slice)",
    "7x": "Tpu7x",
    "v3": "TpuV3",
    "v5e": "TpuV5e",
    "v5p": "TpuV5p",
    "v6e": "TpuV6e",
}
_YEARS: Final = {PurchaseOption.RESERVED_1Y: "1 Year", PurchaseOption.RESERVED_3Y: "3 Years"}
_USAGE: Final = {
    PurchaseOption.RESERVED_1Y: "Commit1Yr",
    PurchaseOption.RESERVED_3Y: "Commit3Yr",
    PurchaseOption.SPOT: "Preemptible",
}


def sku(component: str, option: PurchaseOption, place: str, usd_per_hour: Decimal) -> Wire:
    """Return the SKU of one part in one region.

    Args:
        component: key as `providers.gcp.descriptions` builds it.
        option: how it is bought.
        place: region.
        usd_per_hour: rate per vCPU, GiB or chip and hour.
    """
    kind, _, name = component.partition(" ")
    text = _text(kind, name, option, place)
    usage = _USAGE.get(option, "OnDemand")
    if text.startswith("Spot Preemptible A4"):
        usage = "OnDemand"  # as the real catalog has it
    unit = {"core": "h", "chip": "h", "ram": "GiBy.h", "ssd": "GiBy.mo"}[kind]
    usd = usd_per_hour * HOURS_PER_MONTH if kind == "ssd" else usd_per_hour
    return _sku(text, _group(kind, name), usage, place=place, unit=unit, usd=usd)


def decoys(place: str) -> Iterator[Wire]:
    """Yield SKUs that look like parts of a machine and are not; a reader must pass them over."""
    texts = (
        ("A2 Sole Tenancy Instance Core running in {}", "CPU", "OnDemand", "0.05"),
        ("Reserved A2 Core in {}", "CPU", "OnDemand", "0"),
        ("Reserved Nvidia H100 80GB GPU in {}", "GPU", "OnDemand", "0"),
        ("N2 Custom Instance Core running in {}", "CPU", "OnDemand", "0.04"),
        ("Commitment - dollar based v1: GCE Commitment in {}", "CPU", "Commit1Yr", "1"),
        ("Capacity Optimized TpuV6e running in {}", "TPU", "OnDemand", "2.7"),
    )
    for text, group, usage, usd in texts:
        yield _sku(text.format(place), group, usage, place=place, unit="h", usd=Decimal(usd))


def _group(kind: str, name: str) -> str:
    if kind == "chip":
        return "TPU" if _CHIPS.get(name, "").startswith("Tpu") else "GPU"
    if kind == "ssd":
        return "LocalSSD"
    return "N1Standard" if name == "n1" else {"core": "CPU", "ram": "RAM"}[kind]


def _text(kind: str, name: str, option: PurchaseOption, place: str) -> str:
    if kind == "ssd":
        return _ssd_text(name, option, place)
    if kind == "chip":
        return _chip_text(_CHIPS.get(name, name), option, place)
    return _core_text(kind, name, option, place)


def _core_text(kind: str, name: str, option: PurchaseOption, place: str) -> str:
    word = {"core": "Core", "ram": "Ram"}[kind]
    plain = f"{_CORES.get(name, f'{name.upper()} Instance')} {word}"
    short = plain.replace(" Instance", "").replace(" Predefined", "").replace("Core", "Cpu")
    committed = short.removeprefix("N1 ")
    if option in _YEARS:
        return f"Commitment v1: {committed} in {place} for {_YEARS[option]}"
    if option is PurchaseOption.FLEX_START:
        return f"DWS Defined Duration {short.replace('Cpu', 'Core')} running in {place}"
    if option is PurchaseOption.CAPACITY_BLOCK:
        return f"DWS Calendar Mode {short.replace('Cpu', 'Core')} in {place}"
    prefix = "Spot Preemptible " if option is PurchaseOption.SPOT else ""
    return f"{prefix}{plain} running in {place}"


def _chip_text(plain: str, option: PurchaseOption, place: str) -> str:
    if option in _YEARS:
        return f"Commitment v1: {plain} running in {place} for {_YEARS[option]}"
    if option is PurchaseOption.FLEX_START:
        return f"{plain} attached to DWS Defined Duration VMs running in {place}"
    if option is PurchaseOption.CAPACITY_BLOCK:
        return f"Reserved {plain} in {place} in Calendar Mode"
    if option is PurchaseOption.SPOT and plain.startswith("A4"):
        return f"Spot Preemptible {plain} running in {place}"
    if option is PurchaseOption.SPOT:
        return f"{plain} attached to Spot Preemptible VMs running in {place}"
    return f"{plain} running in {place}"


_SSD_PREFIX: Final = {
    PurchaseOption.SPOT: "Spot Preemptible ",
    PurchaseOption.FLEX_START: "DWS Defined Duration ",
    PurchaseOption.CAPACITY_BLOCK: "DWS Calendar Mode ",
}
_SSD_ATTACHED: Final = {
    PurchaseOption.SPOT: " attached to Spot Preemptible VMs",
    PurchaseOption.FLEX_START: " attached to DWS Defined Duration VMs",
    PurchaseOption.CAPACITY_BLOCK: " attached to Calendar Mode VMs",
}


def _ssd_text(name: str, option: PurchaseOption, place: str) -> str:
    if option in _YEARS:
        plain = f"{name.upper()} Local SSD".strip()
        return f"Commitment v1: {plain} in {place} for {_YEARS[option]}"
    if name:
        prefix = _SSD_PREFIX.get(option, "")
        return f"{prefix}{name.upper()} Instance Local SSD running in {place}"
    return f"SSD backed Local Storage{_SSD_ATTACHED.get(option, '')} in {place}"


def _sku(text: str, group: str, usage: str, *, place: str, unit: str, usd: Decimal) -> Wire:
    digest = hashlib.sha256(text.encode()).hexdigest()[:12].upper()
    sku_id = "-".join((digest[:4], digest[4:8], digest[8:]))
    units, nanos = divmod(int((usd * _NANO).to_integral_value()), _NANO)
    return {
        "name": f"services/6F81-5844-456A/skus/{sku_id}",
        "skuId": sku_id,
        "description": text,
        "category": {
            "serviceDisplayName": "Compute Engine",
            "resourceFamily": "Storage" if group == "LocalSSD" else "Compute",
            "resourceGroup": group,
            "usageType": usage,
        },
        "serviceRegions": [place],
        "pricingInfo": [
            {
                "pricingExpression": {
                    "usageUnit": unit,
                    "displayQuantity": 1,
                    "tieredRates": [
                        {
                            "startUsageAmount": 0,
                            "unitPrice": {
                                "currencyCode": "USD",
                                "units": str(units),
                                "nanos": nanos,
                            },
                        }
                    ],
                },
                "currencyConversionRate": 1,
            }
        ],
        "serviceProviderName": "Google",
        "geoTaxonomy": {"type": "REGIONAL", "regions": [place]},
    }
