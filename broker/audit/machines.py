"""Can the machines run the shapes they are given to: accelerators, memory, fabric."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from broker.audit.evidence import AnyWorkload, Evidence
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import FabricNeed, Shape, Training

#: A stated least is met by what the provider rounds to just under it.
_JUST_UNDER: Final = Decimal("1e-6")
_JOINED: Final = frozenset({"rdma", "nvlink-rack"})


def names(evidence: Evidence) -> Iterator[Violation]:
    """Every placement names a shape of its workload."""
    for one in evidence.plan.placements:
        workload = evidence.workloads.get(one.workload)
        if workload and one.shape not in {shape.written for shape in workload.shapes}:
            text = f"shape {one.shape} is none of its shapes"
            yield Violation(rule="names", subject=one.workload, text=text)


def shape_of(evidence: Evidence, placement: Placement) -> Shape:
    """Return the shape a placement runs: the named one that its machine can run.

    Of several written alike the first that fits is taken, else the first.
    """
    workload = evidence.workloads[placement.workload]
    named = [shape for shape in workload.shapes if shape.written == placement.shape]
    fitting = [shape for shape in named if not misfit(evidence, placement, shape)]
    return (fitting or named)[0]


def held_accelerators(evidence: Evidence, placement: Placement) -> Decimal:
    """Return the accelerators of one instance."""
    return evidence.number(placement, "accelerators") or Decimal(0)


def instances_needed(shape: Shape, accelerators: Decimal) -> int:
    """Return the whole instances that hold one unit of `shape`."""
    if shape.count == 0:
        return shape.nodes
    by_count = (shape.count / accelerators).to_integral_value(ROUND_CEILING)
    if shape.per_node is None:
        return int(by_count)
    nodes = (shape.count / shape.per_node).to_integral_value(ROUND_CEILING)
    each = max(Decimal(1), (accelerators / shape.per_node).to_integral_value(ROUND_FLOOR))
    return int(max(by_count, (nodes / each).to_integral_value(ROUND_CEILING)))


def misfit(evidence: Evidence, placement: Placement, shape: Shape) -> str:
    """Return why the placement's machine cannot run `shape`; "" when it can."""
    for column, least in (("vcpus", shape.vcpus), ("memory_gib", shape.memory)):
        has = evidence.number(placement, column)
        if least is not None and (has is None or has < least * (1 - _JUST_UNDER)):
            return f"{column} {has} of at least {least}"
    wrong = _accelerators_wrong(evidence, placement, shape)
    return wrong or _fabric_wrong(evidence, placement, shape)


def _accelerators_wrong(evidence: Evidence, placement: Placement, shape: Shape) -> str:
    held = held_accelerators(evidence, placement)
    if shape.count == 0:
        return f"{held} accelerators for a CPU-only shape" if held else ""
    if shape.accelerators and placement.accelerator not in shape.accelerators:
        return f"{placement.accelerator} is none of {', '.join(shape.accelerators)}"
    least = shape.per_node if shape.per_node is not None else min(shape.count, Decimal(1))
    if held <= 0 or held < least * (1 - _JUST_UNDER):
        return f"{held} accelerators in an instance of at least {least}"
    if shape.accelerator_memory is not None:
        low, high = shape.accelerator_memory
        has = evidence.number(placement, "accelerator_memory_gib")
        if has is None or not low <= has <= high:
            return f"accelerator memory {has} outside {low}..{high} GiB"
    return ""


def _fabric_wrong(evidence: Evidence, placement: Placement, shape: Shape) -> str:
    fabric = evidence.rows[placement.offer]["fabric"] or "unknown"
    workload = evidence.workloads[placement.workload]
    need = shape.fabric or _usual_fabric(evidence, placement, shape, workload)
    if need is FabricNeed.NVLINK_RACK and fabric != FabricNeed.NVLINK_RACK.value:
        return f"fabric {fabric}, needs nvlink-rack"
    if need is FabricNeed.RDMA and fabric not in _JOINED:
        return f"fabric {fabric}, needs rdma"
    return ""


def _usual_fabric(
    evidence: Evidence, placement: Placement, shape: Shape, workload: AnyWorkload
) -> FabricNeed:
    """Training on more than one instance needs RDMA."""
    held = held_accelerators(evidence, placement)
    if not isinstance(workload, Training) or (shape.count > 0 and held <= 0):
        return FabricNeed.ANY
    return FabricNeed.RDMA if instances_needed(shape, held) > 1 else FabricNeed.ANY


def _fits(evidence: Evidence) -> Iterator[Violation]:
    """A machine can run the shape it is given to."""
    for one in evidence.plan.placements:
        wrong = misfit(evidence, one, shape_of(evidence, one))
        if wrong:
            yield Violation(rule="shape", subject=one.workload, text=f"{one.offer}: {wrong}")


CHECKS = (_fits,)
