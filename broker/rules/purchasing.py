"""How a workload may be bought: owned and on-demand always; the rest by leave.

Spot needs `spot:` and f = 1 + sqrt(2 d L) + L R <= 2; a gang also needs hours x f <= period.
Reserved terms, capacity blocks and flex-start need `purchase` to name them.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from functools import partial

import numpy as np

from broker.machines import useful_hours
from broker.offers import PurchaseOption
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene, basis
from broker.spot import LARGEST_FACTOR, rework_factor
from broker.workloads import Training


def _option(workload: AnyWorkload, scene: Scene) -> Bools | None:
    allowed = {PurchaseOption.OWNED, PurchaseOption.ON_DEMAND, *(workload.purchase or ())}
    if workload.spot is not None:
        allowed.add(PurchaseOption.SPOT)
    elif PurchaseOption.SPOT in allowed:
        allowed.discard(PurchaseOption.SPOT)
    code, names = scene.stock.codes("option")
    return np.array([name in allowed for name in names], np.bool_)[code]


def _rework(workload: AnyWorkload, scene: Scene) -> Bools | None:
    admitted = _admitted_rates(workload, scene)
    if admitted is None:
        return None
    _, code = scene.stock.interruption_rates
    return np.asarray(code < admitted, dtype=np.bool_)


def _admitted_rates(workload: AnyWorkload, scene: Scene) -> int | None:
    """How many of the stock's rates, the lowest first, are admitted; None: no spot at all.

    The factor grows with the rate, so what one rate is too high for, all above it are.
    """
    spot, hours = workload.spot, Decimal(0)
    if spot is None:
        return None
    if isinstance(workload, Training):
        hours = min(useful_hours(workload, shape) for shape in workload.shapes)

    def is_refused(rate: float) -> bool:
        factor = rework_factor(spot, Decimal(repr(rate)))
        return factor > LARGEST_FACTOR or hours * factor > scene.spec.period

    rates, _ = scene.stock.interruption_rates
    return bisect_left(rates, True, key=is_refused)


ADMISSIONS = (
    Admission(
        key="purchase",
        why_not="purchase option not allowed here",
        admits=_option,
        decided_by=basis(lambda workload: (workload.purchase, workload.spot is not None)),
    ),
    Admission(
        key="spot",
        why_not="lost too often for its checkpoints",
        admits=_rework,
        decided_by=lambda scene: partial(_admitted_rates, scene=scene),
    ),
)
