"""Rules of a drawn fleet: policy, holdings, what runs now, pipelines."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from benchmarks.draws import Draws, rounded
from benchmarks.known import Known
from benchmarks.policy_drawn import CLOUDS, with_policy
from benchmarks.supply import accelerators_used
from broker.offers import PurchaseOption
from broker.workloads import (
    Batch,
    Commitment,
    Discount,
    Holdings,
    Reads,
    Reservation,
    Running,
    Service,
    Spec,
    Stability,
    Training,
)

#: Part of the workloads that run already, reservations for each workload, pipelines.
_RUNNING_PART, _OWNED_PART, _PIPELINE_PART = 0.2, 0.1, 0.02
_USD_PER_WORKLOAD: Final = 2_000


def with_rules(spec: Spec, known: Known, seed: int) -> Spec:
    """Return the fleet with holdings, policy, stability and pipelines."""
    piped = _with_pipelines(spec, Draws(seed, "pipelines"))
    return replace(
        with_policy(piped, known, seed),
        holdings=_holdings(piped, known, Draws(seed, "holdings")),
        stability=_stability(piped, known, Draws(seed, "stability")),
    )


def _with_pipelines(spec: Spec, draws: Draws) -> Spec:
    """Let some trainings read what a batch writes, and some of those batches read another's."""
    training, batch = list(spec.training), list(spec.batch)
    if len(batch) < 2:
        return spec
    for number in range(len(training)):
        if draws.chance(_PIPELINE_PART * 3):
            source = draws.whole(0, len(batch) - 1)
            reads = Reads(source=batch[source].name, gb=rounded(draws.lognormal(3000, 1.0)))
            training[number] = replace(training[number], reads=(reads,))
            if source and draws.chance(0.5):
                first = Reads(source=batch[source - 1].name, gb=rounded(draws.lognormal(5000, 1)))
                batch[source] = replace(batch[source], reads=(first,))
    return replace(spec, training=tuple(training), batch=tuple(batch))


def _holdings(spec: Spec, known: Known, draws: Draws) -> Holdings:
    """Own some instances; a discount on each cloud; a promise that most plans keep anyway."""
    pools = [pool for model in sorted(known.pools) for pool in known.pools[model]]
    count = max(3, round(_OWNED_PART * len(spec.workloads)))
    owned = tuple(
        Reservation(pool="/".join(pool[:4]), instances=draws.whole(1, 8))
        for pool in sorted(draws.some_of(pools, min(count, len(pools) // 4)))
    )
    offs = ("0.05", "0.08", "0.1", "0.12")
    discounts = tuple(
        Discount(provider=cloud, off=Decimal(draws.one_of(offs)), on=(PurchaseOption.ON_DEMAND,))
        for cloud in CLOUDS
    )
    promised = rounded(_USD_PER_WORKLOAD * len(spec.workloads) * draws.between(0.5, 1.5))
    return Holdings(
        reservations=owned,
        discounts=discounts,
        commitments=(Commitment(provider=draws.one_of(CLOUDS), spend=promised),),
    )


def _stability(spec: Spec, known: Known, draws: Draws) -> Stability:
    current = []
    for workload in spec.workloads:
        if draws.chance(_RUNNING_PART):
            running = _running(workload, known, draws)
            if running is not None:
                current.append(running)
    return Stability(current=tuple(current), restart=Decimal("0.5"), min_saving=Decimal(50))


def _running(workload: Training | Service | Batch, known: Known, draws: Draws) -> Running | None:
    """Let a workload run on a pool of its first model, whether or not that is cheap today."""
    shape = workload.shapes[0]
    for model in shape.accelerators:
        pools = [one for one in known.pools.get(model, ()) if one[4] >= min(float(shape.count), 1)]
        if pools:
            pool = draws.one_of(pools)
            needed = -(-accelerators_used(workload, shape) // pool[4])
            return Running(
                workload=workload.name, pool="/".join(pool[:4]), instances=max(1, int(needed))
            )
    return None
