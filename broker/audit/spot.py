"""May each purchase option be used, and how many hours does spot really bill."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from broker.audit.evidence import AnyWorkload, Evidence, is_above
from broker.offers import PurchaseOption
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.units import round_nano
from broker.workloads import Batch, Service, Training

SPOT: Final = PurchaseOption.SPOT.value
_ALWAYS: Final = frozenset({PurchaseOption.OWNED.value, PurchaseOption.ON_DEMAND.value})
_MOST_REWORK: Final = 2


def losses_per_hour(evidence: Evidence, placement: Placement) -> Decimal:
    """Return interruptions per hour of the placement's pool, assumed where unknown."""
    if placement.option != SPOT:
        return Decimal(0)
    known = evidence.number(placement, "interruptions_per_hour")
    return evidence.spec.assume.interruptions_per_hour if known is None else known


def billed_per_useful(evidence: Evidence, placement: Placement) -> Decimal:
    """Return f = 1 + sqrt(2 d L) + L R, nine decimals."""
    spot = evidence.workloads[placement.workload].spot
    if spot is None:
        return Decimal(1)
    lost = losses_per_hour(evidence, placement)
    return round_nano(1 + (2 * spot.checkpoint * lost).sqrt() + lost * spot.restart)


def carried(evidence: Evidence, placement: Placement) -> Decimal:
    """Return the share of its throughput a service keeps there: 1 - L R, nine decimals."""
    spot = evidence.workloads[placement.workload].spot
    if spot is None:
        return Decimal(1)
    lost = losses_per_hour(evidence, placement)
    return max(Decimal(0), round_nano(1 - lost * spot.restart))


def allowed_options(workload: AnyWorkload) -> frozenset[str]:
    """Return the purchase options that a workload may use."""
    named = {option.value for option in workload.purchase or ()}
    return ((_ALWAYS | named) - {SPOT}) | ({SPOT} if workload.spot is not None else set())


def _options(evidence: Evidence) -> Iterator[Violation]:
    """Owned and on-demand by default, spot with `spot:`, the rest when `purchase` names it."""
    for one in evidence.plan.placements:
        allowed = allowed_options(evidence.workloads[one.workload])
        if one.option not in allowed:
            text = f"{one.offer}: {one.option} is not among {', '.join(sorted(allowed))}"
            yield Violation(rule="purchase", subject=one.workload, text=text)


def _worth_it(evidence: Evidence) -> Iterator[Violation]:
    """Spot that loses more than half of the hours is not used."""
    for one in evidence.plan.placements:
        factor = billed_per_useful(evidence, one)
        if factor > _MOST_REWORK:
            text = f"{one.offer}: {factor} billed hours for a useful one, at most {_MOST_REWORK}"
            yield Violation(rule="spot", subject=one.workload, text=text)


def _max_share(evidence: Evidence) -> Iterator[Violation]:
    """The part on spot stays within `max_share`: instances, capacity or work.

    Of a service with sizes: what is sent there.
    """
    for workload, placed in evidence.each(Training, Service, Batch):
        if workload.spot is None:
            continue
        gang = isinstance(workload, Training)
        parts = [(one.option, Decimal(one.instances) if gang else one.served) for one in placed]
        if isinstance(workload, Service) and workload.sizes:
            parts = _sent(evidence, workload, placed)
        whole = sum((size for _, size in parts), Decimal(0))
        risky = sum((size for option, size in parts if option == SPOT), Decimal(0))
        if is_above(risky, workload.spot.max_share * whole, whole=whole):
            text = f"{risky} of {whole} on spot; at most {workload.spot.max_share} of it"
            yield Violation(rule="max_share", subject=workload.name, text=text)


def _sent(
    evidence: Evidence, service: Service, placed: Sequence[Placement]
) -> list[tuple[str, Decimal]]:
    """Return (purchase option, rate) of every route by size."""
    option = {one.offer: one.option for one in placed}
    return [
        (option[one.offer], one.rate)
        for one in evidence.routed_by_size(service.name)
        if one.offer in option
    ]


#: What a single placement must meet whatever else is placed.
OPTIONS = (_options, _worth_it)
CHECKS = (*OPTIONS, _max_share)
