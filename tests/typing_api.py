"""What the public names promise, for type checkers: `mypy` reads this file and nothing runs it."""

from decimal import Decimal
from pathlib import Path
from typing import assert_type

import polars as pl

import broker

SPEC: dict[str, object] = {"training": [{"name": "run", "accelerators": "H100:8", "hours": 10}]}


def plans() -> None:
    """A plan comes from a path, from data or from a spec, on any form of market."""
    market = broker.read_market("embedded")
    assert_type(market, broker.Market)
    spec = broker.load_spec(SPEC, market)
    assert_type(spec, broker.Spec)
    plan = broker.plan(spec, market, gap=0.01, time_limit_s=30.0, baseline=False)
    assert_type(plan, broker.Plan)
    assert_type(broker.plan("spec.yaml", ["embedded", Path("mine.csv")]), broker.Plan)
    assert_type(broker.plan(SPEC, Path("mine.csv")), broker.Plan)
    assert_type(plan.cost, broker.Cost)
    assert_type(plan.cost.total, Decimal)
    assert_type(plan.placements, tuple[broker.Placement, ...])
    assert_type(plan.unmet, tuple[broker.Unmet, ...])
    assert_type(broker.explain(plan, market, workload="run"), tuple[broker.Explanation, ...])
    assert_type(broker.plan_to_json(plan), str)
    assert_type(broker.read_plan("plan.json"), broker.Plan)


def lists() -> None:
    """Offers are a frame, a round trip a record; errors have a remedy and an exit code."""
    assert_type(broker.list_offers("H100:8", options=["spot"], infra=["aws/*"]), pl.DataFrame)
    assert_type(broker.round_trip("paris", "aws/eu-west-3"), broker.RoundTrip)
    assert_type(broker.round_trip((48.9, 2.4), "aws/eu-west-3").rtt_ms, float)
    try:
        broker.load_spec("spec.yaml")
    except broker.SpecError as error:
        assert_type(error.remedy, str)
        assert_type(error.exit_code, int)
