"""Savings plans: committed money that pays for hours at its own rates, once, after owned ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.audit import audit
from broker.explanations import explain
from broker.market import HOLDING_SCHEMA, Market
from broker.paid_hours import SavingsPlanUse
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.plan import plan_text
from broker.rule_prices import price_rules
from broker.spec_data import spec_to_data
from tests.broker.rules.ruled import (
    AWS,
    AZURE,
    GCP,
    HEADER,
    OWNED,
    hours,
    market,
    planned,
    refused,
    spec,
)

#: One unit of 8 H100 for 100 h: 4,000 USD at aws, 6,000 at azure, 8,000 at gcp.
TUNE = "training: [{name: tune, accelerators: 'H100:8', hours: 100}]\n"
BOTH = (
    "training: [{name: tune, accelerators: 'H100:8', hours: 100}]\n"
    "batch: [{name: embed, accelerators: 'H100:8', work: 1000h}]\n"
)


def holding(plans: str, more: str = "") -> str:
    """Return holdings of a period of 100 h with these savings plans."""
    return f"period: 100h\nholdings:\n  savings_plans: [{plans}]\n{more}"


def use(plan: Plan, number: int = 0) -> SavingsPlanUse:
    """Return what a plan says of one of its savings plans."""
    return plan.savings_plans[number]


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


RATES = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,40,,\n"
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,2048,192,rdma,on-demand,41,,\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,30,,compute-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,27,,ec2-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-3y,20,8760,compute-savings-plan\n"
    "aws,us-east-1,-,p5.48xlarge,H100,8,2048,192,rdma,reserved-1y,10,,savings-plan\n"
    "azure,westeurope,-,ND96isr_H100_v5,H100,8,1900,96,rdma,on-demand,60,,\n"
)


def rated() -> Market:
    """Return a market with rates of savings plans among its offers."""
    return market(RATES, header=f"{HEADER},upfront_usd,variant")


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


# ---- held by the account


def held(**changes: Any) -> Market:
    """Return the rated market with a compute savings plan of one year, 15 USD/h."""
    row: dict[str, Any] = dict.fromkeys(HOLDING_SCHEMA, "") | {
        "id": "sp-1",
        "kind": "compute-savings-plan",
        "provider": "aws",
        "instances": None,
        "usd_per_hour": Decimal(15),
        "starts_at": datetime(2026, 6, 1, tzinfo=UTC),
        "ends_at": datetime(2027, 6, 1, tzinfo=UTC),
        "observed_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    return replace(rated(), holdings=pl.DataFrame([row | changes], schema=dict(HOLDING_SCHEMA)))


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({}, 30),
        ({"kind": "ec2-savings-plan", "region": "us-east-1", "instance_type": "p5.*"}, 27),
        ({"ends_at": datetime(2029, 5, 31, tzinfo=UTC)}, Decimal(61) / 3),
    ],
    ids=["compute", "one family", "three years"],
)
def test_a_plan_the_market_holds_pays_at_the_rates_of_its_kind_and_term(
    changes: dict[str, Any], rate: Decimal, tmp_path: Path
) -> None:
    """The kind of the holding names the offers at whose prices it pays."""
    plan = planned(TUNE + "period: 100h\n", tmp_path, held(**changes))
    (one,) = use(plan).covers
    assert (use(plan).name, use(plan).used_usd) == ("sp-1", 1500)
    assert float(one.usd_per_hour) == pytest.approx(float(rate))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "sagemaker-savings-plan"}, "no offer has a price at its rates"),
        ({"ends_at": None}, "no offer has a price at its rates"),
        ({"region": "eu-west-1"}, "no offer has a price at its rates"),
        ({"ends_at": datetime(2026, 12, 2, tzinfo=UTC)}, "ends on 2026-12-01"),
    ],
    ids=["another service", "no term", "elsewhere", "too short"],
)
def test_a_held_plan_that_pays_for_nothing_is_listed_with_the_reason(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    """Nothing is taken for granted of what the market does not say."""
    plan = planned(TUNE + "period: 100h\n", tmp_path, held(**changes))
    assert plan.cost.total == 4000
    assert use(plan).reason.startswith(reason)


def test_the_spec_replaces_a_held_plan_of_its_name(tmp_path: Path) -> None:
    """The spec says 20 USD/h at half: 100 h are paid for, once."""
    text = TUNE + holding("{name: sp-1, provider: aws, per_hour: 20, off: 50%}")
    plan = planned(text, tmp_path, held())
    assert plan.cost.total == 0
    assert [one.name for one in plan.savings_plans] == ["sp-1"]


# ---- what the audit sees

Spoil = Callable[[Plan], Plan]


def _used(**changes: Any) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        return replace(plan, savings_plans=(replace(use(plan), **changes),))

    return spoil


def _cover(**changes: Any) -> Spoil:
    """Change the first of the placements that are paid for."""

    def spoil(plan: Plan) -> Plan:
        first, *rest = use(plan).covers
        return _used(covers=(replace(first, **changes), *rest))(plan)

    return spoil


def _placed(**changes: Any) -> Spoil:
    def spoil(plan: Plan) -> Plan:
        first, *rest = plan.placements
        return replace(plan, placements=(replace(first, **changes), *rest))

    return spoil


@pytest.mark.parametrize(
    ("spoil", "rules"),
    [
        (_used(name="other"), {"savings plans", "coverage"}),
        (_used(committed_usd=Decimal(1)), {"savings plans"}),
        (_used(used_usd=Decimal(1)), {"savings plans"}),
        (_used(saved_usd=Decimal(1)), {"savings plans"}),
        (_used(reason="none"), {"savings plans"}),
        (_cover(usd_per_hour=Decimal(19)), {"savings plans", "coverage"}),
        (_cover(hours=Decimal(101)), {"savings plans", "coverage"}),
        (_cover(hours=Decimal(60)), {"savings plans", "coverage"}),
        (_cover(offer=AZURE), {"savings plans", "coverage"}),
        (_placed(covered_hours=Decimal(10)), {"coverage", "cost"}),
    ],
)
def test_the_audit_sees_what_is_wrong(spoil: Spoil, rules: set[str], tmp_path: Path) -> None:
    """Names, sums, rates, hours paid twice or not at all, hours of the wrong placement."""
    on = market()
    stated = spec(BOTH + holding("{provider: aws, per_hour: 100, off: 50%}"), tmp_path, on)
    plan = make_plan(stated, on).plan
    assert audit(plan, stated, on) == ()
    assert {one.rule for one in audit(spoil(plan), stated, on)} == rules


def test_the_audit_sees_a_plan_that_is_no_longer_held(tmp_path: Path) -> None:
    """Hours paid by a plan that ends in the period, and the fee of it, are refused."""
    on = market()
    stated = spec(TUNE + holding("{provider: aws, per_hour: 40, off: 50%}"), tmp_path, on)
    plan = make_plan(stated, on).plan
    (one,) = stated.holdings.savings_plans
    ended = replace(one, until=date(2026, 12, 2))
    other = replace(stated, holdings=replace(stated.holdings, savings_plans=(ended,)))
    found = audit(replace(plan, spec=spec_to_data(other)), other, on)
    assert {one.rule for one in found} == {"savings plans", "coverage"}
