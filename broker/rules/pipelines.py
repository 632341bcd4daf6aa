"""Workloads that read what others write: `reads: {from: other, gb: ..}` of training and batch.

What a workload writes lies where it ran, in proportion to the work done there. For a read of
source s by r with B GB, at USD per GB between regions (0 inside one), the plan chooses the
flows f between regions g and h together with all placements:

    f(g,h) >= 0;  sum over g of f(g,h) = share of r's work in h
    sum over h of f(g,h) <= share of s's work in g;   cost = sum of B x price(g,h) x f(g,h)

So a reader is served at most as far as what it reads is. The price is the flat one, or the
first step that costs of the volume tiers of what leaves a provider. Nothing is scheduled:
writer and reader both hold their instances in the period.
"""

from __future__ import annotations

import numpy as np

from broker.billed_alike import two_of
from broker.rules.rule import Scene
from broker.workloads import Spec
from solver.problem import Floats, Ints, Reads


def members(spec: Spec) -> frozenset[str]:
    """Return the workloads that read or are read."""
    readers = [one for one in spec.stages if one.reads]
    sources = {reads.source for one in readers for reads in one.reads}
    return frozenset(sources | {one.name for one in readers})


def terms(scene: Scene) -> Reads | None:
    """Return the reads of the spec, workloads by their position; None where there are none."""
    row = {workload.name: index for index, workload in enumerate(scene.spec.workloads)}
    edges = [
        (row[workload.name], row[one.source], float(one.gb))
        for workload in scene.spec.stages
        for one in workload.reads
    ]
    if not edges:
        return None
    class_of_place, cost = _classes(scene)
    return Reads(
        reader=np.array([reader for reader, _, _ in edges], np.int32),
        source=np.array([source for _, source, _ in edges], np.int32),
        amount=np.array([gb for _, _, gb in edges]),
        class_of_place=class_of_place,
        cost=cost,
    )


def _classes(scene: Scene) -> tuple[Ints, Floats]:
    """Group places that are billed alike.

    Returns:
        int32[G], class of each place; float64[N, N], USD per GB from a place of a class to
        another place of a class; inf: unknown.
    """
    groups = scene.billed.members
    cost = np.zeros((len(groups), len(groups)))
    for one, origins in enumerate(groups):
        for other, targets in enumerate(groups):
            pair = two_of(origins, targets)
            if pair is not None:
                price = scene.transfer.usd_per_gb(*pair)
                cost[one, other] = np.inf if price is None else float(price)
    return scene.billed.group, cost
