"""How much an hour of an instance emits: an estimate from its power and the grid it stands on.

kg CO2e per instance-hour = kW (`broker.energy`) x grams per kWh of the region / 1000. The shipped
grid intensities (`broker/data/carbon.csv`) are yearly averages by location: Google's own for its
regions, of the grid subregion for AWS and Azure in the United States, of the country elsewhere.
Contracts for clean power count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from broker.energy import instance_kw
from broker.reference import grid_intensities
from broker.stock import Stock
from broker.workloads import Spec

_COLUMNS = ("provider", "region", "accelerator", "accelerators", "vcpus")


def grams_per_kwh(place: str, spec: Spec) -> Decimal | None:
    """Return the intensity of the grid at ``provider/region``; the spec's figure wins."""
    own = spec.policy.carbon.grams_per_kwh if spec.policy.carbon else {}
    return own[place] if place in own else grid_intensities().get(place)


def kg_per_hour(offer: Mapping[str, Any], spec: Spec) -> Decimal | None:
    """Return what an hour of one instance emits, kg CO2e; None: not known.

    Args:
        offer: `provider`, `region`, `accelerator`, `accelerators` and `vcpus`.
        spec: figures of the user's own.
    """
    kw = instance_kw(offer, spec.assume)
    grams = grams_per_kwh(f"{offer['provider']}/{offer['region']}", spec)
    return None if kw is None or grams is None else kw * grams / 1000


def price_per_hour(offer: Mapping[str, Any], spec: Spec) -> Decimal:
    """Return what the emissions of one instance-hour cost, USD; 0 without a price."""
    rule = spec.policy.carbon
    if rule is None or rule.price is None:
        return Decimal(0)
    return (kg_per_hour(offer, spec) or Decimal(0)) * rule.price / 1000


def kg_of_rows(spec: Spec, stock: Stock) -> NDArray[np.float64] | None:
    """Return float64[S]: kg CO2e of one instance-hour of each row, NaN where not known.

    None without `policy.carbon`.
    """
    if spec.policy.carbon is None:
        return None
    offers = stock.frame.select(_COLUMNS)
    distinct = offers.unique(maintain_order=True).with_row_index("number")
    found = [kg_per_hour(row, spec) for row in distinct.iter_rows(named=True)]
    number = offers.join(
        distinct, on=list(_COLUMNS), how="left", nulls_equal=True, maintain_order="left"
    )["number"]
    known = np.array([np.nan if kg is None else float(kg) for kg in found])
    return np.asarray(known[number.to_numpy()], np.float64)
