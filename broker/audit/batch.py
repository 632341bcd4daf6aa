"""Is the batch work done that is said to be done, in the hours that are billed for it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_CEILING, Decimal

from broker.audit.evidence import Evidence, differ
from broker.audit.machines import held_accelerators, instances_needed, shape_of
from broker.audit.racks import rack_of, whole
from broker.audit.spot import billed_per_useful
from broker.audit.windows import most_hours
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import Batch


def _work(evidence: Evidence) -> Iterator[Violation]:
    """No more than the whole work is served."""
    for batch, placed in evidence.each(Batch):
        served = sum((one.served for one in placed), Decimal(0))
        if served > 1:
            text = f"{served} of its work"
            yield Violation(rule="work", subject=batch.name, text=text)


def _hours(evidence: Evidence) -> Iterator[Violation]:
    """Useful hours do the share of the work; billed hours are f times as many."""
    for batch, placed in evidence.each(Batch):
        for one in placed:
            shape = shape_of(evidence, one)
            need = instances_needed(shape, held_accelerators(evidence, one))
            per_unit = billed_instances(need, rack_of(evidence, one))
            whole = batch.work / shape.speed * per_unit
            useful = whole * one.served
            if differ(one.useful_hours, useful, whole=whole):
                text = f"{one.offer}: {one.useful_hours} useful hours of {useful}"
                yield Violation(rule="hours", subject=batch.name, text=text)
            billed = one.useful_hours * billed_per_useful(evidence, one)
            if differ(one.instance_hours, billed, whole=whole):
                text = f"{one.offer}: {one.instance_hours} hours billed of {billed}"
                yield Violation(rule="hours", subject=batch.name, text=text)
            yield from _deadline(evidence, batch, one)


def billed_instances(need: int, hosts: int) -> Decimal:
    """Return the instances billed for one unit of `need` of them, racks of `hosts` used whole."""
    if need >= hosts:
        return Decimal(whole(need, hosts))
    return Decimal(hosts) / (hosts // need)


def _deadline(evidence: Evidence, batch: Batch, one: Placement) -> Iterator[Violation]:
    """Instances = ceil(instance-hours / hours each can work before the deadline)."""
    deadline = most_hours(evidence, one)
    if deadline <= 0:
        return
    wanted = int((one.instance_hours / deadline).to_integral_value(ROUND_CEILING))
    wanted = whole(wanted, rack_of(evidence, one))
    if one.instances != wanted:
        text = f"{one.offer}: {one.instances} instances for {one.instance_hours} h by {deadline} h"
        yield Violation(rule="deadline", subject=batch.name, text=text)


CHECKS = (_work, _hours)
