"""Composing the hourly price of a machine from the rates of its parts.

A machine is priced as the sum of vCPU, memory, accelerator and bundled local SSD. When one
part has no rate in a region, the machine has no price there: the sum of the rest would be
far too cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from broker.offers import PurchaseOption
from broker.provider import Row
from broker.units import HOURS_PER_MONTH, round_nano
from providers.gcp import descriptions, families
from providers.gcp.machines import Machine

#: A SKU's region that means every region.
_EVERYWHERE: Final = "global"

#: Hours per usage unit; the other units price something else.
_UNIT_HOURS: Final[Mapping[str, int]] = {"h": 1, "GiBy.h": 1, "GiBy.mo": HOURS_PER_MONTH}

#: Options without a rate of their own for local SSD bill it at the on-demand rate.
_SSD_ON_DEMAND: Final = frozenset(
    {
        PurchaseOption.RESERVED_1Y,
        PurchaseOption.RESERVED_3Y,
        PurchaseOption.FLEX_START,
        PurchaseOption.CAPACITY_BLOCK,
    }
)

RateKey = tuple[str, str, PurchaseOption]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Hourly rates of parts: USD per vCPU, GiB or accelerator and hour.

    Attributes:
        usd: (region, component, option) -> rate.
        ambiguous: keys that two SKUs price differently; the dearer rate stands in `usd`.
    """

    usd: Mapping[RateKey, Decimal] = field(default_factory=dict)
    ambiguous: frozenset[RateKey] = frozenset()

    def rate(self, region: str, component: str, option: PurchaseOption) -> Decimal | None:
        """Return the rate of a part, None when the catalog has none for the region."""
        here = self.usd.get((region, component, option))
        return self.usd.get((_EVERYWHERE, component, option)) if here is None else here

    def options(self) -> tuple[PurchaseOption, ...]:
        """Return the purchase options that any rate speaks of, in the order of the enum."""
        seen = {option for _, _, option in self.usd}
        return tuple(option for option in PurchaseOption if option in seen)


def read_rates(rows: Iterable[Row]) -> Rates:
    """Index SKU rows once by region, part and option.

    Args:
        rows: ``description``, ``usage_type``, ``regions``, ``unit``, ``usd`` (text) as
            `providers.gcp.fetch_catalog` writes them. Rates of 0 are placeholders and skipped.
    """
    usd: dict[RateKey, Decimal] = {}
    ambiguous: set[RateKey] = set()
    for row in rows:
        part = descriptions.parse_description(str(row["description"]), str(row["usage_type"]))
        hours = _UNIT_HOURS.get(str(row["unit"]))
        rate = Decimal(str(row["usd"]))
        if part is None or hours is None or rate <= 0:
            continue
        for region in _regions(row):
            key = (region, part.component, part.option)
            if usd.get(key, rate / hours) != rate / hours:
                ambiguous.add(key)
            usd[key] = max(rate / hours, usd.get(key, rate / hours))
    return Rates(usd=usd, ambiguous=frozenset(ambiguous))


def _regions(row: Row) -> list[str]:
    regions = row["regions"]
    return [str(region) for region in regions] if isinstance(regions, list) else []


def parts(machine: Machine) -> tuple[tuple[str, Decimal], ...]:
    """Return what a machine is billed for: (component, quantity) pairs."""
    chips = _chips(machine)
    if machine.guest_accelerator in families.ALL_IN:
        return chips
    series = families.core_name(machine.series_type)
    ssd = descriptions.local_ssd(families.ssd_name(machine.series_type))
    return (
        (
            descriptions.core(series),
            families.billed_vcpus(machine.series_type, machine.vcpus),
        ),
        (descriptions.ram(series), machine.memory_gib),
        *chips,
        *(((ssd, machine.local_disk_gib),) if machine.local_disk_gib else ()),
    )


def _chips(machine: Machine) -> tuple[tuple[str, Decimal], ...]:
    if machine.guest_accelerator is None:
        return ()
    known = families.CHIPS.get(machine.guest_accelerator)
    words = known.words if known else frozenset({machine.guest_accelerator})
    return ((descriptions.chip(words), machine.accelerators),)


def compose(rates: Rates, machine: Machine, region: str, option: PurchaseOption) -> Decimal | None:
    """Return USD per machine-hour, exact to nine decimals; None when a part has no rate."""
    if families.is_unpriced(machine.series_type):
        return None
    total = Decimal(0)
    for component, quantity in parts(machine):
        rate = _billed_rate(rates, region, component, option)
        if rate is None:
            return None
        total += rate * quantity
    return round_nano(total)


def _billed_rate(
    rates: Rates, region: str, component: str, option: PurchaseOption
) -> Decimal | None:
    own = rates.rate(region, component, option)
    if own is None and component.startswith("ssd") and option in _SSD_ON_DEMAND:
        return rates.rate(region, component, PurchaseOption.ON_DEMAND)
    return own


def missing_parts(
    rates: Rates, machine: Machine, region: str, option: PurchaseOption
) -> tuple[str, ...]:
    """Return the parts that keep a machine from having a price, where others are priced.

    A machine none of whose own parts (all but local SSD) has a rate has no public price:
    nothing is missing.
    """
    if families.is_unpriced(machine.series_type):
        return ()
    own = [component for component, _ in parts(machine) if not component.startswith("ssd")]
    missing = tuple(
        component
        for component, _ in parts(machine)
        if _billed_rate(rates, region, component, option) is None
    )
    return () if set(own) <= set(missing) else missing
