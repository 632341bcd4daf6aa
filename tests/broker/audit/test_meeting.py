"""Who meets whom: the audit of rules on neighbours finds every pair that shares a scope."""

from __future__ import annotations

import random
from dataclasses import replace
from itertools import combinations, product

import pytest

from broker.audit.evidence import Evidence, gather
from broker.audit.exclusivity import CHECKS
from broker.planning import make_plan
from broker.plans import Placement
from broker.policy import ScopeLevel
from broker.spec import spec_from_data
from tests.broker.planning_inputs import ROWS, market

NAMES = tuple(f"w{number}" for number in range(6))
#: Provider, region and zone; a dash is a zone nobody names.
PLACES = tuple(product(("aws", "gcp"), ("one", "two"), ("a", "b", "-")))


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    """One placement in a plan of six workloads."""
    spec = spec_from_data(
        {
            "period": 10,
            "assume": {"instances_per_pool": {"on-demand": 9}},
            "training": [{"name": n, "accelerators": "H100:8", "hours": 1} for n in NAMES],
        }
    )
    few = market(*ROWS)
    return gather(make_plan(spec, few).plan, spec, few)


def _with(evidence: Evidence, rule: dict[str, object], placed: list[Placement]) -> Evidence:
    names = [{"name": n, "accelerators": "H100:8", "hours": 1} for n in NAMES]
    policy = {"exclusivity": [rule]}
    spec = spec_from_data({"period": 10, "training": names, "policy": policy})
    return replace(evidence, spec=spec, plan=replace(evidence.plan, placements=tuple(placed)))


def _meet(first: Placement, second: Placement, level: ScopeLevel) -> bool:
    """The definition, one pair at a time."""
    if level is ScopeLevel.PROVIDER:
        return first.provider == second.provider
    same = (first.provider, first.region) == (second.provider, second.region)
    zones = {first.zone, second.zone}
    return same and (level is ScopeLevel.REGION or len(zones) == 1 or "-" in zones)


def _found(evidence: Evidence) -> set[frozenset[str]]:
    broken = [found.subject for check in CHECKS for found in check(evidence)]
    pairs = {frozenset(subject.split(" and ")) for subject in broken}
    assert len(pairs) == len(broken), "a pair is named once"
    return pairs


@pytest.mark.parametrize("level", list(ScopeLevel))
def test_every_pair_that_meets_is_found(evidence: Evidence, level: ScopeLevel) -> None:
    """`apart`, `alone` and tenants name the pairs of strangers in one scope, and no others."""
    draws = random.Random(20261128)  # noqa: S311 - a seed for places
    some = evidence.plan.placements[0]
    for _ in range(40):
        placed = [
            replace(some, workload=name, provider=provider, region=region, zone=zone)
            for name in NAMES
            for provider, region, zone in draws.sample(PLACES, draws.randint(0, 2))
        ]
        near = {
            frozenset((first.workload, second.workload))
            for first, second in combinations(placed, 2)
            if first.workload != second.workload and _meet(first, second, level)
        }
        apart = {"apart": level.value, "workloads": list(NAMES)}
        assert _found(_with(evidence, apart, placed)) == near
        alone = {"alone": level.value, "workloads": ["w0", "w1"]}
        strangers = {pair for pair in near if len(pair & {"w0", "w1"}) == 1}
        assert _found(_with(evidence, alone, placed)) == strangers
        tenants = {"apart": level.value, "tenants": {"x": ["w0", "w1"], "y": ["w2"]}}
        rivals = {pair for pair in near if pair in ({"w0", "w2"}, {"w1", "w2"})}
        assert _found(_with(evidence, tenants, placed)) == rivals
