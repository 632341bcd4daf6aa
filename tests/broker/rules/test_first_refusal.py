"""First refusal: a provider is passed over only where it cannot hold the work, or costs more."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.market import Market
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.plan import plan_text
from broker.spec import spec_from_data, spec_to_data
from tests.broker.rules.ruled import (
    AWS,
    AZURE,
    GCP,
    HEADER,
    OWNED,
    ROWS,
    hours,
    market,
    planned,
    spec,
)

# 1,000 h of a unit of 8 H100 cost 40,000 USD at AWS, 60,000 at Azure, 80,000 at Google.
_EMBED = "batch: [{name: embed, accelerators: 'H100:8', work: 1000h}]\n"
_EITHER = "batch: [{name: either, accelerators: [L4, Inferentia2], count: 1, work: 100h}]\n"


def claimed(provider: str, *, margin: str = "0%", dates: str = "", workload: str = _EMBED) -> str:
    """Return a spec in which `provider` has first refusal of all work."""
    rule = f"{{workloads: ['*'], first_refusal: {provider}, margin: {margin}{dates}, why: dues}}"
    return f"{workload}policy: {{exclusivity: [{rule}]}}\n"


def limited(azure: int) -> Market:
    """Return the market with so many instances at Azure."""
    rows = [f"{line},{azure if line.startswith('azure') else ''}\n" for line in ROWS.splitlines()]
    return market("".join(rows), header=f"{HEADER},available")


def planned_with(azure: int, text: str, folder: Path) -> Plan:
    """Return the plan where Azure has so many instances."""
    return planned(text, folder, limited(azure))


@pytest.mark.parametrize(
    ("provider", "margin", "where"),
    [
        ("azure", "0%", AWS),  # 40 is below 60
        ("azure", "33%", AWS),  # 40 is below 40.2
        ("azure", "34%", AZURE),  # 40 is not below 39.6
        ("gcp", "49%", AWS),  # 40 is below 40.8
        ("gcp", "50%", GCP),  # 40 is not below 40
        ("aws", "0%", AWS),
    ],
)
def test_elsewhere_must_be_cheaper_by_more_than_the_margin(
    tmp_path: Path, provider: str, margin: str, where: str
) -> None:
    """The cheapest place is taken unasked below (1 - margin) x the claimant's price only."""
    plan = planned(claimed(provider, margin=margin), tmp_path)
    assert set(hours(plan)) == {where}
    assert plan.overrides == ()
    assert plan.proof.overridden_h == 0


def test_what_the_claimant_cannot_hold_is_overridden_and_no_more(tmp_path: Path) -> None:
    """One instance at Azure does 730 of the 1,000 h; 270 h x 8 are overridden, at AWS."""
    plan = planned_with(1, claimed("azure", margin="50%"), tmp_path)
    assert hours(plan) == {AZURE: pytest.approx(730), AWS: pytest.approx(270)}
    (override,) = plan.overrides
    assert (override.offer, override.provider, override.why) == (AWS, "azure", "dues")
    assert override.accelerator_hours == pytest.approx(Decimal(2_160), abs=Decimal("0.01"))
    assert override.usd_per_work == pytest.approx(Decimal(40_000), abs=Decimal("0.01"))
    assert (override.least_offer, override.least_usd_per_work) == (AZURE, 60_000)
    assert plan.proof.overridden_h == override.accelerator_hours
    assert plan.proof.overridden_bound_h == pytest.approx(Decimal(2_160), abs=Decimal("0.01"))
    assert plan.cost.total == plan.proof.cost_bound
    assert "Overrides   embed: 2160 accelerator-hours on aws/" in plan_text(plan)


def test_demand_is_served_before_a_claim_is_honoured(tmp_path: Path) -> None:
    """A gang of two that Azure cannot hold runs at AWS, overriding all of it."""
    gang = "training: [{name: pretrain, accelerators: 'H100:16', hours: 100}]\n"
    plan = planned_with(1, claimed("azure", margin="50%", workload=gang), tmp_path)
    assert plan.unmet == ()
    assert hours(plan) == {AWS: 200}
    assert plan.proof.overridden_h == plan.proof.overridden_bound_h == 1_600


