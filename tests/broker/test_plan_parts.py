"""Plans: money, purchases, idle holdings, assumptions, reasons, files."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from broker.errors import BrokerError
from broker.plan_file import plan_to_json, read_plan
from broker.planning import make_plan
from broker.plans import Cost, Plan
from solver.solution import SearchLimits
from tests.broker.planning_inputs import market, spec


def planned(folder: Path, text: str, *rows: str) -> Plan:
    """Return the plan of a spec text, cheapest-first beside it."""
    limits = SearchLimits(gap=0.0)
    return make_plan(spec(folder, text), market(*rows), limits=limits, baseline=True).plan


def test_reserved_instances_are_paid_for_the_period_and_bought_for_the_term(
    tmp_path: Path,
) -> None:
    """87,600 upfront over 8,760 h is 10 an hour, under 14 on demand; the term is owed whole."""
    plan = planned(
        tmp_path,
        "training: [{name: a, accelerators: 'H100-NVL:4', fabric: any, hours: 90, "
        "purchase: [reserved-1y]}]\n",
    )
    assert plan.cost == Cost(compute=Decimal("2000.00"))
    [purchase] = plan.purchases
    assert purchase.instances == 2
    assert purchase.obligation_usd == Decimal("175200.00")
    assert purchase.upfront_usd == Decimal("175200.00")
    assert purchase.ends_on == "2027-08-02"


def test_short_use_stays_on_demand(tmp_path: Path) -> None:
    """For 50 of 100 hours, 14 on demand beats 10 for every hour of the period."""
    plan = planned(
        tmp_path,
        "training: [{name: a, accelerators: 'H100-NVL:2', hours: 50, purchase: [reserved-1y]}]\n",
    )
    assert [one.option for one in plan.placements] == ["on-demand"]
    assert plan.cost.total == Decimal("700.00")
    assert not plan.purchases


def test_idle_reservations_are_listed_with_the_reason(tmp_path: Path) -> None:
    """Two of three are used; one that ends early is not touched."""
    plan = planned(
        tmp_path,
        "training: [{name: a, accelerators: 'H100:16', hours: 90}]\n"
        "holdings: {reservations: ["
        "{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 3, usd_per_hour: 30}, "
        "{pool: gcp/europe-west4/europe-west4-a/a3-highgpu-8g, instances: 2, "
        "until: 2026-08-04}]}\n",
    )
    assert plan.cost.total == 0
    assert [(one.pool.split("/")[0], one.instances) for one in plan.owned_idle] == [
        ("aws", 1),
        ("gcp", 2),
    ]
    assert "ends on" in plan.owned_idle[1].reason


def test_a_gang_too_large_for_any_pool_says_how_far(tmp_path: Path) -> None:
    """The nearest pool and both numbers stand in the reason."""
    rows = [
        "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,5,,list,2026-07-20"
    ]
    plan = planned(tmp_path, "training: [{name: a, accelerators: 'H100:48', hours: 10}]\n", *rows)
    assert not plan.placements
    assert plan.unmet[0].fraction == 1
    assert "needs 6 instances" in plan.unmet[0].reasons[0]
    assert "the most any pool has is 5" in plan.unmet[0].reasons[0]


def test_demand_nobody_can_run_says_so(tmp_path: Path) -> None:
    """No machine has the card at all, or every offer is ruled out."""
    text = "training: [{name: a, accelerators: 'B200:8', hours: 1}]\n"
    assert "no machine in the market" in planned(tmp_path, text).unmet[0].reasons[0]
    text = "training: [{name: a, accelerators: 'H100:8', hours: 1, where: {providers: [azure]}}]\n"
    reasons = planned(tmp_path, text).unmet[0].reasons
    assert reasons[0] == "every offer that could run it is ruled out"
    assert reasons[1].startswith("providers: ")


def test_contested_capacity_names_the_priority(tmp_path: Path) -> None:
    """Of two gangs and one unit the lower priority is unmet, and the reason says why."""
    rows = [
        "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,1,,list,2026-07-20"
    ]
    text = (
        "training: [{name: a, accelerators: 'H100:8', hours: 1}, "
        "{name: b, accelerators: 'H100:8', hours: 1, priority: 1}]\n"
    )
    plan = planned(tmp_path, text, *rows)
    assert [one.workload for one in plan.unmet] == ["a"]
    assert "same or higher priority" in plan.unmet[0].reasons[0]
    assert [(level.priority, level.unmet) for level in plan.proof.levels] == [(1, 0), (0, 8)]


def test_batch_shares_fill_their_instances_exactly(tmp_path: Path) -> None:
    """A work that fills three units to the last hour is served whole, in whole cents."""
    rows = [
        "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,1,,list,2026-07-20",
        "gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,208,1872,rdma,on-demand,60,,2,,list,"
        "2026-08-03",
    ]
    plan = planned(tmp_path, "batch: [{name: b, accelerators: 'H100:8', work: 300h}]\n", *rows)
    assert plan.is_whole
    assert sum(one.served for one in plan.placements) == 1
    assert sum(one.instance_hours for one in plan.placements) == 300
    assert plan.cost.total == Decimal("17000.00")


def test_assumptions_name_only_what_the_plan_rests_on(tmp_path: Path) -> None:
    """An assumed capacity is listed with its number; nothing is said of spot when none is used."""
    plan = planned(
        tmp_path,
        "training: [{name: a, accelerators: 'H100-NVL:2', hours: 10}]\n"
        "assume: {instances_per_pool: {on-demand: 7, spot: 3}}\n",
    )
    text = " | ".join(plan.assumptions)
    assert "7 for on-demand" in text
    assert "spot" not in text
    assert "no zone" in text
    assert plan.placements[0].capacity == "assumed"
    assert plan.unknown_capacity_usd == 0


def test_cost_that_rests_on_unknown_capacity_is_added_up(tmp_path: Path) -> None:
    """An offer of unlimited capacity counts with its compute cost."""
    plan = planned(tmp_path, "training: [{name: a, accelerators: 'H100-NVL:2', hours: 10}]\n")
    assert plan.unknown_capacity_usd == plan.cost.compute == Decimal("140.00")


def test_the_baseline_stands_beside_the_plan(tmp_path: Path) -> None:
    """Cheapest-first gives the short gang the cheap unit; the plan gives it to the long one."""
    rows = [
        "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,1,,list,2026-07-20",
        "gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,208,1872,rdma,on-demand,60,,2,,list,"
        "2026-08-03",
    ]
    text = (
        "training: [{name: short, accelerators: 'H100:8', hours: 10}, "
        "{name: long, accelerators: 'H100:8', hours: 90}]\n"
    )
    plan = planned(tmp_path, text, *rows)
    assert plan.cost.total == Decimal("5100.00")
    assert plan.baseline is not None
    assert plan.baseline.total_usd == Decimal("5900.00")


def test_plan_files_come_back_as_they_went(tmp_path: Path) -> None:
    """Reading what was written gives the same plan and the same bytes."""
    plan = planned(
        tmp_path,
        "services: [{name: s, accelerators: 'H100:8', throughput: 1, "
        "demand: [{from: paris, rate: 3}], latency: {rtt: 60ms}}]\n",
    )
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(plan))
    assert read_plan(path) == plan
    assert plan_to_json(read_plan(path)) == path.read_text()
    data = json.loads(path.read_text())
    assert data["cost"]["total"] == str(plan.cost.total)
    assert all(isinstance(one["served"], str) for one in data["placements"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[]", "found format None"),
        ('{"format": 9}', "found format 9"),
        ('{"format": 1}', "not a whole plan"),
        ("\xff", "not JSON"),
    ],
)
def test_files_that_are_no_plans_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """One clear message, with what to do."""
    path = tmp_path / "plan.json"
    path.write_text(content)
    with pytest.raises(BrokerError, match=message) as caught:
        read_plan(path)
    assert "broker plan" in caught.value.remedy


def test_a_missing_plan_file_is_named(tmp_path: Path) -> None:
    """The path stands in the message."""
    with pytest.raises(BrokerError, match="nothing-here"):
        read_plan(tmp_path / "nothing-here.json")
