"""How much power the instances of one region may draw.

Inequality: in every region the rule names, each by itself,

    sum over offers o of instances(o) x kW(o)  <=  cap in kW

with kW(o) an estimate from rated power (`broker.energy`); owned instances draw power as well. All
instances are held at once, so hours play no part. A machine whose power nobody states is refused
in capped regions: it could break the cap unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from fnmatch import fnmatchcase

import numpy as np
from numpy.typing import NDArray

from broker.energy import instance_kw
from broker.policy import PowerCap
from broker.rules.rule import SAME_FOR_ALL, Admission, AnyWorkload, Bools, Scene, place_parts
from solver.problem import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRow:
    """One cap in one region.

    Attributes:
        place: ``provider/region``.
        cap_kw: most power.
        rows: int64[.], stock rows there whose power is known, ascending.
        kw: float64[.], power of one instance of each.
    """

    place: str
    cap_kw: Decimal
    rows: NDArray[np.int64]
    kw: Floats


def power_rows(scene: Scene) -> tuple[PowerRow, ...]:
    """Return every cap, region by region."""
    return tuple(row for cap in scene.spec.policy.power for row in _rows_of(cap, scene))


def kw_of_rows(scene: Scene) -> Floats:
    """Return float64[S]: power of one instance of each row, NaN where it is not known."""
    columns = ["accelerator", "accelerators", "vcpus"]
    machines = scene.stock.frame.select(columns)
    distinct = machines.unique(maintain_order=True).with_row_index("number")
    powers = [instance_kw(row, scene.spec.assume) for row in distinct.iter_rows(named=True)]
    number = machines.join(
        distinct, on=columns, how="left", nulls_equal=True, maintain_order="left"
    )["number"]
    known = np.array([np.nan if kw is None else float(kw) for kw in powers])
    return np.asarray(known[number.to_numpy()], np.float64)


def is_capped(cap: PowerCap, place: str) -> bool:
    """Return whether a cap speaks of ``provider/region``."""
    names = (place, place_parts(place)[1])
    return cap.regions is None or any(
        fnmatchcase(name, glob) for name in names for glob in cap.regions
    )


def _rows_of(cap: PowerCap, scene: Scene) -> Iterator[PowerRow]:
    kw = kw_of_rows(scene)
    for number, place in enumerate(scene.places):
        if is_capped(cap, place):
            rows = np.flatnonzero((scene.place_of_row == number) & ~np.isnan(kw))
            yield PowerRow(place=place, cap_kw=cap.cap, rows=rows, kw=kw[rows])


def _stated(_workload: AnyWorkload, scene: Scene) -> Bools | None:
    caps = scene.spec.policy.power
    if not caps:
        return None
    capped = np.array([any(is_capped(cap, place) for cap in caps) for place in scene.places])
    return np.asarray(~(np.isnan(kw_of_rows(scene)) & capped[scene.place_of_row]), np.bool_)


ADMISSIONS = (
    Admission(
        key="power",
        why_not="nobody states its power, under policy.power; add it to assume.watts",
        admits=_stated,
        decided_by=SAME_FOR_ALL,
    ),
)
