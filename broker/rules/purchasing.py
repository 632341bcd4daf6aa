"""How a workload may be bought: owned and on-demand always; the rest by leave.

Spot needs `spot:` and f = 1 + sqrt(2 d L) + L R <= 2; a gang also needs hours x f <= period.
Reserved terms, capacity blocks and flex-start need `purchase` to name them.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from broker.machines import useful_hours
from broker.offers import PurchaseOption
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene
from broker.spot import is_worth_it, rework_factor
from broker.workloads import Training


def _option(workload: AnyWorkload, scene: Scene) -> Bools | None:
    allowed = {PurchaseOption.OWNED, PurchaseOption.ON_DEMAND, *(workload.purchase or ())}
    if workload.spot is not None:
        allowed.add(PurchaseOption.SPOT)
    elif PurchaseOption.SPOT in allowed:
        allowed.discard(PurchaseOption.SPOT)
    code, names = scene.stock.option_codes
    return np.array([name in allowed for name in names], np.bool_)[code]


def _rework(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.spot is None:
        return None
    rates, code = np.unique(scene.stock.number("interruptions"), return_inverse=True)
    admitted = []
    for rate in rates.tolist():
        lost = Decimal(repr(rate))
        fits = is_worth_it(workload.spot, lost)
        if fits and isinstance(workload, Training):
            hours = min(useful_hours(workload, shape) for shape in workload.shapes)
            fits = hours * rework_factor(workload.spot, lost) <= scene.spec.period
        admitted.append(fits)
    return np.array(admitted, np.bool_)[code]


ADMISSIONS = (
    Admission(key="purchase", why_not="purchase option not allowed here", admits=_option),
    Admission(key="spot", why_not="lost too often for its checkpoints", admits=_rework),
)
