"""Which stock rows each workload may use, and why the rest fell.

Rows that no shape of the workload can run on are left aside; every other row that falls is
counted under the first rule that refuses it, with an example.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.machines import fits
from broker.rules import (
    carbon,
    exclusivity,
    export_control,
    geography,
    latency,
    power,
    purchasing,
    quotas,
    stability,
    windows,
)
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene

#: Every admission, in the order in which a fallen row is blamed.
ADMISSIONS: tuple[Admission, ...] = (
    *geography.ADMISSIONS,
    *export_control.ADMISSIONS,
    *exclusivity.ADMISSIONS,
    *purchasing.ADMISSIONS,
    *windows.ADMISSIONS,
    *latency.ADMISSIONS,
    *quotas.ADMISSIONS,
    *power.ADMISSIONS,
    *carbon.ADMISSIONS,
    *stability.ADMISSIONS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Rows one rule refused to one workload.

    Attributes:
        rule: key of the rule.
        why: what the rows are told.
        offers: how many rows a shape could have run on.
        example: id of the cheapest of them.
    """

    rule: str
    why: str
    offers: int
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """Admitted rows of one workload.

    Attributes:
        workload: whose.
        shape_fits: bool[K] per shape, machines that can run it.
        admitted: bool[S], rows that every rule admits and some shape fits.
        runnable: rows some shape fits, rules aside.
        exclusions: what fell, by rule.
    """

    workload: AnyWorkload
    shape_fits: tuple[Bools, ...]
    admitted: Bools
    runnable: int
    exclusions: tuple[Exclusion, ...]


def find_candidates(scene: Scene) -> tuple[Candidates, ...]:
    """Judge every workload of the scene's spec, in the order of `Spec.workloads`."""
    return tuple(judge(workload, scene) for workload in scene.spec.workloads)


def judge(
    workload: AnyWorkload, scene: Scene, admissions: Sequence[Admission] = ADMISSIONS
) -> Candidates:
    """Return the candidates of one workload under `admissions`."""
    shape_fits = tuple(fits(shape, workload, scene.machines) for shape in workload.shapes)
    runnable = np.logical_or.reduce(shape_fits)[scene.machines.of_row]
    left = runnable.copy()
    exclusions: list[Exclusion] = []
    for admission in admissions:
        mask = admission.admits(workload, scene)
        if mask is None:
            continue
        fallen = np.flatnonzero(left & ~mask)
        left &= mask
        if len(fallen):
            exclusions.append(_exclusion(admission, fallen, scene))
    return Candidates(
        workload=workload,
        shape_fits=shape_fits,
        admitted=left,
        runnable=int(runnable.sum()),
        exclusions=tuple(exclusions),
    )


def _exclusion(admission: Admission, fallen: NDArray[np.int64], scene: Scene) -> Exclusion:
    cheapest = fallen[np.argmin(scene.stock.usd_per_hour[fallen])]
    return Exclusion(
        rule=admission.key,
        why=admission.why_not,
        offers=len(fallen),
        example=str(scene.stock.frame["id"][int(cheapest)]),
    )
