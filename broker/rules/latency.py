"""How far a service's demand may travel.

With f(d,g) the rate of origin d routed to region g, rtt(d,g) in ms, rates in the service's unit:

    sum of f(d,g) where rtt(d,g) > `rtt`   <=  (1 - `share`) x sum of all stated rates
    f(d,g) = 0 where rtt(d,g) > `rtt_max`

With `each_metro: true` the first holds for every origin by itself. A region nothing may be routed
to (beyond `rtt_max` of every origin, or beyond `rtt` where `share` is 100 %) is not admitted.
The band of an estimated round trip is shown and not judged: the estimate counts.
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
