"""What pipelines move between places in a finished plan, and what it costs, in exact numbers.

Placements say where writers and readers stand; the flows between them are the cheapest ones,
worked out here anew, so that the plan's money never rests on the optimizer's floats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from broker.flows import cheapest_flows
from broker.plans import Placement, Reading
from broker.rules.rule import Scene
from broker.transfer import TransferTable
from broker.units import round_cents, round_nano
from broker.workloads import Reads


def readings(scene: Scene, placed: Sequence[Placement]) -> tuple[Reading, ...]:
    """Return what every workload reads from where, in spec order, then by place.

    What has no known price counts as free here; the optimizer never chooses it.
    """
    at: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in placed:
        at[one.workload][f"{one.provider}/{one.region}"] += one.served
    found: list[Reading] = []
    for workload in scene.spec.stages:
        for reads in workload.reads:
            lies, wanted = at[reads.source], at[workload.name]
            cost = _prices(scene.transfer, lies, wanted)
            for places, share in sorted(cheapest_flows(lies, wanted, cost).items()):
                found.append(_reading(scene.transfer, workload.name, reads, places, share))
    return tuple(found)


def _prices(
    table: TransferTable, origins: Iterable[str], targets: Iterable[str]
) -> Mapping[tuple[str, str], Decimal]:
    every = list(targets)
    return {
        (origin, target): table.usd_per_gb(origin, target) or Decimal(0)
        for origin in origins
        for target in every
    }


def _reading(
    table: TransferTable, workload: str, reads: Reads, places: tuple[str, str], share: Decimal
) -> Reading:
    origin, target = places
    price = table.price(origin, target)
    usd_per_gb = Decimal(0) if price is None else price.usd_per_gb
    gb = round_nano(reads.gb * share)
    return Reading(
        workload=workload,
        source=reads.source,
        origin=origin,
        target=target,
        gb=gb,
        usd_per_gb=usd_per_gb,
        price_source="" if price is None else price.source,
        price_observed_on="" if price is None else price.observed_on,
        estimated=price is None or price.estimated,
        usd=round_cents(gb * usd_per_gb),
    )
