"""Quotas of the account: the rows no quota can count are refused here.

What a quota says over the whole plan stands in `broker.quotas` and in the optimizer's limits.
"""

from __future__ import annotations

import numpy as np

from broker.rules.rule import SAME_FOR_ALL, Admission, AnyWorkload, Bools, Scene


def _countable(_workload: AnyWorkload, scene: Scene) -> Bools | None:
    """Refuse rows a quota counts in a size that nobody knows: they could break it unseen."""
    unknown = [row.rows[np.isnan(row.size)] for row in scene.quotas]
    if not any(len(rows) for rows in unknown):
        return None
    mask = np.ones(scene.stock.count, np.bool_)
    mask[np.concatenate(unknown)] = False
    return mask


ADMISSIONS = (
    Admission(
        key="quota",
        why_not="under a quota in a size nobody knows",
        admits=_countable,
        decided_by=SAME_FOR_ALL,
    ),
)
