"""Does the proof add up: levels, bounds, gap, and the inputs the plan says it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from broker.audit.evidence import Evidence
from broker.rules.violation import Violation
from broker.spec_data import spec_to_data

_GAP = Decimal("1e-9")


def _levels(evidence: Evidence) -> Iterator[Violation]:
    """One level per priority from the highest: unmet = sum of amounts >= bound >= 0."""
    plan = evidence.plan
    priorities = sorted({one.priority for one in evidence.workloads.values()}, reverse=True)
    if [level.priority for level in plan.proof.levels] != priorities:
        text = f"levels {[level.priority for level in plan.proof.levels]}, are {priorities}"
        yield Violation(rule="levels", subject="plan", text=text)
    for level in plan.proof.levels:
        left = [one.amount for one in plan.unmet if one.priority == level.priority]
        unmet = sum(left, Decimal(0))
        if level.unmet != unmet or not 0 <= level.bound <= unmet:
            text = f"unmet {level.unmet} with bound {level.bound}, the sum is {unmet}"
            yield Violation(rule="levels", subject=f"priority {level.priority}", text=text)


def _gap(evidence: Evidence) -> Iterator[Violation]:
    """0 <= bound <= total; gap = (total - bound) / max(total, 1)."""
    proof, total = evidence.plan.proof, evidence.plan.cost.total
    if not 0 <= proof.cost_bound <= total:
        text = f"bound {proof.cost_bound} of a cost of {total} USD"
        yield Violation(rule="bound", subject="plan", text=text)
    elif proof.gap != ((total - proof.cost_bound) / max(total, Decimal(1))).quantize(_GAP):
        text = f"gap {proof.gap} for bound {proof.cost_bound} and cost {total} USD"
        yield Violation(rule="gap", subject="plan", text=text)


def _inputs(evidence: Evidence) -> Iterator[Violation]:
    """The plan embeds this spec and names this market and period."""
    plan = evidence.plan
    if plan.spec != spec_to_data(evidence.spec):
        yield Violation(rule="inputs", subject="spec", text="the plan embeds another spec")
    if plan.digests.market != evidence.market.digest:
        yield Violation(rule="inputs", subject="market", text="made from another market")
    said, right = (plan.start, plan.period_h), (evidence.start.date(), evidence.spec.period)
    if said != (right[0].isoformat(), right[1]):
        text = f"{said[1]} h from {said[0]}, is {right[1]} h from {right[0]}"
        yield Violation(rule="inputs", subject="period", text=text)


CHECKS = (_levels, _gap, _inputs)
