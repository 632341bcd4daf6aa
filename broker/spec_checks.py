"""What the parts of a spec must be to each other; no market is needed.

Each check takes the spec and notes what contradicts itself: times beyond the period, names and
holdings stated twice, rules that exclude each other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import Final

from broker.offers import PurchaseOption
from broker.spec_faults import FaultList, listed, words
from broker.spec_yaml import Place
from broker.units import plain
from broker.workloads import (
    Batch,
    Exclusivity,
    QuotaLimit,
    Service,
    Spec,
    Training,
    Verb,
)

_KINDS: Final = ("training", "services", "batch")


def check(spec: Spec, data: Mapping[str, object], faults: FaultList) -> None:
    """Note what in `spec` contradicts itself.

    Args:
        spec: the faultless part of a file.
        data: the whole of it, as read.
        faults: takes what is wrong.
    """
    if not any(kind in data for kind in _KINDS):
        expected = "training, services or batch"
        faults.add((), words("no workload"), expected, "`broker init` writes a starter")
    _check_version(spec, faults)
    _check_names(spec, faults)
    for index, training in enumerate(spec.training):
        _check_within_period(training.hours, ("training", index, "hours"), spec, faults)
    for index, batch in enumerate(spec.batch):
        if batch.deadline is not None:
            _check_within_period(batch.deadline, ("batch", index, "deadline"), spec, faults)
    for kind in _KINDS:
        for index, workload in enumerate(getattr(spec, kind)):
            _check_workload(workload, (kind, index), spec, faults)
    for index, service in enumerate(spec.services):
        _check_service(service, ("services", index), faults)
    _check_rules(spec, faults)
    _check_holdings(spec, faults)
    _check_quotas(spec, faults)
    if PurchaseOption.OWNED in spec.assume.instances_per_pool:
        place = ("assume", "instances_per_pool", "owned")
        faults.add(place, words("owned"), "what the market sells", "state it as a reservation")


def _check_version(spec: Spec, faults: FaultList) -> None:
    if spec.version != 1:
        faults.add(("version",), spec.version, "1", "write `version: 1`")


def _check_names(spec: Spec, faults: FaultList) -> None:
    entries = [
        ((kind, index, "name"), workload.name)
        for kind in _KINDS
        for index, workload in enumerate(getattr(spec, kind))
    ]
    _check_unique(entries, "a name of its own", "rename one of the two workloads", faults)


def _check_unique(
    entries: Iterable[tuple[Place, Hashable]], expected: str, remedy: str, faults: FaultList
) -> None:
    first: dict[Hashable, Place] = {}
    for place, value in entries:
        if value in first:
            line = faults.line(faults.written(first[value]))
            again = f"{value} a second time" + (f" (first on line {line})" if line else "")
            faults.add(place, words(again), expected, remedy)
        else:
            first[value] = place


def _check_within_period(hours: Decimal, place: Place, spec: Spec, faults: FaultList) -> None:
    if hours > spec.period:
        expected = f"at most the period, {plain(spec.period)}h"
        faults.add(place, words(f"{plain(hours)}h"), expected, "shorten it or set `period`")


def _check_workload(
    workload: Training | Service | Batch, place: Place, spec: Spec, faults: FaultList
) -> None:
    is_left_out = workload.spot is None and not faults.has((*place, "spot"))
    if PurchaseOption.SPOT in (workload.purchase or ()) and is_left_out:
        remedy = "write `spot: {checkpoint: 5m, restart: 10m}` instead"
        faults.add((*place, "purchase"), words("spot"), "leave for spot under `spot`", remedy)
    wanted, known = workload.where.providers, spec.providers
    for index, provider in enumerate(wanted or ()):
        if known is not None and provider not in known:
            expected = f"one of the spec's providers: {listed(known)}"
            faults.add((*place, "where", "providers", index), provider, expected)


def _check_service(service: Service, place: Place, faults: FaultList) -> None:
    loads = [
        ((*place, "demand", index, "from"), load.origin)
        for index, load in enumerate(service.demand)
    ]
    _check_unique(loads, "each origin once", "add up the two rates", faults)
    if service.throughput is None and any(one.throughput is None for one in service.shapes):
        remedy = "add `throughput:` to the service, or to each of its shapes"
        found = words("no `throughput`")
        faults.add((*place, "throughput"), found, "what one accelerator serves", remedy)
    rule, spread = service.latency, service.spread
    if rule is not None and rule.rtt_max is not None and rule.rtt_max < rule.rtt:
        expected = f"at least rtt, {plain(rule.rtt)}ms"
        faults.add((*place, "latency", "rtt_max"), words(f"{plain(rule.rtt_max)}ms"), expected)
    if spread is not None and (spread.max_share or 1) * spread.regions < 1:
        found = words(f"{spread.max_share} with {spread.regions} regions")
        expected = f"at least 1/{spread.regions}, so that all of the demand fits"
        faults.add((*place, "spread", "max_share"), found, expected)
    is_left_out = service.survive is None and not faults.has((*place, "survive"))
    if is_left_out and service.survive_share != 1:
        remedy = "add `survive: region`, or leave survive_share out"
        faults.add((*place, "survive_share"), words("no `survive`"), "both or neither", remedy)


def _check_rules(spec: Spec, faults: FaultList) -> None:
    """Note `only` and `never` rules that leave a workload nowhere to go."""
    allowed: dict[str, tuple[set[str], str]] = {}
    rules = list(enumerate(spec.policy.exclusivity))
    for index, rule in rules:
        if rule.verb is Verb.ONLY:
            _narrow(rule, ("policy", "exclusivity", index, "scopes"), allowed, faults)
    for index, rule in rules:
        if rule.verb is Verb.NEVER:
            _exclude(rule, ("policy", "exclusivity", index, "scopes"), allowed, faults)


def _narrow(
    rule: Exclusivity, place: Place, allowed: dict[str, tuple[set[str], str]], faults: FaultList
) -> None:
    scopes = set(rule.scopes)
    for name in rule.workloads:
        before, text = allowed.get(name, (scopes, ""))
        both = {one for one in before | scopes if _within(one, before) and _within(one, scopes)}
        if not both:
            found = words(f"only {listed(rule.scopes)} for {name}, elsewhere only {text}")
            faults.add(place, found, "rules that leave it a place", "change one of the two rules")
        allowed[name] = (both, listed(sorted(both)))


def _exclude(
    rule: Exclusivity,
    place: Place,
    allowed: Mapping[str, tuple[set[str], str]],
    faults: FaultList,
) -> None:
    for name in rule.workloads:
        places, text = allowed.get(name, (set(), ""))
        if places and all(_within(one, set(rule.scopes)) for one in places):
            found = words(f"never {listed(rule.scopes)} for {name}, which is only {text}")
            faults.add(place, found, "rules that leave it a place", "change one of the two rules")


def _within(scope: str, scopes: set[str]) -> bool:
    """Return whether ``provider[/region]`` lies in one of `scopes`."""
    return scope in scopes or scope.partition("/")[0] in scopes


def _check_holdings(spec: Spec, faults: FaultList) -> None:
    pools = [
        (("holdings", "reservations", index, "pool"), reservation.pool)
        for index, reservation in enumerate(spec.holdings.reservations)
    ]
    _check_unique(pools, "each pool once", "add up the instances of the two", faults)
    for index, commitment in enumerate(spec.holdings.commitments):
        start, end = commitment.from_, commitment.to
        place = ("holdings", "commitments", index)
        if faults.has(place):
            continue
        if (start is None) != (end is None):
            key = "to" if end is None else "from"
            remedy = f"add `{key}:`, or leave both out"
            faults.add((*place, key), words(f"no `{key}`"), "both or neither", remedy)
        elif start is not None and end is not None and end < start:
            faults.add((*place, "to"), words(str(end)), f"a day not before {start}")


def _check_quotas(spec: Spec, faults: FaultList) -> None:
    stated = [(("quotas", i), _quota_key(quota)) for i, quota in enumerate(spec.quotas)]
    _check_unique(stated, "each quota once", "keep one of the two", faults)
    for index, quota in enumerate(spec.quotas):
        given = [k for k in ("family", "accelerator", "type") if getattr(quota, k) is not None]
        if len(given) != 1 and not faults.has(("quotas", index)):
            found = words(" and ".join(given) or "no selector")
            expected = "exactly one of family, accelerator, type"
            faults.add(("quotas", index), found, expected)


def _quota_key(quota: QuotaLimit) -> str:
    selector = quota.family or quota.accelerator or quota.type or ""
    parts = (quota.provider, quota.region or "*", selector, quota.option or "any", quota.unit)
    return "/".join(map(str, parts))
