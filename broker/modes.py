"""The ways a workload runs on machines: which rows each may use, how much it takes or carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from broker.candidates import Candidates
from broker.machines import gang_instances, load_carried, useful_hours, work_hours
from broker.rules.rule import AnyWorkload, Scene
from broker.rules.windows import hours_of_rows, until_of
from broker.service_terms import size_amounts
from broker.sizes import shares_of
from broker.workloads import Service, Shape, Training
from solver.problem import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """The ways a shape of a workload runs on the machines of one set of rows.

    Attributes:
        machine: int32[n], ascending; those of amount 0 are no modes.
        size: int64[n], which of `amount` is that of each.
        amount: on machines that hold alike; see `solver.problem.Demands`.
        by_size: the same, by size of request; () without sizes.
        shape, signature, hours: of all.
    """

    machine: Ints
    size: NDArray[np.int64]
    amount: Sequence[float]
    by_size: Sequence[Sequence[float]]
    shape: int
    signature: int
    hours: float


def columns(scene: Scene, modes: Sequence[Sequence[Modes]]) -> dict[str, Any]:
    """Return the `mode_` fields of `solver.problem.Demands`, given the modes of each workload.

    Arrays over all modes at once: there are thousands of short ones.
    """
    every = [some for found in modes for some in found]
    start = np.cumsum([0, *(len(some.amount) for some in every)])
    part = np.repeat(np.arange(len(every)), [len(some.machine) for some in every])
    row = np.concatenate([np.empty(0, np.int64), *(some.size for some in every)]) + start[part]
    amount = np.array([one for some in every for one in some.amount], np.float64)
    works = amount[row] > 0
    part, row = part[works], row[works]
    of_workload = np.repeat(np.arange(len(modes)), [len(found) for found in modes])[part]
    machine = np.concatenate([np.empty(0, np.int32), *(some.machine for some in every)])
    return {
        "mode_start": np.searchsorted(of_workload, np.arange(len(modes) + 1)).astype(np.int64),
        "mode_kind": machine[works],
        "mode_amount": amount[row],
        "mode_shape": np.array([some.shape for some in every], np.int32)[part],
        "mode_signature": np.array([some.signature for some in every], np.int32)[part],
        "mode_hours": np.array([some.hours for some in every], np.float64)[part],
        "mode_size_amount": _by_size(scene, every, row),
    }


def _by_size(scene: Scene, modes: Sequence[Modes], row: NDArray[np.int64]) -> Floats | None:
    """float64[M, B], services of fewer sizes filled up with zeros; None: none has sizes."""
    most = max((len(shares_of(service)) for service in scene.spec.services), default=0)
    if not most:
        return None
    filled = [[*one, *[0.0] * (most - len(one))] for some in modes for one in some.by_size]
    return np.array(filled, np.float64).reshape(-1, most)[row]


#: Machines, int32[n], rows of what they hold, and which of these each holds, int64[n].
Fitting = tuple[Ints, list[int], NDArray[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSet:
    """A set of rows that modes may use: its number, and bool[K], the machines in it."""

    number: int
    machines: Bools


@dataclass(slots=True, kw_only=True)
class RowSets:
    """Numbers the distinct sets of rows that modes may use.

    Attributes:
        scene: whose rows.
        sizes: int32[K], which machines hold alike: index into `held`.
        held: (accelerators, instances sold together).
        shared: arrays of the candidates by id, with their sets once they are numbered.
        found: sets by what they hold.
        blocks: int32[.] rows of each set, sorted by (machine, row).
        fit: fitting machines, by the id of what fits a shape, and set.
        ends: what `has_ends` says, by the id of the rows.
    """

    scene: Scene
    sizes: Ints
    held: Sequence[tuple[Decimal, int]]
    shared: dict[int, RowSet | None]
    found: dict[bytes, RowSet] = field(default_factory=dict)
    blocks: list[Ints] = field(default_factory=list)
    fit: dict[tuple[int, int], Fitting] = field(default_factory=dict)
    ends: dict[int, bool | None] = field(default_factory=dict)

    @classmethod
    def of(cls, scene: Scene, candidates: Iterable[Candidates]) -> RowSets:
        """Return the sets of `scene`, none yet; `candidates` must outlive them."""
        machines = scene.machines
        both = zip(machines.accelerators.tolist(), machines.hosts.tolist(), strict=True)
        sizes = [(repr(float(held)), int(hosts)) for held, hosts in both]
        number = {size: row for row, size in enumerate(dict.fromkeys(sizes))}
        return cls(
            scene=scene,
            sizes=np.array([number[size] for size in sizes], np.int32),
            held=[(Decimal(held), hosts) for held, hosts in number],
            shared=dict.fromkeys(id(one.admitted) for one in candidates),
        )

    def numbered(self, usable: Bools) -> RowSet:
        """Return the set of the rows of `usable`, bool[S]."""
        known = self.shared.get(id(usable))
        if known is not None:
            return known
        key = np.packbits(usable).tobytes()
        if key not in self.found:
            rows = np.flatnonzero(usable).astype(np.int32)
            kinds = self.scene.machines.of_row[rows]
            machines = np.zeros(len(self.scene.machines.name), np.bool_)
            machines[kinds] = True
            self.found[key] = RowSet(number=len(self.blocks), machines=machines)
            self.blocks.append(rows[np.argsort(kinds, kind="stable")])
        if id(usable) in self.shared:
            self.shared[id(usable)] = self.found[key]
        return self.found[key]

    def has_ends(self, admitted: Bools) -> bool | None:
        """Return whether the term of any row of a candidate ends; None: it has no rows."""
        if id(admitted) not in self.ends:
            bounded = bool(admitted[self.scene.stock.terms[0]].any())
            self.ends[id(admitted)] = bounded if admitted.any() else None
        return self.ends[id(admitted)]

    def fitting(self, fits: Bools, chosen: RowSet) -> Fitting:
        """Return the machines of a set that fit a shape, bool[K], by what they hold."""
        key = id(fits), chosen.number
        if key not in self.fit:
            machine = np.flatnonzero(fits & chosen.machines).astype(np.int32)
            size = self.sizes[machine]
            is_held = np.zeros(len(self.held), np.bool_)
            is_held[size] = True
            number = np.cumsum(is_held) - 1
            self.fit[key] = machine, np.flatnonzero(is_held).tolist(), number[size]
        return self.fit[key]

    def rows(self) -> tuple[NDArray[np.int64], Ints]:
        """Return `Problem.eligible_start` and `Problem.eligible`."""
        start = np.cumsum([0, *(len(block) for block in self.blocks)]).astype(np.int64)
        return start, np.concatenate([np.empty(0, np.int32), *self.blocks]).astype(np.int32)


def modes_of(candidate: Candidates, scene: Scene, sets: RowSets) -> list[Modes]:
    """Return the modes of one workload, by shape and set of rows; `sets` grow by theirs."""
    workload = candidate.workload
    found: list[Modes] = []
    for number, shape in enumerate(workload.shapes):
        for usable, hours in _row_sets(candidate, shape, scene, sets):
            chosen = sets.numbered(usable)
            machine, holding, size = sets.fitting(candidate.shape_fits[number], chosen)
            held = [sets.held[one] for one in holding]
            found.append(
                Modes(
                    machine=machine,
                    size=size,
                    amount=[float(_amount(workload, shape, *one)) for one in held],
                    by_size=[size_amounts(workload, shape, *one) for one in held],
                    shape=number,
                    signature=chosen.number,
                    hours=hours,
                )
            )
    return found


def _row_sets(
    candidate: Candidates, shape: Shape, scene: Scene, sets: RowSets
) -> Iterator[tuple[Bools, float]]:
    """Yield sets of rows on which a shape works alike, and the hours of its modes there."""
    workload, admitted = candidate.workload, candidate.admitted
    has_ends = sets.has_ends(admitted)
    if has_ends is None:
        return
    until, need = until_of(workload, scene), Decimal(0)
    if isinstance(workload, Training):
        need = useful_hours(workload, shape)
    if not has_ends:
        if until >= need:
            yield admitted, float(need or until)
        return
    hours_of_row = hours_of_rows(until, scene)
    if isinstance(workload, Training):
        yield admitted & (hours_of_row >= float(need)), float(need)
        return
    for each in np.unique(hours_of_row[admitted]).tolist():
        yield admitted & (hours_of_row == each), each


def _amount(workload: AnyWorkload, shape: Shape, accelerators: Decimal, hosts: int) -> Decimal:
    """Return the amount of a mode as `solver.problem.Demands` defines it; units are racks."""
    if isinstance(workload, Training):
        return Decimal(gang_instances(shape, accelerators, hosts)) / hosts
    if isinstance(workload, Service):
        return load_carried(workload, shape, accelerators) * hosts / (1 + workload.headroom)
    return work_hours(workload, shape, accelerators, hosts) / hosts
