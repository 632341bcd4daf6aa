"""What moving data costs in the optimizer's terms: flat costs, and classes with volume steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from broker.rules.rule import Scene
from broker.transfer import PriceList
from broker.transfer_bills import TransferBills
from broker.workloads import Service
from solver.problem import NO_ROW, Floats, Ints
from solver.tiers import Tiers


def bills_of(scene: Scene) -> TransferBills:
    """Return how the moves of `scene`'s spec are billed."""
    return TransferBills.for_origins(scene.transfer, scene.data_moves.origins)


def transfer_terms(scene: Scene) -> tuple[Floats, Tiers | None]:
    """Return `Demands.move_cost` and `Problem.tiers` of `scene`.

    A price list of which all the spec's data together reach the first step only is flat.
    """
    moves = scene.data_moves
    most = _most_gb(scene, moves.origins, moves.list_of, len(moves.lists))
    return _settled(moves.usd_per_gb.copy(), moves.list_of, moves.lists, most)


def _most_gb(scene: Scene, origins: Sequence[str], class_of: Ints, classes: int) -> list[Decimal]:
    """GB that could at most be moved under each list: services to every place it holds for."""
    most = [Decimal(0)] * classes
    once, each = dict.fromkeys(origins, Decimal(0)), dict.fromkeys(origins, Decimal(0))
    for workload in scene.spec.workloads:
        if workload.data is not None:
            data = each if isinstance(workload, Service) else once
            data[workload.data.place] += workload.data.gb
    for origin, row in zip(origins, class_of, strict=True):
        found, places = np.unique(row[row != NO_ROW], return_counts=True)
        for one, count in zip(found.tolist(), places.tolist(), strict=True):
            most[one] += once[origin] + each[origin] * count
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
