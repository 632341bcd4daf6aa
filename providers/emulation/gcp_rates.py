"""Taking machine prices apart again: the rates of vCPU, memory, disk and chip behind them.

The inverse of `providers.gcp.prices`: a market holds prices of whole machines, the emulated
catalog needs prices of parts. Many splits compose to the same machines; a plausible one is
chosen. Machines whose prices come from different days may not compose exactly from any rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

import numpy as np

from broker.offers import PurchaseOption
from broker.units import HOURS_PER_MONTH, NANO
from providers.gcp import prices
from providers.gcp.machines import Machine

#: Usual hourly rate of each kind of part, USD; the split stays near these proportions. Kinds
#: are settled in this order.
_USUAL_USD: Final[Mapping[str, float]] = {
    "ssd": 0.08 / HOURS_PER_MONTH,
    "ram": 0.004,
    "core": 0.03,
    "chip": 3.0,
}
_LEAST_USD: Final = 1e-9

#: A machine and its price per hour under the option at hand.
Priced = tuple[Machine, Decimal]


def rates_of(priced: Sequence[Priced]) -> dict[str, Decimal]:
    """Return USD per unit and hour by component, for one region and purchase option.

    Args:
        priced: machines of the region with their prices. Accelerators attached to n1 machines
            take up what is left of the machine's price, so that n1 itself stays exact.
    """
    built = [one for one in priced if one[0].name == one[0].series_type]
    attached = [one for one in priced if one[0].name != one[0].series_type]
    rates = _fit(built)
    return {**rates, **_remainders(attached, rates)}


def _fit(priced: Sequence[Priced]) -> dict[str, Decimal]:
    """Return the least-squares rates of all parts, nearest to the usual ones.

    Settled kind by kind: what rounding one kind to whole nano-dollars moves is taken up by the
    kinds that follow. Errors are not relative to the price: all are rounded at one decimal.
    """
    rows = [dict(prices.parts(machine)) for machine, _ in priced]
    components = sorted({component for row in rows for component in row})
    usual = np.array([_USUAL_USD[component.split()[0]] for component in components])
    quantities = np.array([[float(row.get(name, 0)) for name in components] for row in rows])
    left = np.array([float(usd) for _, usd in priced])
    rates: dict[str, Decimal] = {}
    for kind in _USUAL_USD:
        free = [index for index, name in enumerate(components) if name not in rates]
        if not free:
            break
        scaled = quantities[:, free] * usual[free]
        shares, *_ = np.linalg.lstsq(scaled, left, rcond=1e-9)
        for index, share in zip(free, shares, strict=True):
            if components[index].startswith(kind):
                usd = max(float(share * usual[index]), _LEAST_USD)
                rate = _nano(Decimal(repr(usd)), components[index])
                rates[components[index]] = rate
                left -= quantities[:, index] * float(rate)
    return rates


def _sum_of(parts: Mapping[str, Decimal], known: Mapping[str, Decimal]) -> Decimal:
    found = (known[name] * quantity for name, quantity in parts.items() if name in known)
    return sum(found, Decimal(0))


def _remainders(attached: Iterable[Priced], rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the rates of attached chips: the middle one of what n1 leaves of each price."""
    left: dict[str, list[Decimal]] = {}
    for machine, usd in attached:
        parts = dict(prices.parts(machine))
        (component,) = [name for name in parts if name.startswith("chip")]
        if all(name in rates for name in parts if name != component):
            rest = (usd - _sum_of(parts, rates)) / parts[component]
            left.setdefault(component, []).append(rest)
    middle = {component: sorted(found)[len(found) // 2] for component, found in left.items()}
    return {component: _nano(rate, component) for component, rate in middle.items() if rate > 0}


def _nano(rate: Decimal, component: str) -> Decimal:
    """Return a rate that its SKU can state: whole nano-dollars per hour, disk per month."""
    if component.startswith("ssd"):
        monthly = (rate * HOURS_PER_MONTH).quantize(NANO, rounding=ROUND_HALF_EVEN)
        return monthly / HOURS_PER_MONTH
    return rate.quantize(NANO, rounding=ROUND_HALF_EVEN)


def rates_by_option(
    priced: Mapping[tuple[str, PurchaseOption], Sequence[Priced]],
) -> dict[tuple[str, PurchaseOption], dict[str, Decimal]]:
    """Return the rates of every region and purchase option."""
    return {place: rates_of(machines) for place, machines in priced.items()}
