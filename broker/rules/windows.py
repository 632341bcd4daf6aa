"""Terms that start late or end early: flex-start, capacity blocks, calendar terms.

Inequality: hours an instance works <= hours the offer can be used in the period, where

    flex-start       min(period, 168 h)
    capacity block   min(end of block, end of period) - start of block, start in the period

A service works the whole period; training hours / speed; batch work up to the usable hours of
each instance before its deadline. A block's fee (or its hourly rate over its hours in the period)
is paid for every instance held, used or not.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import numpy as np

from broker.machines import useful_hours
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene
from broker.windows import usable_hours
from broker.workloads import Batch, Training
from solver.problem import Floats


def until_of(workload: AnyWorkload, scene: Scene) -> Decimal:
    """Return how long instances may work for a workload: the period, or its deadline, hours."""
    if isinstance(workload, Batch) and workload.deadline is not None:
        return workload.deadline
    return scene.spec.period


def hours_of_rows(until: Decimal, scene: Scene) -> Floats:
    """Return float64[S]: hours one instance of each row can work, `until` hours at most."""
    bounded, term, terms = scene.stock.terms
    hours = np.full(scene.stock.count, float(until))
    each = [float(usable_hours(one, scene.stock.start, until)) for one in terms]
    hours[bounded] = np.array(each)[term]
    return hours


def _long_enough(workload: AnyWorkload, scene: Scene) -> Bools | None:
    asked = _asked(workload, scene)
    if asked is None or not len(scene.stock.terms[0]):
        return None
    until, least = asked
    hours = hours_of_rows(until, scene)
    return np.asarray(hours >= float(least) if least else hours > 0, dtype=np.bool_)


def _asked(workload: AnyWorkload, scene: Scene) -> tuple[Decimal, Decimal] | None:
    """Until when instances may work, and for how long they must; 0: for any time at all."""
    if not workload.purchase:
        return None
    until = until_of(workload, scene)
    if isinstance(workload, Training):
        return until, min(useful_hours(workload, shape) for shape in workload.shapes)
    return until, Decimal(0) if isinstance(workload, Batch) else until


ADMISSIONS = (
    Admission(
        key="window",
        why_not="its term starts outside the period or is too short for the work",
        admits=_long_enough,
        decided_by=lambda scene: partial(_asked, scene=scene),
    ),
)
