"""What scarce supply is worth: the prices that a bound rests on, written down and read again.

A price is of a pool's capacity, of a quota or of a cap on power; its row of the problem has the
same name on another day. Prices prove nothing by themselves: a bound is worked out at them anew
(`solver.certificate`), so it holds whatever a file says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

import numpy as np

from broker.plans import Plan, Scarce
from broker.rules.power import power_rows
from broker.rules.rule import Scene
from solver.prices import Prices, no_prices
from solver.problem import Floats, Problem
from solver.solution import Solution

#: Prices are written to the hundredth of a cent; what is worth less is not scarce.
_STEP: Final = Decimal("0.0001")
#: A price per hour is the same as before within this part of it: it was a float in between.
_SAME: Final = 1e-9


def scarce(scene: Scene, solution: Solution) -> tuple[Scarce, ...]:
    """Return what has a price in the bound of `solution`: offers, then quotas and caps, by row."""
    prices = solution.prices
    if prices is None:
        return ()
    per_instance = prices.capacity / scene.machines.hosts_of_row()
    rows = np.flatnonzero(per_instance > 0)
    ids = scene.stock.frame["id"].gather(rows).to_list()
    named = [*zip(ids, per_instance[rows].tolist(), strict=True)]
    named += zip(_limits(scene), prices.limit.tolist(), strict=True)
    return tuple(Scarce(what=what, usd=usd) for what, usd in _rounded(named) if usd > 0)


def _rounded(named: list[tuple[str, float]]) -> Iterator[tuple[str, Decimal]]:
    for what, price in named:
        yield what, Decimal(repr(price)).quantize(_STEP) if np.isfinite(price) else Decimal(0)


def _limits(scene: Scene) -> list[str]:
    """The names of the problem's limits, as `Plan.binding` calls them."""
    caps = [f"power in {one.place} (kW)" for one in power_rows(scene)]
    return [*(one.label for one in scene.quotas), *caps]


def earlier_prices(earlier: Plan, scene: Scene, problem: Problem) -> Prices | None:
    """Return the prices of `earlier` for the rows of today's problem; None: it has none.

    An offer whose own price has moved since, or of which `earlier` holds nothing, has no price
    any more: what it is worth has moved with it.

    Args:
        earlier: a plan, from any spec and market.
        scene: what is asked today.
        problem: the same as arrays.
    """
    usd = {one.what: float(one.usd) for one in earlier.proof.scarce}
    if not usd:
        return None
    price_of = {one.offer: float(one.contracted_usd_per_hour) for one in earlier.placements}
    hourly = scene.stock.usd_per_hour
    capacity = np.zeros(problem.supply.count)
    for row, offer in enumerate(scene.stock.frame["id"].to_list()):
        if offer in usd and offer in price_of:
            before, now = price_of[offer], float(hourly[row])
            if abs(before - now) <= _SAME * max(before, now):
                capacity[row] = usd[offer]
    limit: Floats = np.array([usd.get(name, 0.0) for name in _limits(scene)], np.float64)
    hosts = scene.machines.hosts_of_row()
    return replace(no_prices(problem), capacity=capacity * hosts, limit=limit)
