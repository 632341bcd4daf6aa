"""Savings plans: committed money that pays for hours at its own rates, once, after owned ones."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.explanations import explain
from broker.plan_file import plan_from_data, plan_to_json
from broker.report.plan import plan_text
from broker.rule_prices import price_rules
from tests.broker.rules.committed import BOTH, TUNE, holding, rated, use
from tests.broker.rules.ruled import AWS, GCP, HEADER, OWNED, hours, market, planned, refused


def test_a_plan_makes_the_dearer_machine_win(tmp_path: Path) -> None:
    """40 USD/h at half of 80 pay for all 100 h at gcp: 0 instead of 4,000 at aws."""
    plan = planned(TUNE + holding("{name: cud, provider: gcp, per_hour: 40, off: 50%}"), tmp_path)
    assert hours(plan) == {GCP: 100.0}
    assert plan.cost.total == 0
    (placed,) = plan.placements
    assert (placed.covered_hours, placed.contracted_usd_per_hour) == (100, 80)
    found = use(plan)
    assert (found.committed_usd, found.used_usd, found.saved_usd) == (4000, 4000, 8000)
    assert [(one.workload, one.hours, one.usd_per_hour) for one in found.covers] == [
        ("tune", 100, 40)
    ]
    assert [one.what for one in plan.binding] == ["savings plan cud (USD)"]


def test_a_small_plan_is_left_unused(tmp_path: Path) -> None:
    """10 USD/h pay for 25 h at gcp; the other 75 cost 6,000, more than all 100 at aws."""
    plan = planned(TUNE + holding("{provider: gcp, per_hour: 10, off: 50%}"), tmp_path)
    assert hours(plan) == {AWS: 100.0}
    assert plan.cost.total == 4000
    found = use(plan)
    assert (found.name, found.committed_usd, found.used_usd) == ("savings_plans[0]", 1000, 0)
    assert found.reason == "no workload of this plan uses what it pays for"
    assert "paid all the same" in plan_text(plan)


def test_half_used(tmp_path: Path) -> None:
    """Of 40 USD/h at 20 an hour, 100 h of aws use half; nothing else is to be had for it."""
    plan = planned(TUNE + holding("{provider: aws, per_hour: 40, off: 50%}"), tmp_path)
    assert plan.cost.total == 0
    assert (use(plan).committed_usd, use(plan).used_usd) == (4000, 2000)
    assert plan.binding == ()
    assert "$2,000.00 of $4,000.00 used for 100 h that would cost $4,000.00" in plan_text(plan)


def test_hours_beyond_the_commitment_cost_the_contracted_price(tmp_path: Path) -> None:
    """10 USD/h pay for 50 h at 20; 50 h are left at 40 less 10 %."""
    discount = "  discounts: [{provider: aws, off: 10%}]\n"
    text = TUNE + holding("{provider: aws, per_hour: 10, off: 50%}", discount)
    plan = planned(text, tmp_path)
    assert plan.cost.compute == 50 * 36
    assert use(plan).saved_usd == 50 * 36


def test_two_workloads_never_use_it_twice(tmp_path: Path) -> None:
    """100 USD/h at 20 pay for 500 of 1,100 h; 600 h are left at 40."""
    plan = planned(BOTH + holding("{provider: aws, per_hour: 100, off: 50%}"), tmp_path)
    assert plan.cost.total == 600 * 40
    assert sum(one.covered_hours for one in plan.placements) == 500
    assert sum(one.hours for one in use(plan).covers) == 500


def test_owned_instances_come_first(tmp_path: Path) -> None:
    """One instance of two is owned; the plan pays for 50 of the other's 100 h."""
    pool = OWNED.removesuffix("/owned")
    owned = f"  reservations: [{{pool: {pool}, instances: 1}}]\n"
    text = TUNE.replace("H100:8", "H100:16")
    plan = planned(text + holding("{provider: aws, per_hour: 10, off: 50%}", owned), tmp_path)
    assert hours(plan) == {AWS: 100.0, OWNED: 100.0}
    assert plan.cost.total == 2000
    assert [(one.offer, one.hours) for one in use(plan).covers] == [(AWS, 50)]


