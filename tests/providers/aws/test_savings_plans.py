"""Savings plans that the account holds pay in plans made on what a refresh read."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from broker.market import HOLDING_SCHEMA, Market
from broker.planning import make_plan
from broker.plans import Plan
from broker.spec import spec_from_data
from tests.providers.aws.cloud import KEYS, NOON, emulator_of, fetch, small_market

RATES = (("compute-savings-plan", "30"), ("ec2-savings-plan", "25"))
SPEC = {
    "start": "2026-12-01",
    "period": 100,
    "training": [
        {
            "name": "tune",
            "accelerators": "H100:8",
            "hours": 100,
            "where": {"regions": ["us-east-1"]},
        }
    ],
}


def account(*held: tuple[str, str, str, str]) -> Market:
    """Return the small market with rates for p5, and plans: (kind, region, types, USD/h)."""
    small = small_market()
    is_p5 = (
        (pl.col("instance_type") == "p5.48xlarge")
        & (pl.col("option") == "on-demand")
        & (pl.col("region") == "us-east-1")
    )
    one = small.offers.filter(is_p5).head(1)
    rates = [
        one.with_columns(
            pl.lit("-").alias("zone"),
            pl.lit("reserved-1y").alias("option"),
            pl.lit(variant).alias("variant"),
            pl.lit(Decimal(usd)).cast(one.schema["usd_per_hour"]).alias("usd_per_hour"),
        )
        for variant, usd in RATES
    ]
    blank: dict[str, Any] = dict.fromkeys(HOLDING_SCHEMA, "")
    rows = [
        blank
        | {
            "id": f"sp-{number}",
            "kind": kind,
            "provider": "aws",
            "region": region,
            "instance_type": types,
            "instances": None,
            "usd_per_hour": Decimal(usd),
            "starts_at": NOON,
            "ends_at": NOON + timedelta(days=365),
            "state": "active",
            "observed_at": NOON,
        }
        for number, (kind, region, types, usd) in enumerate(held)
    ]
    holdings = pl.DataFrame(rows, schema=dict(HOLDING_SCHEMA))
    return replace(small, offers=pl.concat([small.offers, *rates]), holdings=holdings)


def refreshed(market: Market, monkeypatch: pytest.MonkeyPatch) -> Market:
    """Return the market that a refresh makes of an account that holds and sells `market`."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    with emulator_of(market) as emulator:
        tables = fetch(emulator)[1].tables
    return replace(market, offers=tables["offers"], holdings=tables["holdings"])


def planned(market: Market) -> Plan:
    """Return the audited plan of a training of 100 h."""
    return make_plan(spec_from_data(SPEC), market).plan


@pytest.mark.parametrize(
    ("held", "rate"),
    [
        (("compute-savings-plan", "", "", "15"), 30),
        (("ec2-savings-plan", "us-east-1", "p5.*", "15"), 25),
    ],
    ids=["compute", "one family"],
)
def test_a_plan_of_the_account_pays_at_its_rates(
    held: tuple[str, str, str, str], rate: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1,500 USD pay for 50 h at 30, or for 60 h at 25."""
    plan = planned(refreshed(account(held), monkeypatch))
    (use,) = plan.savings_plans
    (one,) = use.covers
    assert (use.used_usd, one.usd_per_hour) == (1500, rate)
    assert one.hours == Decimal(1500) / rate


def test_plans_of_other_services_and_families_pay_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A plan for SageMaker has no rates here, one for g6 is for other machines."""
    held = (("savings-plan", "", "", "15"), ("ec2-savings-plan", "us-east-1", "g6.*", "15"))
    plan = planned(refreshed(account(*held), monkeypatch))
    assert [bool(one.covers) for one in plan.savings_plans] == [False, False]
    assert {one.reason for one in plan.savings_plans} == {"no offer has a price at its rates"}
