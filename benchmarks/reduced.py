"""A spec without some of its workloads, and without what spoke of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from broker.workloads import Batch, Exclusivity, Service, Spec, Training, Verb

_OF_TWO: Final = (Verb.APART, Verb.TOGETHER)

Kind = TypeVar("Kind", Training, Service, Batch)


def without(spec: Spec, gone: Collection[str]) -> Spec:
    """Return `spec` without the workloads of `gone`: no rule and no reading names them."""
    rules = (_reduced(rule, gone) for rule in spec.policy.exclusivity)
    stability = spec.stability
    if stability is not None and stability.current is not None:
        current = tuple(one for one in stability.current if one.workload not in gone)
        stability = replace(stability, current=current)
    return replace(
        spec,
        training=_stages(spec.training, gone),
        services=_kept(spec.services, gone),
        batch=_stages(spec.batch, gone),
        policy=replace(spec.policy, exclusivity=tuple(rule for rule in rules if rule is not None)),
        stability=stability,
    )


def _kept(workloads: Sequence[Kind], gone: Collection[str]) -> tuple[Kind, ...]:
    return tuple(one for one in workloads if one.name not in gone)


StageKind = TypeVar("StageKind", Training, Batch)


def _stages(workloads: Sequence[StageKind], gone: Collection[str]) -> tuple[StageKind, ...]:
    return tuple(
        replace(one, reads=tuple(read for read in one.reads if read.source not in gone))
        for one in _kept(workloads, gone)
    )


def _reduced(rule: Exclusivity, gone: Collection[str]) -> Exclusivity | None:
    names = tuple(name for name in rule.workloads if name not in gone)
    least = 2 if rule.verb in _OF_TWO else 1
    return replace(rule, workloads=names) if len(names) >= least else None
