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

#: Usual hourly rate of each kind of part, USD; the split stays near these proportions.
_USUAL_USD: Final[Mapping[str, float]] = {
    "core": 0.03,
    "ram": 0.004,
    "ssd": 0.08 / HOURS_PER_MONTH,
    "chip": 3.0,
}

#: A machine and its price per hour under the option at hand.
Priced = tuple[Machine, Decimal]


def rates_of(priced: Sequence[Priced]) -> dict[str, Decimal]:
    """Return USD per unit and hour by component, for one region and purchase option.

    Args:
        priced: machines of the region with their prices. Accelerators attached to n1 machines
            take up what is left of the machine's price, so that n1 itself stays exact.
    """
    built = [one for one in priced if one[0].name == one[0].series_type]
    rates = _fit(built) if built else {}
    return {**rates, **_remainders(priced, rates)}


def _fit(priced: Sequence[Priced]) -> dict[str, Decimal]:
    """Return the least-squares rates of all parts, nearest to the usual ones."""
    rows = [(dict(prices.parts(machine)), float(usd)) for machine, usd in priced]
    components = sorted({component for parts, _ in rows for component in parts})
    usual = np.array([_USUAL_USD[component.split()[0]] for component in components])
    quantities = np.array(
        [[float(parts.get(component, 0)) for component in components] for parts, _ in rows]
    )
    usd = np.array([price for _, price in rows])
    weighted = quantities * usual / usd[:, None]
    shares, *_ = np.linalg.lstsq(weighted, np.ones(len(rows)), rcond=1e-9)
    found = np.maximum(shares * usual, 1e-9)
    return {
        component: _nano(Decimal(repr(float(rate))), component)
        for component, rate in zip(components, found, strict=True)
    }


def _remainders(priced: Iterable[Priced], rates: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Return the rates of chips as what the other parts leave of the machines' prices.

    So the other parts may be rounded to whole nano-dollars without moving a machine's price.
    """
    left: dict[str, list[Decimal]] = {}
    for machine, usd in priced:
        parts = prices.parts(machine)
        chips = [part for part in parts if part[0].startswith("chip")]
        rest = [part for part in parts if not part[0].startswith("chip")]
        if not chips or any(component not in rates for component, _ in rest):
            continue
        (component, count) = chips[0]
        others = sum((rates[name] * quantity for name, quantity in rest), Decimal(0))
        left.setdefault(component, []).append((usd - others) / count)
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
