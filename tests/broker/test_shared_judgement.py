"""Workloads that are judged alike share one judgement; no other workloads do."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from broker.candidates import ADMISSIONS, Candidates, admitted_to_any, find_candidates
from broker.formulate import formulate
from broker.market_csv import read_offers_csv
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.spec import spec_from_data
from broker.workloads import Spec
from tests.broker.planning_inputs import HEAD, ROWS

#: More ways to fall: spot that is lost more often, terms that end, a fabric nobody knows.
MORE = (
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,192,2048,rdma,spot,21,,,0.9,list,2026-05-01",
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,192,2048,rdma,flex-start,22,,,,list,2026-05-01",
    "gcp,us-central1,us-central1-a,a3-edgegpu-8g,H100,8,208,1872,none,on-demand,55,,,,list,"
    "2026-08-03",
    "azure,westeurope,-,NC80,H100-NVL,2,80,640,none,spot,7,,,0.3,list,2026-06-18",
)
#: A block that starts 24 hours into the period and ends 48 hours later.
BLOCK = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,capacity-block,9,,,,list,2026-08-03,"
    "2026-08-11T00:00:00Z,48"
)
PLAIN: dict[str, Any] = {"accelerators": "H100:8"}
#: What tells one training from another: each line must be judged by itself.
GANGS: tuple[dict[str, Any], ...] = (
    {},
    {"accelerators": "H100:16"},
    {"accelerators": "H100:16", "fabric": "any"},
    {"accelerators": "H100-NVL:2"},
    {"where": {"providers": ["aws"]}},
    {"where": {"providers": ["gcp", "azure"]}},
    {"where": {"regions": ["us-*"]}},
    {"where": {"regions": ["us-*", "gcp/europe-*"]}},
    {"where": {"residency": ["NL"]}},
    {"where": {"requires": ["audited"]}},
    {"data": {"in": "aws/us-east-1", "gb": 5}},
    {"data": {"in": "nowhere/far", "gb": 5}},
    {"spot": {}},
    {"spot": {"checkpoint": 0.1}},
    {"spot": {"restart": 5}},
    {"hours": 90, "spot": {"checkpoint": 0.1, "restart": 0.2}},
    {"hours": 60, "spot": {"checkpoint": 0.1, "restart": 0.2}},
    {"purchase": ["flex-start"]},
    {"purchase": ["reserved-1y"], "accelerators": "H100-NVL:2"},
    {"purchase": ["flex-start"], "hours": 99},
    {"purchase": ["capacity-block"], "hours": 40},
    {"purchase": ["capacity-block"], "hours": 60},
)
WAITING: tuple[dict[str, Any], ...] = (
    {"deadline": 20},
    {"deadline": 20, "purchase": ["capacity-block"]},
    {"deadline": 30, "purchase": ["capacity-block"]},
    {"deadline": 99, "purchase": ["flex-start", "capacity-block"]},
)
SERVED: tuple[dict[str, Any], ...] = (
    {},
    {"latency": {"rtt": 40}},
    {"latency": {"rtt": 120}},
    {"latency": {"rtt": 40, "share": 0.5}},
    {"latency": {"rtt": 40, "share": 0.5, "rtt_max": 120}},
    {"latency": {"rtt": 40}, "demand": [{"from": "new-york", "rate": 1}]},
    {"latency": {"rtt": 40}, "demand": [{"from": m, "rate": 1} for m in ("paris", "new-york")]},
)


def _spec() -> Spec:
    gangs = [{**PLAIN, "hours": 10, "name": f"g{i}"} | one for i, one in enumerate(GANGS)]
    waiting = [{**PLAIN, "work": 10, "name": f"b{i}"} | one for i, one in enumerate(WAITING)]
    paris = [{"from": "paris", "rate": 1}]
    served = [
        {**PLAIN, "throughput": 1, "demand": paris, "name": f"s{i}"} | one
        for i, one in enumerate(SERVED)
    ]
    named = [{**PLAIN, "hours": 10, "name": name} for name in ("one", "other", "third", "still")]
    running = {"workload": "still", "pool": "aws/us-east-1/use1-az2/p5.48xlarge", "instances": 1}
    return spec_from_data(
        {
            "period": 100,
            "start": "2026-08-10",
            "training": [*gangs, *named],
            "batch": waiting,
            "services": served,
            "assume": {"tags": {"audited": ["gcp/*"]}},
            "policy": {
                "exclusivity": [
                    {"workloads": ["one", "third"], "only": ["aws"]},
                    {"workloads": ["other"], "never": ["gcp"]},
                    {"workloads": ["third"], "never": ["aws/us-east-1"]},
                ]
            },
            "stability": {"current": [running], "freeze": ["still"]},
        }
    )


@pytest.fixture(scope="module")
def whole() -> Scene:
    """Every workload above in one spec."""
    lines = [f"{HEAD},starts_at,length_h", *(f"{row},," for row in (*ROWS, *MORE)), BLOCK]
    return build_scene(_spec(), read_offers_csv("\n".join(lines).encode(), name="tiny"))


def _alone(scene: Scene, name: str) -> Scene:
    """The same scene with no other workload in it."""
    spec = scene.spec
    kept = {
        kind: tuple(one for one in getattr(spec, kind) if one.name == name)
        for kind in ("training", "services", "batch")
    }
    return replace(scene, spec=replace(spec, **kept))


def _judgement(one: Candidates) -> tuple[object, ...]:
    fits = [fit.tolist() for fit in one.shape_fits]
    return fits, one.admitted.tolist(), one.runnable, one.exclusions


def test_every_workload_is_judged_as_if_it_were_alone(whole: Scene) -> None:
    """Whatever else a spec holds, a workload has the candidates that it has by itself."""
    for found in find_candidates(whole):
        [alone] = find_candidates(_alone(whole, found.workload.name))
        assert _judgement(found) == _judgement(alone), found.workload.name


@pytest.mark.parametrize("admission", ADMISSIONS, ids=lambda one: one.key)
def test_what_decides_an_admission_is_all_it_looks_at(whole: Scene, admission: Any) -> None:
    """Two workloads with one basis are admitted to the same rows."""
    basis = admission.decided_by(whole)
    masks = [(basis(one), admission.admits(one, whole)) for one in whole.spec.workloads]
    for (first, mask), (second, other) in combinations(masks, 2):
        if first == second:
            assert (mask is None) == (other is None)
            assert mask is None or np.array_equal(mask, other)


def test_workloads_alike_share_their_arrays(whole: Scene) -> None:
    """One array stands for equal sets of rows, and nobody may write to it."""
    found = find_candidates(whole)
    by_content = {one.admitted.tobytes(): one.admitted for one in found}
    assert len(by_content) < len(found)
    assert all(one.admitted is by_content[one.admitted.tobytes()] for one in found)
    assert not any(one.admitted.flags.writeable for one in found)


def test_names_in_rules_keep_workloads_apart(whole: Scene) -> None:
    """Workloads that differ in nothing but the rules that name them differ in their rows."""
    found = {one.workload.name: one.admitted for one in find_candidates(whole)}
    provider = whole.stock.text("provider")
    assert set(provider[found["one"]]) == {"aws"}
    assert "gcp" not in set(provider[found["other"]])
    assert not found["third"].any()
    assert whole.stock.frame["zone"].filter(found["still"]).to_list() == ["use1-az2"]
    assert set(provider[found["g0"]]) == {"aws", "gcp"}


def test_rows_anybody_may_use_are_the_union(whole: Scene) -> None:
    """A row is in use as soon as one workload admits it."""
    found = find_candidates(whole)
    union = np.logical_or.reduce([one.admitted for one in found])
    assert np.array_equal(admitted_to_any(whole, found), union)
    assert not admitted_to_any(whole, ()).any()


def test_modes_are_those_of_the_workload_alone(whole: Scene) -> None:
    """A workload runs on the same rows, machines and terms beside others as by itself."""
    together = formulate(whole, find_candidates(whole))
    for number, workload in enumerate(whole.spec.workloads):
        alone = formulate(whole, find_candidates(_alone(whole, workload.name)))
        for mine, its in zip(together.modes_of(number), alone.modes_of(0), strict=True):
            assert together.supplies_of(mine).tolist() == alone.supplies_of(its).tolist()
            for name in ("mode_kind", "mode_shape", "mode_amount", "mode_hours"):
                every, one = getattr(together.demands, name), getattr(alone.demands, name)
                assert every[mine] == one[its], (workload.name, name)


def test_machines_that_carry_nothing_are_no_modes() -> None:
    """Machines too small for a replica fall out one by one, whatever sizes stand beside."""
    either = {"accelerators": ["H100", "H100-NVL"], "count": 8}
    common = {"throughput": 2, "demand": [{"from": "paris", "rate": 1}]}
    services = [
        {**either, **common, "name": "plain"},
        {**either, **common, "name": "two", "sizes": {"long": 0.5, "short": 0.5}},
        {**PLAIN, **common, "name": "one", "sizes": {"long": 1}},
    ]
    spec = spec_from_data({"period": 100, "services": services})
    scene = build_scene(spec, read_offers_csv("\n".join([HEAD, *ROWS]).encode(), name="tiny"))
    demands = formulate(scene, find_candidates(scene)).demands
    names = [scene.machines.name[kind][1] for kind in demands.mode_kind.tolist()]
    assert names == ["p5.48xlarge", "a3-highgpu-8g"] * 3
    assert demands.mode_start.tolist() == [0, 2, 4, 6]
    assert demands.mode_amount.tolist() == [16] * 6
    sizes = [[0, 0]] * 2 + [[16, 16]] * 2 + [[16, 0]] * 2
    assert demands.mode_size_amount is not None
    assert demands.mode_size_amount.tolist() == sizes
