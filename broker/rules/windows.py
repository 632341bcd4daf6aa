"""Terms that start late or end early: flex-start, capacity blocks, calendar terms.

Inequality: hours an instance works <= hours the offer can be used in the period, where

    flex-start       min(period, 168 h)
    capacity block   min(end of block, end of period) - start of block, start in the period

A service works the whole period; training hours / speed; batch work up to the usable hours of
each instance before its deadline. A block's fee (or its hourly rate over its hours in the period)
is paid for every instance held, used or not.
"""

from __future__ import annotations

import numpy as np

from broker.machines import useful_hours
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene
from broker.windows import BOUNDED, usable_hours
from broker.workloads import Batch, Training
from solver.problem import Floats


def hours_of_rows(workload: AnyWorkload, scene: Scene) -> Floats:
    """Return float64[S]: hours one instance of each row can work for the workload."""
    until = scene.spec.period
    if isinstance(workload, Batch) and workload.deadline is not None:
        until = workload.deadline
    hours = np.full(scene.stock.count, float(until))
    bounded = np.flatnonzero(np.isin(scene.stock.option, [one.value for one in BOUNDED]))
    offers = scene.stock.frame[bounded.tolist()].select("option", "starts_at", "length_h")
    for row, offer in zip(bounded.tolist(), offers.iter_rows(named=True), strict=True):
        hours[row] = float(usable_hours(offer, scene.stock.start, until))
    return hours


def _long_enough(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if not workload.purchase:
        return None
    if not np.isin(scene.stock.option, [one.value for one in BOUNDED]).any():
        return None
    if isinstance(workload, Batch):
        return hours_of_rows(workload, scene) > 0
    need = scene.spec.period
    if isinstance(workload, Training):
        need = min(useful_hours(workload, shape) for shape in workload.shapes)
    return hours_of_rows(workload, scene) >= float(need)


ADMISSIONS = (
    Admission(
        key="window",
        why_not="its term starts outside the period or is too short for the work",
        admits=_long_enough,
    ),
)
