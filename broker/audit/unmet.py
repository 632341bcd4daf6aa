"""Is exactly what no placement serves listed as unmet, with its weight."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from broker.audit.evidence import AnyWorkload, Evidence
from broker.audit.sizes import usual_throughput
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.units import round_nano
from broker.workloads import Batch, Service, Training


def _unmet(evidence: Evidence) -> Iterator[Violation]:
    """Fraction = 1 - what is served; amount = weight x fraction."""
    said = {one.workload: one for one in evidence.plan.unmet}
    for name in sorted(said.keys() - evidence.workloads.keys()):
        yield Violation(rule="unmet", subject=name, text="no workload of the spec")
    for workload, placed in evidence.each(Training, Service, Batch):
        missing = 1 - _served(evidence, workload, placed)
        entry = said.get(workload.name)
        found = (entry.fraction, entry.amount, entry.priority) if entry else None
        amount = round_nano(weight(workload, evidence.spec.period) * missing)
        right = (round_nano(missing), amount, workload.priority) if missing > 0 else None
        if found != right:
            text = f"fraction, amount, priority {_text(found)}, is {_text(right)}"
            yield Violation(rule="unmet", subject=workload.name, text=text)


def _text(values: Sequence[object] | None) -> str:
    return "none" if values is None else ", ".join(map(str, values))


def _served(evidence: Evidence, workload: AnyWorkload, placed: Sequence[Placement]) -> Decimal:
    if not isinstance(workload, Service):
        return sum((one.served for one in placed), Decimal(0))
    routed = [one.rate for one in evidence.routed(workload.name)]
    stated = sum((load.rate for load in workload.demand), Decimal(0))
    return sum(routed, Decimal(0)) / stated


def weight(workload: AnyWorkload, period_h: Decimal) -> Decimal:
    """Return the accelerator-hours of the first shape (CPU-only: vCPU-hours / 16), or as stated.

    For a service: of the accelerators that carry its demand with headroom, all period long.
    """
    if workload.weight is not None:
        return workload.weight
    shape = workload.shapes[0]
    cpu = Decimal(shape.vcpus or 1) / 16
    if isinstance(workload, Service):
        rate = usual_throughput(workload, shape) * shape.speed
        stated = sum((load.rate for load in workload.demand), Decimal(0))
        carriers = stated * (1 + workload.headroom) / rate
        return carriers * (1 if shape.count else cpu) * period_h
    hours = workload.hours if isinstance(workload, Training) else workload.work
    return (shape.count or cpu * shape.nodes) * hours / shape.speed


CHECKS = (_unmet,)
