"""Which stock rows each workload may use, and why the rest fell.

Rows that no shape of the workload can run on are left aside; every other row that falls is
counted under the first rule that refuses it, with an example.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from broker.machines import fit_basis, fits
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
from broker.workloads import Shape

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

    Workloads that are judged alike share the arrays; equal arrays are one.
    """

    workload: AnyWorkload
    shape_fits: tuple[Bools, ...]
    admitted: Bools
    runnable: int
    exclusions: tuple[Exclusion, ...]


#: Rows that some shape fits; those that are admitted, bool[S]; what fell.
_Verdict = tuple[int, Bools, tuple[Exclusion, ...]]


def find_candidates(scene: Scene) -> tuple[Candidates, ...]:
    """Judge every workload of the scene's spec, in the order of `Spec.workloads`.

    Workloads that everything decides alike share one judgement and its arrays.
    """
    known = _Known(scene=scene)
    workloads = scene.spec.workloads
    masks = zip(*(known.masks(one, workloads) for one in ADMISSIONS), strict=True)
    return tuple(known.judged(one, some) for one, some in zip(workloads, masks, strict=True))


def admitted_to_any(scene: Scene, candidates: Iterable[Candidates]) -> Bools:
    """Return bool[S], rows that some workload may use."""
    admitted = np.zeros(scene.stock.count, np.bool_)
    for rows in {id(one.admitted): one.admitted for one in candidates}.values():
        admitted |= rows
    return admitted


@dataclass(slots=True, kw_only=True)
class _Known:
    """What was judged already on one scene, by all that decided it.

    Attributes:
        scene: judged on.
        fits: machines by what decides them.
        equal: arrays by what they hold: equal ones are one, so that their ids stand for them.
        running: rows on which machines run some shape, by the ids of the machines of each.
        verdicts: by the ids of machines and rows that led to them.
    """

    scene: Scene
    fits: dict[Hashable, Bools] = field(default_factory=dict)
    equal: dict[tuple[int, bytes], Bools] = field(default_factory=dict)
    running: dict[tuple[int, ...], NDArray[np.int64]] = field(default_factory=dict)
    verdicts: dict[tuple[int, ...], _Verdict] = field(default_factory=dict)

    def masks(self, admission: Admission, workloads: Sequence[AnyWorkload]) -> list[Bools | None]:
        """Return the rows that one admission admits to each of `workloads`; None: all."""
        decided_by = admission.decided_by(self.scene)
        found: dict[Hashable, Bools | None] = {}
        keys = [decided_by(workload) for workload in workloads]
        for key, workload in zip(keys, workloads, strict=True):
            if key not in found:
                mask = admission.admits(workload, self.scene)
                found[key] = None if mask is None or mask.all() else self._shared(mask)
        return [found[key] for key in keys]

    def judged(self, workload: AnyWorkload, masks: Sequence[Bools | None]) -> Candidates:
        """Return the candidates of one workload, given what every admission admits."""
        shape_fits = tuple([self._fits(shape, workload) for shape in workload.shapes])
        key = tuple(map(id, (*shape_fits, *masks)))
        if key not in self.verdicts:
            self.verdicts[key] = self._verdict(shape_fits, masks)
        runnable, admitted, exclusions = self.verdicts[key]
        return Candidates(
            workload=workload,
            shape_fits=shape_fits,
            admitted=admitted,
            runnable=runnable,
            exclusions=exclusions,
        )

    def _fits(self, shape: Shape, workload: AnyWorkload) -> Bools:
        key = fit_basis(shape, workload)
        if key not in self.fits:
            self.fits[key] = self._shared(fits(shape, workload, self.scene.machines))
        return self.fits[key]

    def _running(self, shape_fits: Sequence[Bools]) -> NDArray[np.int64]:
        """Return the rows on which some shape runs, ascending."""
        key = tuple(map(id, shape_fits))
        if key not in self.running:
            fitting = np.logical_or.reduce(shape_fits)
            self.running[key] = np.flatnonzero(fitting[self.scene.machines.of_row])
        return self.running[key]

    def _shared(self, array: Bools) -> Bools:
        content = len(array), np.packbits(array).tobytes()
        found = self.equal.setdefault(content, array)
        found.flags.writeable = False
        return found

    def _verdict(self, shape_fits: Sequence[Bools], masks: Sequence[Bools | None]) -> _Verdict:
        left = self._running(shape_fits)
        runnable = len(left)
        exclusions: list[Exclusion] = []
        for admission, mask in zip(ADMISSIONS, masks, strict=True):
            if mask is None:
                continue
            stays = mask[left]
            if not stays.all():
                exclusions.append(_exclusion(admission, left[~stays], self.scene))
                left = left[stays]
        admitted = np.zeros(self.scene.stock.count, np.bool_)
        admitted[left] = True
        return runnable, self._shared(admitted), tuple(exclusions)


def _exclusion(admission: Admission, fallen: NDArray[np.int64], scene: Scene) -> Exclusion:
    cheapest = fallen[np.argmin(scene.stock.usd_per_hour[fallen])]
    return Exclusion(
        rule=admission.key,
        why=admission.why_not,
        offers=len(fallen),
        example=str(scene.stock.text("id")[cheapest]),
    )
