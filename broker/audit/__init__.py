"""Re-check a finished plan without the model: plain arithmetic on plan, spec and market.

Nothing here imports the optimizer, the steps that feed it or the steps that read its answer
(an import contract sees to that), so a mistake there cannot excuse itself here. Money and whole
numbers must match exactly; continuous amounts (routes, shares of batch work) may differ by
`SLACK`, the tolerance to which the optimizer keeps its rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from broker.audit import (
    batch,
    budget,
    carbon,
    concentration,
    coverage,
    data,
    exclusivity,
    export_control,
    first_refusal,
    gangs,
    machines,
    money,
    pipelines,
    places,
    power,
    proof,
    purchases,
    quotas,
    racks,
    services,
    sizes,
    spot,
    stability,
    supply,
    survival,
    unmet,
    windows,
)
from broker.audit.evidence import Evidence, gather
from broker.market import Market
from broker.plans import Plan
from broker.rules.violation import Violation
from broker.workloads import Spec

__all__ = ["audit"]

Check = Callable[[Evidence], Iterable[Violation]]

#: Checks that every placement names a workload, a shape and an offer that exist.
_NAMES: Final[tuple[Check, ...]] = (supply.names, machines.names)
_CHECKS: Final[tuple[Check, ...]] = (
    *supply.CHECKS,
    *machines.CHECKS,
    *racks.CHECKS,
    *quotas.CHECKS,
    *places.CHECKS,
    *exclusivity.CHECKS,
    *export_control.CHECKS,
    *concentration.CHECKS,
    *power.CHECKS,
    *carbon.CHECKS,
    *budget.CHECKS,
    *spot.CHECKS,
    *gangs.CHECKS,
    *services.CHECKS,
    *sizes.CHECKS,
    *survival.CHECKS,
    *batch.CHECKS,
    *data.CHECKS,
    *pipelines.CHECKS,
    *money.CHECKS,
    *coverage.CHECKS,
    *purchases.CHECKS,
    *stability.CHECKS,
    *windows.CHECKS,
    *first_refusal.CHECKS,
    *unmet.CHECKS,
    *proof.CHECKS,
)


def audit(plan: Plan, spec: Spec, market: Market) -> tuple[Violation, ...]:
    """Return every way in which `plan` breaks `spec` on `market`.

    Names that do not exist are reported alone: nothing else can be judged without them.

    Raises:
        SpecError: the user's own latency or transfer table has faults.
    """
    evidence = gather(plan, spec, market)
    strangers = tuple(found for check in _NAMES for found in check(evidence))
    return strangers or tuple(found for check in _CHECKS for found in check(evidence))
