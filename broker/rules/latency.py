"""How far a service's demand may travel.

A place nothing may be routed to (beyond `rtt_max` of every origin) is not admitted; the shares
of near and far demand hold over the routes and stand in the optimizer's `Services`.
"""

from __future__ import annotations

import numpy as np

from broker.rules.rule import Admission, AnyWorkload, Bools, Scene
from broker.workloads import Service


def _reachable(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if not isinstance(workload, Service) or workload.latency is None:
        return None
    rows = [scene.origins[load.origin] for load in workload.demand]
    rule = workload.latency
    bounds = [rule.rtt_max] if rule.rtt_max is not None else []
    if rule.share == 1:
        bounds.append(rule.rtt)
    if not bounds:
        return None
    reached = (scene.round_trip_ms[rows] <= float(min(bounds))).any(axis=0)
    return np.asarray(reached, np.bool_)[scene.place_of_row]


ADMISSIONS = (Admission(key="latency", why_not="too far from every origin", admits=_reachable),)
