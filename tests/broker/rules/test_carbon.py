"""A price and a cap on estimated emissions."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.planning import make_plan
from broker.reference import grid_intensities, regions
from tests.broker.rules.ruled import AWS, AZURE, EMBED, GCP, hours, market, planned, spec

#: 10.08 kW an instance: 5.04, 2.016 and 1.008 kg an hour on these grids.
GRIDS = "grams_per_kwh: {aws/us-east-1: 500, azure/westeurope: 200, gcp/europe-west4: 100}"


def ruled(rule: str, *, text: str = EMBED, more: str = "") -> str:
    """Return the batch of 1,000 h under a rule on carbon, on grids of round figures."""
    return f"{text}policy: {{carbon: {{{rule}, {GRIDS}}}{more}}}\n"


def test_price_is_a_line_of_the_cost(tmp_path: Path) -> None:
    """5.04 t at 100 a tonne are 504.00 on top of 40,000."""
    plan = planned(ruled("price: 100"), tmp_path)
    assert hours(plan) == {AWS: 1000}
    assert (plan.cost.compute, plan.cost.carbon) == (40_000, Decimal("504.00"))
    assert plan.cost.total == plan.proof.cost_bound == Decimal("40504.00")
    assert plan.emissions is not None
    assert (plan.emissions.kwh, plan.emissions.kg_co2e) == (10_080, 5_040)


def test_price_turns_the_choice(tmp_path: Path) -> None:
    """At 10,000 a tonne aws is 40 + 50.40 an hour, azure 60 + 20.16, gcp 80 + 10.08."""
    plan = planned(ruled("price: 10k"), tmp_path)
    assert hours(plan) == {AZURE: 1000}
    assert plan.cost.carbon == Decimal("20160.00")


def test_cap_mixes_clean_and_cheap(tmp_path: Path) -> None:
    """3.528 t: half at 5.04 kg an hour, half at 2.016."""
    plan = planned(ruled("cap: 3528 kg"), tmp_path)
    assert hours(plan) == pytest.approx({AWS: 500, AZURE: 500})
    assert plan.cost.carbon == 0
    assert [one.what for one in plan.binding] == ["carbon (t CO2e)"]


def test_cap_below_the_cleanest_leaves_demand_unmet(tmp_path: Path) -> None:
    """All on the cleanest grid emits 1.008 t; half of it can be had for 504 kg."""
    plan = planned(ruled("cap: 504 kg"), tmp_path)
    assert hours(plan) == pytest.approx({GCP: 500})
    assert "policy.carbon" in plan.unmet[0].reasons[0]


def test_cap_that_does_not_bind_costs_nothing(tmp_path: Path) -> None:
    """10 t are more than anything emits."""
    plan = planned(ruled("cap: 10 t"), tmp_path)
    assert (hours(plan), plan.cost.total) == ({AWS: 1000}, 40_000)


def test_carbon_is_no_compute_spend(tmp_path: Path) -> None:
    """A commitment of 40,000 at aws is just met by compute: carbon beside it adds nothing."""
    text = ruled("price: 100") + "holdings: {commitments: [{provider: aws, spend: 40.1k}]}\n"
    assert planned(text, tmp_path).cost.shortfall == 100


def test_concentration_does_not_count_carbon(tmp_path: Path) -> None:
    """Half of the spend each is 600 h and 400 h, whatever carbon costs."""
    text = ruled("price: 100", more=", concentration: {provider: 50%}")
    assert hours(planned(text, tmp_path)) == pytest.approx({AWS: 600, AZURE: 400}, abs=1e-2)


def test_owned_instances_emit_too(tmp_path: Path) -> None:
    """100 h on an owned instance cost nothing but 50.40 of carbon; gangs and services as well."""
    held = "holdings: {reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1}]}\n"
    gang = "training: [{name: a, accelerators: 'H100:16', hours: 100}]\n"
    plan = planned(held + ruled("price: 100", text=gang), tmp_path)
    assert plan.cost.carbon == Decimal("100.80")
    assert plan.cost.total == Decimal("4100.80")
    service = (
        "services: [{name: s, accelerators: 'H100:8', throughput: 1, "
        "demand: [{from: new-york, rate: 8}]}]\n"
    )
    plan = planned(held + ruled("price: 100", text=service), tmp_path)
    assert plan.cost.total == plan.cost.carbon == Decimal("367.92")


def test_region_of_unknown_grid_is_refused(tmp_path: Path) -> None:
    """Its emissions are not zero."""
    on = market(more="aws,mars-1,mars-1a,p5.48xlarge,H100,8,2048,192,rdma,on-demand,1\n")
    assert hours(planned(ruled("price: 1"), tmp_path, on)) == {AWS: 1000}


def test_audit_counts_emissions_again(tmp_path: Path) -> None:
    """5.04 t are above 5 t."""
    on = market()
    rule = spec(ruled("cap: 5 t"), tmp_path, on)
    embedded = make_plan(rule, on).plan.spec
    plan = replace(planned(ruled("cap: 9 t"), tmp_path, on), spec=embedded)
    assert {one.rule for one in audit(plan, rule, on)} == {"carbon"}


def test_every_region_has_a_plausible_grid() -> None:
    """Between almost nothing and coal alone."""
    found = grid_intensities()
    assert set(found) == {"/".join(key) for key in regions()}
    assert all(1 < grams < 1100 for grams in found.values())
