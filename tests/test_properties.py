"""What must hold for every plan: no rule broken, more is never worse, order does not matter."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from broker.audit import audit
from broker.market import Market
from broker.plan_file import plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.snapshot import stacked
from solver.asking import Engine
from solver.solution import SearchLimits
from tests.random_cases import PLACES, Data, Row, market_of, market_rows, spec_data, spec_of

#: What the optimizer's tolerances may leave on the table: of a weight, and USD.
TOLERANCE = Decimal("0.05")
EXACT = SearchLimits(gap=0.0)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def planned(market: Market, data: Data, engine: Engine) -> Plan:
    """Plan to a gap of nothing; the audit is part of it."""
    return make_plan(spec_of(data), market, limits=EXACT, engine=engine).plan


def bounded(examples: int) -> Any:
    """Return the settings of a property: always the same examples, and so many."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def is_worse(plan: Plan, than: Plan) -> bool:
    """Whether a plan is worse in the objective's order, gaps of both and tolerances aside."""
    for mine, other in zip(plan.proof.levels, than.proof.levels, strict=True):
        if mine.unmet < other.unmet - TOLERANCE:
            return False
        slack = TOLERANCE + (mine.unmet - mine.bound) + (other.unmet - other.bound)
        if abs(mine.unmet - other.unmet) > slack:
            return mine.unmet > other.unmet
    gaps = plan.proof.gap * plan.cost.total + than.proof.gap * than.cost.total
    return plan.cost.total > than.cost.total + gaps + TOLERANCE


@bounded(60)
@given(rows=market_rows(), data=spec_data())
def test_no_plan_breaks_a_rule(rows: list[Row], data: Data, engine: Engine) -> None:
    """Whatever is asked on whatever market, the audit of the plan is empty."""
    market = market_of(rows)
    spec = spec_of(data)
    plan = make_plan(spec, market, engine=engine).plan
    assert audit(plan, spec, market) == ()


@bounded(25)
@given(rows=market_rows(), data=spec_data())
def test_an_offer_more_is_never_worse(rows: list[Row], data: Data, engine: Engine) -> None:
    """A market with one offer more is planned at least as well."""
    fewer = planned(market_of(rows[1:]), data, engine)
    assert not is_worse(planned(market_of(rows), data, engine), fewer)


@bounded(25)
@given(rows=market_rows(), data=spec_data())
def test_more_instances_of_an_offer_are_never_worse(
    rows: list[Row], data: Data, engine: Engine
) -> None:
    """Offers with two instances more each are planned at least as well."""
    assume(any(row[4] for row in rows))
    grown = [(*row[:4], str(int(row[4]) + 2) if row[4] else "", row[5]) for row in rows]
    plan = planned(market_of(rows), data, engine)
    assert not is_worse(planned(market_of(grown), data, engine), plan)


@bounded(25)
@given(rows=market_rows(), data=spec_data())
def test_a_loosened_rule_is_never_worse(rows: list[Row], data: Data, engine: Engine) -> None:
    """Without its rules and quotas the same spec is served at least as well, and as cheaply."""
    assume("policy" in data or "quotas" in data)
    market = market_of(rows)
    strict = planned(market, data, engine)
    loose = {key: value for key, value in data.items() if key not in {"policy", "quotas"}}
    assert not is_worse(planned(market, loose, engine), strict)


@bounded(25)
@given(rows=market_rows(), data=spec_data(), order=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    rows: list[Row], data: Data, order: random.Random, engine: Engine
) -> None:
    """Permuted rows, and rows stacked from two markets in either order, give the same bytes."""
    spec = spec_of(data)
    plain = plan_to_json(make_plan(spec, market_of(rows), engine=engine).plan)
    mixed = list(rows)
    order.shuffle(mixed)
    assert plan_to_json(make_plan(spec, market_of(mixed), engine=engine).plan) == plain
    first, second = market_of(rows[:2]), market_of(rows[2:])
    for one, other in ((first, second), (second, first)):
        plan = make_plan(spec, stacked(one, other), engine=engine).plan
        assert plan_to_json(plan) == plain


@bounded(20)
@given(rows=market_rows(), data=spec_data(rules=False))
def test_prices_times_four_cost_four_times_as_much(
    rows: list[Row], data: Data, engine: Engine
) -> None:
    """Cost and bound scale with the prices; what is unmet stays the same."""
    for kind in ("training", "services", "batch"):
        for workload in data.get(kind, []):
            workload.pop("data", None)  # moving it has a price of its own
    dearer = [
        (*row[:2], str(4 * Decimal(row[2])), str(4 * Decimal(row[3] or 0)), *row[4:])
        for row in rows
    ]
    plan = planned(market_of(rows), data, engine)
    scaled = planned(market_of(dearer), data, engine)
    assert abs(scaled.cost.total - 4 * plan.cost.total) <= 4 * TOLERANCE
    assert [one.unmet for one in scaled.proof.levels] == [one.unmet for one in plan.proof.levels]


PROGRAM = """
import json, sys
from broker.plan_file import plan_to_json
from broker.planning import make_plan
from tests.random_cases import market_of, spec_of
case = json.load(sys.stdin)
plan = make_plan(spec_of(case["spec"]), market_of([tuple(row) for row in case["rows"]])).plan
sys.stdout.write(plan_to_json(plan))
"""


def test_two_processes_write_the_same_bytes() -> None:
    """The seed of hashes and the process make no difference."""
    case = {
        "rows": [
            (PLACES[0], "on-demand", "40", "", "5", ""),
            (PLACES[1], "on-demand", "40", "", "5", ""),
            (PLACES[3], "spot", "17", "", "4", "0.05"),
        ],
        "spec": {
            "period": 100,
            "training": [{"name": "a", "accelerators": "H100:16", "hours": 60}],
            "services": [
                {
                    "name": "s",
                    "accelerators": "H100:8",
                    "throughput": 10,
                    "demand": [{"from": "paris", "rate": 100}, {"from": "tokyo", "rate": 50}],
                    "spot": {"restart": 0.1},
                }
            ],
            "batch": [{"name": "b", "accelerators": "H100:8", "work": 333, "spot": {}}],
        },
    }
    written = {
        subprocess.run(  # noqa: S603 - this interpreter, a program of ours
            [sys.executable, "-c", PROGRAM],
            input=json.dumps(case).encode(),
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    (one,) = written
    assert b'"total"' in one
