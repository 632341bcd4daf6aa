"""Why demand is unmet, in sentences, the decisive one first."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from broker.candidates import Candidates
from broker.caps import caps_of
from broker.machines import gang_instances
from broker.rules.rule import AnyWorkload, Scene
from broker.sizes import shares_of, throughput_by_size
from broker.workloads import Service, Training


def unmet_reasons(scene: Scene, candidates: Candidates) -> tuple[str, ...]:
    """Return why some or all of one workload is not served."""
    workload = candidates.workload
    if candidates.runnable == 0:
        shapes = ", ".join(shape.written for shape in workload.shapes)
        return (f"no machine in the market can run {shapes}",)
    refused = tuple(
        f"{one.rule}: {one.why} ({one.offers} offers, such as {one.example})"
        for one in candidates.exclusions
    )
    if not candidates.admitted.any():
        return ("every offer that could run it is ruled out", *refused)
    if isinstance(workload, Training):
        short = _too_small(scene, candidates, workload)
        if short:
            return (short, *refused)
    if isinstance(workload, Service):
        unserved = _unserved_sizes(scene, candidates, workload)
        if unserved:
            text = f"no offer that the rules admit can serve {', '.join(unserved)}"
            return (text, *refused)
    caps = "".join(f", {name}" for name in caps_of(scene))
    return (
        f"capacity or quota{caps} that admits it goes to demand of the same or higher priority",
        *refused,
    )


def unread(workload: AnyWorkload, served: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Return which of what a workload reads is not, or not wholly, written.

    Args:
        workload: who reads.
        served: share of the work of every training and batch that is served, by name.
    """
    if isinstance(workload, Service):
        return ()
    return tuple(
        f"reads {one.source}, of which {served[one.source] * 100:.2f} % is served"
        for one in workload.reads
        if served[one.source] < 1
    )


def _unserved_sizes(scene: Scene, candidates: Candidates, service: Service) -> list[str]:
    """Sizes of request that no admitted offer can serve."""
    machines = np.unique(scene.machines.of_row[candidates.admitted])
    served = {
        size
        for shape, fit in zip(service.shapes, candidates.shape_fits, strict=True)
        if fit[machines].any()
        for size, rate in throughput_by_size(service, shape).items()
        if rate > 0
    }
    return [size for size in shares_of(service) if size not in served]


def _too_small(scene: Scene, candidates: Candidates, workload: Training) -> str:
    """A sentence when no pool holds the gang whole, else ""."""
    frame = scene.stock.frame
    rows = np.flatnonzero(candidates.admitted)
    capacity = frame["capacity"].cast(float).fill_null(np.inf).to_numpy()
    owned = frame["owned"].to_numpy()
    pool, _ = scene.stock.codes("pool")
    extra = np.zeros(int(pool.max()) + 1)
    mine = rows[owned[rows]]
    extra[pool[mine]] = capacity[mine]
    best: tuple[float, int, int] | None = None
    for row in rows.tolist():
        room = capacity[row] + (0.0 if owned[row] else extra[pool[row]])
        need = _least_instances(scene, candidates, workload, row)
        if room >= need:
            return ""
        if best is None or room - need > best[0]:
            best = (room - need, row, need)
    if best is None:
        return ""
    row, need = best[1], best[2]
    room = int(capacity[row] + (0.0 if owned[row] else extra[pool[row]]))
    return (
        f"needs {need} instances in one zone under one option, "
        f"the most any pool has is {room} ({frame['pool'][row]})"
    )


def _least_instances(scene: Scene, candidates: Candidates, workload: Training, row: int) -> int:
    machine = int(scene.machines.of_row[row])
    held = Decimal(repr(float(scene.machines.accelerators[machine])))
    return min(
        gang_instances(shape, held, int(scene.machines.hosts[machine]))
        for shape, fit in zip(workload.shapes, candidates.shape_fits, strict=True)
        if fit[machine]
    )
