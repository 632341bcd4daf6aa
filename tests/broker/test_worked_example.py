"""The worked example of the spec language, to the cent, with its variants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import Planning, make_plan
from broker.plans import Placement, Plan
from broker.snapshot import read_market
from broker.spec import load_spec
from broker.workloads import Spec
from solver.asking import Engine

HERE = Path(__file__).parent / "worked_example"

A = "aws/us-east-1/use1-az1/p5.48xlarge/on-demand"
B = "aws/us-east-1/use1-az1/p5.48xlarge/spot"
C = "azure/westeurope/-/Standard_ND96isr_H100_v5/on-demand"
D = "gcp/europe-west4/europe-west4-a/a3-megagpu-8g/on-demand"
OWNED = "aws/us-east-1/use1-az1/p5.48xlarge/owned"


def example_market(*, available_at_a: int = 5) -> Market:
    """Return the four offers, with another capacity of A where asked."""
    if available_at_a == 5:
        return read_market(str(HERE / "market.csv"))
    text = (HERE / "market.csv").read_text()
    assert text.count("on-demand,50,5,") == 1
    text = text.replace("on-demand,50,5,", f"on-demand,50,{available_at_a},")
    return read_offers_csv(text.encode(), name="market.csv")


def example_spec(tmp_path: Path | None = None, *, change: tuple[str, str] = ("", "")) -> Spec:
    """Return the example's spec; `change` replaces one text of its file by another."""
    path = HERE / "spec.yaml"
    if tmp_path is not None:
        text = path.read_text()
        assert text.count(change[0]) == 1
        path = tmp_path / "spec.yaml"
        path.write_text(text.replace(*change))
    spec = load_spec(path)
    return replace(
        spec, latency=str(HERE / "round_trips.csv"), transfer=str(HERE / "transfer.csv")
    )


def held(plan: Plan) -> dict[tuple[str, str], tuple[int, Decimal]]:
    """Return (workload, offer) -> (instances, hours of each)."""
    return {(one.workload, one.offer): (one.instances, one.hours) for one in plan.placements}


def routed(plan: Plan) -> dict[tuple[str, str], Decimal]:
    """Return (metro, region) -> rate."""
    return {(one.metro, one.region): one.rate for one in plan.routes}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.fixture(scope="module")
def planning(engine: Engine) -> Planning:
    return make_plan(example_spec(), example_market(), engine=engine)


def placement(plan: Plan, workload: str, offer: str) -> Placement:
    """Return the one placement of a workload on an offer."""
    (found,) = (o for o in plan.placements if (o.workload, o.offer) == (workload, offer))
    return found


def test_the_example_costs_39410_and_that_is_proven(planning: Planning) -> None:
    """Compute 39,000, rework 330, transfer 80; the bound is the cost."""
    plan = planning.plan
    cost = plan.cost
    assert (cost.compute, cost.rework, cost.transfer) == (39_000, 330, 80)
    assert cost.total == plan.proof.cost_bound == 39_410
    assert plan.proof.gap == 0
    assert plan.status == "optimal"


def test_the_example_stands_where_it_is_cheapest_for_all_together(planning: Planning) -> None:
    """Pretrain whole on A; chat 3 on A and 2 on D; embed 2 spot instances for 83.25 h each."""
    assert held(planning.plan) == {
        ("pretrain", A): (2, Decimal(90)),
        ("chat", A): (3, Decimal(100)),
        ("chat", D): (2, Decimal(100)),
        ("embed", B): (2, Decimal("83.25")),
    }


def test_the_example_routes_a_fifth_of_its_demand_far(planning: Planning) -> None:
    """80 of 400 go beyond 50 ms, which is all that 80 % near allows."""
    assert routed(planning.plan) == {
        ("new-york", "aws/us-east-1"): 160,
        ("paris", "gcp/europe-west4"): 160,
        ("paris", "aws/us-east-1"): 80,
    }
    far = [one for one in planning.plan.routes if not one.near]
    assert [(one.rate, one.rtt_ms) for one in far] == [(80, 85)]


