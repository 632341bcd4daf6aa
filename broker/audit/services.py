"""Is every service's demand carried, near enough, and spread as asked.

With f(d,g) the rate of origin d routed to region g and c(o) what an instance of offer o carries:

    capacity   sum over o in g of instances(o) x c(o)  >=  (1 + `headroom`) x sum over d of f(d,g)
    spread     sum over d of f(d,g)  <=  `max_share` x sum over all of f, and instances in at
               least `regions` regions; `max_share` is 1 - 1/(2 x `regions`) unless given

Rates are in the service's own unit. An instance carries floor(accelerators / per_node) x
per_node x throughput x speed, on spot (1 - L R) of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from broker.audit import sizes
from broker.audit.evidence import Evidence, Hop, differ, is_above, place_of
from broker.audit.machines import shape_of
from broker.plans import Placement, Route
from broker.rules.violation import Violation
from broker.units import round_nano
from broker.workloads import LatencyRule, Service

_MILLISECOND = Decimal("0.001")


def _whole(service: Service) -> Decimal:
    """The rate of all its origins together."""
    return sum((load.rate for load in service.demand), Decimal(0))


def _load_carried(evidence: Evidence) -> Iterator[Violation]:
    """Instances x floor(accelerators / per_node) replicas, headroom taken off, all period long."""
    for service, placed in evidence.each(Service):
        for one in placed:
            right = round_nano(load_of(evidence, service, one))
            if differ(one.served, right, whole=_whole(service)):
                text = f"{one.offer}: said to carry {one.served}, carries {right}"
                yield Violation(rule="load", subject=service.name, text=text)
            hours = evidence.spec.period * one.instances
            if not one.instance_hours == one.useful_hours == hours:
                text = f"{one.offer}: {one.instance_hours} of {hours} instance-hours"
                yield Violation(rule="hours", subject=service.name, text=text)


def load_of(evidence: Evidence, service: Service, one: Placement) -> Decimal:
    """Return the demand that the placement's instances carry, headroom taken off.

    With sizes: of the mix that is sent to them, or of the stated one where nothing is.
    """
    sent = sizes.sent_to(evidence, one)
    mixed = sizes.mixed_throughput(service, shape_of(evidence, one), sent)
    return mixed * sizes.working(evidence, service, one)


def _capacity(evidence: Evidence) -> Iterator[Violation]:
    """In every region, what its instances carry >= what is routed there."""
    for service, placed in evidence.each(Service):
        if service.sizes:  # `sizes` looks at every placement by itself
            continue
        room: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in placed:
            room[place_of(one)] += load_of(evidence, service, one)
        routed: defaultdict[str, Decimal] = defaultdict(Decimal)
        for route in evidence.routed(service.name):
            routed[route.region] += route.rate
        for region, rate in sorted(routed.items()):
            if is_above(rate, room[region], whole=_whole(service)):
                text = f"{rate} routed to {region}, which carries {room[region]}"
                yield Violation(rule="region capacity", subject=service.name, text=text)


def _stated(evidence: Evidence) -> Iterator[Violation]:
    """No origin sends more than it states."""
    for service, _ in evidence.each(Service):
        stated = {load.origin: load.rate for load in service.demand}
        sent: defaultdict[str, Decimal] = defaultdict(Decimal)
        for route in evidence.routed(service.name):
            sent[route.metro] += route.rate
            if route.rate <= 0 or (route.metro, route.region) not in evidence.hops:
                text = f"{route.rate} from {route.metro} to {route.region}"
                yield Violation(rule="routes", subject=service.name, text=text)
        for origin, rate in sorted(sent.items()):
            if rate > stated.get(origin, Decimal(0)):
                text = f"{rate} from {origin}, which states {stated.get(origin, 0)}"
                yield Violation(rule="routes", subject=service.name, text=text)


def _round_trips(evidence: Evidence) -> Iterator[Violation]:
    """A route states the round trip of the table, and rightly whether it is near."""
    for service, _ in evidence.each(Service):
        for route in evidence.routed(service.name):
            hop = evidence.hops.get((route.metro, route.region))
            if hop is not None and not _as_measured(route, hop, service.latency):
                text = f"{route.metro} to {route.region}: {route.rtt_ms} ms, is {hop.rtt_ms} ms"
                yield Violation(rule="round trip", subject=service.name, text=text)


def _as_measured(route: Route, hop: Hop, rule: LatencyRule | None) -> bool:
    limits = [] if rule is None else [one for one in (rule.rtt, rule.rtt_max) if one is not None]
    straddles = any(abs(hop.rtt_ms - float(limit)) < hop.half_band_ms for limit in limits)
    return (
        _is_same(route.rtt_ms, hop.rtt_ms)
        and _is_same(route.half_band_ms, hop.half_band_ms)
        and route.estimated == hop.estimated
        and route.near == _is_near(hop, rule)
        and route.straddles == straddles
    )


def _is_same(said: Decimal, found: float) -> bool:
    exact = Decimal(repr(found))
    return said == exact if not exact.is_finite() else abs(said - exact) <= _MILLISECOND


def _is_near(hop: Hop | None, rule: LatencyRule | None) -> bool:
    return rule is None or (hop is not None and hop.rtt_ms <= float(rule.rtt))


def _latency(evidence: Evidence) -> Iterator[Violation]:
    """Far demand <= (1 - share) x stated demand; nothing beyond `rtt_max`."""
    for service, _ in evidence.each(Service):
        rule = service.latency
        if rule is None:
            continue
        routed = evidence.routed(service.name)
        yield from _beyond(evidence, service, rule, routed)
        far = [
            one for one in routed if not _is_near(evidence.hops.get((one.metro, one.region)), rule)
        ]
        groups = [(load.origin,) for load in service.demand]
        if not rule.each_metro:
            groups = [tuple(load.origin for load in service.demand)]
        for group in groups:
            rate = sum((one.rate for one in far if one.metro in group), Decimal(0))
            most = (1 - rule.share) * sum(
                (load.rate for load in service.demand if load.origin in group), Decimal(0)
            )
            if is_above(rate, most, whole=_whole(service)):
                text = f"{rate} from {', '.join(group)} beyond {rule.rtt} ms, at most {most}"
                yield Violation(rule="latency", subject=service.name, text=text)


def _beyond(
    evidence: Evidence, service: Service, rule: LatencyRule, routed: Sequence[Route]
) -> Iterator[Violation]:
    for route in routed:
        hop = evidence.hops.get((route.metro, route.region))
        if rule.rtt_max is not None and (hop is None or hop.rtt_ms > float(rule.rtt_max)):
            text = f"{route.metro} to {route.region} is beyond {rule.rtt_max} ms"
            yield Violation(rule="rtt_max", subject=service.name, text=text)


def _spread(evidence: Evidence) -> Iterator[Violation]:
    """As many regions as asked; none carries more than its share of what is routed."""
    for service, placed in evidence.each(Service):
        spread = service.spread
        if spread is None or not placed:
            continue
        stands = {place_of(one) for one in placed}
        if len(stands) < spread.regions:
            text = f"in {len(stands)} regions of at least {spread.regions}"
            yield Violation(rule="spread", subject=service.name, text=text)
        usual = 1 - Decimal(1) / (2 * spread.regions) if spread.regions > 1 else Decimal(1)
        share = usual if spread.max_share is None else spread.max_share
        routed: defaultdict[str, Decimal] = defaultdict(Decimal)
        for route in evidence.routed(service.name):
            routed[route.region] += route.rate
        whole = sum(routed.values(), Decimal(0))
        for region, rate in sorted(routed.items()):
            if is_above(rate, share * whole, whole=whole):
                text = f"{region} carries {rate} of {whole}, at most {share} of it"
                yield Violation(rule="spread", subject=service.name, text=text)


CHECKS = (_load_carried, _capacity, _stated, _round_trips, _latency, _spread)
