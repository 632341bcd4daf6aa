"""Savings plans that the market says an account holds: they pay unasked, at their own rates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.market import HOLDING_SCHEMA, Market
from tests.broker.rules.committed import TUNE, holding, rated, use
from tests.broker.rules.ruled import planned


def held(**changes: Any) -> Market:
    """Return the rated market with a compute savings plan of one year, 15 USD/h."""
    row: dict[str, Any] = dict.fromkeys(HOLDING_SCHEMA, "") | {
        "id": "sp-1",
        "kind": "compute-savings-plan",
        "provider": "aws",
        "instances": None,
        "usd_per_hour": Decimal(15),
        "starts_at": datetime(2026, 6, 1, tzinfo=UTC),
        "ends_at": datetime(2027, 6, 1, tzinfo=UTC),
        "observed_at": datetime(2026, 11, 1, tzinfo=UTC),
    }
    return replace(rated(), holdings=pl.DataFrame([row | changes], schema=dict(HOLDING_SCHEMA)))


@pytest.mark.parametrize(
    ("changes", "rate"),
    [
        ({}, 30),
        ({"kind": "ec2-savings-plan", "region": "us-east-1", "instance_type": "p5.*"}, 27),
        ({"ends_at": datetime(2029, 5, 31, tzinfo=UTC)}, Decimal(61) / 3),
    ],
    ids=["compute", "one family", "three years"],
)
def test_a_plan_the_market_holds_pays_at_the_rates_of_its_kind_and_term(
    changes: dict[str, Any], rate: Decimal, tmp_path: Path
) -> None:
    """The kind of the holding names the offers at whose prices it pays."""
    plan = planned(TUNE + "period: 100h\n", tmp_path, held(**changes))
    (one,) = use(plan).covers
    assert (use(plan).name, use(plan).used_usd) == ("sp-1", 1500)
    assert float(one.usd_per_hour) == pytest.approx(float(rate))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "sagemaker-savings-plan"}, "no offer has a price at its rates"),
        ({"ends_at": None}, "no offer has a price at its rates"),
        ({"region": "eu-west-1"}, "no offer has a price at its rates"),
        ({"ends_at": datetime(2026, 12, 2, tzinfo=UTC)}, "ends on 2026-12-01"),
    ],
    ids=["another service", "no term", "elsewhere", "too short"],
)
def test_a_held_plan_that_pays_for_nothing_is_listed_with_the_reason(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    """Nothing is taken for granted of what the market does not say."""
    plan = planned(TUNE + "period: 100h\n", tmp_path, held(**changes))
    assert plan.cost.total == 4000
    assert use(plan).reason.startswith(reason)


def test_the_spec_replaces_a_held_plan_of_its_name(tmp_path: Path) -> None:
    """The spec says 20 USD/h at half: 100 h are paid for, once."""
    text = TUNE + holding("{name: sp-1, provider: aws, per_hour: 20, off: 50%}")
    plan = planned(text, tmp_path, held())
    assert plan.cost.total == 0
    assert [one.name for one in plan.savings_plans] == ["sp-1"]
