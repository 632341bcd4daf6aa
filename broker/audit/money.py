"""Is every price, cost line and total what the market and the contracts make it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

from broker.audit.carbon import price_usd
from broker.audit.evidence import Evidence
from broker.audit.savings import fees_usd
from broker.audit.stability import moves_usd
from broker.audit.windows import BLOCK, hours_in_period
from broker.offers import PurchaseOption
from broker.plans import ZERO, CommitmentUse, Cost, Placement
from broker.rules.violation import Violation
from broker.units import HOURS_PER_YEAR, round_cents, round_nano
from broker.workloads import Commitment

YEARS: Final = {PurchaseOption.RESERVED_1Y.value: 1, PurchaseOption.RESERVED_3Y.value: 3}
_NOTHING: Final = Decimal(0)
_LINES: Final = ("compute", "rework", "moves", "shortfall", "carbon")


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Price of one instance of an offer, USD.

    Attributes:
        listed, contracted: per hour, a term's or block's fee spread over its hours.
        upfront: contracted fee, paid once.
    """

    listed: Decimal
    contracted: Decimal
    upfront: Decimal


def price_of(evidence: Evidence, placement: Placement) -> Price:
    """Return what an instance of the placement's offer costs by market and contract."""
    if placement.owned:
        return Price(listed=_NOTHING, contracted=_NOTHING, upfront=_NOTHING)
    row = evidence.rows[placement.offer]
    hourly: Decimal = row["usd_per_hour"] or _NOTHING
    fee: Decimal = row["upfront_usd"] or _NOTHING
    years = YEARS.get(placement.option)
    listed = hourly + fee / (HOURS_PER_YEAR * years) if years else hourly
    if placement.option == BLOCK and row["length_h"]:
        listed = hourly + fee / Decimal(repr(row["length_h"]))
    paid = 1 - off_of(evidence, placement, placement.option)
    return Price(listed=listed, contracted=listed * paid, upfront=fee * paid)


def off_of(evidence: Evidence, placement: Placement, option: str) -> Decimal:
    """Return the largest discount on the placement's type when bought as `option`."""
    offs = [
        one.off
        for one in evidence.spec.holdings.discounts
        if one.provider == placement.provider
        and (one.on is None or option in one.on)
        and (
            one.types is None
            or any(fnmatchcase(placement.instance_type, glob) for glob in one.types)
        )
    ]
    return max(offs, default=_NOTHING)


def _prices(evidence: Evidence) -> Iterator[Violation]:
    """A placement states its offer's price, where it comes from and its day."""
    for one in evidence.plan.placements:
        price = price_of(evidence, one)
        said = (one.list_usd_per_hour, one.contracted_usd_per_hour)
        if tuple(map(round_nano, said)) != tuple(
            map(round_nano, (price.listed, price.contracted))
        ):
            text = f"says {said[0]} list, {said[1]} contracted; {price.listed}, {price.contracted}"
            yield Violation(rule="price", subject=one.offer, text=text)
        row = evidence.rows[one.offer]
        seen = row["price_observed_at"]
        right = (row["price_source"] or "", seen.date().isoformat() if seen else "")
        if not one.owned and (one.price_source, one.price_observed_at) != right:
            text = f"source {one.price_source} {one.price_observed_at}, is {' '.join(right)}"
            yield Violation(rule="price source", subject=one.offer, text=text)


def _lines(evidence: Evidence) -> Iterator[Violation]:
    """Compute = useful hours x rate + fees, rework = lost hours x rate, both in whole cents.

    Hours that savings plans pay for are no part of it.
    """
    for one in evidence.plan.placements:
        right = _cost(evidence, one)
        for name in _LINES:
            said, found = getattr(one.cost, name), getattr(right, name)
            if said != found:
                text = f"{one.offer}: {name} {said} USD, is {found}"
                yield Violation(rule="cost", subject=one.workload, text=text)
        if one.hours != round_nano(one.instance_hours / max(one.instances, 1)):
            text = f"{one.offer}: {one.hours} h each of {one.instance_hours} in all"
            yield Violation(rule="hours", subject=one.workload, text=text)


def _cost(evidence: Evidence, one: Placement) -> Cost:
    """Return the lines of a placement that its own hours make."""
    emitted = round_cents(price_usd(evidence, one))
    return replace(_compute(evidence, one), carbon=emitted)


