"""From the optimizer's flows to routes whose rates sum exactly to what is served.

Services whose requests have sizes are read size by size, down to the placements that serve
them; their routes are the sums.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import TypeVar

from broker.plans import Route, SizeRoute
from broker.rules.rule import Scene
from broker.sizes import stated_rates
from broker.workloads import Service
from solver.problem import NO_ROW, Problem
from solver.solution import Solution

_Unit = tuple[int, int]
"""Stock row and number of the shape."""
_Key = TypeVar("_Key", int, _Unit)

#: Digits of a rate that are read; what is smaller is the optimizer's tolerance.
_DIGITS = 9
_MILLISECOND = Decimal("0.001")


def routes(
    scene: Scene, solution: Solution, by_size: Sequence[SizeRoute] = ()
) -> tuple[Route, ...]:
    """Return the routes of `solution`, by service, origin and region.

    Args:
        scene: where it was asked.
        solution: the answer.
        by_size: `size_routes` of the same solution.
    """
    origin_of = {row: origin for origin, row in scene.origins.items()}
    flows: defaultdict[tuple[int, int], dict[int, Decimal]] = defaultdict(dict)
    for number, point, place, amount, size, _, _ in _rows(solution):
        if size == NO_ROW:
            at = flows[number, point]
            at[place] = at.get(place, Decimal(0)) + Decimal(repr(amount))
    routed: list[Route] = []
    for (number, point), by_place in sorted(flows.items()):
        service = scene.spec.services[number]
        origin = origin_of[point]
        stated = sum((one.rate for one in service.demand if one.origin == origin), Decimal(0))
        for place, rate in _fitted(by_place, stated):
            routed.append(_route(scene, service, (origin, point), place, rate))
    routed += _summed(scene, by_size)
    return tuple(sorted(routed, key=lambda one: (one.workload, one.metro, one.region)))


def size_routes(scene: Scene, problem: Problem, solution: Solution) -> tuple[SizeRoute, ...]:
    """Return what is sent to whom by size, by service, size, origin and offer."""
    origin_of = {row: origin for origin, row in scene.origins.items()}
    flows: defaultdict[tuple[int, int, int], dict[_Unit, Decimal]] = defaultdict(dict)
    for number, point, _, amount, size, mode, supply in _rows(solution):
        if size != NO_ROW:
            unit = (supply, int(problem.demands.mode_shape[mode]))
            to = flows[number, point, size]
            to[unit] = to.get(unit, Decimal(0)) + Decimal(repr(amount))
    found: list[SizeRoute] = []
    for (number, point, size), by_unit in sorted(flows.items()):
        service = scene.spec.services[number]
        load = next(one for one in service.demand if one.origin == origin_of[point])
        name, stated = list(stated_rates(service, load).items())[size]
        for (row, shape), rate in _fitted(by_unit, stated):
            found.append(
                SizeRoute(
                    workload=service.name,
                    size=name,
                    metro=load.origin,
                    region=scene.places[int(scene.place_of_row[row])],
                    offer=str(scene.stock.frame["id"][row]),
                    shape=service.shapes[shape].written,
                    rate=rate,
                )
            )
    return tuple(
        sorted(found, key=lambda one: (one.workload, one.size, one.metro, one.offer, one.shape))
    )


def _rows(solution: Solution) -> Iterator[tuple[int, int, int, float, int, int, int]]:
    """Yield (service, point, place, amount, size, mode, supply) of every flow."""
    found = solution.routes
    columns = (found.service, found.point, found.place, found.amount)
    units = (found.size, found.mode, found.supply)
    return zip(*(column.tolist() for column in (*columns, *units)), strict=True)


def _summed(scene: Scene, by_size: Sequence[SizeRoute]) -> Iterator[Route]:
    """Yield the routes that the routes by size add up to."""
    services = {service.name: service for service in scene.spec.services}
    rates: defaultdict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for one in by_size:
        rates[one.workload, one.metro, one.region] += one.rate
    for (name, metro, region), rate in rates.items():
        place = scene.places.index(region)
        yield _route(scene, services[name], (metro, scene.origins[metro]), place, rate)


def _fitted(by_place: dict[_Key, Decimal], stated: Decimal) -> list[tuple[_Key, Decimal]]:
    """Round to nine digits of the stated rate; close what gap to it is only the rounding's."""
    digit = smallest_digit(stated)
    by_place = {place: by_place[place].quantize(digit) for place in sorted(by_place)}
    total = sum(by_place.values(), Decimal(0))
    largest = max(by_place, key=lambda place: by_place[place])
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
