"""What emissions cost, and how much the whole plan may emit.

With e(o) = kg CO2e of an instance-hour on o, an estimate (`broker.carbon`), and hours billed:

    carbon cost  =  sum over o of hours(o) x e(o) x price / 1000      USD, price in USD per t
    cap          :  sum over o of hours(o) x e(o)  <=  cap x 1000     kg, cap in t

The carbon cost is a line of the plan's cost but no compute spend: commitments and concentration
do not count it. Owned instances emit as well. A machine whose power, or a region whose grid
nobody states is refused under the rule: its emissions are not zero.
"""

from __future__ import annotations

import numpy as np

from broker.rules.rule import SAME_FOR_ALL, Admission, AnyWorkload, Bools, Scene
from solver.problem import Floats


def hour_extra(scene: Scene) -> Floats | None:
    """Return float64[S]: what the emissions of an instance-hour cost, USD; None: no price."""
    rule = scene.spec.policy.carbon
    if scene.kg_per_hour is None or rule is None or rule.price is None:
        return None
    return np.nan_to_num(scene.kg_per_hour) * float(rule.price) / 1000


def cap_kg(scene: Scene) -> float | None:
    """Return the most the plan may emit, kg; None: no cap."""
    rule = scene.spec.policy.carbon
    return None if rule is None or rule.cap is None else float(rule.cap * 1000)


def _stated(_workload: AnyWorkload, scene: Scene) -> Bools | None:
    if scene.kg_per_hour is None:
        return None
    return np.asarray(~np.isnan(scene.kg_per_hour), dtype=np.bool_)


ADMISSIONS = (
    Admission(
        key="carbon",
        why_not="nobody states its power or grid, under policy.carbon; add assume.watts or "
        "policy.carbon.grams_per_kwh",
        admits=_stated,
        decided_by=SAME_FOR_ALL,
    ),
)
