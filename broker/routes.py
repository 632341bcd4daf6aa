"""From the optimizer's flows to routes whose rates sum exactly to what is served."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

from broker.plans import Route
from broker.rules.rule import Scene
from broker.workloads import Service
from solver.solution import Solution

_RATE = Decimal("1e-9")
#: Digits to which a flow is read; what is smaller is the optimizer's tolerance.
_READ = Decimal("1e-6")
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
        read = Decimal(repr(amount)).quantize(_READ, rounding=ROUND_HALF_EVEN)
        at = flows[service, point]
        at[place] = at.get(place, Decimal(0)) + read
    routed: list[Route] = []
    for (number, point), by_place in sorted(flows.items()):
        service = scene.spec.services[number]
        origin = origin_of[point]
        stated = sum((one.rate for one in service.demand if one.origin == origin), Decimal(0))
        for place, rate in _fitted(by_place, stated):
            routed.append(_route(scene, service, (origin, point), place, rate))
    return tuple(sorted(routed, key=lambda one: (one.workload, one.metro, one.region)))


def _fitted(by_place: dict[int, Decimal], stated: Decimal) -> list[tuple[int, Decimal]]:
    """Close the gap to the stated rate when it is only the rounding's."""
    total = sum(by_place.values(), Decimal(0))
    largest = max(by_place, key=lambda place: (by_place[place], -place))
    rounding = _READ * (len(by_place) + 1) * max(Decimal(1), stated / 100)
    if abs(total - stated) <= rounding:
        by_place[largest] += stated - total
    elif total > stated:
        by_place[largest] -= total - stated
    return [
        (place, rate.quantize(_RATE, rounding=ROUND_DOWN) if rate != stated else rate)
        for place, rate in sorted(by_place.items())
        if rate > 0
    ]


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
