"""The ways a workload runs on machines: which rows each may use, how much it takes or carries."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

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
        machine: int32[.], ascending.
        amount: float64[.], of each; see `solver.problem.Demands`.
        by_size: float64[., B], of each, by size of request; B: 0 without sizes.
        shape, signature, hours: of all.
    """

    machine: Ints
    amount: Floats
    by_size: Floats
    shape: int
    signature: int
    hours: float

    def __len__(self) -> int:
        return len(self.machine)


def columns(scene: Scene, modes: Sequence[Modes]) -> dict[str, Any]:
    """Return the `mode_` fields of `solver.problem.Demands`, modes one after another."""
    sizes = [len(some) for some in modes]

    def each(values: Iterable[float], kind: DTypeLike) -> NDArray[Any]:
        return np.repeat(np.array(list(values), kind), sizes)

    return {
        "mode_kind": np.concatenate([np.empty(0, np.int32), *(some.machine for some in modes)]),
        "mode_amount": np.concatenate([np.empty(0), *(some.amount for some in modes)]),
        "mode_shape": each((some.shape for some in modes), np.int32),
        "mode_signature": each((some.signature for some in modes), np.int32),
        "mode_hours": each((some.hours for some in modes), np.float64),
        "mode_size_amount": _by_size(scene, modes),
    }


def _by_size(scene: Scene, modes: Sequence[Modes]) -> Floats | None:
    """float64[M, B], services of fewer sizes filled up with zeros; None: none has sizes."""
    most = max((len(shares_of(service)) for service in scene.spec.services), default=0)
    if not most:
        return None
    filled = [np.pad(some.by_size, ((0, 0), (0, most - some.by_size.shape[1]))) for some in modes]
    return np.concatenate([np.empty((0, most)), *filled])


#: Machines, int64[n], rows of what they hold, and which of these each holds, int64[n].
Fitting = tuple[NDArray[np.int64], list[int], NDArray[np.int64]]


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
    """

    scene: Scene
    sizes: Ints
    held: Sequence[tuple[Decimal, int]]
    shared: dict[int, RowSet | None]
    found: dict[bytes, RowSet] = field(default_factory=dict)
    blocks: list[Ints] = field(default_factory=list)
    fit: dict[tuple[int, int], Fitting] = field(default_factory=dict)

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

    def fitting(self, fits: Bools, chosen: RowSet) -> Fitting:
        """Return the machines of a set that fit a shape, bool[K], by what they hold."""
        key = id(fits), chosen.number
        if key not in self.fit:
            machine = np.flatnonzero(fits & chosen.machines)
            size, which = np.unique(self.sizes[machine], return_inverse=True)
            self.fit[key] = machine, size.tolist(), which
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
        for usable, hours in _row_sets(candidate, shape, scene):
            chosen = sets.numbered(usable)
            machine, size, which = sets.fitting(candidate.shape_fits[number], chosen)
            amounts = [_amount(workload, shape, *sets.held[one]) for one in size]
            amount = np.array([float(one) for one in amounts])[which]
            by_size = [size_amounts(workload, shape, *sets.held[one]) for one in size]
            found.append(
                Modes(
                    machine=machine[amount > 0].astype(np.int32),
                    amount=amount[amount > 0],
                    by_size=np.array(by_size or [()], np.float64)[which][amount > 0],
                    shape=number,
                    signature=chosen.number,
                    hours=hours,
                )
            )
    return found


def _row_sets(candidate: Candidates, shape: Shape, scene: Scene) -> Iterator[tuple[Bools, float]]:
    """Yield sets of rows on which a shape works alike, and the hours of its modes there."""
    workload, admitted = candidate.workload, candidate.admitted
    until, need = until_of(workload, scene), Decimal(0)
    if isinstance(workload, Training):
        need = useful_hours(workload, shape)
    if not admitted[scene.stock.terms[0]].any():
        if until >= need and admitted.any():
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
