"""Rules over a drawn fleet: exclusivity, holdings, concentration, what runs now, pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from benchmarks.draws import Draws, rounded
from benchmarks.known import Known
from benchmarks.supply import accelerators_used
from broker.offers import PurchaseOption
from broker.workloads import (
    Batch,
    Commitment,
    Concentration,
    Discount,
    Exclusivity,
    Holdings,
    Policy,
    Reads,
    Reservation,
    Running,
    ScopeLevel,
    Service,
    Spec,
    Stability,
    Training,
    Verb,
)

#: Parts of the workloads that a rule of each verb speaks of, and most rules `alone`.
_ONLY_PART, _NEVER_PART, _APART_PART, _ALONE_PART = 0.02, 0.03, 0.02, 0.01
_MOST_ALONE: Final = 10
#: Part of the workloads that run already, reservations for each workload, pipelines.
_RUNNING_PART, _OWNED_PART, _PIPELINE_PART = 0.2, 0.1, 0.02
_CLOUDS: Final = ("aws", "azure", "gcp")
_USD_PER_WORKLOAD: Final = 2_000


def with_rules(spec: Spec, known: Known, seed: int) -> Spec:
    """Return the fleet with holdings, policy, stability and pipelines."""
    piped = _with_pipelines(spec, Draws(seed, "pipelines"))
    return replace(
        piped,
        policy=Policy(
            exclusivity=_exclusivity(piped, known, Draws(seed, "exclusivity")),
            concentration=(Concentration(provider=Decimal("0.85")),),
        ),
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


def _exclusivity(spec: Spec, known: Known, draws: Draws) -> tuple[Exclusivity, ...]:
    count = len(spec.workloads)
    free = [one for one in spec.workloads if one.where.residency is None]
    names = [one.name for one in draws.some_of(free, len(free))]
    rules: list[Exclusivity] = []
    for _ in range(_count(_ONLY_PART, count, names)):
        chosen = names.pop()
        clouds = tuple(sorted(draws.some_of(_CLOUDS, 2)))
        rules.append(Exclusivity(verb=Verb.ONLY, workloads=(chosen,), scopes=clouds))
    for _ in range(_count(_NEVER_PART, count, names)):
        provider, region = draws.one_of(known.places)
        scope = f"{provider}/{region}"
        rules.append(Exclusivity(verb=Verb.NEVER, workloads=(names.pop(),), scopes=(scope,)))
    services = [one.name for one in draws.some_of(spec.services, len(spec.services))]
    for _ in range(_count(_APART_PART, count, services)):
        if len(services) < 2:
            break
        pair = (services.pop(), services.pop())
        rules.append(Exclusivity(verb=Verb.APART, workloads=pair, scope=ScopeLevel.REGION))
    alone = [one.name for one in draws.some_of(spec.training, len(spec.training))]
    rules += [
        Exclusivity(verb=Verb.ALONE, workloads=(name,), scope=ScopeLevel.ZONE)
        for name in alone[: min(_count(_ALONE_PART, count, alone), _MOST_ALONE)]
    ]
    return tuple(rules)


def _count(part: float, workloads: int, left: Sequence[object]) -> int:
    return min(max(1, round(part * workloads)), len(left))


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
        for cloud in _CLOUDS
    )
    promised = rounded(_USD_PER_WORKLOAD * len(spec.workloads) * draws.between(0.5, 1.5))
    return Holdings(
        reservations=owned,
        discounts=discounts,
        commitments=(Commitment(provider=draws.one_of(_CLOUDS), spend=promised),),
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
