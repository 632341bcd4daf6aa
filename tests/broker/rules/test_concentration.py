"""Caps on the share of one provider, region, vendor, model or group of countries."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.planning import make_plan
from tests.broker.rules.ruled import (
    AWS,
    AZURE,
    EMBED,
    GCP,
    OWNED,
    hours,
    market,
    planned,
    refused,
    spec,
)


def capped(cap: str, *, more: str = "") -> str:
    """Return the batch of 1,000 h under caps on concentration."""
    return f"{EMBED}policy:\n  concentration: {cap}\n{more}"


def test_share_of_hours_moves_the_rest_to_the_next_cheapest(tmp_path: Path) -> None:
    """60 % of 1,000 h stay at 40, 400 h go to 60: 24,000 + 24,000 = 48,000 instead of 40,000."""
    plan = planned(capped("{provider: 60%, of: gpus}"), tmp_path)
    assert hours(plan) == pytest.approx({AWS: 600, AZURE: 400})
    assert plan.cost.total == Decimal("48000.00")
    assert ("concentration of gpus: provider aws", "60 %", "60 %") in [
        (one.what, one.used, one.limit) for one in plan.binding
    ]


def test_share_of_spend_counts_money(tmp_path: Path) -> None:
    """Half the spend each: 40 a = 60 b with a + b = 1,000, so a = 600 and 24,000 each."""
    plan = planned(capped("{region: 50%}"), tmp_path)
    assert hours(plan) == pytest.approx({AWS: 600, AZURE: 400}, abs=1e-3)


def test_cap_that_does_not_bind_changes_nothing(tmp_path: Path) -> None:
    """100 % of anything is free."""
    plan = planned(capped("{provider: 100%}"), tmp_path)
    assert plan.cost.total == 40_000
    assert hours(plan) == {AWS: 1000}


def test_named_scope_is_capped_alone(tmp_path: Path) -> None:
    """With 25 % of the hours for aws alone, azure takes all the rest."""
    plan = planned(capped("{provider: 25%, of: gpus, names: [aws]}"), tmp_path)
    assert hours(plan) == pytest.approx({AWS: 250, AZURE: 750})


def test_own_group_of_countries(tmp_path: Path) -> None:
    """At most 30 % in the group of the US: 700 h go to the Netherlands."""
    more = "  country_groups: {america: [US, CA]}\n"
    plan = planned(capped("{country_group: 30%, of: gpus}", more=more), tmp_path)
    assert hours(plan) == pytest.approx({AWS: 300, AZURE: 700})


def test_two_caps_hold_together(tmp_path: Path) -> None:
    """Half in one provider and at most 40 % of hours in aws: 400, 500, 100."""
    caps = "[{provider: 50%, of: gpus}, {provider: 40%, of: gpus, names: [aws]}]"
    assert hours(planned(capped(caps), tmp_path)) == pytest.approx(
        {AWS: 400, AZURE: 500, GCP: 100}
    )


def test_owned_hours_count_at_the_price_on_demand(tmp_path: Path) -> None:
    """One owned instance, 730 h, is worth 29,200: with 270 h at 60 it is 64 %; 60 % asks more.

    With o owned hours and the rest in azure: 40 o = 0.6 (40 o + 60 (1000 - o)), o = 692.3.
    """
    held = "holdings: {reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1}]}\n"
    plan = planned(held + capped("{provider: 60%}"), tmp_path)
    assert hours(plan) == pytest.approx({OWNED: 692.3077, AZURE: 307.6923}, abs=1e-3)


def test_gang_that_breaks_the_cap_alone_is_left_out_and_says_why(tmp_path: Path) -> None:
    """A gang stands in one region, so it would be the whole of it."""
    text = "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"
    plan = planned(f"{text}policy: {{concentration: {{region: 50%}}}}\n", tmp_path)
    assert plan.unmet[0].fraction == 1
    assert "policy.concentration" in plan.unmet[0].reasons[0]


def test_cap_that_no_placement_meets_is_refused_before_solving(tmp_path: Path) -> None:
    """All H100 are NVIDIA's: no plan has at most 90 % of them."""
    error = refused(capped("{vendor: 90%, of: gpus}"), tmp_path)
    assert error.faults[0].path == "policy.concentration[0]"
    assert "NVIDIA" in error.faults[0].found


def test_audit_counts_again(tmp_path: Path) -> None:
    """A plan made without the cap breaks it when judged with it."""
    on = market()
    free = spec(EMBED, tmp_path, on)
    plan = make_plan(free, on).plan
    ruled = spec(capped("{provider: 60%}"), tmp_path, on)
    found = audit(replace(plan, spec=make_plan(ruled, on).plan.spec), ruled, on)
    assert [(one.rule, one.subject) for one in found] == [("concentration", "aws")]
