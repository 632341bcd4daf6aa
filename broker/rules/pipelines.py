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

from broker.rules.rule import Scene
from broker.workloads import Service, Spec
from solver.problem import Floats, Ints, Reads


def members(spec: Spec) -> frozenset[str]:
    """Return the workloads that read or are read."""
    readers = [one for one in (*spec.training, *spec.batch) if one.reads]
    sources = {reads.source for one in readers for reads in one.reads}
    return frozenset(sources | {one.name for one in readers})


def terms(scene: Scene) -> Reads | None:
    """Return the reads of the spec, workloads by their position; None where there are none."""
    row = {workload.name: index for index, workload in enumerate(scene.spec.workloads)}
    edges = [
        (row[workload.name], row[one.source], float(one.gb))
        for workload in scene.spec.workloads
        if not isinstance(workload, Service)
        for one in workload.reads
    ]
    if not edges:
        return None
    class_of_place, cost = _classes(_prices(scene))
    return Reads(
        reader=np.array([reader for reader, _, _ in edges], np.int32),
        source=np.array([source for _, source, _ in edges], np.int32),
        amount=np.array([gb for _, _, gb in edges]),
        class_of_place=class_of_place,
        cost=cost,
    )


def _prices(scene: Scene) -> Floats:
    """float64[G, G]: USD per GB from place to place; inf: unknown."""
    found = [
        [scene.transfer.usd_per_gb(origin, place) for place in scene.places]
        for origin in scene.places
    ]
    rows = [[np.inf if one is None else float(one) for one in prices] for prices in found]
    return np.array(rows).reshape(len(scene.places), len(scene.places))


def _classes(prices: Floats) -> tuple[Ints, Floats]:
    """Group places that are priced alike to and from everywhere else.

    Returns:
        int32[G], class of each place; float64[N, N], price from class to class.
    """
    class_of = np.full(len(prices), -1, np.int32)
    first: list[int] = []
    for place in range(len(prices)):
        twin = next((one for one in first if _are_twins(prices, place, one)), None)
        class_of[place] = len(first) if twin is None else class_of[twin]
        if twin is None:
            first.append(place)
    cost = prices[np.ix_(first, first)].copy()
    for one, place in enumerate(first):
        others = np.flatnonzero(class_of == one)
        cost[one, one] = prices[place, others[1]] if len(others) > 1 else 0.0
    return class_of, cost


def _are_twins(prices: Floats, one: int, other: int) -> bool:
    """Whether two places differ in nothing but which of them is meant; transitive."""
    elsewhere = np.ones(len(prices), np.bool_)
    elsewhere[[one, other]] = False
    return bool(
        prices[one, other] == prices[other, one]
        and (prices[one, elsewhere] == prices[other, elsewhere]).all()
        and (prices[elsewhere, one] == prices[elsewhere, other]).all()
    )