def test_service_is_compared_by_the_price_of_a_unit_of_demand(tmp_path: Path) -> None:
    """40 USD x 730 h for 96 of demand; Azure's is 1.5 times that, so 34 % keeps it there."""
    service = (
        "services: [{name: chat, accelerators: 'H100:8', throughput: 12, "
        "demand: [{from: paris, rate: 96}]}]\n"
    )
    for margin, where in (("33%", AWS), ("34%", AZURE)):
        plan = planned(claimed("azure", margin=margin, workload=service), tmp_path)
        assert set(hours(plan)) == {where}


def test_owned_instances_elsewhere_override_nothing(tmp_path: Path) -> None:
    """What is paid for is used; the rest of the gang's like goes to the claimant."""
    held = "holdings: {reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1}]}\n"
    plan = planned(held + claimed("azure", margin="50%"), tmp_path)
    assert hours(plan) == {OWNED: pytest.approx(730), AZURE: pytest.approx(270)}
    assert plan.overrides == ()


def test_nothing_is_refused_where_the_claimant_offers_nothing(tmp_path: Path) -> None:
    """Azure may not be used at all: every place is free, nothing is an override."""
    elsewhere = "work: 1000h, where: {providers: [aws, gcp]}"
    text = claimed("azure", margin="50%").replace("work: 1000h", elsewhere)
    plan = planned(text, tmp_path)
    assert set(hours(plan)) == {AWS}
    assert plan.overrides == ()


def test_a_claim_holds_between_its_dates(tmp_path: Path) -> None:
    """From 2027 on it does not touch December 2026; from its last day on it does."""
    for first, where in (("2027-01-15", AWS), ("2026-12-31", AZURE)):
        plan = planned(claimed("azure", margin="50%", dates=f", from: {first}"), tmp_path)
        assert set(hours(plan)) == {where}


def test_no_reading_of_a_claim_is_lost_on_the_way_to_data(tmp_path: Path) -> None:
    """The verb, its provider and the margin survive."""
    on = market()
    one = spec(claimed("azure", margin="5%"), tmp_path, on)
    assert spec_from_data(spec_to_data(one)) == one


def test_the_audit_finds_overrides_that_are_hidden_or_invented(tmp_path: Path) -> None:
    """A plan that does not list what it overrides, or lists what it does not, is refused."""
    on = market()
    free = spec(_EMBED, tmp_path, on)
    strict = spec(claimed("azure", margin="50%"), tmp_path, on)
    cheap = make_plan(free, on).plan
    hidden = audit(replace(cheap, spec=spec_to_data(strict)), strict, on)
    assert {one.rule for one in hidden} == {"first_refusal"}
    within = limited(1)
    strict = spec(claimed("azure", margin="50%"), tmp_path, within)
    honest = make_plan(strict, within).plan
    lax = spec(claimed("azure", margin="10%"), tmp_path, within)
    invented = audit(replace(honest, spec=spec_to_data(lax)), lax, within)
    assert {one.rule for one in invented} == {"first_refusal"}
    silent = replace(honest, proof=replace(honest.proof, overridden_h=Decimal(0)))
    assert {one.rule for one in audit(silent, strict, within)} == {"first_refusal"}


@pytest.mark.parametrize("rule", ["power: [{cap: 5 MW}]", "carbon: {cap: 1e6 t}"])
def test_what_a_cap_cannot_count_is_no_offer_of_the_claimant(rule: str, tmp_path: Path) -> None:
    """AWS's cheap chip states no power: AWS offers 50, and may be passed over for 40."""
    rows = (
        "aws,us-east-1,use1-az1,inf2.xlarge,Inferentia2,1,16,4,none,on-demand,10\n"
        "aws,us-east-1,use1-az1,g6.xlarge,L4,1,16,4,none,on-demand,50\n"
        "gcp,europe-west4,europe-west4-a,g2-standard-4,L4,1,16,4,none,on-demand,40\n"
    )
    text = claimed("aws", workload=_EITHER).replace("policy: {", f"policy: {{{rule}, ")
    plan = planned(text, tmp_path, market(rows))
    assert {one.provider for one in plan.placements} == {"gcp"}
    assert plan.overrides == ()
