"""Flex-start, capacity blocks and calendar terms: when they can work and what they cost."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.market import Market
from broker.planning import make_plan
from tests.broker.rules.ruled import AWS, HEADER, ROWS, hours, market, planned, spec

FLEX = "aws/us-east-1/use1-az1/p5.48xlarge/flex-start"
BLOCK = "aws/us-east-1/use1-az1/p5.48xlarge/capacity-block/cb-1"
TYPE = "us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma"


def with_terms(*, starts: str = "2026-12-03T00:00:00Z", length: int = 48) -> Market:
    """Return the market with flex-start at 20 an hour and two instances of a block at 480 each."""
    rows = "".join(f"{row},0,,,,\n" for row in ROWS.splitlines())
    rows += f"aws,{TYPE},flex-start,20,0,,,,\n"
    rows += f"aws,{TYPE},capacity-block,0,480,{starts},{length},2,cb-1\n"
    header = f"{HEADER},upfront_usd,starts_at,length_h,available,variant"
    return market(rows, header=header)


def gang(hours_each: int, option: str, nodes: int = 1) -> str:
    """Return a gang that may be bought under one more option."""
    shape = f"H100:{8 * nodes}"
    return (
        f"training: [{{name: a, accelerators: '{shape}', hours: {hours_each}, "
        f"purchase: [{option}]}}]\n"
    )


@pytest.mark.parametrize(("each", "offer"), [(168, FLEX), (169, AWS)])
def test_flex_start_runs_seven_days_at_most(each: int, offer: str, tmp_path: Path) -> None:
    """168 h at 20; an hour more is bought on demand at 40."""
    assert hours(planned(gang(each, "flex-start"), tmp_path, with_terms())) == {offer: each}


def test_batch_work_on_flex_start_takes_more_instances(tmp_path: Path) -> None:
    """500 h are three instances of 168 h at most, not one for 730 h."""
    text = "batch: [{name: b, accelerators: 'H100:8', work: 500h, purchase: [flex-start]}]\n"
    (one,) = planned(text, tmp_path, with_terms()).placements
    assert (one.offer, one.instances, one.instance_hours) == (FLEX, 3, 500)


def test_service_does_not_run_on_flex_start_for_a_month(tmp_path: Path) -> None:
    """It works the whole period of 730 h."""
    text = (
        "services: [{name: s, accelerators: 'H100:8', throughput: 1, purchase: [flex-start], "
        "demand: [{from: new-york, rate: 8}]}]\n"
    )
    assert hours(planned(text, tmp_path, with_terms())) == {AWS: 730}


def test_block_is_paid_whole_and_is_a_purchase(tmp_path: Path) -> None:
    """Two instances work 40 of 48 h: 2 x 480, due at once, until the end of 4 December."""
    plan = planned(gang(40, "capacity-block", nodes=2), tmp_path, with_terms())
    assert hours(plan) == {BLOCK: 80}
    assert plan.cost.total == Decimal("960.00")
    (bought,) = plan.purchases
    assert (bought.instances, bought.upfront_usd, bought.obligation_usd) == (2, 960, 960)
    assert bought.ends_on == "2026-12-04"
    assert plan.placements[0].contracted_usd_per_hour == 10


def test_block_too_short_too_early_or_too_late_is_not_used(tmp_path: Path) -> None:
    """50 h do not fit 48; a start before the period or after it does not count."""
    assert hours(planned(gang(50, "capacity-block"), tmp_path, with_terms())) == {AWS: 50}
    early = with_terms(starts="2026-11-30T00:00:00Z")
    assert hours(planned(gang(40, "capacity-block"), tmp_path, early)) == {AWS: 40}
    late = with_terms(starts="2027-02-01T00:00:00Z")
    assert hours(planned(gang(40, "capacity-block"), tmp_path, late)) == {AWS: 40}


def test_only_the_part_of_a_block_in_the_period_works(tmp_path: Path) -> None:
    """The period ends 30 h after the block begins; 30 h fit, 31 h do not."""
    period = "period: 78h\n"
    assert hours(planned(period + gang(30, "capacity-block"), tmp_path, with_terms())) == {
        BLOCK: 30
    }
    assert hours(planned(period + gang(31, "capacity-block"), tmp_path, with_terms())) == {AWS: 31}


def test_batch_work_ends_by_its_deadline_on_a_block(tmp_path: Path) -> None:
    """From the third day to the deadline of 72 h are 24 h: two instances do 48 of 100 h."""
    text = (
        "batch: [{name: b, accelerators: 'H100:8', work: 100h, deadline: 72h, "
        "purchase: [capacity-block]}]\n"
    )
    plan = planned(text, tmp_path, with_terms(length=480))
    assert hours(plan) == {BLOCK: 48, AWS: 52}
    assert plan.cost.total == 2 * 480 + 52 * 40


def test_audit_sees_an_instance_that_works_past_its_block(tmp_path: Path) -> None:
    """The same plan on a market whose block is shorter works longer than it may."""
    text = gang(40, "capacity-block")
    plan = planned(text, tmp_path, with_terms())
    short = with_terms(length=24)
    judged = replace(plan, digests=replace(plan.digests, market=short.digest))
    found = {one.rule for one in audit(judged, spec(text, tmp_path, short), short)}
    assert "window" in found


def test_plan_of_terms_is_optimal(tmp_path: Path) -> None:
    """Of 3 gangs of 40 h two take the block at 480, the third flex-start at 800."""
    rows = [
        f"{{name: {name}, accelerators: 'H100:8', hours: 40, "
        "purchase: [capacity-block, flex-start]}"
        for name in "abc"
    ]
    plan = make_plan(
        spec(f"training: [{', '.join(rows)}]\n", tmp_path, with_terms()), with_terms()
    ).plan
    assert plan.cost.total == 2 * 480 + 800
