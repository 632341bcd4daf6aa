"""How far a service's demand may travel.

A place nothing may be routed to (beyond `rtt_max` of every origin) is not admitted; the shares
of near and far demand hold over the routes and stand in the optimizer's `Services`.
"""

from __future__ import annotations

from collections.abc import Hashable
from decimal import Decimal

import numpy as np

from broker.rules.rule import Admission, AnyWorkload, Bools, Scene, basis
from broker.workloads import LatencyRule, Service


def _reachable(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if not isinstance(workload, Service) or workload.latency is None:
        return None
    bound = _farthest(workload.latency)
    if bound is None:
        return None
    rows = [scene.origins[load.origin] for load in workload.demand]
    reached = (scene.round_trip_ms[rows] <= float(bound)).any(axis=0)
    return np.asarray(reached, np.bool_)[scene.place_of_row]


def _farthest(rule: LatencyRule) -> Decimal | None:
    """Return the round trip beyond which nothing may be routed, ms; None: no limit."""
    bounds = [rule.rtt_max] if rule.rtt_max is not None else []
    return min([*bounds, rule.rtt]) if rule.share == 1 else min(bounds, default=None)


def _bound_and_origins(workload: AnyWorkload) -> Hashable:
    if not isinstance(workload, Service) or workload.latency is None:
        return None
    bound = _farthest(workload.latency)
    if bound is None:
        return None
    return bound, frozenset(load.origin for load in workload.demand)


ADMISSIONS = (
    Admission(
        key="latency",
        why_not="too far from every origin",
        admits=_reachable,
        decided_by=basis(_bound_and_origins),
    ),
)
