"""A plan on one screen."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.planning import make_plan
from broker.plans import Baseline, Binding, Plan
from broker.report.plan import money, percent, placements_csv, plan_text
from solver.solution import SearchLimits
from tests.broker.planning_inputs import market, spec

TEXT = (
    "training: [{name: a, accelerators: 'H100:16', hours: 90}, "
    "{name: huge, accelerators: 'H100:800', hours: 1, where: {providers: [gcp]}}]\n"
    "services: [{name: s, accelerators: 'H100:8', throughput: 1, "
    "demand: [{from: paris, rate: 3}], latency: {rtt: 60ms}}]\n"
)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan with placements, routes and something unmet."""
    limits = SearchLimits(gap=0.0)
    return make_plan(spec(tmp_path, TEXT), market(), limits=limits, baseline=True).plan


def test_the_summary_answers_the_first_questions(plan: Plan) -> None:
    """Cost, hourly and monthly, proof, cheapest-first, what is unmet, what it rests on."""
    text = plan_text(plan)
    total = plan.cost.total
    assert money(total) in text
    assert f"{money(total / 100)} an hour" in text
    assert f"{money(total / 100 * 730)} a month" in text
    assert "no plan that serves as much costs under" in text
    assert "cheapest-first" in text
    assert "huge (priority 0): 100.00 %: needs 100 instances" in text
    assert "prices seen 2026-07-20 to 2026-08-03" in text


def test_what_stays_unmet_of_a_priority_is_told_with_how_little_could(plan: Plan) -> None:
    """All that is proven must be left, or less than that."""
    assert "priority 0 in all: a weight of 800, as little as can be" in plan_text(plan)
    level = replace(plan.proof.levels[0], bound=Decimal("512.34"))
    text = plan_text(replace(plan, proof=replace(plan.proof, levels=(level,))))
    assert "a weight of 800; no plan that leaves no more of higher ones leaves under 512.3" in text


def test_every_placement_and_route_has_its_line(plan: Plan) -> None:
    """Nothing is cut from the tables."""
    text = plan_text(plan)
    assert text.count("p5.48xlarge") >= 1
    for route in plan.routes:
        assert f"{route.metro}" in text
        assert route.region in text


def test_many_full_pools_are_counted_not_cut_silently(plan: Plan) -> None:
    """What does not fit the screen is said to exist."""
    full = tuple(Binding(what=f"pool-{row}", used="1", limit="1") for row in range(9))
    assert "and 3 more" in plan_text(replace(plan, binding=full))


def test_a_baseline_that_serves_less_is_not_compared_by_cost(plan: Plan) -> None:
    """It names what would be left out instead."""
    base = Baseline(total_usd=None, unmet=("a",))
    assert "would leave out a" in plan_text(replace(plan, baseline=base))
    assert "cheapest-first" not in plan_text(replace(plan, baseline=None))


def test_csv_has_a_row_a_placement_and_sums_to_the_total(plan: Plan) -> None:
    """Cost lines are columns; their sum is the plan's cost."""
    rows = list(csv.DictReader(io.StringIO(placements_csv(plan))))
    assert len(rows) == len(plan.placements)
    assert sum(Decimal(row["total_usd"]) for row in rows) == plan.cost.total
    assert rows[0]["offer"] == plan.placements[0].offer


@pytest.mark.parametrize(
    ("share", "text"),
    [("0", "0.00 %"), ("0.00001", "0.001 %"), ("0.0157", "1.57 %"), ("1", "100.00 %")],
)
def test_percent_never_reads_as_zero_when_it_is_not(share: str, text: str) -> None:
    """A small gap keeps a third decimal."""
    assert percent(Decimal(share)) == text


def test_money_has_thousands_and_cents() -> None:
    """Negative amounts carry the sign before the currency."""
    assert money(Decimal("1234567.5")) == "$1,234,567.50"
    assert money(Decimal("-0.01")) == "-$0.01"


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_gets_lines_that_fit(plan: Plan, width: int) -> None:
    """No line of summary or placements is wider than the terminal; nothing is lost."""
    text = plan_text(plan, width)
    assert max(map(len, text.splitlines())) <= width
    for placement in plan.placements:
        assert f"{placement.instances} x {placement.instance_type}" in text
        assert f"{placement.cost.total:,.2f}" in text
