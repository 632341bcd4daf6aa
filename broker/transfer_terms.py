"""What moving data costs in the optimizer's terms: flat costs, and classes with volume steps."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from broker.billed_alike import BilledAlike, billed_alike, two_of
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
    billed = billed_alike(scene.transfer, origins)
    cost, class_of, lists = _by_group(scene, billed)
    each = np.ix_(billed.group, scene.billed.group)
    cost, class_of = cost[each], class_of[each]
    inside = np.array(origins, np.str_)[:, None] == np.array(scene.places, np.str_)
    cost[inside], class_of[inside] = 0.0, NO_ROW
    most = _most_gb(scene, origins, class_of, len(lists))
    return _settled(cost, class_of, lists, most)


def _by_group(scene: Scene, billed: BilledAlike) -> tuple[Floats, Ints, list[PriceList]]:
    """Return what moving costs from each group of data places to another place of each group.

    Returns:
        USD per GB, inf: unknown; numbers of price lists, `NO_ROW`: flat; the lists.
    """
    bills = bills_of(scene)
    cost = np.full((len(billed.members), len(scene.billed.members)), np.inf)
    class_of = np.full(cost.shape, NO_ROW, np.int32)
    lists: dict[str, PriceList] = {}
    number: dict[str, int] = {}
    for row, origins in enumerate(billed.members):
        for column, places in enumerate(scene.billed.members):
            pair = two_of(origins, places)
            listed = None if pair is None else bills.price_list(*pair)
            if listed is not None:
                lists.setdefault(listed.name, listed)
                class_of[row, column] = number.setdefault(listed.name, len(number))
                cost[row, column] = float(max(tier.usd_per_gb for tier in listed.tiers))
            elif pair is not None:
                flat = scene.transfer.usd_per_gb(*pair)
                cost[row, column] = np.inf if flat is None else float(flat)
    return cost, class_of, list(lists.values())


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
