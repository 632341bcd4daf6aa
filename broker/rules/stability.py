"""How readily what runs now is moved: move cost, most moves, least saving, freeze.

With moved(w) = 1 when workload w runs now and any of its instances stands in a pool where it
does not (on-demand, reserved and owned instances of a pool count as one):

    cost      includes the sum over w of moved(w) x move cost(w), USD
    choice    minimises cost + the sum over w of moved(w) x `min_saving`, USD
    moves     sum over w of moved(w) <= `max_moves`, workloads
    freeze    moved(w) = 0

`min_saving` is never billed: a plan costs at most `min_saving` for every move it leaves undone
more than it would cost with them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np

from broker.rules.rule import Admission, AnyWorkload, Bools, Scene
from solver.preferences import Stay


def _frozen(workload: AnyWorkload, scene: Scene) -> Bools | None:
    rule = scene.spec.stability
    if rule is None or workload.name not in rule.freeze:
        return None
    mask = np.zeros(scene.stock.count, np.bool_)
    home = scene.homes.get(workload.name)
    if home is not None:
        mask[home.rows] = True
    return mask


def _frozen_name(scene: Scene) -> Callable[[AnyWorkload], Hashable]:
    rule = scene.spec.stability
    frozen = frozenset(rule.freeze) if rule is not None else frozenset()
    return lambda workload: workload.name if workload.name in frozen else None


ADMISSIONS = (
    Admission(
        key="freeze",
        why_not="not where it runs now (stability.freeze)",
        admits=_frozen,
        decided_by=_frozen_name,
    ),
)


def terms(scene: Scene) -> Stay | None:
    """Return what moves cost and how many there may be; None where nothing runs."""
    rule = scene.spec.stability
    if rule is None or not scene.homes:
        return None
    row = {workload.name: index for index, workload in enumerate(scene.spec.workloads)}
    homes = sorted(scene.homes.values(), key=lambda home: row[home.workload])
    return Stay(
        demand=np.array([row[home.workload] for home in homes], np.int32),
        supply=tuple(home.rows for home in homes),
        cost=np.array([float(home.move_usd) for home in homes]),
        unbilled=float(rule.min_saving),
        most=np.inf if rule.max_moves is None else float(rule.max_moves),
    )
