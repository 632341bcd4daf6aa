"""Caps on the power of a region's instances, estimated from rated power."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.energy import instance_kw
from broker.planning import make_plan
from broker.workloads import Assume
from tests.broker.rules.ruled import AWS, AZURE, hours, market, planned, spec

#: Three gangs of one instance: 8 x 700 W x 1.8 = 10.08 kW each.
THREE = "training:\n" + "".join(
    f"- {{name: {name}, accelerators: 'H100:8', hours: 100}}\n" for name in "abc"
)


@pytest.mark.parametrize(
    ("accelerator", "count", "vcpus", "kw"),
    [("H100", 8.0, 192, "10.08"), (None, 0.0, 8, "0.032"), ("TPU-v5e", 4.0, 112, None)],
)
def test_power_of_an_instance(
    accelerator: str | None, count: float, vcpus: int, kw: str | None
) -> None:
    """Accelerators x rated power x 1.8; 4 W a vCPU without any; unknown stays unknown."""
    machine = {"accelerator": accelerator, "accelerators": count, "vcpus": vcpus}
    assert instance_kw(machine, Assume()) == (None if kw is None else Decimal(kw))


def test_spec_states_power_that_nobody_rates() -> None:
    """4 TPU v5e at 200 W, twice for the rest of the machine."""
    machine = {"accelerator": "TPU-v5e", "accelerators": 4.0, "vcpus": 112}
    assume = Assume(watts={"TPU-v5e": Decimal(200)}, power_overhead=Decimal(2))
    assert instance_kw(machine, assume) == Decimal("1.6")


def test_cap_sends_the_rest_to_another_region(tmp_path: Path) -> None:
    """25 kW hold two instances of 10.08 kW: the third gang goes to azure for 6,000."""
    plan = planned(f"{THREE}policy: {{power: {{cap: 25 kW, regions: [us-east-1]}}}}\n", tmp_path)
    assert hours(plan) == {AWS: 200, AZURE: 100}
    assert plan.cost.total == 2 * 4000 + 6000
    (used,) = plan.binding
    assert (used.what, used.used, used.limit) == ("power in aws/us-east-1 (kW)", "20.16", "25")
    assert any("power is an estimate" in one for one in plan.assumptions)


def test_cap_holds_in_each_region_by_itself(tmp_path: Path) -> None:
    """11 kW everywhere: one gang in each of the three regions."""
    plan = planned(f"{THREE}policy: {{power: {{cap: 11 kW}}}}\n", tmp_path)
    assert sorted(hours(plan).values()) == [100, 100, 100]


def test_owned_instances_draw_power_too(tmp_path: Path) -> None:
    """Three owned instances are 30.24 kW: under 25 kW one of them stays dark."""
    held = "holdings: {reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 3}]}\n"
    plan = planned(f"{held}{THREE}policy: {{power: {{cap: 25 kW}}}}\n", tmp_path)
    assert plan.owned_idle[0].instances == 1
    assert plan.cost.total == 6000


def test_machine_of_unknown_power_is_refused_under_a_cap(tmp_path: Path) -> None:
    """A TPU machine serves where no cap is, or where its power is stated."""
    on = market(more="gcp,us-west4,us-west4-a,ct5lp-4t,TPU-v5e,4,192,112,none,on-demand,1\n")
    text = "training: [{name: a, accelerators: 'TPU-v5e:4', hours: 100}]\n"
    cap = "policy: {power: {cap: 25 kW}}\n"
    assert planned(text, tmp_path, on).unmet == ()
    plan = planned(text + cap, tmp_path, on)
    assert any("assume.watts" in reason for reason in plan.unmet[0].reasons)
    stated = f"{text}{cap}assume: {{watts: {{TPU-v5e: 200}}}}\n"
    assert planned(stated, tmp_path, on).unmet == ()


def test_audit_adds_up_power_again(tmp_path: Path) -> None:
    """Three instances in one region draw 30.24 kW."""
    on = market()
    ruled = spec(f"{THREE}policy: {{power: {{cap: 25 kW}}}}\n", tmp_path, on)
    embedded = make_plan(ruled, on).plan.spec
    plan = replace(planned(THREE, tmp_path, on), spec=embedded)
    assert {one.rule for one in audit(plan, ruled, on)} == {"power"}
