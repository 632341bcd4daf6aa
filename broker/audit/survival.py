"""Does a service survive the loss of any one scope, demand re-routed freely over what is left.

    for every scope s:  the most that can be routed near, within capacity / (1 + `headroom`),
                        without the instances in s  >=  `survive_share` x sum of stated rates

Rates are in the service's own unit; scopes are providers, regions or zones. What can be served
then is a largest flow from origins (their stated rates) over near round trips into regions (what
their remaining instances carry); it is found by augmenting paths, exactly.
Where requests have sizes, instances share their time between them, and it is a linear programme.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from broker.audit.evidence import Evidence, has_zone, is_above, place_of
from broker.audit.machines import shape_of
from broker.audit.packing import most_carried
from broker.audit.sizes import throughput, working
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import ScopeLevel, Service


def _survives(evidence: Evidence) -> Iterator[Violation]:
    """After each single loss, `survive_share` of the stated demand is still served near."""
    for service, placed in evidence.each(Service):
        if service.survive is None or not placed:
            continue
        stated = {load.origin: load.rate for load in service.demand}
        whole = sum(stated.values(), Decimal(0))
        needed = service.survive_share * whole
        for lost, left in _losses(placed, service.survive):
            room: defaultdict[str, Decimal] = defaultdict(Decimal)
            for one in left:
                room[place_of(one)] += one.served
            near = _near(evidence, service, room)
            if service.sizes:
                served = _served_by_size(evidence, service, left, near)
            else:
                served = largest_flow(stated, room, near)
            if is_above(needed, served, whole=whole):
                text = f"without {lost} {served} can be served of {needed}"
                yield Violation(rule="survive", subject=service.name, text=text)


def _served_by_size(
    evidence: Evidence, service: Service, left: Sequence[Placement], near: set[tuple[str, str]]
) -> Decimal:
    """The most that is served when instances of one shape and region share their time."""
    works: defaultdict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for one in left:
        shape = service.shapes.index(shape_of(evidence, one))
        works[place_of(one), shape] += working(evidence, service, one)
    parts = sum(service.sizes.values(), Decimal(0))
    supply: defaultdict[str, Decimal] = defaultdict(Decimal)
    time: dict[tuple[str, str], Decimal] = {}
    for load in service.demand:
        open_to = [key for key in works if (load.origin, key[0]) in near]
        seen = " ".join(sorted({place for place, _ in open_to}))
        for size, share in service.sizes.items():
            source = f"{size} {seen}"  # origins that see the same places are one
            supply[source] += load.rate * share / parts
            for place, shape in open_to:
                alone = works[place, shape] * throughput(service, service.shapes[shape], size)
                if alone:
                    time[source, f"{place} {shape}"] = 1 / alone
    return most_carried(supply, time)


def _losses(
    placed: Sequence[Placement], level: ScopeLevel
) -> Iterator[tuple[str, list[Placement]]]:
    """Yield every scope that can be lost, with the placements that are left then.

    A placement of unknown zone is lost with every zone of its region.
    """
    for scope in sorted({_scope(one, level) for one in placed}):
        yield scope, [one for one in placed if not _is_lost(one, scope, level)]


def _scope(one: Placement, level: ScopeLevel) -> str:
    if level is ScopeLevel.PROVIDER:
        return one.provider
    return place_of(one) if level is ScopeLevel.REGION else f"{place_of(one)}/{one.zone}"


def _is_lost(one: Placement, scope: str, level: ScopeLevel) -> bool:
    if level is ScopeLevel.ZONE and not has_zone(one):
        return scope.rpartition("/")[0] == place_of(one)
    return _scope(one, level) == scope


def _near(
    evidence: Evidence, service: Service, regions: Mapping[str, Decimal]
) -> set[tuple[str, str]]:
    rule = service.latency
    if rule is None:
        return {(load.origin, region) for load in service.demand for region in regions}
    limit = min(one for one in (rule.rtt, rule.rtt_max) if one is not None)
    return {
        (load.origin, region)
        for load in service.demand
        for region in regions
        if evidence.hops[load.origin, region].rtt_ms <= float(limit)
    }


def largest_flow(
    supply: Mapping[str, Decimal], room: Mapping[str, Decimal], edges: set[tuple[str, str]]
) -> Decimal:
    """Return the most that can go from sources to sinks along `edges`.

    Args:
        supply: by source, at least 0.
        room: by sink, at least 0.
        edges: (source, sink) pairs, without a limit of their own.
    """
    left, free = dict(supply), dict(room)
    sent: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    while path := _augmenting(left, free, edges, sent):
        back = [(path[i + 1], path[i]) for i in range(1, len(path) - 1, 2)]
        amount = min(left[path[0]], free[path[-1]], *(sent[edge] for edge in back))
        left[path[0]] -= amount
        free[path[-1]] -= amount
        for i in range(0, len(path) - 1, 2):
            sent[path[i], path[i + 1]] += amount
        for edge in back:
            sent[edge] -= amount
    return sum(supply.values(), Decimal(0)) - sum(left.values(), Decimal(0))


def _augmenting(
    left: Mapping[str, Decimal],
    free: Mapping[str, Decimal],
    edges: set[tuple[str, str]],
    sent: Mapping[tuple[str, str], Decimal],
) -> list[str]:
    """Return a shortest path source, sink, source, ..., sink that can carry more; else []."""
    paths = [[source] for source in sorted(left) if left[source] > 0]
    seen = {path[0] for path in paths}
    reached: set[str] = set()
    for path in paths:  # grows while it is walked: breadth first
        for sink in sorted(free):
            if sink in reached or (path[-1], sink) not in edges:
                continue
            reached.add(sink)
            if free[sink] > 0:
                return [*path, sink]
            for source in sorted(left):
                if source not in seen and sent.get((source, sink), 0) > 0:
                    seen.add(source)
                    paths.append([*path, sink, source])
    return []


CHECKS = (_survives,)
