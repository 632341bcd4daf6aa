"""The policy of a drawn fleet: who may stand where, and caps over the whole plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar

from benchmarks.draws import Draws
from benchmarks.known import Known
from broker.workloads import (
    Assume,
    Batch,
    Carbon,
    Concentration,
    Exclusivity,
    ExportControl,
    Policy,
    PowerCap,
    ScopeLevel,
    Service,
    Spec,
    Training,
    Verb,
)

CLOUDS: Final = ("aws", "azure", "gcp")
#: Parts of the workloads that a rule of each verb speaks of, and most rules `alone`.
_ONLY_PART, _NEVER_PART, _APART_PART, _ALONE_PART = 0.02, 0.03, 0.02, 0.01
_TOGETHER_PART, _REFUSAL_PART, _TAGGED_PART = 0.01, 0.01, 0.03
_MOST_ALONE: Final = 10
_TAG, _TAGGED = "reviewed", ("aws", "gcp")
#: Loose caps: above what plans of drawn fleets use.
_BUDGET_USD, _REGION_KW, _REGION_KW_EACH = 100_000, 3_000, 100

Kind = TypeVar("Kind", Training, Service, Batch)


def with_policy(spec: Spec, known: Known, seed: int) -> Spec:
    """Return the fleet with exclusivity, export control, tags and caps."""
    tagged = _with_tags(spec, known, Draws(seed, "tags"))
    size = len(spec.workloads)
    return replace(
        tagged,
        assume=Assume(tags={_TAG: _TAGGED}),
        policy=Policy(
            exclusivity=(
                *_exclusivity(tagged, known, Draws(seed, "exclusivity")),
                *_more_exclusivity(tagged, Draws(seed, "together")),
            ),
            export_control=(
                ExportControl(accelerators=("H100", "H200", "B200"), never=("AE", "QA", "SA")),
            ),
            concentration=(
                Concentration(provider=Decimal("0.85")),
                Concentration(region=Decimal("0.75")),
            ),
            power=(PowerCap(cap=Decimal(_REGION_KW + _REGION_KW_EACH * size)),),
            carbon=Carbon(price=Decimal(60)),
            budget=Decimal(_BUDGET_USD * size),
        ),
    )


def _with_tags(spec: Spec, known: Known, draws: Draws) -> Spec:
    return replace(
        spec,
        training=_tagged(spec.training, known, draws),
        batch=_tagged(spec.batch, known, draws),
    )


def _tagged(workloads: Sequence[Kind], known: Known, draws: Draws) -> tuple[Kind, ...]:
    return tuple(
        replace(one, where=replace(one.where, requires=(_TAG,)))
        if draws.chance(_TAGGED_PART) and set(_TAGGED) & set(_clouds(one, known))
        else one
        for one in workloads
    )


def _clouds(workload: Training | Service | Batch, known: Known) -> list[str]:
    """Return the clouds that sell what the workload prefers; none where its place is fixed."""
    if workload.where.residency is not None or isinstance(workload, Service):
        return []
    models = [model for shape in workload.shapes for model in shape.accelerators]
    sold = {known.places[row][0] for row in known.holding(models).nonzero()[0]}
    return sorted(sold) if models else list(CLOUDS)


def _exclusivity(spec: Spec, known: Known, draws: Draws) -> tuple[Exclusivity, ...]:
    count = len(spec.workloads)
    free = [one for one in spec.workloads if _is_free(one) and _clouds(one, known)]
    free = draws.some_of(free, len(free))
    rules: list[Exclusivity] = []
    for _ in range(_count(_ONLY_PART, count, free)):
        one = free.pop()
        clouds = {draws.one_of(_clouds(one, known)), draws.one_of(CLOUDS)}
        scopes = tuple(sorted(clouds))
        rules.append(Exclusivity(verb=Verb.ONLY, workloads=(one.name,), scopes=scopes))
    for _ in range(_count(_NEVER_PART, count, free)):
        scope = "/".join(draws.one_of(known.places))
        rules.append(Exclusivity(verb=Verb.NEVER, workloads=(free.pop().name,), scopes=(scope,)))
    services = [one.name for one in draws.some_of(spec.services, len(spec.services))]
    pairs = _pairs(services)
    rules += [
        Exclusivity(verb=Verb.APART, workloads=pair, scope=ScopeLevel.REGION)
        for pair in pairs[: _count(_APART_PART, count, pairs)]
    ]
    alone = [one.name for one in draws.some_of(spec.training, len(spec.training))]
    rules += [
        Exclusivity(verb=Verb.ALONE, workloads=(name,), scope=ScopeLevel.ZONE)
        for name in alone[: min(_count(_ALONE_PART, count, alone), _MOST_ALONE)]
    ]
    return tuple(rules)


def _more_exclusivity(spec: Spec, draws: Draws) -> tuple[Exclusivity, ...]:
    """Keep some pairs of trainings in one region; let some clouds claim work first."""
    count = len(spec.workloads)
    free = [one for one in spec.training if _is_free(one)]
    alike: dict[tuple[str, ...], list[str]] = {}
    for one in draws.some_of(free, len(free)):
        alike.setdefault(one.shapes[0].accelerators, []).append(one.name)
    pairs = [pair for models in sorted(alike) for pair in _pairs(alike[models])]
    pairs = draws.some_of(pairs, len(pairs))
    rules = [
        Exclusivity(verb=Verb.TOGETHER, workloads=pair, scope=ScopeLevel.REGION)
        for pair in pairs[: _count(_TOGETHER_PART, count, pairs)]
    ]
    batch = [one.name for one in draws.some_of(spec.batch, len(spec.batch))]
    rules += [
        Exclusivity(
            verb=Verb.FIRST_REFUSAL,
            workloads=(name,),
            scopes=(draws.one_of(CLOUDS),),
            margin=Decimal("0.1"),
        )
        for name in batch[: _count(_REFUSAL_PART, count, batch)]
    ]
    return tuple(rules)


def _is_free(workload: Training | Service | Batch) -> bool:
    return workload.where.residency is None and workload.where.requires is None


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names two by two, each pair in the order in which specs keep them."""
    both = zip(names[::2], names[1::2], strict=False)
    return [(min(pair), max(pair)) for pair in both]


def _count(part: float, workloads: int, left: Sequence[object]) -> int:
    return min(max(1, round(part * workloads)), len(left))
