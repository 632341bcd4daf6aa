"""Ways to spoil a good plan, its spec or its market; each keeps everything else consistent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from broker.market import Market
from broker.plans import Cost, Placement, Plan
from broker.policy import Exclusivity, Policy, Verb
from broker.spec_data import spec_to_data
from broker.workloads import Spec


@dataclass(frozen=True)
class Case:
    """A plan with what it was made from."""

    plan: Plan
    spec: Spec
    market: Market


Spoil = Callable[[Case], Case]


def in_spec(**changes: Any) -> Spoil:
    """Ask for something else than was planned."""
    return lambda case: _on_spec(case, replace(case.spec, **changes))


def in_workload(name: str, **changes: Any) -> Spoil:
    """Ask for something else of one workload."""

    def spoil(case: Case) -> Case:
        spec = case.spec
        for kind in ("training", "services", "batch"):
            changed = tuple(
                replace(one, **changes) if one.name == name else one for one in getattr(spec, kind)
            )
            spec = replace(spec, **{kind: changed})
        return _on_spec(case, spec)

    return spoil


def in_shape(name: str, **changes: Any) -> Spoil:
    """Ask for another shape under the same written form."""

    def spoil(case: Case) -> Case:
        (workload,) = (one for one in case.spec.workloads if one.name == name)
        shapes = tuple(replace(shape, **changes) for shape in workload.shapes)
        return in_workload(name, shapes=shapes)(case)

    return spoil


def in_rule(verb: Verb, **rule: Any) -> Spoil:
    """Add a rule of exclusivity."""
    return in_spec(policy=Policy(exclusivity=(Exclusivity(verb=verb, **rule),)))


def in_holdings(**changes: Any) -> Spoil:
    """Hold something else."""
    return lambda case: in_spec(holdings=replace(case.spec.holdings, **changes))(case)


def in_offer(offer: str, **values: Any) -> Spoil:
    """Let the market say something else of one offer."""

    def spoil(case: Case) -> Case:
        parts = dict(
            zip(
                ("provider", "region", "zone", "instance_type", "option"),
                offer.split("/"),
                strict=True,
            )
        )
        mine = pl.all_horizontal(*(pl.col(key) == value for key, value in parts.items()))
        frame = case.market.offers
        changed = frame.with_columns(
            pl.when(mine).then(pl.lit(value, dtype=frame.schema[key])).otherwise(key).alias(key)
            for key, value in values.items()
        )
        return replace(case, market=replace(case.market, offers=changed))

    return spoil


def in_placement(workload: str, offer: str, /, **changes: Any) -> Spoil:
    """Let one placement say something else; totals follow."""

    def spoil(case: Case) -> Case:
        placed = tuple(
            replace(one, **changes) if (one.workload, one.offer) == (workload, offer) else one
            for one in case.plan.placements
        )
        assert placed != case.plan.placements
        return replace(case, plan=summed(replace(case.plan, placements=placed)))

    return spoil


def in_route(metro: str, region: str, /, **changes: Any) -> Spoil:
    """Let one route say something else."""

    def spoil(case: Case) -> Case:
        routes = tuple(
            replace(one, **changes) if (one.metro, one.region) == (metro, region) else one
            for one in case.plan.routes
        )
        assert routes != case.plan.routes
        return replace(case, plan=replace(case.plan, routes=routes))

    return spoil


def in_plan(**changes: Any) -> Spoil:
    """Let the plan say something else."""
    return lambda case: replace(case, plan=replace(case.plan, **changes))


def in_proof(**changes: Any) -> Spoil:
    """Let the proof say something else."""
    return lambda case: in_plan(proof=replace(case.plan.proof, **changes))(case)


def _on_spec(case: Case, spec: Spec) -> Case:
    return replace(case, spec=spec, plan=replace(case.plan, spec=spec_to_data(spec)))


def summed(plan: Plan) -> Plan:
    """Make totals and gap follow the placements' cost lines."""
    total = Cost(shortfall=plan.cost.shortfall)
    for one in plan.placements:
        total = total.plus(one.cost)
    bound = min(plan.proof.cost_bound, total.total)
    gap = ((total.total - bound) / total.total).quantize(Decimal("1e-9"))
    return replace(plan, cost=total, proof=replace(plan.proof, cost_bound=bound, gap=gap))


def placement(case: Case, workload: str, offer: str) -> Placement:
    """Return the one placement of a workload on an offer."""
    (found,) = (
        one for one in case.plan.placements if (one.workload, one.offer) == (workload, offer)
    )
    return found
