"""Services for the optimizer: loads by origin and size, and the rules on their routes."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from broker.machines import loads_carried
from broker.rules.rule import AnyWorkload, Scene
from broker.sizes import stated_rates
from broker.workloads import ScopeLevel, Service, Shape
from solver.problem import NO_ROW, Level, Services

_LEVELS = {
    ScopeLevel.PROVIDER: Level.OWNER,
    ScopeLevel.REGION: Level.PLACE,
    ScopeLevel.ZONE: Level.ZONE,
}


def service_terms(scene: Scene) -> Services:
    """Return where the demand of every service comes from and how it may be routed."""
    services = scene.spec.services
    first = len(scene.spec.training)
    loads = [_loads(service) for service in services]
    every = [load for found in loads for load in found]
    has_sizes = any(service.sizes for service in services)
    rules = [service.latency for service in services]
    spreads = [service.spread for service in services]
    levels = [_LEVELS[one.survive] if one.survive else NO_ROW for one in services]
    return Services(
        demand=np.arange(first, first + len(services), dtype=np.int32),
        load_start=np.cumsum([0, *(len(found) for found in loads)]).astype(np.int64),
        load_point=np.array([scene.origins[origin] for origin, _, _ in every], np.int32),
        load=np.array([float(rate) for _, rate, _ in every], np.float64),
        load_size=np.array([size for _, _, size in every], np.int32) if has_sizes else None,
        distance=scene.round_trip_ms,
        near=np.array([float(rule.rtt) if rule else np.inf for rule in rules]),
        far_share=np.array([float(1 - rule.share) if rule else 1.0 for rule in rules]),
        each_point=np.array([rule is not None and rule.each_metro for rule in rules], np.bool_),
        farthest=np.array(
            [
                float(rule.rtt_max) if rule and rule.rtt_max is not None else np.inf
                for rule in rules
            ]
        ),
        least_places=np.array([one.regions if one else 1 for one in spreads], np.int32),
        most_share=np.array([float(one.most()) if one else 1.0 for one in spreads]),
        survive_level=np.array(levels, np.int32),
        survive_share=np.array([float(one.survive_share) for one in services]),
    )


def _loads(service: Service) -> list[tuple[str, Decimal, int]]:
    """Return (origin, rate, number of the size) of every load of a service."""
    if not service.sizes:
        return [(load.origin, load.rate, NO_ROW) for load in service.demand]
    return [
        (load.origin, rate, number)
        for load in service.demand
        for number, rate in enumerate(stated_rates(service, load).values())
    ]


def size_amounts(
    workload: AnyWorkload, shape: Shape, accelerators: Decimal, hosts: int
) -> tuple[float, ...]:
    """Return the amount of each size of a service, by name; () without sizes."""
    if not isinstance(workload, Service) or not workload.sizes:
        return ()
    carried = loads_carried(workload, shape, accelerators)
    return tuple(float(one * hosts / (1 + workload.headroom)) for one in carried.values())
