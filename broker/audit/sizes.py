"""Do the instances of a service have the time to serve what is sent to them, size by size.

An instance that serves size b alone carries t_b of it; serving several, it divides its time:
the sum of rate_b / t_b over the sizes sent to a placement is at most its instances. Said of the
whole: what is sent there is at most what they carry of such a mix.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_FLOOR, Decimal

from broker.audit.evidence import Evidence, is_above, place_of
from broker.audit.machines import held_accelerators, shape_of
from broker.audit.spot import carried
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import Service, Shape


def throughput(service: Service, shape: Shape, size: str) -> Decimal:
    """Return what one accelerator serves of one size alone at speed 1.0."""
    rates = shape.throughput or service.throughput or Decimal(0)
    return rates if isinstance(rates, Decimal) else rates.get(size, Decimal(0))


def mixed_throughput(service: Service, shape: Shape, mix: Mapping[str, Decimal]) -> Decimal:
    """Return what one accelerator serves of a mix at speed 1.0, sizes it cannot serve left out.

    Args:
        service: whose throughput.
        shape: on what.
        mix: size -> amount; empty: the stated one.
    """
    rates = shape.throughput or service.throughput or Decimal(0)
    if isinstance(rates, Decimal):
        return rates
    able = {size: part for size, part in (mix or service.sizes).items() if rates.get(size)}
    time = sum((part / rates[size] for size, part in able.items()), Decimal(0))
    return sum(able.values(), Decimal(0)) / time if time else Decimal(0)


def usual_throughput(service: Service, shape: Shape) -> Decimal:
    """Return what one accelerator serves of the stated mix at speed 1.0."""
    return mixed_throughput(service, shape, {})


def working(evidence: Evidence, service: Service, one: Placement) -> Decimal:
    """Return the accelerators in whole replicas x speed, less interruptions and headroom."""
    shape = shape_of(evidence, one)
    count = Decimal(1)
    if shape.count:
        each = shape.per_node or shape.count
        count = each * (held_accelerators(evidence, one) / each).to_integral_value(ROUND_FLOOR)
    kept = carried(evidence, one) / (1 + service.headroom)
    return one.instances * count * shape.speed * kept


def usual_load(evidence: Evidence, service: Service, one: Placement) -> Decimal:
    """Return the demand of the stated mix that the instances carry, headroom taken off."""
    return usual_throughput(service, shape_of(evidence, one)) * working(evidence, service, one)


def sent_to(evidence: Evidence, one: Placement) -> Mapping[str, Decimal]:
    """Return size -> rate that is sent to a placement."""
    return evidence.sent.get((one.workload, one.offer, one.shape), {})


def _names(evidence: Evidence) -> Iterator[Violation]:
    """Routes by size are those of services with sizes, to placements that are there."""
    sized = {one.name for one in evidence.spec.services if one.sizes}
    placed = {
        (one.workload, one.offer, one.shape): place_of(one) for one in evidence.plan.placements
    }
    for one in evidence.plan.size_routes:
        region = placed.get((one.workload, one.offer, one.shape))
        if one.workload not in sized or region != one.region or one.rate <= 0:
            text = f"{one.rate} of {one.size} from {one.metro} to {one.offer} in {one.region}"
            yield Violation(rule="sizes", subject=one.workload, text=text)


def _stated(evidence: Evidence) -> Iterator[Violation]:
    """No origin sends more of a size than its share of what it states."""
    for service, _ in evidence.each(Service):
        whole = sum((load.rate for load in service.demand), Decimal(0))
        parts = sum(service.sizes.values(), Decimal(0))
        stated = {load.origin: load.rate for load in service.demand}
        sent: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for route in evidence.routed_by_size(service.name):
            sent[route.metro, route.size] += route.rate
        for (metro, size), rate in sorted(sent.items()):
            share = service.sizes.get(size, Decimal(0)) / parts
            most = stated.get(metro, Decimal(0)) * share
            if is_above(rate, most, whole=whole):
                text = f"{rate} of {size} from {metro}, which states {most}"
                yield Violation(rule="sizes", subject=service.name, text=text)


def _summed(evidence: Evidence) -> Iterator[Violation]:
    """Routes by size add up to the routes of the plan."""
    for service, _ in evidence.each(Service):
        if not service.sizes:
            continue
        left: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for route in evidence.routed(service.name):
            left[route.metro, route.region] += route.rate
        for one in evidence.routed_by_size(service.name):
            left[one.metro, one.region] -= one.rate
        for (metro, region), rate in sorted(left.items()):
            if rate:
                text = f"{metro} to {region}: {rate} of the route is of no size"
                yield Violation(rule="sizes", subject=service.name, text=text)


def _time(evidence: Evidence) -> Iterator[Violation]:
    """A placement carries what is sent to it, its time shared between the sizes."""
    for service, placed in evidence.each(Service):
        if not service.sizes:
            continue
        whole = sum((load.rate for load in service.demand), Decimal(0))
        for one in placed:
            shape, sent = shape_of(evidence, one), sent_to(evidence, one)
            for size, rate in sorted(sent.items()):
                if not throughput(service, shape, size):
                    text = f"{one.offer}: {rate} of {size}, which {one.shape} cannot serve"
                    yield Violation(rule="size capacity", subject=service.name, text=text)
            room = mixed_throughput(service, shape, sent) * working(evidence, service, one)
            load = sum(sent.values(), Decimal(0))
            if is_above(load, room, whole=whole):
                text = f"{one.offer}: {load} sent to it, of such a mix it carries {room}"
                yield Violation(rule="size capacity", subject=service.name, text=text)


CHECKS = (_names, _stated, _summed, _time)
