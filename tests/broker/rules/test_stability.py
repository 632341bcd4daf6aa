"""Stability on the worked example: what moves, what it costs, what the plan says of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from broker.audit import audit
from broker.market import RUNNING_SCHEMA, Market
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.plan import plan_text
from broker.spec import load_spec
from broker.workloads import Spec
from tests.broker.test_worked_example import HERE, A, example_market, held

_AT_AZURE = "{workload: chat, pool: azure/westeurope/-/Standard_ND96isr_H100_v5, instances: 4}"
_AT_GOOGLE = (
    "{workload: pretrain, pool: gcp/europe-west4/europe-west4-a/a3-megagpu-8g, instances: 2}"
)


def stable_spec(path: Path, *, rule: str = "", current: str = "", holdings: str = "") -> Spec:
    """Return the example, with chat running at Azure and pretrain at Google unless said."""
    current = current or f"[{_AT_AZURE}, {_AT_GOOGLE}]"
    text = f"{(HERE / 'spec.yaml').read_text()}\n{holdings}\nstability:\n  {rule}\n"
    file = path / "spec.yaml"
    file.write_text(text + (f"  current: {current}\n" if current != "none" else ""))
    spec = load_spec(file, read_market=lambda _: example_market())
    return replace(
        spec, latency=str(HERE / "round_trips.csv"), transfer=str(HERE / "transfer.csv")
    )


def moved(plan: Plan) -> dict[str, Decimal]:
    """Return workload -> cost of its move."""
    return {one.workload: one.cost_usd for one in plan.moves}


def test_a_move_costs_the_restart_of_what_runs_now(tmp_path: Path) -> None:
    """One hour of 4 x 80 and of 2 x 60 USD beside the example's 39,410."""
    plan = make_plan(stable_spec(tmp_path, rule="restart: 1h"), example_market()).plan
    assert moved(plan) == {"pretrain": 120, "chat": 320}
    assert plan.cost.moves == 440
    assert plan.cost.total == plan.proof.cost_bound == 39_850
    assert [one.workload for one in plan.moves] == ["pretrain", "chat"]


def test_a_stated_cost_wins_and_the_first_glob_counts(tmp_path: Path) -> None:
    """5,000 for chat, 1 for everybody else."""
    rule = 'move_cost: {chat: 5k, "*": 1}'
    plan = make_plan(stable_spec(tmp_path, rule=rule), example_market()).plan
    assert moved(plan) == {"pretrain": 1, "chat": 5_000}
    assert plan.cost.total == plan.proof.cost_bound == 39_410 + 5_001


def test_one_move_leaves_the_dear_training_where_it_is(tmp_path: Path) -> None:
    """Chat must move to be served whole; pretrain stays at 10,800 and takes both of D."""
    rule = "restart: 1h\n  max_moves: 1"
    plan = make_plan(stable_spec(tmp_path, rule=rule), example_market()).plan
    assert moved(plan) == {"chat": 320}
    assert plan.cost.total == plan.proof.cost_bound == 45_530
    assert ("stability.max_moves", "1", "1") in {(o.what, o.used, o.limit) for o in plan.binding}


def test_no_move_at_all_serves_what_home_can_carry(tmp_path: Path) -> None:
    """Four instances at Azure carry 320 of 400; served demand is not bought with moves."""
    plan = make_plan(stable_spec(tmp_path, rule="max_moves: 0"), example_market()).plan
    assert plan.moves == ()
    assert {one.workload: round(one.fraction, 6) for one in plan.unmet} == {
        "chat": Decimal("0.2"),
        "sweep": 1,
    }


def test_min_saving_stops_small_moves_and_is_never_billed(tmp_path: Path) -> None:
    """Pretrain at A instead of D saves 1,800 less nothing: done for 1,799, not for 1,801."""
    for saving, cost in ((1_799, 39_410), (1_801, 41_210)):
        rule = f"min_saving: {saving}"
        current = f"[{_AT_GOOGLE}]"
        spec = stable_spec(tmp_path, rule=rule, current=current)
        market = market_with_room_at_google()
        plan = make_plan(spec, market).plan
        assert plan.cost.total == plan.proof.cost_bound == cost
        assert plan.cost.moves == 0
        assert plan.cost.total <= 39_410 + saving
        assert "and moves no more costs under" in plan_text(plan)


def market_with_room_at_google() -> Market:
    """Return the example's market with four instances of D, so that nobody is in the way."""
    from broker.market_csv import read_offers_csv

    text = (HERE / "market.csv").read_text().replace("on-demand,60,2,", "on-demand,60,4,")
    return read_offers_csv(text.encode(), name="market.csv")