def _compute(evidence: Evidence, one: Placement) -> Cost:
    price = price_of(evidence, one)
    if one.option in YEARS:
        whole = one.instances * evidence.spec.period * price.contracted
        return Cost(compute=round_cents(whole))
    row = evidence.rows[one.offer]
    if one.option == BLOCK and row["length_h"]:
        hourly = (row["usd_per_hour"] or _NOTHING) * (1 - off_of(evidence, one, one.option))
        each = price.upfront + hourly * hours_in_period(evidence, row)
        return Cost(compute=round_cents(one.instances * each))
    lost = one.instance_hours - one.useful_hours
    paid = one.useful_hours - one.covered_hours
    return Cost(
        compute=round_cents(paid * price.contracted + one.instances * price.upfront),
        rework=round_cents(lost * price.contracted),
    )


def _totals(evidence: Evidence) -> Iterator[Violation]:
    """The plan's lines are the sums of the placements', readings, moves, commitments' bills."""
    plan = evidence.plan
    read = sum((one.usd for one in plan.readings), ZERO)
    right = Cost(shortfall=_shortfall(evidence), moves=moves_usd(evidence), transfer=read)
    for one in plan.placements:
        right = right.plus(one.cost)
    for name in ("transfer", *_LINES):
        said, found = getattr(plan.cost, name), getattr(right, name)
        if said != found:
            text = f"{name} {said} USD, the sum is {found}"
            yield Violation(rule="total", subject="plan", text=text)
    unknown = sum((o.cost.compute for o in plan.placements if o.capacity == "unknown"), ZERO)
    if plan.unknown_capacity_usd != unknown:
        text = f"{plan.unknown_capacity_usd} USD on unknown capacity, is {unknown}"
        yield Violation(rule="total", subject="plan", text=text)


def _ages(evidence: Evidence) -> Iterator[Violation]:
    """The plan states the oldest and newest day of the prices it rests on."""
    plan = evidence.plan
    days = [one.price_observed_at for one in plan.placements if one.price_observed_at]
    right = (min(days, default=""), max(days, default=""))
    if (plan.prices.oldest, plan.prices.newest) != right:
        text = f"says {plan.prices.oldest} to {plan.prices.newest}, is {' to '.join(right)}"
        yield Violation(rule="price age", subject="plan", text=text)


def _shortfall(evidence: Evidence) -> Decimal:
    """Max(0, the period's part - compute cost and savings plans' fees at the provider), summed."""
    return sum((one.shortfall_usd for one in _uses(evidence)), ZERO)


def _uses(evidence: Evidence) -> list[CommitmentUse]:
    """What every commitment that falls due asks for, gets and bills."""
    spent: defaultdict[str, Decimal] = defaultdict(lambda: ZERO)
    for one in evidence.plan.placements:
        spent[one.provider] += one.cost.compute + one.cost.rework
    found = []
    for commitment in evidence.spec.holdings.commitments:
        due = _due(commitment, evidence)
        used = spent[commitment.provider] + fees_usd(evidence, commitment.provider)
        if due > 0:
            missed = round_cents(max(_NOTHING, due - used))
            found.append(
                CommitmentUse(
                    provider=commitment.provider,
                    due_usd=round_cents(due),
                    spent_usd=round_cents(used),
                    shortfall_usd=missed,
                )
            )
    return found


def _stated_uses(evidence: Evidence) -> Iterator[Violation]:
    """The plan states what each commitment asks for, gets and bills."""
    right = tuple(_uses(evidence))
    if evidence.plan.commitments != right:
        text = f"commitments {evidence.plan.commitments}, are {right}"
        yield Violation(rule="total", subject="plan", text=text)


def _due(commitment: Commitment, evidence: Evidence) -> Decimal:
    """Amount x overlapping hours / hours, of the term or of each step of its ramp."""
    if commitment.from_ is None or commitment.to is None:
        return commitment.spend
    last = commitment.to + timedelta(days=1)
    if commitment.ramp is None:
        return commitment.spend * _share(commitment.from_, last, evidence)
    due = _NOTHING
    for number, step in enumerate(commitment.ramp):
        later = commitment.ramp[number + 1 :]
        until = later[0].from_ if later else last
        due += step.spend * _share(step.from_, until, evidence)
    return due


def _share(first: date, after: date, evidence: Evidence) -> Decimal:
    """The part of the days from `first` to before `after` that lies in the period."""
    begin, end = _midnight(first), _midnight(after)
    overlap = min(end, evidence.end) - max(begin, evidence.start)
    second = timedelta(seconds=1)
    return Decimal(max(0, overlap // second)) / Decimal((end - begin) // second)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


CHECKS = (_prices, _lines, _totals, _stated_uses, _ages)
