"""Are placements that pass over a provider with first refusal listed, and only those."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from broker.audit.evidence import Evidence
from broker.audit.exclusivity import overlaps
from broker.audit.offered import least_offered, work_price
from broker.plans import Override, Placement
from broker.rules.violation import Violation
from broker.units import round_nano
from broker.workloads import Exclusivity, Verb

#: Part of a price by which two may differ and still be alike; half of it may be rounding.
_ALIKE: Final = Decimal("1e-6")
_ROUNDING: Final = Decimal("1e-7")


def _overrides(evidence: Evidence) -> Iterator[Violation]:
    """Elsewhere at (1 - margin) x the provider's least price or more is an override."""
    said: defaultdict[tuple[str, str, str], list[Override]] = defaultdict(list)
    for entry in evidence.plan.overrides:
        said[entry.workload, entry.offer, entry.provider].append(entry)
    for rule in evidence.spec.policy.exclusivity:
        if rule.verb is Verb.FIRST_REFUSAL and overlaps(rule, evidence):
            for name in rule.workloads:
                yield from _of_workload(evidence, rule, name, said)
    for (workload, offer, _), entries in sorted(said.items()):
        if entries:
            text = f"{offer} is said to be an override, and is none"
            yield Violation(rule="first_refusal", subject=workload, text=text)


def _of_workload(
    evidence: Evidence,
    rule: Exclusivity,
    name: str,
    said: dict[tuple[str, str, str], list[Override]],
) -> Iterator[Violation]:
    provider = rule.scopes[0]
    placed = evidence.placed(name)
    elsewhere = [one for one in placed if one.provider != provider and not one.owned]
    if not elsewhere:
        return
    least = least_offered(evidence, evidence.workloads[name], provider)
    for one in elsewhere:
        entries = said[name, one.offer, provider]
        entry = entries.pop() if entries else None
        price = work_price(evidence, one)
        if least is None or price is None:
            yield from _wrongly_listed(entry, "the provider offers nothing")
            continue
        refused = least * (1 - rule.margin)
        if entry is None and price >= refused * (1 - _ALIKE + _ROUNDING):
            text = f"{one.offer} at {price} is no override; {provider} offers {least}"
            yield Violation(rule="first_refusal", subject=name, text=text)
        elif entry is not None:
            if price < refused * (1 - _ALIKE - _ROUNDING):
                yield from _wrongly_listed(entry, f"{price} is below {refused}")
            yield from _figures(evidence, one, entry, least)


def _wrongly_listed(entry: Override | None, why: str) -> Iterator[Violation]:
    if entry is not None:
        text = f"{entry.offer} is said to be an override: {why}"
        yield Violation(rule="first_refusal", subject=entry.workload, text=text)


def _figures(
    evidence: Evidence, one: Placement, entry: Override, least: Decimal
) -> Iterator[Violation]:
    """The entry's hours are those of the placement, its least price is the provider's."""
    hours = round_nano(_size(evidence, one) * one.instance_hours)
    alike = abs(entry.least_usd_per_work - least) <= _ALIKE * least + Decimal("1e-9")
    if entry.accelerator_hours != hours or not alike:
        text = (
            f"{entry.accelerator_hours} h against {entry.least_usd_per_work}, is {hours} h "
            f"against {least}"
        )
        yield Violation(rule="first_refusal", subject=entry.workload, text=text)


def _size(evidence: Evidence, one: Placement) -> Decimal:
    accelerators = evidence.number(one, "accelerators")
    return accelerators or (evidence.number(one, "vcpus") or Decimal(0)) / 16


def _total(evidence: Evidence) -> Iterator[Violation]:
    """The proof states the sum of the overrides, and a bound between 0 and that sum."""
    proof = evidence.plan.proof
    total = sum((one.accelerator_hours for one in evidence.plan.overrides), Decimal(0))
    if proof.overridden_h != total or not 0 <= proof.overridden_bound_h <= total:
        text = f"{proof.overridden_h} h with bound {proof.overridden_bound_h}, the sum is {total}"
        yield Violation(rule="first_refusal", subject="plan", text=text)


CHECKS = (_overrides, _total)
