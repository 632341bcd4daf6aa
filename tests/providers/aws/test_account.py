"""What the account owns, may use and runs, over HTTP with the real SDK."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from broker.market import HOLDING_SCHEMA, QUOTA_SCHEMA, RUNNING_SCHEMA, Market
from broker.offers import OFFER_SCHEMA
from broker.provider import Scope, Tables
from tests.providers.aws.cloud import KEYS, NOON, emulator_of, faults, fetch, small_market

ON_DEMAND_P = "Running On-Demand P instances"


def table(schema: object, *rows: dict[str, object]) -> pl.DataFrame:
    """Return `rows` with what they do not say as null."""
    names = list(schema)  # type: ignore[call-overload] # any of the market's schemas
    full = [{name: row.get(name) for name in names} for row in rows]
    return pl.DataFrame(full, schema=dict(schema), orient="row")  # type: ignore[call-overload] # same


def holding(identity: str, kind: str, **more: object) -> dict[str, object]:
    row = {
        "id": identity,
        "kind": kind,
        "provider": "aws",
        "region": "us-east-1",
        "zone": "use1-az6",
        "instance_type": "p5.48xlarge",
        "instances": 2,
        "starts_at": NOON,
        "ends_at": NOON + timedelta(days=365),
        "state": "active",
        "source": "test",
        "observed_at": NOON,
    }
    return row | more


def owned_market() -> Market:
    """Return the small market with a quota, four holdings and three running instances."""
    quota = {"provider": "aws", "region": "us-east-1", "family": ON_DEMAND_P, "unit": "vcpus"}
    running = {"workload": "chat", "provider": "aws", "region": "us-east-1", "zone": "use1-az6"}
    return replace(
        small_market(),
        quotas=table(QUOTA_SCHEMA, {**quota, "limit": 1152.0}),
        holdings=table(
            HOLDING_SCHEMA,
            holding("cr-1", "reservation", instances=1),
            holding("cr-2", "capacity-block"),
            holding("ri-1", "reserved-instance", zone="", usd_per_hour=Decimal("37.5")),
            holding(
                "sp-1",
                "compute-savings-plan",
                region="",
                zone="",
                instance_type="",
                instances=None,
                usd_per_hour=Decimal("12.25"),
            ),
        ),
        running=table(
            RUNNING_SCHEMA,
            {**running, "instance_type": "p5.48xlarge", "option": "on-demand", "instances": 2},
            {**running, "instance_type": "g6f.large", "option": "spot", "instances": 1},
        ),
    )


@pytest.fixture(scope="module")
def owned() -> Tables:
    """Return what a refresh of the owned market brings."""
    with pytest.MonkeyPatch.context() as patch, emulator_of(owned_market()) as emulator:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        return fetch(emulator)[1]


def test_quotas_and_their_use(owned: Tables) -> None:
    """Two p5 that run and one reserved but empty use 3 x 192 of 1,152 vCPUs."""
    tables = owned
    (row,) = tables.tables["quotas"].to_dicts()
    assert (row["region"], row["family"], row["unit"]) == ("us-east-1", ON_DEMAND_P, "vcpus")
    assert (row["limit"], row["used"]) == (1152.0, 576.0)


def test_holdings(owned: Tables) -> None:
    """Reservations cost the on-demand rate, reserved instances and plans what they say."""
    tables = owned
    found = {row["id"]: row for row in tables.tables["holdings"].to_dicts()}
    told = {
        key: (row["kind"], row["zone"], row["instances"], row["usd_per_hour"])
        for key, row in found.items()
    }
    assert told == {
        "cr-1": ("reservation", "use1-az6", 1, Decimal("55.04")),
        "cr-2": ("capacity-block", "use1-az6", 2, None),
        "ri-1": ("reserved-instance", "", 2, Decimal("37.5")),
        "sp-1": ("compute-savings-plan", "", None, Decimal("12.25")),
    }
    assert found["cr-1"]["ends_at"] == NOON + timedelta(days=365)


def test_running_instances_by_tag(owned: Tables) -> None:
    """Instances are counted by the workload that their tag names."""
    tables = owned
    running = tables.tables["running"].select(
        "workload", "zone", "instance_type", "option", "instances"
    )
    assert sorted(running.rows()) == [
        ("chat", "use1-az6", "g6f.large", "spot", 1),
        ("chat", "use1-az6", "p5.48xlarge", "on-demand", 2),
    ]


def test_instances_without_the_tag_are_nobodys() -> None:
    """With another tag key nothing runs for a workload, but quotas are used all the same."""
    with emulator_of(owned_market()) as emulator:
        fetched, tables = fetch(emulator, scope=Scope(tag="team"))
    assert tables.tables["running"].height == 0
    assert tables.tables["quotas"]["used"][0] == 576.0
    rows = [row for one in fetched if one.dataset == "instances" for row in one.rows]
    assert "chat" not in repr(rows)


def block_market(starts_at: datetime) -> Market:
    """Return the small market with one capacity block on sale."""
    market = small_market()
    row = market.offers.filter(
        (pl.col("instance_type") == "p5.48xlarge") & (pl.col("zone") == "use1-az6")
    ).to_dicts()[0]
    row |= {
        "option": "capacity-block",
        "variant": "cb-1",
        "usd_per_hour": Decimal(0),
        "upfront_usd": Decimal("777.6"),
        "starts_at": starts_at,
        "length_h": 24.0,
    }
    return replace(market, offers=pl.concat([market.offers, table(OFFER_SCHEMA, row)]))


def test_capacity_blocks_on_request() -> None:
    """Blocks are asked for only when wanted, by type and length, and become offers."""
    starts_at = NOON + timedelta(days=8)
    with emulator_of(block_market(starts_at)) as emulator:
        fetched, without = fetch(emulator)
        assert emulator.requests("DescribeCapacityBlockOfferings") == []
        fetched, tables = fetch(emulator, scope=Scope(blocks=True))
        asked = emulator.requests("DescribeCapacityBlockOfferings")
    assert faults(fetched) == set()
    lengths = {logged.parameters["CapacityDurationHours"] for logged in asked}
    assert lengths == {24, 168}
    blocks = tables.tables["offers"].filter(pl.col("option") == "capacity-block")
    (row,) = blocks.to_dicts()
    assert (row["zone"], row["variant"], row["available"]) == ("use1-az6", "cb-1", 1)
    assert (row["usd_per_hour"], row["upfront_usd"]) == (Decimal(0), Decimal("777.6"))
    assert (row["starts_at"], row["length_h"]) == (starts_at, 24.0)
    assert without.tables["offers"].height == tables.tables["offers"].height - 1


def test_placement_scores_on_request() -> None:
    """Scores are opt-in, asked in one stable request, and are signals by zone."""
    with emulator_of(small_market()) as emulator:
        fetched, tables = fetch(emulator, scope=Scope(signals=True))
        (asked,) = emulator.requests("GetSpotPlacementScores")
    assert faults(fetched) == set()
    assert asked.parameters["RegionNames"] == ["eu-west-1", "us-east-1"]
    assert asked.parameters["SingleAvailabilityZone"] is True
    signals = tables.tables["signals"]
    assert set(signals["instance_type"]) == {"p5.48xlarge", "p5e.48xlarge", "p5en.48xlarge"}
    assert set(signals["signal"]) == {"spot-placement-score"}
    assert set(signals["value"]) == {5.0}