def test_the_example_leaves_the_sweep_whole_and_says_why(planning: Planning) -> None:
    """Six instances in one zone are nowhere: 2,400 accelerator-hours at priority 0."""
    plan = planning.plan
    (sweep,) = plan.unmet
    assert (sweep.workload, sweep.fraction, sweep.amount) == ("sweep", 1, 2_400)
    assert "needs 6 instances in one zone" in sweep.reasons[0]
    levels = [(level.priority, level.unmet, level.bound) for level in plan.proof.levels]
    assert levels == [(10, 0, 0), (5, 0, 0), (0, 2_400, 2_400)]


def test_the_examples_spot_bills_eleven_percent_more(planning: Planning) -> None:
    """150 h of work are 166.5 billed hours: f = 1 + sqrt(2 x 0.1 x 0.05) + 0.05 x 0.2."""
    embed = placement(planning.plan, "embed", B)
    assert (embed.useful_hours, embed.instance_hours) == (150, Decimal("166.5"))


def test_with_four_at_a_one_instance_of_chat_moves(engine: Engine) -> None:
    """42,410: pretrain keeps its two, one of chat's goes to C."""
    planning = make_plan(example_spec(), example_market(available_at_a=4), engine=engine)
    assert planning.plan.cost.total == planning.plan.proof.cost_bound == 42_410
    found = held(planning.plan)
    assert found["pretrain", A][0] == found["chat", A][0] == 2
    assert found["chat", C][0] == 1


def test_chat_first_with_four_at_a_costs_44810(tmp_path: Path, engine: Engine) -> None:
    """Cheapest-first with chat in front takes three of A and sends pretrain to C."""
    change = (
        "accelerators: H100:8\n    throughput: 12.5\n    headroom: 25%\n    priority: 10",
        "accelerators: H100:8\n    throughput: 12.5\n    headroom: 25%\n    priority: 11",
    )
    spec, market = example_spec(tmp_path, change=change), example_market(available_at_a=4)
    plan = make_plan(spec, market, baseline=True, engine=engine).plan
    baseline = plan.baseline
    assert baseline is not None
    assert plan.cost.total == 42_410
    assert baseline.total_usd == 44_810
    assert baseline.unmet == ()


def test_a_latency_share_of_ninety_percent_costs_3000(tmp_path: Path, engine: Engine) -> None:
    """40 of 400 may be far, so one instance of chat moves from A to C."""
    spec = example_spec(tmp_path, change=("share: 80%", "share: 90%"))
    plan = make_plan(spec, example_market(), engine=engine).plan
    assert plan.cost.total == plan.proof.cost_bound == 42_410
    assert sum(one.rate for one in plan.routes if not one.near) <= 40
    assert held(plan)["chat", C] == (1, 100)


def test_a_commitment_of_2000_is_used_by_25_hours_of_embed(tmp_path: Path, engine: Engine) -> None:
    """25 h of embed on C fill it exactly; 125 x 1.11 h stay on spot: 40,855 in all."""
    change = ("version: 1", "version: 1\nholdings: {commitments: [{provider: azure, spend: 2k}]}")
    plan = make_plan(example_spec(tmp_path, change=change), example_market(), engine=engine).plan
    assert plan.cost.total == plan.proof.cost_bound == 40_855
    assert plan.cost.shortfall == 0
    assert placement(plan, "embed", C).instance_hours == 25
    assert placement(plan, "embed", C).cost.compute == 2_000
    assert placement(plan, "embed", B).instance_hours == Decimal("138.75")
    assert plan.cost.transfer == 80


def test_one_owned_instance_goes_where_it_saves_most(tmp_path: Path, engine: Engine) -> None:
    """It is chat's for 100 h (5,000), not pretrain's for 90 h (4,500): 34,410."""
    change = (
        "version: 1",
        "version: 1\nholdings: {reservations: "
        "[{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 1}]}",
    )
    plan = make_plan(example_spec(tmp_path, change=change), example_market(), engine=engine).plan
    assert plan.cost.total == plan.proof.cost_bound == 34_410
    assert held(plan)["chat", OWNED] == (1, 100)
    assert not any(one.owned for one in plan.placements if one.workload == "pretrain")
    assert plan.owned_idle == ()


def test_the_written_plan_reads_back_and_passes_the_audit(planning: Planning) -> None:
    """The file holds the whole plan, and the plan in it is as good."""
    import json

    again = plan_from_data(json.loads(plan_to_json(planning.plan)))
    assert again == planning.plan
    assert audit(again, example_spec(), example_market()) == ()
