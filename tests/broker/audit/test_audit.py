"""The audit sees each way in which a good plan can be spoilt, and nothing in a good plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.audit import audit
from broker.audit.survival import largest_flow
from broker.market import QUOTA_SCHEMA
from broker.market_csv import read_offers_csv
from broker.planning import make_plan
from broker.plans import Cost, OwnedIdle, PriceAge
from broker.policy import ScopeLevel, Verb
from broker.spec import load_spec
from broker.workloads import (
    Commitment,
    FabricNeed,
    LatencyRule,
    QuotaLimit,
    QuotaUnit,
    Spread,
    Where,
)
from tests.broker.audit.spoiling import (
    Case,
    Spoil,
    in_holdings,
    in_offer,
    in_placement,
    in_plan,
    in_proof,
    in_route,
    in_rule,
    in_shape,
    in_spec,
    in_workload,
    placement,
    summed,
)

HERE = Path(__file__).parents[1] / "worked_example"
A = "aws/us-east-1/use1-az1/p5.48xlarge/on-demand"
B = "aws/us-east-1/use1-az1/p5.48xlarge/spot"
D = "gcp/europe-west4/europe-west4-a/a3-megagpu-8g/on-demand"
E = "aws/us-east-1/use1-az1/g6.12xlarge/reserved-1y"
OWNED = "aws/us-east-1/use1-az1/p5.48xlarge/owned"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """The worked example with a reserved term, an owned instance and a commitment."""
    text = (HERE / "market.csv").read_text().replace("on-demand,60,2,", "on-demand,60,3,")
    head, *rows = text.splitlines()
    rows = [f"{row}," for row in rows]
    rows.append(
        "aws,us-east-1,use1-az1,g6.12xlarge,L4,4,192,48,none,reserved-1y,1,2,,tests,"
        "2026-10-30,8760"
    )
    market = read_offers_csv("\n".join([f"{head},upfront_usd", *rows]).encode(), name="m")
    written = (HERE / "spec.yaml").read_text()
    written += (
        "holdings:\n"
        "  reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1}]\n"
        "  commitments: [{provider: azure, spend: 10}]\n"
    )
    written = written.replace(
        "training:\n",
        "training:\n"
        '  - {name: tune, accelerators: "L4:4", hours: 50, priority: 9, '
        "purchase: [reserved-1y]}\n",
    )
    path = tmp_path_factory.mktemp("spec") / "spec.yaml"
    path.write_text(written)
    spec = replace(
        load_spec(path),
        latency=str(HERE / "round_trips.csv"),
        transfer=str(HERE / "transfer.csv"),
    )
    return Case(plan=make_plan(spec, market).plan, spec=spec, market=market)


def gang_over_two_zones(case: Case) -> Case:
    """Half of pretrain stands on D."""
    first = placement(case, "pretrain", A)
    there = placement(case, "chat", D)
    half = {
        "instances": 1,
        "instance_hours": Decimal(90),
        "useful_hours": Decimal(90),
        "served": Decimal("0.5"),
    }
    here = replace(first, **half, cost=Cost(compute=Decimal("4500.00")))
    away = replace(
        there,
        **half,
        workload="pretrain",
        kind="training",
        shape=first.shape,
        hours=Decimal(90),
        cost=Cost(compute=Decimal("5400.00")),
    )
    rest = tuple(one for one in case.plan.placements if one is not first)
    return replace(case, plan=summed(replace(case.plan, placements=(here, away, *rest))))


def two_options_mixed(case: Case) -> Case:
    """Half of pretrain stands on spot of its pool, which it may use."""
    spoilt = gang_over_two_zones(case)
    away = next(
        one for one in spoilt.plan.placements if (one.workload, one.offer) == ("pretrain", D)
    )
    embed = placement(case, "embed", B)
    on_spot = replace(
        embed,
        workload="pretrain",
        kind="training",
        shape=away.shape,
        instances=1,
        hours=Decimal(90),
        instance_hours=Decimal(90),
        useful_hours=Decimal(90),
        served=Decimal("0.5"),
        cost=Cost(compute=Decimal("1800.00")),
    )
    placed = tuple(on_spot if one is away else one for one in spoilt.plan.placements)
    return replace(spoilt, plan=summed(replace(spoilt.plan, placements=placed)))


def unmet_left_out(case: Case) -> Case:
    """The sweep is not listed, and its level follows."""
    *others, last = case.plan.proof.levels
    levels = (*others, replace(last, unmet=Decimal(0), bound=Decimal(0)))
    return in_proof(levels=levels)(in_plan(unmet=())(case))


def limited_by_market(case: Case) -> Case:
    """The account's quota in the market counts 39 of aws's H100; 40 are held."""
    row: dict[str, Any] = dict.fromkeys(QUOTA_SCHEMA) | {
        "provider": "aws",
        "region": "us-east-1",
        "family": "",
        "accelerator": "H100",
        "instance_type": "",
        "option": "on-demand",
        "unit": "gpus",
        "limit": 31.0,
    }
    quotas = pl.DataFrame([row], schema=dict(QUOTA_SCHEMA))
    return replace(case, market=replace(case.market, quotas=quotas))


def quota(**changes: Any) -> QuotaLimit:
    """Return a quota of aws, in instances."""
    whole: dict[str, Any] = {
        "provider": "aws",
        "type": "p5*",
        "unit": QuotaUnit.INSTANCES,
        "limit": Decimal(5),
    }
    return QuotaLimit(**whole | changes)


RULES = Verb
PROVIDER, REGION, ZONE = ScopeLevel.PROVIDER, ScopeLevel.REGION, ScopeLevel.ZONE
NEAR = LatencyRule(rtt=Decimal(50), share=Decimal("0.8"))
POOL = OWNED.removesuffix("/owned")

#: How a case is spoilt, and the rules that are then reported.
SPOILT: dict[str, tuple[Spoil, set[str]]] = {
    # names
    "unknown workload": (in_placement("tune", E, workload="tuna"), {"names"}),
    "unknown offer": (in_placement("tune", E, offer="aws/x"), {"names"}),
    "unknown shape": (in_placement("tune", E, shape="L4:5"), {"names"}),
    "route of an unknown service": (
        in_route("paris", "gcp/europe-west4", workload="chit"),
        {"names"},
    ),
    # supply
    "another accelerator than offered": (in_placement("tune", E, accelerators="8"), {"offer"}),
    "provider left out": (in_spec(providers=("aws", "azure")), {"offer"}),
    "not for sale": (in_offer(D, purchasable="no"), {"offer"}),
    "capacity": (in_offer(D, available=1), {"capacity"}),
    "capacity shared by two workloads": (in_offer(A, available=3), {"capacity"}),
    "capacity said unknown": (in_offer(D, available=None), {"capacity"}),
    "owned instance that ends early": (
        lambda case: in_holdings(
            reservations=(replace(case.spec.holdings.reservations[0], until=date(2026, 11, 2)),)
        )(case),
        {"owned"},
    ),
    "owned instance said idle": (
        in_plan(owned_idle=(OwnedIdle(pool=POOL, instances=1, usd_per_hour=None, reason="none"),)),
        {"idle"},
    ),
    # quotas
    "quota on instances": (in_spec(quotas=(quota(),)), {"quota"}),
    "quota on vcpus of one option": (
        in_spec(quotas=(quota(option="spot", unit=QuotaUnit.VCPUS, limit=Decimal(383)),)),
        {"quota"},
    ),
    "quota of the market": (limited_by_market, {"quota"}),
    # shapes
    "accelerator": (in_shape("tune", accelerators=("T4",)), {"shape"}),
    "accelerators in one instance": (in_shape("tune", per_node=Decimal(8)), {"shape"}),
    "vcpus": (in_shape("tune", vcpus=500), {"shape"}),
    "memory": (in_shape("tune", memory=Decimal(500)), {"shape"}),
    "fabric of a rack": (in_shape("pretrain", fabric=FabricNeed.NVLINK_RACK), {"shape"}),
    "fabric of several nodes": (in_offer(A, fabric="none"), {"shape"}),
    # places
    "where providers": (in_workload("chat", where=Where(providers=("aws",))), {"providers"}),
    "where regions": (in_workload("chat", where=Where(regions=("us-*",))), {"regions"}),
    "residency": (in_workload("chat", where=Where(residency=("NL",))), {"residency"}),
    "a local zone nobody named": (in_offer(D, location_kind="local-zone"), {"regions"}),
    # exclusivity
    "only": (in_rule(RULES.ONLY, workloads=("chat",), scopes=("aws",)), {"only"}),
    "never": (in_rule(RULES.NEVER, workloads=("chat",), scopes=("gcp",)), {"never"}),
    "apart": (in_rule(RULES.APART, workloads=("chat", "embed"), scope=REGION), {"apart"}),
    "apart in zones": (in_rule(RULES.APART, workloads=("chat", "tune"), scope=ZONE), {"apart"}),
    "together": (in_rule(RULES.TOGETHER, workloads=("chat",), scope=PROVIDER), {"together"}),
    "alone": (in_rule(RULES.ALONE, workloads=("embed",), scope=ZONE), {"alone"}),
    "tenants": (
        in_rule(RULES.APART, scope=ZONE, tenants={"x": ("chat",), "y": ("tune", "embed")}),
        {"tenants"},
    ),
    # purchase options and spot
    "a term nobody allowed": (in_workload("tune", purchase=None), {"purchase"}),
    "too much on spot": (
        lambda case: in_workload(
            "embed", spot=replace(case.spec.batch[0].spot, max_share=Decimal("0.5"))
        )(case),
        {"max_share"},
    ),
    "spot that is lost too often": (
        in_offer(B, interruptions_per_hour=4.0),
        {"spot", "hours"},
    ),
    # gangs
    "a gang with a node missing": (in_shape("pretrain", count=Decimal(32)), {"gang"}),
    "a gang over two zones": (gang_over_two_zones, {"gang"}),
    "a gang over two options": (two_options_mixed, {"gang", "purchase", "capacity"}),
    "hours of a gang": (in_workload("pretrain", hours=Decimal(80)), {"hours"}),
    "speed of a gang": (in_shape("pretrain", speed=Decimal("1.5")), {"hours"}),
    # services
    "load said carried": (in_placement("chat", D, served=Decimal(170)), {"load"}),
    "throughput": (in_workload("chat", throughput=Decimal(12)), {"load", "region capacity"}),
    "headroom": (in_workload("chat", headroom=Decimal("0.3")), {"load", "region capacity"}),
    "more than stated": (
        in_route("paris", "gcp/europe-west4", rate=Decimal("160.1")),
        {"routes", "region capacity"},
    ),
    "a round trip of its own": (
        in_route("paris", "gcp/europe-west4", rtt_ms=Decimal(11)),
        {"round trip"},
    ),
    "near that is far": (in_route("paris", "aws/us-east-1", near=True), {"round trip"}),
    "share near": (
        in_workload("chat", latency=replace(NEAR, share=Decimal("0.9"))),
        {"latency"},
    ),
    "share near of each metro": (
        in_workload("chat", latency=replace(NEAR, each_metro=True)),
        {"latency"},
    ),
    "beyond the limit": (
        in_workload("chat", latency=replace(NEAR, rtt_max=Decimal(84))),
        {"rtt_max"},
    ),
    "spread over three": (in_workload("chat", spread=Spread(regions=3)), {"spread"}),
    "most of one region": (
        in_workload("chat", spread=Spread(regions=2, max_share=Decimal("0.55"))),
        {"spread"},
    ),
    "survival": (in_workload("chat", survive=ScopeLevel.REGION), {"survive"}),
    # batch
    "work": (in_workload("embed", work=Decimal(140)), {"hours"}),
    "deadline": (in_workload("embed", deadline=Decimal(50)), {"deadline"}),
    "more than the whole work": (
        in_placement("embed", B, served=Decimal("1.1")),
        {"work", "hours", "transfer"},
    ),
    "rework left out": (
        in_placement(
            "embed",
            B,
            instance_hours=Decimal(150),
            hours=Decimal(75),
            cost=Cost(compute=Decimal("3000.00"), transfer=Decimal("80.00")),
        ),
        {"hours"},
    ),
    # data
    "transfer": (
        lambda case: in_workload("embed", data=replace(case.spec.batch[0].data, gb=Decimal(2000)))(
            case
        ),
        {"transfer"},
    ),
    "transfer without data": (in_workload("embed", data=None), {"transfer"}),
    # money
    "price": (in_placement("chat", D, contracted_usd_per_hour=Decimal(59)), {"price"}),
    "price of the market": (in_offer(D, usd_per_hour=Decimal(61)), {"price", "cost"}),
    "source of a price": (in_placement("chat", D, price_source="rumour"), {"price source"}),
    "age of prices": (
        in_plan(prices=PriceAge(oldest="2026-11-01", newest="2026-11-01")),
        {"price age"},
    ),
    "compute": (in_placement("chat", D, cost=Cost(compute=Decimal("12000.01"))), {"cost"}),
    "hours of one instance": (in_placement("chat", D, hours=Decimal(99)), {"hours"}),
    "hours of a service": (
        in_placement(
            "chat",
            D,
            hours=Decimal(99),
            instance_hours=Decimal(198),
            useful_hours=Decimal(198),
            cost=Cost(compute=Decimal("11880.00")),
        ),
        {"hours"},
    ),
    "a total": (
        lambda case: in_plan(cost=replace(case.plan.cost, compute=case.plan.cost.compute + 1))(
            case
        ),
        {"total", "gap"},
    ),
    "spend on unknown capacity": (in_plan(unknown_capacity_usd=Decimal("1.00")), {"total"}),
    "shortfall": (
        in_holdings(commitments=(Commitment(provider="azure", spend=Decimal(11)),)),
        {"total"},
    ),
    "a commitment left out": (in_plan(commitments=()), {"total"}),
    # purchases
    "a purchase left out": (in_plan(purchases=()), {"purchase term"}),
    "a purchase for less": (
        lambda case: in_plan(
            purchases=(replace(case.plan.purchases[0], obligation_usd=Decimal(1)),)
        )(case),
        {"purchase term"},
    ),
    # unmet and proof
    "unmet left out": (unmet_left_out, {"unmet"}),
    "unmet of another size": (
        in_workload("sweep", weight=Decimal(7)),
        {"unmet"},
    ),
    "priorities": (in_workload("tune", priority=8), {"levels"}),
    "bound of a level": (
        lambda case: in_proof(
            levels=(
                *case.plan.proof.levels[:-1],
                replace(case.plan.proof.levels[-1], bound=Decimal(2401)),
            )
        )(case),
        {"levels"},
    ),
    "bound above the cost": (in_proof(cost_bound=Decimal(99_999)), {"bound"}),
    "gap": (in_proof(gap=Decimal("0.5")), {"gap"}),
    "another spec": (in_plan(spec={}), {"inputs"}),
    "another period": (in_plan(start="2026-11-02"), {"inputs"}),
    "another market": (
        lambda case: replace(case, market=replace(case.market, digest="0")),
        {"inputs"},
    ),
}


def test_a_good_plan_passes(good: Case) -> None:
    """The case the others spoil breaks nothing, and has something of every kind."""
    assert audit(good.plan, good.spec, good.market) == ()
    options = {one.option for one in good.plan.placements}
    assert options == {"on-demand", "spot", "reserved-1y", "owned"}
    assert good.plan.purchases
    assert good.plan.unmet
    assert good.plan.cost.shortfall == 10


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_plan_is_seen_for_what_it_is(good: Case, name: str) -> None:
    """Exactly the rules that are broken are reported."""
    spoil, rules = SPOILT[name]
    spoilt = spoil(good)
    found = audit(spoilt.plan, spoilt.spec, spoilt.market)
    assert {one.rule for one in found} == rules, found


def test_free_rerouting_finds_the_largest_flow() -> None:
    """One source must give way in the shared sink for both to be served."""
    flow = largest_flow(
        {"x": Decimal(5), "y": Decimal(5)},
        {"both": Decimal(6), "only-x": Decimal(3)},
        {("x", "both"), ("x", "only-x"), ("y", "both")},
    )
    assert flow == 9
