"""Does the account allow what is held: every quota counted again over the placements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any, Final

from broker.audit.evidence import Evidence
from broker.plans import Placement
from broker.rules.violation import Violation
from broker.workloads import QuotaLimit, QuotaUnit

_COUNTED: Final = {QuotaUnit.VCPUS: "vcpus", QuotaUnit.GPUS: "accelerators"}


def _quotas(evidence: Evidence) -> Iterator[Violation]:
    """Sum of instances x size <= limit, in each region by itself; owned instances need none."""
    held = Counter[str]()
    for one in evidence.plan.placements:
        held[one.offer] += one.instances
    offers = {one.offer: one for one in evidence.plan.placements}
    for quota in _in_force(evidence):
        used: defaultdict[str, Decimal] = defaultdict(Decimal)
        for offer, one in offers.items():
            if _counts(quota, one, evidence.rows[offer]):
                used[one.region] += held[offer] * _size(quota, one, evidence)
        for region, amount in sorted(used.items()):
            if amount > quota.limit:
                text = f"{amount} of {quota.limit} {quota.unit.value}"
                subject = f"{quota.provider}/{region} {_selector(quota)}"
                yield Violation(rule="quota", subject=subject, text=text)


def _in_force(evidence: Evidence) -> list[QuotaLimit]:
    """The spec's quotas, and those of the market that none of them replaces."""
    stated = list(evidence.spec.quotas)
    named = {_identity(quota.provider, quota.region, _of_quota(quota)) for quota in stated}
    for row in evidence.market.quotas.iter_rows(named=True):
        selector = (row["family"], row["accelerator"], row["instance_type"], row["option"])
        if row["limit"] is None or _identity(row["provider"], row["region"], selector) in named:
            continue
        stated.append(
            QuotaLimit(
                provider=row["provider"],
                region=row["region"] or None,
                family=row["family"] or None,
                accelerator=row["accelerator"] or None,
                type=row["instance_type"] or None,
                option=row["option"] or None,
                limit=Decimal(repr(row["limit"])),
                unit=QuotaUnit(row["unit"]),
            )
        )
    return stated


def _of_quota(quota: QuotaLimit) -> tuple[str | None, ...]:
    return quota.family, quota.accelerator, quota.type, quota.option


def _identity(
    provider: str, region: str | None, selector: tuple[str | None, ...]
) -> tuple[str, ...]:
    family, *rest = (part or "" for part in selector)
    return (provider, region or "", _letters(family), *map(str, rest))


def _letters(name: str) -> str:
    """A family's name without case, spaces and punctuation."""
    return "".join(sign for sign in name.casefold() if sign.isascii() and sign.isalnum())


def _counts(quota: QuotaLimit, one: Placement, row: Any) -> bool:
    if one.owned or one.provider != quota.provider:
        return False
    return (
        (quota.region is None or fnmatchcase(one.region, quota.region))
        and (quota.option is None or one.option == quota.option)
        and (quota.accelerator is None or one.accelerator == quota.accelerator)
        and (quota.type is None or fnmatchcase(one.instance_type, quota.type))
        and (quota.family is None or _letters(row["quota_family"] or "") == _letters(quota.family))
    )


def _size(quota: QuotaLimit, one: Placement, evidence: Evidence) -> Decimal:
    """What one instance counts; an unknown size breaks any quota."""
    if quota.unit not in _COUNTED:
        return Decimal(1)
    size = evidence.number(one, _COUNTED[quota.unit])
    return Decimal("Infinity") if size is None else size


def is_countable(evidence: Evidence, one: Placement) -> bool:
    """Whether the size is known that every quota counts the placement's instances by."""
    row = evidence.rows[one.offer]
    counting = [quota for quota in _in_force(evidence) if _counts(quota, one, row)]
    return all(_size(quota, one, evidence).is_finite() for quota in counting)


def _selector(quota: QuotaLimit) -> str:
    return str(quota.family or quota.accelerator or quota.type or "all")


CHECKS = (_quotas,)
