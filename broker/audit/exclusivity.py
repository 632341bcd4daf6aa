"""Is every promise about who stands where kept, instance against instance.

An instance whose zone is unknown stands in every zone of its region, so it meets every instance
there. The workloads compared are those that are placed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations

from broker.audit.evidence import Evidence, has_zone, place_of, pool_of
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import Exclusivity, ScopeLevel, Verb


def _rules(evidence: Evidence) -> Iterator[Violation]:
    """Every rule of `policy.exclusivity` that has a moment in common with the period."""
    for rule in evidence.spec.policy.exclusivity:
        if not overlaps(rule, evidence):
            continue
        if rule.verb in {Verb.ONLY, Verb.NEVER}:
            yield from _named_scopes(rule, evidence)
        elif rule.scope is not None and rule.verb is Verb.TOGETHER:
            yield from _together(rule, rule.scope, evidence)
        elif rule.scope is not None:
            yield from _apart(rule, rule.scope, evidence)


def overlaps(rule: Exclusivity, evidence: Evidence) -> bool:
    """Whether the rule has a moment in common with the period."""
    begins = rule.from_ is None or datetime(*rule.from_.timetuple()[:3], tzinfo=UTC) < evidence.end
    ends = rule.until and datetime(*rule.until.timetuple()[:3], tzinfo=UTC) + timedelta(days=1)
    return begins and (ends is None or ends > evidence.start)


def _members(rule: Exclusivity, evidence: Evidence) -> list[Placement]:
    return [one for name in rule.workloads for one in evidence.placed(name)]


def _named_scopes(rule: Exclusivity, evidence: Evidence) -> Iterator[Violation]:
    for one in _members(rule, evidence):
        inside = bool({one.provider, place_of(one)} & set(rule.scopes))
        if inside != (rule.verb is Verb.ONLY):
            text = f"{one.offer}: {rule.verb.value} {', '.join(rule.scopes)}"
            yield Violation(rule=rule.verb.value, subject=one.workload, text=text)


def _together(rule: Exclusivity, level: ScopeLevel, evidence: Evidence) -> Iterator[Violation]:
    scopes = {_scope(one, level) for one in _members(rule, evidence)}
    if len(scopes) > 1:
        text = f"stand in {', '.join(sorted(scopes))}; one {level.value} is allowed"
        yield Violation(rule="together", subject=", ".join(rule.workloads), text=text)


def _scope(one: Placement, level: ScopeLevel) -> str:
    """The one scope of an instance; an unknown zone is its pool's own."""
    if level is ScopeLevel.PROVIDER:
        return one.provider
    if level is ScopeLevel.REGION:
        return place_of(one)
    return f"{place_of(one)}/{one.zone}" if has_zone(one) else pool_of(one)


def _apart(rule: Exclusivity, level: ScopeLevel, evidence: Evidence) -> Iterator[Violation]:
    """`apart`, `alone` and `tenants`: no two instances of different groups share a scope."""
    if len(evidence.plan.placements) < 2:
        return
    group = _groups(rule, evidence)
    key = "tenants" if rule.tenants is not None else rule.verb.value
    seen: set[tuple[str, str]] = set()
    for here in _meeting(
        [one for one in evidence.plan.placements if one.workload in group], level
    ):
        if len({group[one.workload] for one in here}) == 1:
            continue
        for first, second in combinations(here, 2):
            pair = (first.workload, second.workload)
            if group[first.workload] != group[second.workload] and pair not in seen:
                seen.add(pair)
                text = f"{first.offer} and {second.offer} share a {level.value}"
                yield Violation(rule=key, subject=" and ".join(pair), text=text)


def _groups(rule: Exclusivity, evidence: Evidence) -> dict[str, str]:
    """Workload -> the group it belongs to."""
    if rule.verb is Verb.ALONE:
        return dict.fromkeys(evidence.workloads, "out") | dict.fromkeys(rule.workloads, "in")
    if rule.tenants is not None:
        return {name: tenant for tenant, names in rule.tenants.items() for name in names}
    return {name: name for name in rule.workloads}


def _meeting(members: Sequence[Placement], level: ScopeLevel) -> Iterator[list[Placement]]:
    """Yield instances that share one scope of `level`; any two that do are yielded together."""
    wide: defaultdict[str, list[Placement]] = defaultdict(list)
    for one in members:
        wide[one.provider if level is ScopeLevel.PROVIDER else place_of(one)].append(one)
    for there in wide.values():
        zones = {one.zone for one in there if has_zone(one)} if level is ScopeLevel.ZONE else set()
        if not zones:
            yield there
        for zone in sorted(zones):
            yield [one for one in there if one.zone == zone or not has_zone(one)]


CHECKS = (_rules,)
