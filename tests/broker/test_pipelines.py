"""Pipelines from spec to audited plan: places chosen together, moves billed, faults seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.explanations import explain
from broker.market import Market
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.plan import plan_text
from broker.rules.pipelines import terms
from broker.spec_data import spec_to_data
from broker.workloads import Spec
from solver.asking import Engine
from tests.broker.planning_inputs import ROWS, market, scene, spec

D = Decimal
#: One instance at 50 an hour in aws, any number at 60 in gcp and at 61 in another region of it.
PAIR = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,1,,list,2026-07-20",
    "gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,208,1872,rdma,on-demand,60,,,,list,"
    "2026-08-03",
    "gcp,us-central1,us-central1-a,a3-highgpu-8g,H100,8,208,1872,rdma,on-demand,61,,,,list,"
    "2026-08-03",
)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def planned(
    folder: Path, engine: Engine, gb: int, *, prices: str = "aws,gcp,0.08\ngcp,aws,0.12\n"
) -> Plan:
    """Plan two trainings of ten hours, the second of which reads the first."""
    asked, sold = asks(folder, gb, prices=prices)
    return make_plan(asked, sold, engine=engine).plan


def asks(folder: Path, gb: int, *, prices: str) -> tuple[Spec, Market]:
    """Return their spec and market, with the user's own prices of transfer."""
    table = folder / "transfer.csv"
    table.write_text(f"from,to,usd_per_gb\n{prices}", encoding="utf-8")
    text = f"""
transfer: {table}
training:
- {{name: prep, accelerators: H100:8, hours: 10}}
- {{name: train, accelerators: H100:8, hours: 10, reads: {{from: prep, gb: {gb}}}}}
"""
    return spec(folder, text), market(*PAIR)


def test_apart_while_moving_costs_less_than_the_dearer_place(
    tmp_path: Path, engine: Engine
) -> None:
    """1000 GB at 0.08 are 80: 500 in aws + 600 in gcp + 80, under 1200 in gcp alone."""
    plan = planned(tmp_path, engine, 1000)
    assert (plan.cost.compute, plan.cost.transfer, plan.cost.total) == (1100, 80, 1180)
    (one,) = plan.readings
    assert (one.workload, one.source) == ("train", "prep")
    assert (one.origin, one.target) == ("aws/us-east-1", "gcp/europe-west4")
    assert (one.gb, one.usd_per_gb, one.usd) == (1000, D("0.08"), D("80.00"))
    assert plan.proof.cost_bound == plan.cost.total
    assert "aws/us-east-1 to gcp/europe-west4  1000" in plan_text(plan)


def test_together_where_moving_costs_more(tmp_path: Path, engine: Engine) -> None:
    """2000 GB are 160: both run in gcp for 1200, and nothing moves."""
    plan = planned(tmp_path, engine, 2000)
    assert plan.cost.total == D("1200.00")
    (one,) = plan.readings
    assert (one.origin, one.target, one.usd) == ("gcp/europe-west4",) * 2 + (D("0.00"),)
    assert "READER" not in plan_text(plan)


def test_the_plan_file_keeps_readings(tmp_path: Path, engine: Engine) -> None:
    """What is written is read back the same."""
    plan = planned(tmp_path, engine, 1000)
    assert plan_from_data(json.loads(plan_to_json(plan))) == plan


def test_parts_of_a_batch_read_what_lies_beside_them(tmp_path: Path, engine: Engine) -> None:
    """One instance for 100 h in aws: 100 of 150 h of the writer there, and all it feeds stays."""
    text = """
batch:
- {name: clean, accelerators: H100:8, work: 150h}
- {name: embed, accelerators: H100:8, work: 100h, reads: [{from: clean, gb: 900}]}
"""
    plan = make_plan(spec(tmp_path, text), market(*PAIR), engine=engine).plan
    moved = sum((one.gb for one in plan.readings), D(0))
    assert moved == 900
    stays = {one.workload: one.served for one in plan.placements if one.provider == "aws"}
    assert stays  # the cheap instance is used
    assert audit(plan, spec(tmp_path, text), market(*PAIR)) == ()


