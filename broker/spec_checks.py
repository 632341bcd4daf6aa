"""What the parts of a spec must be to each other; no market is needed.

Each check takes the spec and notes what contradicts itself: times beyond the period, names and
holdings stated twice, rules that exclude each other.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Final

from broker.offers import PurchaseOption
from broker.spec_faults import Here, listed, nearest, words
from broker.spec_pipelines import check_pipelines
from broker.spec_policy import check_policy, check_watts
from broker.spec_savings import check_savings_plans
from broker.spec_sizes import check_sizes
from broker.units import plain
from broker.workloads import (
    Batch,
    Commitment,
    Exclusivity,
    QuotaLimit,
    RampStep,
    Service,
    Spec,
    Training,
    Verb,
)

_A_PLACE_LEFT: Final = "rules that leave it a place"
_KINDS: Final = ("training", "services", "batch")


def check(spec: Spec, data: Mapping[str, object], here: Here) -> None:
    """Note what in `spec` contradicts itself.

    Args:
        spec: the faultless part of a file.
        data: the whole of it, as read.
        here: the root of the file.
    """
    if not any(kind in data for kind in _KINDS):
        expected = "training, services or batch"
        here.fault(
            words("no workload"), expected=expected, remedy="`broker init` writes a starter"
        )
    _check_version(spec, here.at("version"))
    _check_names(spec, here)
    for index, training in enumerate(spec.training):
        _check_within_period(
            training.hours, here.at("training", index, "hours"), period=spec.period
        )
    for index, batch in enumerate(spec.batch):
        if batch.deadline is not None:
            deadline = here.at("batch", index, "deadline")
            _check_within_period(batch.deadline, deadline, period=spec.period)
    for kind in _KINDS:
        for index, workload in enumerate(getattr(spec, kind)):
            _check_workload(workload, here.at(kind, index), providers=spec.providers)
            _check_tags(workload, here.at(kind, index, "where", "requires"), spec.assume.tags)
    for index, service in enumerate(spec.services):
        _check_service(service, here.at("services", index))
    check_pipelines(spec, data, here)
    _check_rules(spec, here.at("policy", "exclusivity"))
    check_policy(spec, here.at("policy"))
    check_watts(spec, here.at("assume", "watts"))
    _check_holdings(spec, here.at("holdings"))
    _check_quotas(spec, here.at("quotas"))
    if PurchaseOption.OWNED in spec.assume.instances_per_pool:
        owned = here.at("assume", "instances_per_pool", "owned")
        remedy = "state it as a reservation"
        owned.fault(words("owned"), expected="what the market sells", remedy=remedy)


def _check_version(spec: Spec, here: Here) -> None:
    if spec.version != 1:
        here.fault(spec.version, expected="1", remedy="write `version: 1`")


def _check_names(spec: Spec, here: Here) -> None:
    entries = [
        (here.at(kind, index, "name"), workload.name)
        for kind in _KINDS
        for index, workload in enumerate(getattr(spec, kind))
    ]
    _check_unique(entries, expected="a name of its own", remedy="rename one of the two")


def _check_unique(entries: Iterable[tuple[Here, Hashable]], *, expected: str, remedy: str) -> None:
    first: dict[Hashable, Here] = {}
    for here, value in entries:
        if value in first:
            line = first[value].line
            again = f"{value} a second time" + (f" (first on line {line})" if line else "")
            here.fault(words(again), expected=expected, remedy=remedy)
        else:
            first[value] = here


def _check_within_period(hours: Decimal, here: Here, *, period: Decimal) -> None:
    if hours > period:
        expected = f"at most the period, {plain(period)}h"
        here.fault(
            words(f"{plain(hours)}h"), expected=expected, remedy="shorten it or set `period`"
        )


def _check_workload(
    workload: Training | Service | Batch, here: Here, *, providers: tuple[str, ...] | None
) -> None:
    is_left_out = workload.spot is None and not here.at("spot").is_faulty
    if PurchaseOption.SPOT in (workload.purchase or ()) and is_left_out:
        remedy = "write `spot: {checkpoint: 5m, restart: 10m}` instead"
        here.at("purchase").fault(
            words("spot"), expected="leave for spot under `spot`", remedy=remedy
        )
    for index, provider in enumerate(workload.where.providers or ()):
        if providers is not None and provider not in providers:
            expected = f"one of the spec's providers: {listed(providers)}"
            here.at("where", "providers", index).fault(provider, expected=expected)


def _check_tags(
    workload: Training | Service | Batch, here: Here, known: Mapping[str, object]
) -> None:
    for index, tag in enumerate(workload.where.requires or ()):
        if tag not in known:
            expected = f"a tag of assume.tags: {listed(known) or 'there is none'}"
            remedy = nearest(tag, known) or f"state under assume.tags what carries {tag}"
            here.at(index).fault(tag, expected=expected, remedy=remedy)


def _check_service(service: Service, here: Here) -> None:
    loads = [
        (here.at("demand", index, "from"), load.origin)
        for index, load in enumerate(service.demand)
    ]
    _check_unique(loads, expected="each origin once", remedy="add up the two rates")
    check_sizes(service, here)
    rule, spread = service.latency, service.spread
    if rule is not None and rule.rtt_max is not None and rule.rtt_max < rule.rtt:
        expected = f"at least rtt, {plain(rule.rtt)}ms"
        here.at("latency", "rtt_max").fault(words(f"{plain(rule.rtt_max)}ms"), expected=expected)
    if spread is not None and (spread.max_share or 1) * spread.regions < 1:
        found = words(f"{spread.max_share} with {spread.regions} regions")
        expected = f"at least 1/{spread.regions}, so that all of the demand fits"
        here.at("spread", "max_share").fault(found, expected=expected)
    is_left_out = service.survive is None and not here.at("survive").is_faulty
    if is_left_out and service.survive_share != 1:
        remedy = "add `survive: region`, or leave survive_share out"
        here.at("survive_share").fault(
            words("no `survive`"), expected="both or neither", remedy=remedy
        )


def _check_rules(spec: Spec, here: Here) -> None:
    """Note `only` and `never` rules without dates that leave a workload nowhere to go."""
    allowed: dict[str, tuple[set[str], str]] = {}
    rules = list(enumerate(spec.policy.exclusivity))
    for index, rule in rules:
        if rule.from_ is not None and rule.until is not None and rule.until < rule.from_:
            expected = f"a day not before {rule.from_}"
            here.at(index, "until").fault(words(str(rule.until)), expected=expected)
    rules = [(index, rule) for index, rule in rules if rule.from_ is None and rule.until is None]
    for index, rule in rules:
        if rule.verb is Verb.ONLY:
            _narrow(rule, here.at(index, "scopes"), allowed=allowed)
    for index, rule in rules:
        if rule.verb is Verb.NEVER:
            _exclude(rule, here.at(index, "scopes"), allowed=allowed)


def _narrow(rule: Exclusivity, here: Here, *, allowed: dict[str, tuple[set[str], str]]) -> None:
    scopes = set(rule.scopes)
    for name in rule.workloads:
        before, text = allowed.get(name, (scopes, ""))
        both = {one for one in before | scopes if _within(one, before) and _within(one, scopes)}
        if not both:
            found = words(f"only {listed(rule.scopes)} for {name}, elsewhere only {text}")
            here.fault(found, expected=_A_PLACE_LEFT, remedy="change one of the two rules")
        allowed[name] = (both, listed(sorted(both)))


def _exclude(
    rule: Exclusivity,
    here: Here,
    *,
    allowed: Mapping[str, tuple[set[str], str]],
) -> None:
    for name in rule.workloads:
        places, text = allowed.get(name, (set(), ""))
        if places and all(_within(one, set(rule.scopes)) for one in places):
            found = words(f"never {listed(rule.scopes)} for {name}, which is only {text}")
            here.fault(found, expected=_A_PLACE_LEFT, remedy="change one of the two rules")


def _within(scope: str, scopes: set[str]) -> bool:
    """Return whether ``provider[/region]`` lies in one of `scopes`."""
    return scope in scopes or scope.partition("/")[0] in scopes


def _check_holdings(spec: Spec, here: Here) -> None:
    pools = [
        (here.at("reservations", index, "pool"), reservation.pool)
        for index, reservation in enumerate(spec.holdings.reservations)
    ]
    _check_unique(pools, expected="each pool once", remedy="add up the instances of the two")
    check_savings_plans(spec.holdings.savings_plans, here.at("savings_plans"))
    for index, commitment in enumerate(spec.holdings.commitments):
        start, end = commitment.from_, commitment.to
        term = here.at("commitments", index)
        if term.is_faulty:
            continue
        if (start is None) != (end is None):
            key = "to" if end is None else "from"
            remedy = f"add `{key}:`, or leave both out"
            term.at(key).fault(words(f"no `{key}`"), expected="both or neither", remedy=remedy)
        elif start is not None and end is not None and end < start:
            term.at("to").fault(words(str(end)), expected=f"a day not before {start}")
        elif commitment.ramp is not None:
            _check_ramp(commitment, commitment.ramp, term.at("ramp"))


def _check_ramp(commitment: Commitment, ramp: tuple[RampStep, ...], here: Here) -> None:
    """Steps follow each other inside the term and add up to what is promised."""
    if commitment.from_ is None or commitment.to is None:
        remedy = "add `from:` and `to:` of the whole term"
        here.fault(words("no term"), expected="a ramp inside a term", remedy=remedy)
        return
    earliest = commitment.from_
    for index, step in enumerate(ramp):
        if not earliest <= step.from_ <= commitment.to:
            expected = f"a day from {earliest} to {commitment.to}"
            here.at(index, "from").fault(words(str(step.from_)), expected=expected)
            return
        earliest = step.from_ + timedelta(days=1)
    total = sum((step.spend for step in ramp), Decimal(0))
    if total != commitment.spend:
        expected = f"steps that add up to `spend`, {plain(commitment.spend)} USD"
        here.fault(words(f"{plain(total)} USD in all"), expected=expected)


def _check_quotas(spec: Spec, here: Here) -> None:
    stated = [(here.at(i), _quota_key(quota)) for i, quota in enumerate(spec.quotas)]
    _check_unique(stated, expected="each quota once", remedy="keep one of the two")
    for index, quota in enumerate(spec.quotas):
        given = [k for k in ("family", "accelerator", "type") if getattr(quota, k) is not None]
        if len(given) != 1 and not here.at(index).is_faulty:
            found = words(" and ".join(given) or "no selector")
            expected = "exactly one of family, accelerator, type"
            here.at(index).fault(found, expected=expected)


def _quota_key(quota: QuotaLimit) -> str:
    selector = quota.family or quota.accelerator or quota.type or ""
    parts = (quota.provider, quota.region or "*", selector, quota.option or "any", quota.unit)
    return "/".join(map(str, parts))
