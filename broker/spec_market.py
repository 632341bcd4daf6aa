"""Names of a spec that must exist in the market."""

from __future__ import annotations

from broker.market import Market
from broker.spec_faults import FaultList
from broker.workloads import Spec


def check_against(spec: Spec, market: Market, faults: FaultList) -> None:
    """Note every name of `spec` that `market` does not know."""
    del spec, market, faults