@pytest.mark.parametrize(
    ("scope", "total"),
    [
        ("types: [p5*]", 0),
        ("types: [p6*, g*]", 4000),
        ("regions: [us-*]", 0),
        ("regions: [eu-*]", 4000),
        ("from: 2026-12-01", 0),
        ("from: 2026-12-02", 4000),
        ("until: 2026-12-05", 0),
        ("until: 2026-12-04", 4000),
    ],
)
def test_what_it_pays_for(scope: str, total: int, tmp_path: Path) -> None:
    """Types and regions are globs; it counts only where it is held for the whole period."""
    more = "aws,eu-west-1,euw1-az1,g6.xlarge,L4,1,16,4,none,on-demand,1\n"
    more += "aws,eu-west-1,euw1-az1,p6.48xlarge,B200,8,16,4,none,on-demand,1\n"
    text = TUNE + holding(f"{{provider: aws, per_hour: 40, off: 50%, {scope}}}")
    plan = planned(text, tmp_path, market(more=more))
    assert plan.cost.total == total
    if "2026-12-02" in scope or "2026-12-04" in scope:
        assert use(plan).committed_usd == 0
        assert use(plan).reason.startswith(("begins on 2026-12-02", "ends on 2026-12-04"))


def test_spot_is_never_paid_for(tmp_path: Path) -> None:
    """A plan pays for on-demand hours alone: spot at 30 is not free, on-demand is."""
    more = "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,spot,30\n"
    text = BOTH.replace("work: 1000h", "work: 1000h, spot: {restart: 1m}")
    plan = planned(
        text + holding("{provider: aws, per_hour: 20, off: 50%}"), tmp_path, market(more=more)
    )
    assert {one.offer for one in use(plan).covers} == {AWS}


def test_hosts_of_a_rack_are_paid_for_one_by_one(tmp_path: Path) -> None:
    """80 GB200 take 36 hosts for 10 h at 10: 100 USD/h at half pay for 200 of 360 host-hours."""
    rows = (
        "azure,westeurope,-,Standard_ND128isr_NDR_GB200_v6,GB200,4,900,128,nvlink-rack,on-demand,"
        "10,18\n"
    )
    text = (
        "training: [{name: a, accelerators: 'GB200:80', hours: 10}]\nperiod: 10h\n"
        "holdings: {savings_plans: [{provider: azure, per_hour: 100, off: 50%}]}\n"
    )
    plan = planned(text, tmp_path, market(rows, header=f"{HEADER},rack_hosts"))
    assert (plan.cost.total, plan.placements[0].covered_hours) == (1600, 200)
    assert plan.proof.gap == 0


def test_rates_of_the_market(tmp_path: Path) -> None:
    """A fee of 8,760 over three years is 1/3 USD/h: 1,000 USD pay for 1000 / 20.33 h."""
    text = holding("{provider: aws, per_hour: 10, rates: reserved-3y/compute-savings-plan}")
    plan = planned(TUNE + text, tmp_path, rated())
    (one,) = use(plan).covers
    assert float(one.usd_per_hour) == pytest.approx(20 + 1 / 3)
    assert float(one.hours) == pytest.approx(1000 / (20 + 1 / 3))
    assert use(plan).used_usd == 1000


def test_of_two_plans_the_hour_takes_one_rate(tmp_path: Path) -> None:
    """The plan that saves most a dollar pays first: 100 h at 20, and nothing of the other."""
    plans = "{provider: aws, per_hour: 20, off: 25%}, {provider: aws, per_hour: 20, off: 50%}"
    plan = planned(TUNE + holding(plans), tmp_path)
    assert plan.cost.total == 0
    assert [one.used_usd for one in plan.savings_plans] == [0, 2000]


