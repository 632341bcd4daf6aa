"""Why demand is unmet, in sentences, the decisive one first."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

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
    stock, rows = scene.stock, np.flatnonzero(candidates.admitted)
    pool, names = stock.codes("pool")
    capacity = np.nan_to_num(stock.number("capacity")[rows], nan=np.inf)
    is_owned = stock.frame["owned"].to_numpy()[rows]
    extra = np.zeros(len(names))
    extra[pool[rows[is_owned]]] = capacity[is_owned]
    room = capacity + np.where(is_owned, 0.0, extra[pool[rows]])
    need = _least_instances(scene, candidates, workload)[scene.machines.of_row[rows]]
    best = int(np.argmax(room - need))
    if room[best] >= need[best]:
        return ""
    return (
        f"needs {need[best]} instances in one zone under one option, "
        f"the most any pool has is {int(room[best])} ({names[pool[rows[best]]]})"
    )


def _least_instances(
    scene: Scene, candidates: Candidates, workload: Training
) -> NDArray[np.int64]:
    """int64[K]: the fewest instances of each machine that hold the gang; 0: none can."""
    machines = scene.machines
    least = np.zeros(len(machines.name), np.int64)
    runs = np.logical_or.reduce(candidates.shape_fits)
    alike: dict[tuple[object, ...], int] = {}
    for machine in np.flatnonzero(runs).tolist():
        held, hosts = float(machines.accelerators[machine]), int(machines.hosts[machine])
        fitting = tuple(bool(fit[machine]) for fit in candidates.shape_fits)
        key = held, hosts, fitting
        if key not in alike:
            alike[key] = min(
                gang_instances(shape, Decimal(repr(held)), hosts)
                for shape, fits in zip(workload.shapes, fitting, strict=True)
                if fits
            )
        least[machine] = alike[key]
    return least
