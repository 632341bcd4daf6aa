"""Does training stand whole: one type, one zone, one option beside owned, all its hours."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from broker.audit.evidence import Evidence, differ, pool_of
from broker.audit.machines import held_accelerators, instances_needed, shape_of
from broker.audit.racks import rack_of, whole
from broker.audit.spot import billed_per_useful
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.units import round_nano
from broker.workloads import Training


def _whole(evidence: Evidence) -> Iterator[Violation]:
    """All instances of a gang, or none."""
    for workload, placed in evidence.each(Training):
        if not placed:
            continue
        shapes = {one.shape for one in placed}
        need = instances_needed(
            shape_of(evidence, placed[0]), held_accelerators(evidence, placed[0])
        )
        need = whole(need, rack_of(evidence, placed[0]))
        has = sum(one.instances for one in placed)
        if len(shapes) > 1:
            text = f"runs as {', '.join(sorted(shapes))} at once"
            yield Violation(rule="gang", subject=workload.name, text=text)
        elif has != need:
            text = f"{has} instances; the gang is {need}"
            yield Violation(rule="gang", subject=workload.name, text=text)
        share = sum((one.served for one in placed), Decimal(0))
        if differ(share, Decimal(1), whole=Decimal(1)):
            text = f"{share} of the gang said served"
            yield Violation(rule="gang", subject=workload.name, text=text)


def _in_one_pool(evidence: Evidence) -> Iterator[Violation]:
    """One instance type in one zone; owned instances and at most one other offer."""
    for workload, placed in evidence.each(Training):
        pools = {pool_of(one) for one in placed}
        others = {one.offer for one in placed if not one.owned}
        if len(pools) > 1:
            text = f"stands in {', '.join(sorted(pools))}"
            yield Violation(rule="gang", subject=workload.name, text=text)
        elif len(others) > 1:
            text = f"mixes {', '.join(sorted(others))}"
            yield Violation(rule="gang", subject=workload.name, text=text)


def _hours(evidence: Evidence) -> Iterator[Violation]:
    """Every instance works hours / speed, billed f times as long, within the period."""
    for workload, placed in evidence.each(Training):
        for one in placed:
            useful = workload.hours / shape_of(evidence, one).speed
            yield from _hours_of(evidence, one, useful)


def _hours_of(evidence: Evidence, one: Placement, useful: Decimal) -> Iterator[Violation]:
    billed = round_nano(useful * billed_per_useful(evidence, one))
    if one.useful_hours != round_nano(useful * one.instances):
        text = f"{one.offer}: {one.useful_hours} useful hours of {useful} x {one.instances}"
        yield Violation(rule="hours", subject=one.workload, text=text)
    if one.instance_hours != billed * one.instances:
        text = f"{one.offer}: {one.instance_hours} hours billed of {billed} x {one.instances}"
        yield Violation(rule="hours", subject=one.workload, text=text)
    if billed > evidence.spec.period:
        text = f"{one.offer}: {billed} h in a period of {evidence.spec.period} h"
        yield Violation(rule="hours", subject=one.workload, text=text)


CHECKS = (_whole, _in_one_pool, _hours)
