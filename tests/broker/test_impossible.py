"""What cannot be served is named before anything is solved, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from broker.cli import main
from broker.impossible import impossible_of
from broker.planning import make_plan
from solver.asking import Engine
from tests.broker.rules.ruled import HEADER, ROWS, market, planned, spec
from tests.random_cases import Data, Row, market_of, market_rows, spec_data, spec_of

GANG = "accelerators: 'H100:32', hours: 10"
CHAT = (
    "services: [{name: s, accelerators: 'H100:8', throughput: 1, "
    "demand: [{from: paris, rate: 6}, {from: tokyo, rate: 2}], %s}]\n"
)
TWO = (
    "training:\n"
    "- {name: a, accelerators: 'H100:8', hours: 10, where: {%s}}\n"
    "- {name: b, accelerators: 'H100:8', hours: 10, where: {%s}}\n"
    "policy: {exclusivity: [%s]}\n"
)
AWS, AZURE = "providers: [aws]", "providers: [azure]"

CASES = {
    "pool below a gang": (
        f"training: [{{name: a, {GANG}}}]\nassume: {{instances_per_pool: {{on-demand: 3}}}}\n",
        [("a", "the most any pool has is 3 (")],
    ),
    "quota below a gang": (
        f"training: [{{name: a, {GANG}, where: {{{AWS}}}}}]\n"
        "quotas: [{provider: aws, accelerator: H100, limit: 24, unit: gpus}]\n",
        [("a", "any quota or cap leaves is 3 (aws/us-east-1 H100 (gpus), 24)")],
    ),
    "power below a gang": (
        f"training: [{{name: a, {GANG}}}]\npolicy: {{power: {{cap: 25 kW}}}}\n",
        [("a", "any quota or cap leaves is 2 (power in aws/us-east-1 (kW), 25)")],
    ),
    "residency against only": (
        "training: [{name: a, accelerators: 'H100:8', hours: 10, where: {residency: [EU]}}]\n"
        "policy: {exclusivity: [{workloads: [a], only: [aws]}]}\n",
        [("a", "is ruled out: residency 1, only 2")],
    ),
    "export control against only": (
        "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"
        "policy: {export_control: {accelerators: [H100], never: [US]}, "
        "exclusivity: [{workloads: [a], only: [aws]}]}\n",
        [("a", "is ruled out: export_control 1, only 2")],
    ),
    "latency with no region in reach": (
        CHAT % "latency: {rtt: 30ms, share: 80%}",
        [("s", "no region it may use is within 30 ms of tokyo, 25 % of its demand, and 20 %")],
    ),
    "survive in one provider": (
        CHAT % f"survive: provider, where: {{{AWS}}}",
        [("s", "survive: needs a second provider beside aws")],
    ),
    "spread over more than there are": (
        CHAT % "spread: {regions: 3}, where: {providers: [aws, azure]}",
        [("s", "spread: needs 3 regions, may use 2: aws/us-east-1, azure/westeurope")],
    ),
    "apart in one region": (
        TWO % (AWS, AWS, "{workloads: [a, b], apart: region}"),
        [("a", "apart: it may stand in aws/us-east-1 alone, and so may b"),
         ("b", "apart: it may stand in aws/us-east-1 alone, and so may a")],
    ),
    "tenants in one region": (
        TWO % (AWS, AWS, "{tenants: {x: [a], y: [b]}, apart: region}"),
        [("a", "and so may b"), ("b", "and so may a")],
    ),
    "alone in one provider": (
        TWO % (AWS, AWS, "{workloads: [a], alone: provider}"),
        [("a", "alone: it may stand in aws alone, and so may b"), ("b", "and so may a")],
    ),
    "together in no region": (
        TWO % (AWS, AZURE, "{workloads: [a, b], together: region}"),
        [("a", "together: no region may hold it and b"), ("b", "may hold it and a")],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.mark.parametrize("name", CASES)
def test_what_is_out_of_reach_is_named(name: str, tmp_path: Path) -> None:
    """Arithmetic names workload and rule; the plan leaves it unmet for the same reason."""
    text, expected = CASES[name]
    found = impossible_of(spec(text, tmp_path, market()), market())
    assert [one.workload for one in found] == [workload for workload, _ in expected]
    for one, (_, piece) in zip(found, expected, strict=True):
        assert piece in one.text
    unmet = {one.workload: one.reasons for one in planned(text, tmp_path).unmet}
    assert set(unmet) & {workload for workload, _ in expected}
    texts = {one.text.partition(": ")[0] for one in found}
    assert all(any(reasons[0].startswith(one) for one in texts) for reasons in unmet.values())


@pytest.mark.parametrize("name", ["apart in one region", "together in no region"])
def test_a_rule_of_the_past_is_no_reason(name: str, tmp_path: Path) -> None:
    """Dated out, the same two workloads are served and nothing is named."""
    text = CASES[name][0].replace("{workloads:", "{until: 2026-01-01, workloads:")
    assert impossible_of(spec(text, tmp_path, market()), market()) == ()
    assert planned(text, tmp_path).unmet == ()


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(rows=market_rows(), data=spec_data())
def test_nothing_is_named_that_a_plan_serves(rows: list[Row], data: Data, engine: Engine) -> None:
    """Whatever is named stays unmet, at least in part; of several that a sentence names, one."""
    on, asked = market_of(rows), spec_of(data)
    unmet = {one.workload for one in make_plan(asked, on, engine=engine).plan.unmet}
    for one in impossible_of(asked, on):
        assert {one.workload, *re.findall(r"[a-z]+\d", one.text)} & unmet, one


def test_validate_warns_before_anything_is_solved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command names it beside the other warnings; the spec is still a spec."""
    (tmp_path / "market.csv").write_text(f"{HEADER}\n{ROWS}")
    path = tmp_path / "spec.yaml"
    path.write_text(CASES["survive in one provider"][0])
    assert main(["validate", str(path), "--market", str(tmp_path / "market.csv")]) == 0
    told = capsys.readouterr()
    assert "s: cannot be served in full: survive: needs a second provider beside aws" in told.err


def test_what_may_go_far_is_in_reach(tmp_path: Path) -> None:
    """A quarter of the demand has no region near, and a quarter may go far: nothing is named."""
    on = market()
    assert impossible_of(spec(CHAT % "latency: {rtt: 30ms, share: 75%}", tmp_path, on), on) == ()
