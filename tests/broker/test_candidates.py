"""Which rows a workload may use, and what each rule refused."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.candidates import Candidates, find_candidates
from broker.rules.exclusivity import terms
from broker.workloads import Exclusivity, ScopeLevel, Shape, Training, Verb
from solver.problem import Apart, Level, Together
from tests.broker.planning_inputs import ROWS, scene, spec

A1 = "aws/us-east-1/use1-az1/p5.48xlarge/on-demand"
A2 = "aws/us-east-1/use1-az2/p5.48xlarge/on-demand"
SPOT = "aws/us-east-1/use1-az1/p5.48xlarge/spot"
GCP = "gcp/europe-west4/europe-west4-a/a3-highgpu-8g/on-demand"


def judged(folder: Path, workload: str, policy: str = "") -> tuple[Candidates, list[str]]:
    """Return the candidates of one training workload and the ids it may use."""
    text = f"training: [{{name: a, {workload}}}]\n{policy}"
    one = scene(folder, text)
    found = find_candidates(one)[0]
    ids = one.stock.frame["id"]
    return found, [ids[int(row)] for row in found.admitted.nonzero()[0]]


H100 = "accelerators: 'H100:8', hours: 10"


@pytest.mark.parametrize(
    ("workload", "policy", "admitted", "refusals"),
    [
        (H100, "", [A1, A2, GCP], {"purchase": 1}),
        (f"{H100}, spot: {{}}", "", [A1, SPOT, A2, GCP], {}),
        (f"{H100}, spot: {{restart: 30h}}", "", [A1, A2, GCP], {"spot": 1}),
        (f"{H100}, where: {{providers: [gcp]}}", "", [GCP], {"providers": 3}),
        (f"{H100}, where: {{regions: ['us-*']}}", "", [A1, A2], {"regions": 1, "purchase": 1}),
        (
            f"{H100}, where: {{regions: [aws/us-east-1/use1-az2]}}",
            "",
            [A2],
            {"regions": 3},
        ),
        (f"{H100}, where: {{residency: [EU]}}", "", [GCP], {"residency": 3}),
        (
            H100,
            "policy: {exclusivity: [{workloads: [a], never: [gcp]}]}\n",
            [A1, A2],
            {"never": 1, "purchase": 1},
        ),
        (
            H100,
            "policy: {exclusivity: [{workloads: [a], only: [gcp/europe-west4]}]}\n",
            [GCP],
            {"only": 3},
        ),
    ],
)
def test_rules_admit_and_refuse(
    tmp_path: Path, workload: str, policy: str, admitted: list[str], refusals: dict[str, int]
) -> None:
    """Each rule refuses the rows it should, and a fallen row is blamed on the first rule."""
    found, ids = judged(tmp_path, workload, policy)
    assert ids == admitted
    assert {one.rule: one.offers for one in found.exclusions} == refusals
    assert found.runnable == 4


def test_an_exclusion_names_its_cheapest_row(tmp_path: Path) -> None:
    """The example of a refusal is the offer a reader would ask about."""
    found, _ = judged(tmp_path, f"{H100}, where: {{providers: [gcp]}}")
    assert found.exclusions[0].example == SPOT


def test_reserved_terms_need_to_be_named(tmp_path: Path) -> None:
    """A reserved offer is a candidate only with `purchase`."""
    plain = "accelerators: 'H100-NVL:2', hours: 10"
    assert judged(tmp_path, plain)[1] == ["azure/westeurope/-/NC80/on-demand"]
    assert len(judged(tmp_path, f"{plain}, purchase: [reserved-1y]")[1]) == 2


def test_special_places_need_to_be_named(tmp_path: Path) -> None:
    """A Local Zone offer is planned only when a glob matches it."""
    head_row = ROWS[0].replace("us-east-1,use1-az1", "us-east-1-bos-1,-")
    text = "training: [{name: a, accelerators: 'H100:8', hours: 1%s}]\n"
    for where, count in (("", 0), (", where: {regions: ['us-east-1-bos-*']}", 1)):
        one = scene(tmp_path, text % where, [head_row])
        frame = one.stock.frame
        assert frame["location_kind"].to_list() == ["region"]
        object.__setattr__(
            one.stock, "frame", frame.with_columns(location_kind=_local(frame.height))
        )
        assert int(find_candidates(one)[0].admitted.sum()) == count


def _local(height: int) -> object:
    import polars as pl

    return pl.Series(["local-zone"] * height)


def test_data_needs_a_known_price_of_transfer(tmp_path: Path) -> None:
    """Where no table says what moving costs, the place is refused and not free."""
    (tmp_path / "transfer.csv").write_text("from,to,usd_per_gb\ngcp,aws,0.08\n")
    text = (
        f"transfer: {tmp_path}/transfer.csv\n"
        "training: [{name: a, accelerators: 'H100:8', hours: 1, data: {in: nowhere/far, gb: 5}}]\n"
    )
    one = scene(tmp_path, text)
    found = find_candidates(one)[0]
    assert [(item.rule, item.offers) for item in found.exclusions][:1] == [("transfer", 4)]


def test_a_place_beyond_every_limit_is_refused_to_a_service(tmp_path: Path) -> None:
    """With all demand near Paris within 40 ms, Virginia is out."""
    text = (
        "services: [{name: s, accelerators: 'H100:8', throughput: 1, "
        "demand: [{from: paris, rate: 1}], latency: {rtt: 40ms}}]\n"
    )
    found = find_candidates(scene(tmp_path, text))[0]
    assert {one.rule: one.offers for one in found.exclusions} == {"purchase": 1, "latency": 2}


def test_rules_over_the_plan_become_groups_and_sets(tmp_path: Path) -> None:
    """Apart pairs, tenants, alone against the rest, together."""
    text = (
        "training: [{name: a, accelerators: 'H100:8', hours: 1}, "
        "{name: b, accelerators: 'H100:8', hours: 1}, "
        "{name: c, accelerators: 'H100:8', hours: 1}]\n"
        "policy: {exclusivity: [{workloads: [a, b], apart: provider}, "
        "{workloads: [b, c], together: region}, {workloads: [c], alone: zone}, "
        "{tenants: {x: [a], y: [b, c]}, apart: region}]}\n"
    )
    one = spec(tmp_path, text)
    apart, together = terms(one.policy.exclusivity, one.workloads)
    assert apart == (
        Apart(level=Level.OWNER, groups=((0,), (1,))),
        Apart(level=Level.PLACE, groups=((0,), (1, 2))),
        Apart(level=Level.ZONE, groups=((0, 1), (2,))),
    )
    assert together == (Together(level=Level.PLACE, demands=(1, 2)),)


@given(st.lists(st.sets(st.integers(0, 5), min_size=1), min_size=1, max_size=4))
def test_all_that_are_alone_become_one_rule_of_each_scope(insides: list[set[int]]) -> None:
    """Two workloads are in different groups where some rule holds for one of them only."""
    shape = Shape(accelerators=("H100",), count=Decimal(8), written="H100:8")
    workloads = [Training(name=f"w{one}", shapes=(shape,), hours=Decimal(9)) for one in range(6)]
    rules = [
        Exclusivity(
            verb=Verb.ALONE,
            scope=ScopeLevel.ZONE,
            workloads=tuple(workloads[one].name for one in sorted(inside)),
        )
        for inside in insides
    ]
    apart, _ = terms(rules, workloads)
    assert len(apart) <= 1
    groups = [some for rule in apart for some in rule.groups]
    group = {one: number for number, some in enumerate(groups) for one in some}
    for one, other in combinations(range(6), 2):
        told = any((one in inside) != (other in inside) for inside in insides)
        assert told == (group.get(one) != group.get(other))
