"""Quotas, holdings, running machines and signals as the account's rows tell them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from broker.provider import Row, Scope
from providers.azure.account import band_edge, evictions_frame, signals_frame
from providers.emulation.azure import SUBSCRIPTION, AzureSite
from tests.providers.azure.worlds import (
    CPU,
    H100,
    NOW,
    fetched_from,
    of_region,
    served,
    small_world,
    tables_of,
)

GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute"


def test_quotas_are_joined_whatever_their_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """A family appears as the sizes spell it; the region's total limits on-demand as a whole."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        quotas = tables_of(fetched_from(emulator)).tables["quotas"]
    columns = ["region", "family", "option", "unit", "limit", "used"]
    assert sorted(quotas.select(columns).rows()) == [
        ("eastus", "", "on-demand", "vcpus", 500.0, 96.0),
        ("eastus", "lowPriorityCores", "spot", "vcpus", 100.0, 0.0),
        ("eastus", "standardNDSH100v5Family", "", "vcpus", 192.0, 96.0),
        ("westus3", "", "on-demand", "vcpus", 100.0, 0.0),
    ]


def test_what_is_owned_is_read_from_three_services(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held becomes holdings; what is not made yet, or failed, does not."""
    world = small_world()
    world.groups, world.reservations = _reservations()
    world.reserved_instances = [_reserved_instance("VirtualMachines"), _reserved_instance("Sql")]
    world.savings_plans = [_savings_plan("USD"), _savings_plan("EUR")]
    with served(monkeypatch, AzureSite(world)) as emulator:
        holdings = tables_of(fetched_from(emulator)).tables["holdings"]
        assert len(emulator.requests("ListReservations")) == 2
    columns = ["id", "kind", "region", "zone", "instance_type", "instances", "usd_per_hour"]
    assert holdings.select([*columns, "state"]).rows() == [
        ("rg/held/r1", "reservation", "eastus", "1", H100, 4, Decimal("98.32"), "active"),
        ("rg/block/r2", "capacity-block", "eastus", "", H100, 2, None, "active"),
        ("order/one", "reserved-instance", "eastus", "", H100, 3, None, "active"),
        ("order/plan", "savings-plan", "", "", "", None, Decimal(500), "active"),
        ("order/plan", "savings-plan", "", "", "", None, None, "active"),
    ]
    block = holdings.row(1, named=True)
    assert block["starts_at"] == datetime(2026, 12, 1, 11, 30, tzinfo=UTC)
    assert block["ends_at"] == datetime(2026, 12, 8, 11, 30, tzinfo=UTC)
    assert holdings.row(2, named=True)["ends_at"] == datetime(2027, 3, 1, tzinfo=UTC)


def test_running_machines_are_counted_by_workload(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deallocated and untagged machines do not count; a uniform scale set counts its capacity."""
    world = small_world()
    world.machines = [
        _machine("a", CPU, zones=["1"]),
        _machine("b", CPU, zones=["1"]),
        _machine("c", CPU, zones=["1"], power="deallocated"),
        _machine("d", CPU, zones=["1"], tags={"other": "x"}),
        _machine("e", H100, priority="Spot"),
        _machine("f", H100, group="/held"),
    ]
    world.scale_sets = [_scale_set("Uniform", 5), _scale_set("Flexible", 7)]
    with served(monkeypatch, AzureSite(world)) as emulator:
        running = tables_of(fetched_from(emulator)).tables["running"]
    columns = ["workload", "region", "zone", "instance_type", "option", "instances"]
    assert sorted(running.select(columns).rows()) == [
        ("chat", "eastus", "-", H100, "owned", 1),
        ("chat", "eastus", "-", H100, "spot", 1),
        ("chat", "eastus", "1", CPU, "on-demand", 2),
        ("pool", "eastus", "-", CPU, "on-demand", 5),
    ]


def test_signals_are_asked_for_only_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the flag neither service is called; with it eight regions share one request."""
    world = small_world()
    world.evictions = [{"sku": H100.lower(), "location": "eastus", "evictionRate": "5-10"}]
    world.scores = {(H100, "eastus", "1"): "High", (H100, "westus3", ""): "Low"}
    with served(monkeypatch, AzureSite(world)) as emulator:
        fetched_from(emulator)
        assert not emulator.requests("QueryResources")
        assert not emulator.requests("ScoreSpotPlacement")
        scope = Scope(signals=True)
        tables = tables_of(fetched_from(emulator, scope), scope).tables
        (scored,) = emulator.requests("ScoreSpotPlacement")
    body = scored.parameters["body"]
    assert isinstance(body, dict)
    assert body["desiredLocations"] == ["eastus", "westus3"]
    assert len(body["desiredSizes"]) == 5
    columns = ["region", "zone", "instance_type", "signal", "value", "text"]
    assert tables["signals"].select(columns).rows() == [
        ("eastus", "", H100, "eviction-rate", 0.1, "5-10"),
        ("eastus", "1", H100, "spot-placement-score", None, "High"),
        ("westus3", "", H100, "spot-placement-score", None, "Low"),
    ]
    spot = tables["offers"].filter(pl.col("option") == "spot").row(0, named=True)
    assert spot["interruptions_per_hour"] == pytest.approx(-math.log(0.9))
    assert spot["interruptions_source"] == "azure-eviction-rates"
    on_demand = tables["offers"].filter(pl.col("option") == "on-demand")
    assert on_demand["interruptions_per_hour"].null_count() == on_demand.height


def test_eviction_rates_are_read_to_their_last_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resource Graph pages by a token in the body of the next query."""
    world = small_world()
    world.evictions = [
        {"sku": f"standard_nc{n}as_t4_v3", "location": "eastus", "evictionRate": "0-5"}
        for n in range(5)
    ]
    scope = Scope(signals=True)
    with served(monkeypatch, AzureSite(world, page_rows=2)) as emulator:
        signals = tables_of(fetched_from(emulator, scope), scope).tables["signals"]
        assert len(emulator.requests("QueryResources")) == 3
    assert signals.filter(pl.col("signal") == "eviction-rate").height == 5


@pytest.mark.parametrize(
    ("band", "edge"),
    [("0-5", 0.05), ("5-10", 0.1), ("15-20", 0.2), ("20+", 0.5), ("none", None), ("", None)],
)
def test_a_band_stands_for_its_upper_edge(band: str, edge: float | None) -> None:
    """The open band stands for one half; words that are no band say nothing."""
    assert band_edge(band) == edge


def test_an_unreadable_band_leaves_the_rate_unknown() -> None:
    """The signal keeps Azure's words, the rate is not made up."""
    rows: list[Row] = [{"sku": "s", "location": "eastus", "evictionRate": "unknown"}]
    fetched = [of_region("eviction-rates", rows, "")]
    assert evictions_frame(fetched).height == 0
    assert signals_frame(fetched, {})["text"].to_list() == ["unknown"]


def _reservations() -> tuple[list[Row], dict[str, list[Row]]]:
    held, block = (f"{GROUP}/capacityReservationGroups/{name}" for name in ("held", "block"))
    groups: list[Row] = [
        {"id": held, "properties": {"reservationType": "Targeted"}},
        {"id": block, "properties": {"reservationType": "Block"}},
    ]
    first: Row = {
        "id": f"{held}/capacityReservations/r1",
        "location": "EastUS",
        "zones": ["1"],
        "sku": {"name": H100, "capacity": 4},
        "properties": {"provisioningState": "Succeeded", "timeCreated": "2026-09-04T07:00:00Z"},
    }
    second: Row = {
        "id": f"{block}/capacityReservations/r2",
        "location": "eastus",
        "sku": {"name": H100, "capacity": 2},
        "properties": {
            "provisioningState": "Updating",
            "scheduleProfile": {"start": "2026-12-01T11:30:00Z", "end": "2026-12-08T11:30:00Z"},
        },
    }
    unmade = first | {"properties": {"provisioningState": "Creating"}}
    failed = first | {"properties": {"provisioningState": "Failed"}}
    return groups, {held.casefold(): [first, unmade, failed], block.casefold(): [second]}


def _reserved_instance(kind: str) -> Row:
    return {
        "id": "/providers/microsoft.capacity/reservationOrders/order/reservations/one",
        "location": "eastus",
        "sku": {"name": H100},
        "properties": {
            "reservedResourceType": kind,
            "quantity": 3,
            "provisioningState": "Succeeded",
            "expiryDate": "2027-03-01",
        },
    }


def _savings_plan(currency: str) -> Row:
    return {
        "id": "/providers/microsoft.billingbenefits/savingsPlanOrders/order/savingsPlans/plan",
        "properties": {
            "provisioningState": "Succeeded",
            "commitment": {"currencyCode": currency, "amount": 500.0, "grain": "Hourly"},
        },
    }


def _machine(
    name: str,
    size: str,
    *,
    zones: list[str] | None = None,
    power: str = "running",
    tags: dict[str, str] | None = None,
    priority: str = "Regular",
    group: str = "",
) -> Row:
    held = {"capacityReservationGroup": {"id": group}} if group else None
    return {
        "id": f"{GROUP}/virtualMachines/{name}",
        "location": "eastus",
        "zones": [*(zones or [])],
        "tags": {**(tags or {"Broker:Workload": "chat"})},
        "properties": {
            "hardwareProfile": {"vmSize": size},
            "priority": priority,
            "capacityReservation": held and {**held},
        },
        "_power": power,
    }


def _scale_set(mode: str, capacity: int) -> Row:
    return {
        "id": f"{GROUP}/virtualMachineScaleSets/{mode}",
        "location": "eastus",
        "zones": ["1", "2"],
        "sku": {"name": CPU, "capacity": capacity},
        "tags": {"broker:workload": "pool"},
        "properties": {
            "orchestrationMode": mode,
            "virtualMachineProfile": {"priority": "Regular"},
        },
    }


def test_observed_moments_are_those_of_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every figure of the account is dated by the call that brought it."""
    with served(monkeypatch, AzureSite(small_world())) as emulator:
        quotas = tables_of(fetched_from(emulator)).tables["quotas"]
    assert set(quotas["observed_at"]) == {NOW}
