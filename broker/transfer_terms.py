"""What moving data costs in the optimizer's terms: flat costs, and classes with volume steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from broker.rules.rule import AnyWorkload, Scene
from broker.transfer import PriceList
from broker.transfer_bills import TransferBills
from broker.workloads import Service
from solver.problem import NO_ROW, Floats, Ints
from solver.tiers import Tiers


def data_places(workloads: Sequence[AnyWorkload]) -> list[str]:
    """Return the places the data of `workloads` are in, sorted; one data row each."""
    return sorted({one.data.place for one in workloads if one.data is not None})


def bills_of(scene: Scene) -> TransferBills:
    """Return how the moves of `scene`'s spec are billed."""
    return TransferBills.for_origins(scene.transfer, data_places(scene.spec.workloads))


def transfer_terms(scene: Scene) -> tuple[Floats, Tiers | None]:
    """Return `Demands.move_cost` and `Problem.tiers` of `scene`.

    A price list of which all the spec's data together reach the first step only is flat.
    """
    origins = data_places(scene.spec.workloads)
    bills = bills_of(scene)
    cost = np.full((len(origins), len(scene.places)), np.inf)
    class_of = np.full(cost.shape, NO_ROW, np.int32)
    lists: dict[str, PriceList] = {}
    for row, origin in enumerate(origins):
        for column, place in enumerate(scene.places):
            listed = bills.price_list(origin, place)
            flat = scene.transfer.usd_per_gb(origin, place)
            if listed is not None:
                lists.setdefault(listed.name, listed)
                class_of[row, column] = list(lists).index(listed.name)
                flat = max(tier.usd_per_gb for tier in listed.tiers)
            if flat is not None:
                cost[row, column] = float(flat)
    most = _most_gb(scene, origins, class_of, len(lists))
    return _settled(cost, class_of, list(lists.values()), most)


def _most_gb(scene: Scene, origins: Sequence[str], class_of: Ints, classes: int) -> list[Decimal]:
    """GB that could at most be moved under each list: services to every place it holds for."""
    most = [Decimal(0)] * classes
    for origin, row in zip(origins, class_of, strict=True):
        data = [
            (isinstance(workload, Service), workload.data.gb)
            for workload in scene.spec.workloads
            if workload.data is not None and workload.data.place == origin
        ]
        once = sum((gb for is_service, gb in data if not is_service), Decimal(0))
        each = sum((gb for is_service, gb in data if is_service), Decimal(0))
        found, places = np.unique(row[row != NO_ROW], return_counts=True)
        for one, count in zip(found.tolist(), places.tolist(), strict=True):
            most[one] += once + each * count
    return most


def _settled(
    cost: Floats, class_of: Ints, lists: Sequence[PriceList], most: Sequence[Decimal]
) -> tuple[Floats, Tiers | None]:
    """Make lists flat that stay within their first step; number the others anew."""
    kept: list[PriceList] = []
    number = {NO_ROW: NO_ROW}
    for row, (listed, gb) in enumerate(zip(lists, most, strict=True)):
        end = listed.tiers[0].up_to_gb
        if end is None or gb <= end:
            cost[class_of == row] = float(listed.tiers[0].usd_per_gb)
            number[row] = NO_ROW
        else:
            number[row] = len(kept)
            kept.append(listed)
    if not kept:
        return cost, None
    renumbered = np.array([number[row] for row in (*range(len(lists)), NO_ROW)], np.int32)
    steps = [tier for listed in kept for tier in listed.tiers]
    return cost, Tiers(
        class_of=renumbered[class_of],
        start=np.cumsum([0, *(len(listed.tiers) for listed in kept)]).astype(np.int64),
        up_to=np.array([np.inf if one.up_to_gb is None else float(one.up_to_gb) for one in steps]),
        cost=np.array([float(one.usd_per_gb) for one in steps]),
    )
