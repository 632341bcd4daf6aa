"""Who may stand where: only, never, apart, together, alone, tenants.

`only` and `never` admit rows. The others hold over the plan, for every scope s of their level
(provider, region or zone) and with uses(w, s) = 1 when workload w has an instance in s:

    apart     uses(v, s) + uses(w, s) <= 1 for every two workloads (of different tenants)
    together  sum over s of uses(the set, s) <= 1
    alone     uses(the set, s) + uses(anybody else, s) <= 1

A rule applies if any day from its `from` to its `until`, both included, lies in the period.
An instance whose zone is unknown counts for every zone of its region.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta

import numpy as np

from broker.rules.rule import Admission, AnyWorkload, Basis, Bools, Scene
from broker.stock import period_end
from broker.workloads import Exclusivity, ScopeLevel, Verb
from solver.problem import Apart, Level, Together

_LEVELS = {
    ScopeLevel.PROVIDER: Level.OWNER,
    ScopeLevel.REGION: Level.PLACE,
    ScopeLevel.ZONE: Level.ZONE,
}


def _only(workload: AnyWorkload, scene: Scene) -> Bools | None:
    rules = _rules_of(workload, scene, Verb.ONLY)
    if not rules:
        return None
    masks = [_within(rule.scopes, scene) for rule in rules]
    return np.asarray(np.logical_and.reduce(masks), dtype=np.bool_)


def _never(workload: AnyWorkload, scene: Scene) -> Bools | None:
    rules = _rules_of(workload, scene, Verb.NEVER)
    if not rules:
        return None
    masks = [~_within(rule.scopes, scene) for rule in rules]
    return np.asarray(np.logical_and.reduce(masks), dtype=np.bool_)


def _rules_of(workload: AnyWorkload, scene: Scene, verb: Verb) -> list[Exclusivity]:
    rules = rules_in_force(scene)
    return [rule for rule in rules if rule.verb is verb and workload.name in rule.workloads]


def rules_in_force(scene: Scene) -> tuple[Exclusivity, ...]:
    """Return the rules of which any moment lies in the period."""
    stock = scene.stock
    first = stock.start.date()
    last = (period_end(stock.start, stock.period_h) - timedelta(microseconds=1)).date()
    return tuple(
        rule
        for rule in scene.spec.policy.exclusivity
        if (rule.from_ is None or rule.from_ <= last)
        and (rule.until is None or rule.until >= first)
    )


def _within(scopes: Iterable[str], scene: Scene) -> Bools:
    named = set(scopes)
    inside = [place in named or place.split("/", maxsplit=1)[0] in named for place in scene.places]
    return np.array(inside, np.bool_)[scene.place_of_row]


def _rules_naming(verb: Verb) -> Basis:
    """What decides an admission by rules of one verb: the rules that name the workload."""

    def of_scene(scene: Scene) -> Callable[[AnyWorkload], Hashable]:
        numbers: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
        for number, rule in enumerate(rules_in_force(scene)):
            for name in set(rule.workloads) if rule.verb is verb else ():
                numbers[name] += (number,)
        return lambda workload: numbers.get(workload.name)

    return of_scene


ADMISSIONS = (
    Admission(
        key="only",
        why_not="outside an `only` of policy.exclusivity",
        admits=_only,
        decided_by=_rules_naming(Verb.ONLY),
    ),
    Admission(
        key="never",
        why_not="inside a `never` of policy.exclusivity",
        admits=_never,
        decided_by=_rules_naming(Verb.NEVER),
    ),
)


def terms(
    rules: Sequence[Exclusivity], workloads: Sequence[AnyWorkload]
) -> tuple[tuple[Apart, ...], tuple[Together, ...]]:
    """Return the rules over the whole plan, workloads by their position."""
    row = {workload.name: index for index, workload in enumerate(workloads)}
    apart: list[Apart] = []
    together: list[Together] = []
    alone: dict[Level, list[set[int]]] = {}
    for rule in rules:
        members = tuple(row[name] for name in rule.workloads)
        if rule.scope is None:
            continue
        level = _LEVELS[rule.scope]
        if rule.verb is Verb.TOGETHER:
            together.append(Together(level=level, demands=members))
        elif rule.verb is Verb.ALONE:
            alone.setdefault(level, []).append(set(members))
        elif rule.tenants is not None:
            groups = tuple(tuple(row[n] for n in names) for names in rule.tenants.values())
            apart.append(Apart(level=level, groups=groups))
        else:
            apart.append(Apart(level=level, groups=tuple((member,) for member in members)))
    for level, insides in alone.items():
        groups = _told_apart(insides, len(row))
        if len(groups) > 1:
            apart.append(Apart(level=level, groups=groups))
    return tuple(apart), tuple(together)


def _told_apart(insides: Sequence[set[int]], count: int) -> tuple[tuple[int, ...], ...]:
    """All of `count` workloads in groups: apart are those that some of `insides` tells apart.

    One rule for all that are alone says the same as one for each, and is said of everybody once.
    """
    groups: dict[tuple[bool, ...], list[int]] = {}
    for one in range(count):
        groups.setdefault(tuple(one in inside for inside in insides), []).append(one)
    return tuple(tuple(members) for members in groups.values())
