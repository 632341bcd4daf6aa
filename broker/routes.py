"""From the optimizer's flows to routes whose rates sum exactly to what is served."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal

from broker.plans import Route
from broker.rules.rule import Scene
from broker.workloads import Service
from solver.solution import Solution

#: Digits of a rate that are read; what is smaller is the optimizer's tolerance.
_DIGITS = 9
_MILLISECOND = Decimal("0.001")


def routes(scene: Scene, solution: Solution) -> tuple[Route, ...]:
    """Return the routes of `solution`, by service, origin and region."""
    origin_of = {row: origin for origin, row in scene.origins.items()}
    flows: defaultdict[tuple[int, int], dict[int, Decimal]] = defaultdict(dict)
    found = solution.routes
    rows = zip(
        found.service.tolist(),
        found.point.tolist(),
        found.place.tolist(),
        found.amount.tolist(),
        strict=True,
    )
    for service, point, place, amount in rows:
        at = flows[service, point]
        at[place] = at.get(place, Decimal(0)) + Decimal(repr(amount))
    routed: list[Route] = []
    for (number, point), by_place in sorted(flows.items()):
        service = scene.spec.services[number]
        origin = origin_of[point]
        stated = sum((one.rate for one in service.demand if one.origin == origin), Decimal(0))
        for place, rate in _fitted(by_place, stated):
            routed.append(_route(scene, service, (origin, point), place, rate))
    return tuple(sorted(routed, key=lambda one: (one.workload, one.metro, one.region)))


def _fitted(by_place: dict[int, Decimal], stated: Decimal) -> list[tuple[int, Decimal]]:
    """Round to nine digits of the stated rate; close what gap to it is only the rounding's."""
    digit = smallest_digit(stated)
    by_place = {place: rate.quantize(digit) for place, rate in by_place.items()}
    total = sum(by_place.values(), Decimal(0))
    largest = max(by_place, key=lambda place: (by_place[place], -place))
    if abs(total - stated) <= 10 * digit * (len(by_place) + 1):
        by_place[largest] += stated - total
    elif total > stated:
        by_place[largest] -= total - stated
    return [(place, rate) for place, rate in sorted(by_place.items()) if rate > 0]


def smallest_digit(stated: Decimal) -> Decimal:
    """Return the last of the nine digits to which a part of `stated` is read, a power of ten."""
    return Decimal(1).scaleb(stated.adjusted() + 1 - _DIGITS)


def _route(
    scene: Scene, service: Service, origin: tuple[str, int], place: int, rate: Decimal
) -> Route:
    name, point = origin
    rtt = float(scene.round_trip_ms[point, place])
    band = float(scene.half_band_ms[point, place])
    rule = service.latency
    limits = [] if rule is None else [float(rule.rtt)]
    if rule is not None and rule.rtt_max is not None:
        limits.append(float(rule.rtt_max))
    return Route(
        workload=service.name,
        metro=name,
        region=scene.places[place],
        rate=rate,
        rtt_ms=Decimal(repr(rtt)).quantize(_MILLISECOND),
        half_band_ms=Decimal(repr(band)).quantize(_MILLISECOND),
        estimated=bool(scene.estimated[point, place]),
        near=rule is None or rtt <= float(rule.rtt),
        straddles=any(abs(rtt - limit) < band for limit in limits),
    )
