"""Accelerator models that may not run in some countries."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from broker.audit import audit
from broker.planning import make_plan
from tests.broker.rules.ruled import AWS, AZURE, EMBED, hours, market, planned, spec

NO_H100_IN_AMERICA = (
    "policy:\n  country_groups: {america: [US, CA]}\n"
    "  export_control: {accelerators: [H100], never: [america], why: licence}\n"
)


def test_model_leaves_the_country(tmp_path: Path) -> None:
    """The cheapest H100 stand in the US; the plan takes those of the Netherlands."""
    assert hours(planned(EMBED + NO_H100_IN_AMERICA, tmp_path)) == {AZURE: 1000}


def test_other_models_stay(tmp_path: Path) -> None:
    """A rule on B200 changes nothing for H100."""
    text = EMBED + NO_H100_IN_AMERICA.replace("[H100]", "[B200]")
    assert hours(planned(text, tmp_path)) == {AWS: 1000}


def test_region_of_no_known_country_is_refused(tmp_path: Path) -> None:
    """A region nobody knows might be anywhere."""
    on = market(more="aws,mars-1,mars-1a,p5.48xlarge,H100,8,2048,192,rdma,on-demand,1\n")
    assert hours(planned(EMBED + NO_H100_IN_AMERICA, tmp_path, on)) == {AZURE: 1000}


def test_owned_instances_are_no_exception(tmp_path: Path) -> None:
    """What is owned in the US is idle under the rule."""
    held = "holdings: {reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 9}]}\n"
    plan = planned(held + EMBED + NO_H100_IN_AMERICA, tmp_path)
    assert hours(plan) == {AZURE: 1000}
    assert plan.owned_idle[0].instances == 9


def test_audit_sees_a_controlled_model(tmp_path: Path) -> None:
    """A plan made without the rule breaks it."""
    on = market()
    ruled = spec(EMBED + NO_H100_IN_AMERICA, tmp_path, on)
    embedded = make_plan(ruled, on).plan.spec
    plan = replace(make_plan(spec(EMBED, tmp_path, on), on).plan, spec=embedded)
    assert [one.rule for one in audit(plan, ruled, on)] == ["export control"]