def test_a_narrow_plan_pays_before_a_wide_one(tmp_path: Path) -> None:
    """At equal rates the plan for p5 alone pays for tune, so that the wide one is left for g6."""
    more = "aws,us-east-1,use1-az1,g6.xlarge,L4,1,16,4,none,on-demand,1\n"
    text = TUNE + "batch: [{name: small, accelerators: 'L4:1', work: 100h}]\n"
    plans = (
        "{name: wide, provider: aws, per_hour: 20, off: 50%}, "
        "{name: narrow, provider: aws, per_hour: 20, off: 50%, types: [p5*]}"
    )
    plan = planned(text + holding(plans), tmp_path, market(more=more))
    assert plan.cost.total == 0
    assert [one.used_usd for one in plan.savings_plans] == [50, 2000]


def test_fees_count_towards_a_commitment_and_covered_hours_do_not(tmp_path: Path) -> None:
    """3,000 owed less a fee of 1,000 leave 2,000: 50 h at 40 meet them, 50 h are paid for."""
    promise = "  commitments: [{provider: aws, spend: 3k}]\n"
    text = TUNE + holding("{provider: aws, per_hour: 10, off: 50%}", promise)
    plan = planned(text, tmp_path)
    assert (plan.cost.compute, plan.cost.shortfall) == (2000, 0)
    text = text.replace("3k", "4k")
    plan = planned(text, tmp_path)
    assert (plan.cost.compute, plan.cost.shortfall) == (2000, 1000)


def test_a_budget_leaves_out_what_is_sunk(tmp_path: Path) -> None:
    """2,000 USD are enough for 100 h at 40 where half of them are paid for."""
    text = TUNE + holding("{provider: aws, per_hour: 10, off: 50%}", "policy: {budget: 2k}\n")
    assert planned(text, tmp_path).unmet == ()
    assert planned(text.replace("per_hour: 10", "per_hour: 9"), tmp_path).unmet


def test_a_budget_below_commitments_less_fees_is_refused(tmp_path: Path) -> None:
    """3,000 owed less 1,000 of fees are 2,000, above 1,500."""
    promise = "  commitments: [{provider: aws, spend: 3k}]\npolicy: {budget: 1500}\n"
    text = TUNE + holding("{provider: aws, per_hour: 10, off: 50%}", promise)
    (fault,) = refused(text, tmp_path).faults
    assert "2000.00 USD" in fault.found


def test_concentration_counts_covered_hours_at_their_contracted_price(tmp_path: Path) -> None:
    """Half of the spend may be at gcp: free hours there still count 80 each."""
    text = "batch: [{name: embed, accelerators: 'H100:8', work: 100h}]\n" + holding(
        "{provider: gcp, per_hour: 40, off: 50%}",
        "policy: {concentration: {provider: 50%}}\n",
    )
    plan = planned(text, tmp_path)
    spent = hours(plan)
    assert spent[GCP] * 80 <= (spent[GCP] * 80 + spent[AWS] * 40) / 2 + 0.1
    assert spent[GCP] == pytest.approx(100 / 3, rel=1e-4)


def test_what_a_dollar_an_hour_more_would_save(tmp_path: Path) -> None:
    """1 USD/h for 100 h pays for 5 h more at 20, which cost 200."""
    on = market()
    plan = planned(
        TUNE + holding("{name: sp, provider: aws, per_hour: 10, off: 50%}"), tmp_path, on
    )
    found = price_rules(plan, on).margins
    (margin,) = (one for one in found if one.kind == "savings plan")
    assert (margin.what, margin.step, margin.saves_usd) == ("sp", "1 USD an hour more", 200)


def test_an_explanation_names_the_plan_that_decided(tmp_path: Path) -> None:
    """At aws the work costs 4,000; at gcp it would be 8,000, but its hours are paid for."""
    on = market()
    plan = planned(TUNE + holding("{provider: gcp, per_hour: 40, off: 50%}"), tmp_path, on)
    (explained,) = explain(plan, on)
    first = explained.alternatives[0]
    assert (first.way.offer, first.dearer_usd) == (AWS, -4000)
    assert first.why_not == "a savings plan pays for hours of the chosen one"


def test_a_plan_file_keeps_it(tmp_path: Path) -> None:
    """What is paid for survives the file."""
    plan = planned(BOTH + holding("{provider: aws, per_hour: 100, off: 50%}"), tmp_path)
    assert plan_from_data(json.loads(plan_to_json(plan))) == plan