def test_unmet_says_what_was_not_there_to_read(tmp_path: Path, engine: Engine) -> None:
    """The writer fits nowhere; its reader says so first."""
    text = """
training:
- {name: prep, accelerators: H100:8, hours: 10, where: {providers: [azure]}}
- {name: train, accelerators: H100:8, hours: 10, reads: {from: prep, gb: 1}}
"""
    rows = (*PAIR, ROWS[3])
    plan = make_plan(spec(tmp_path, text), market(*rows), engine=engine).plan
    assert [one.workload for one in plan.unmet] == ["prep", "train"]
    assert plan.unmet[1].reasons[0] == "reads prep, of which 0.00 % is served"


def test_explanations_name_the_pipeline(tmp_path: Path, engine: Engine) -> None:
    """At 2000 GB the cheaper instance of aws is passed over for the pipeline's sake."""
    asked, sold = asks(tmp_path, 2000, prices="aws,gcp,0.08\ngcp,aws,0.12\n")
    plan = make_plan(asked, sold, engine=engine).plan
    (one,) = explain(plan, sold, "prep")
    reasons = {other.way.offer.split("/")[0]: other.why_not for other in one.alternatives}
    assert reasons["aws"] == "dearer once the data of its pipeline are moved"


def test_shipped_tiers_are_billed_at_the_first_price_and_said(
    tmp_path: Path, engine: Engine
) -> None:
    """What leaves AWS costs 0.09 a GB at first: 100 GB are 9.00, and the plan says how."""
    text = """
training:
- {name: prep, accelerators: H100:8, hours: 10}
- {name: train, accelerators: H100:8, hours: 10, reads: {from: prep, gb: 100}}
"""
    plan = make_plan(spec(tmp_path, text), market(*PAIR), engine=engine).plan
    assert plan.cost.transfer == D("9.00")
    assert any("pipeline moves out of a provider" in one for one in plan.assumptions)


def test_places_of_one_class_are_billed_alike(tmp_path: Path) -> None:
    """Class by class the optimizer is told what the table says place by place."""
    text = "training:\n- {name: a, accelerators: H100:8, hours: 1}\n"
    text += "- {name: b, accelerators: H100:8, hours: 1, reads: {from: a, gb: 1}}\n"
    seen = scene(tmp_path, text, [*ROWS, *PAIR[2:]])
    reads = terms(seen)
    assert reads is not None
    for row, origin in enumerate(seen.places):
        for column, place in enumerate(seen.places):
            price = seen.transfer.usd_per_gb(origin, place)
            classes = reads.class_of_place[row], reads.class_of_place[column]
            assert row == column or reads.cost[classes] == float(price or 0)


def test_a_spec_with_reads_is_written_as_it_was_meant(tmp_path: Path) -> None:
    """The normal form lists what is read."""
    asked, _ = asks(tmp_path, 5, prices="")
    data = spec_to_data(asked)["training"]
    assert data[1]["reads"] == [{"from": "prep", "gb": "5"}]  # type: ignore[index]  # JSON


@pytest.mark.parametrize(
    "changes",
    [
        {"usd": D("79.99")},
        {"usd_per_gb": D("0.07")},
        {"gb": D("900"), "usd": D("72.00")},
        {"origin": "gcp/europe-west4", "usd_per_gb": D(0), "usd": D("0.00")},
        {"target": "gcp/us-central1"},
        {"source": "train"},
        {"price_source": "hearsay"},
        {"estimated": True},
    ],
    ids="-".join,
)
def test_the_audit_sees_a_wrong_reading(
    tmp_path: Path, engine: Engine, changes: dict[str, object]
) -> None:
    """Price, amount, end or source changed: each is a violation."""
    prices = "aws,gcp,0.08\ngcp,aws,0.12\n"
    asked, sold = asks(tmp_path, 1000, prices=prices)
    plan = make_plan(asked, sold, engine=engine).plan
    wrong = replace(plan.readings[0], **changes)  # type: ignore[arg-type]  # fields of a reading
    found = audit(replace(plan, readings=(wrong,)), asked, sold)
    assert any(one.rule == "reads" for one in found)


def test_the_audit_misses_a_reading_that_is_left_out(tmp_path: Path, engine: Engine) -> None:
    """A reader without its reading is a violation, and the total is one."""
    asked, sold = asks(tmp_path, 1000, prices="aws,gcp,0.08\ngcp,aws,0.12\n")
    plan = make_plan(asked, sold, engine=engine).plan
    rules = {one.rule for one in audit(replace(plan, readings=()), asked, sold)}
    assert {"reads", "total"} <= rules
