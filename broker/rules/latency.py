"""How far a service's demand may travel.

With f(d,g) the rate of origin d routed to region g, rtt(d,g) in ms, rates in the service's unit:

    sum of f(d,g) where rtt(d,g) > `rtt`   <=  (1 - `share`) x sum of all stated rates
    f(d,g) = 0 where rtt(d,g) > `rtt_max`

With `each_metro: true` the first holds for every origin by itself. A region nothing may be routed
to (beyond `rtt_max` of every origin, or beyond `rtt` where `share` is 100 %) is not admitted.
The band of an estimated round trip is shown and not judged: the estimate counts.
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
