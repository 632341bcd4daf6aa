"""How much power an instance draws: an estimate from what its accelerators are rated for.

kW = accelerators x rated W x overhead / 1000; without accelerators vCPUs x W per vCPU / 1000.
Rated power is the maker's (`broker/data/accelerators.csv`), else the spec's `assume.watts`. An
instance counts in full for every hour it works, however busy it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from broker.accelerators import accelerators
from broker.workloads import Assume


def instance_kw(machine: Mapping[str, Any], assume: Assume) -> Decimal | None:
    """Return the power of one instance in kW; None: not known.

    Args:
        machine: `accelerator`, `accelerators` and `vcpus` of its type.
        assume: figures of the spec that fill gaps.
    """
    count = machine["accelerators"]
    if not count:
        vcpus = machine["vcpus"]
        return None if vcpus is None else vcpus * assume.watts_per_vcpu / 1000
    model = accelerators().get(machine["accelerator"] or "")
    rated = None if model is None or model.tdp_w is None else Decimal(repr(model.tdp_w))
    watts = assume.watts.get(machine["accelerator"] or "") if rated is None else rated
    if watts is None:
        return None
    return Decimal(repr(count)) * watts * assume.power_overhead / 1000