def test_frozen_workloads_stay(tmp_path: Path) -> None:
    """Pretrain keeps both of D whatever it costs."""
    plan = make_plan(stable_spec(tmp_path, rule="freeze: [pre*]"), example_market()).plan
    assert "pretrain" not in moved(plan)
    assert {offer for name, offer in held(plan) if name == "pretrain"} == {
        "gcp/europe-west4/europe-west4-a/a3-megagpu-8g/on-demand"
    }


def test_running_where_the_plan_wants_it_changes_nothing(tmp_path: Path) -> None:
    """Pretrain at A already: no move, no cost, the example's plan; on spot it would move."""
    here = "{workload: pretrain, pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 2"
    for option, moves in (("reserved-1y", {}), ("spot", {"pretrain": 40})):
        current = f"[{here}, option: {option}}}]"
        spec = stable_spec(tmp_path, rule="restart: 1h", current=current)
        plan = make_plan(spec, example_market()).plan
        assert moved(plan) == moves
        assert plan.cost.total == 39_410 + sum(moves.values())
        assert held(plan)["pretrain", A] == (2, 90)


def test_what_the_market_saw_running_counts_when_nothing_is_stated(tmp_path: Path) -> None:
    """The refresh's table of running instances stands in for `current`; strangers are ignored."""
    market = example_market()
    columns = ("workload", "provider", "region", "zone", "instance_type", "option", "instances")
    rows = [
        ("pretrain", "gcp", "europe-west4", "europe-west4-a", "a3-megagpu-8g", "on-demand", 2),
        ("stranger", "aws", "us-east-1", "use1-az1", "p5.48xlarge", "spot", 9),
    ]
    running = pl.DataFrame(
        [dict(zip(columns, row, strict=True)) for row in rows], schema=dict(RUNNING_SCHEMA)
    )
    market = replace(market, running=running)
    spec = stable_spec(tmp_path, rule="restart: 1h", current="none")
    plan = make_plan(spec, market).plan
    assert moved(plan) == {"pretrain": 120}


def test_a_place_that_is_no_longer_sold_is_left_and_said_to_be_free(tmp_path: Path) -> None:
    """Nobody states what p4d costs there: the move is taken as free, and the plan says so."""
    current = "[{workload: pretrain, pool: aws/us-east-1/use1-az1/p4d.24xlarge, instances: 2}]"
    plan = make_plan(
        stable_spec(tmp_path, rule="restart: 1h", current=current), example_market()
    ).plan
    assert moved(plan) == {"pretrain": 0}
    assert plan.moves[0].why == "where it runs now is not for sale in this market"
    assert any("counts as free" in sentence for sentence in plan.assumptions)


def test_the_plan_says_what_moves_and_why(tmp_path: Path) -> None:
    """Both ends of the move and what staying would cost, on screen and in the file."""
    import json

    spec = stable_spec(tmp_path, rule="restart: 1h")
    plan = make_plan(spec, example_market()).plan
    pretrain, chat = plan.moves
    assert pretrain.now == ("2 x gcp/europe-west4/europe-west4-a/a3-megagpu-8g on-demand",)
    assert pretrain.new == ("2 x aws/us-east-1/use1-az1/p5.48xlarge on-demand",)
    assert pretrain.why.startswith("saves 1,680.00 USD after the move; staying on gcp/")
    assert chat.why.startswith("staying takes 5 instances, azure/")
    assert "Moves       pretrain for $120.00: 2 x gcp/" in plan_text(plan)
    again = plan_from_data(json.loads(plan_to_json(plan)))
    assert again == plan
    assert audit(again, spec, example_market()) == ()


@pytest.mark.parametrize(
    ("rule", "found"), [("max_moves: 1", "max_moves"), ("freeze: [pretrain]", "freeze")]
)
def test_the_audit_finds_moves_that_are_not_allowed(tmp_path: Path, rule: str, found: str) -> None:
    """A plan made without the rule breaks it when judged with it."""
    free = stable_spec(tmp_path)
    plan = make_plan(free, example_market()).plan
    strict = stable_spec(tmp_path, rule=rule)
    assert found in {one.rule for one in audit(plan, strict, example_market())}


def test_the_audit_finds_moves_that_are_not_listed_or_paid(tmp_path: Path) -> None:
    """A move left out of the list, or out of the cost, is a violation."""
    spec = stable_spec(tmp_path, rule="restart: 1h")
    plan = make_plan(spec, example_market()).plan
    silent = audit(replace(plan, moves=plan.moves[:1]), spec, example_market())
    assert {(one.rule, one.subject) for one in silent} == {("moves", "chat")}
    free = replace(plan, cost=replace(plan.cost, moves=Decimal("0.00")))
    assert {one.rule for one in audit(free, spec, example_market())} >= {"total"}
