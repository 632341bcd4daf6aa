"""Small emulated Azure worlds, and the ways to read them, for the tests of the adapter."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from broker.fetching import ConcurrentFetcher, Patience
from broker.provider import Fetched, Json, Row, Scope, Settings, Tables
from providers.azure import connect
from providers.emulation.azure import SUBSCRIPTION, AzureSite, AzureWorld
from providers.emulation.faults import Fault
from providers.emulation.server import Emulator

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HASTE = Patience(first_wait_s=0.01, longest_wait_s=0.05, call_s=30.0, provider_s=120.0)


def sku(
    name: str,
    region: str,
    *,
    family: str,
    zones: Sequence[str] = (),
    restrictions: Sequence[Row] = (),
    **capabilities: str,
) -> Row:
    """Return a row of the Resource SKUs list."""
    return {
        "resourceType": "virtualMachines",
        "name": name,
        "family": family,
        "locations": [region],
        "locationInfo": [{"location": region, "zones": list[Json](zones), "zoneDetails": []}],
        "capabilities": [{"name": key, "value": value} for key, value in capabilities.items()],
        "restrictions": list[Json](restrictions),
    }


def price(size: str, usd: float, *, region: str = "eastus", **fields: Json) -> Row:
    """Return a row of the Retail Prices API: Linux, on demand, unless `fields` say otherwise."""
    bare = size.removeprefix("Standard_").replace("_", " ")
    row: Row = {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": usd,
        "unitPrice": usd,
        "armRegionName": region,
        "effectiveStartDate": "2023-08-01T00:00:00Z",
        "meterId": "m",
        "meterName": bare,
        "productName": "Virtual Machines NDsr H100 v5 Series",
        "skuName": bare,
        "serviceName": "Virtual Machines",
        "unitOfMeasure": "1 Hour",
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": size,
    }
    return row | fields


def location(name: str, kind: str = "Physical") -> Row:
    """Return a row of the subscription's locations."""
    return {"name": name, "metadata": {"regionType": kind, "regionCategory": "Recommended"}}


def usage(name: str, used: int, limit: int) -> Row:
    """Return a row of the compute usages of a region."""
    return {"unit": "Count", "currentValue": used, "limit": limit, "name": {"value": name}}


H100 = "Standard_ND96isr_H100_v5"
A10_SIXTH = "Standard_NV6ads_A10_v5"
CPU = "Standard_D16ads_v5"


def small_world() -> AzureWorld:
    """Return two regions: an H100 in two zones, a slice of an A10, a CPU size, a closed A100."""
    closed: Row = {
        "type": "Location",
        "values": ["WestUS3"],
        "restrictionInfo": {"locations": ["WestUS3"]},
        "reasonCode": "NotAvailableForSubscription",
    }
    return AzureWorld(
        locations=[location("eastus"), location("westus3"), location("europe", "Logical")],
        skus={"eastus": _eastus_skus(), "westus3": [_a100(closed)]},
        usages={
            "eastus": [
                usage("cores", 96, 500),
                usage("lowPriorityCores", 0, 100),
                usage("StandardNDSH100v5 Family", 96, 192),
                usage("availabilitySets", 1, 2500),
            ],
            "westus3": [usage("cores", 0, 100)],
        },
        prices={
            "eastus": [
                price(H100, 98.32, savingsPlan=[{"term": "1 Year", "retailPrice": 78.66}]),
                price(H100, 29.5, skuName="ND96isr H100 v5 Spot"),
                price(H100, 551221.0, type="Reservation", reservationTerm="1 Year"),
                price(H100, 102.7, productName="Virtual Machines NDsr H100 v5 Series Windows"),
                price(A10_SIXTH, 0.454),
                price(CPU, 0.824),
            ],
            "westus3": [price("Standard_NC24ads_A100_v4", 3.67, region="westus3")],
        },
    )


def _eastus_skus() -> list[Row]:
    h100 = sku(
        H100,
        "eastus",
        family="standardNDSH100v5Family",
        zones=["2", "1"],
        vCPUs="96",
        MemoryGB="1900",
        GPUs="8",
        LowPriorityCapable="True",
        RdmaEnabled="True",
        CpuArchitectureType="x64",
        MaxResourceVolumeMB="1024000",
        NvmeDiskSizeInMiB="29491200",
    )
    a10 = sku(
        A10_SIXTH,
        "eastus",
        family="StandardNVADSA10v5Family",
        vCPUs="6",
        MemoryGB="55",
        GPUs="1",
        LowPriorityCapable="False",
    )
    cpu = sku(CPU, "eastus", family="standardDADSv5Family", vCPUs="16", MemoryGB="64")
    disk: Row = {"resourceType": "disks", "name": "Premium_LRS", "locations": ["eastus"]}
    return [h100, a10, cpu, disk]


def _a100(closed: Row) -> Row:
    return sku(
        "Standard_NC24ads_A100_v4",
        "WestUS3",
        family="StandardNCADSA100v4Family",
        zones=["1"],
        restrictions=[closed],
        vCPUs="24",
        MemoryGB="220",
        GPUs="1",
    )


@contextmanager
def served(
    monkeypatch: pytest.MonkeyPatch, site: AzureSite, *, faults: Sequence[Fault] = ()
) -> Iterator[Emulator]:
    """Serve `site` and let the SDK's own chain find a managed identity there."""
    with Emulator(site, faults=faults) as emulator:
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.url}/msi")
        monkeypatch.setenv("IDENTITY_HEADER", "local")
        yield emulator


def settings_of(emulator: Emulator, **options: str) -> Settings:
    """Return settings that point both endpoints at `emulator`."""
    endpoints = {"management": emulator.url, "prices": emulator.url}
    return Settings(endpoints=endpoints, options={"subscription": SUBSCRIPTION, **options})


def fetched_from(
    emulator: Emulator, scope: Scope | None = None, **options: str
) -> Sequence[Fetched]:
    """Collect everything once, with short pauses."""
    provider = connect(settings_of(emulator, **options))
    return provider.collect(scope or Scope(), ConcurrentFetcher(patience=HASTE, now=lambda: NOW))


def tables_of(fetched: Sequence[Fetched], scope: Scope | None = None) -> Tables:
    """Read what was collected."""
    return connect(Settings()).read(fetched, scope or Scope())


def of_region(
    dataset: str, rows: Sequence[Row], region: str = "eastus", at: datetime = NOW
) -> Fetched:
    """Return the outcome of one call."""
    rows = copy.deepcopy(list(rows))
    return Fetched(dataset=dataset, region=region, rows=rows, fetched_at=at)


def faults_of(fetched: Sequence[Fetched]) -> dict[tuple[str, str], str]:
    """Return (dataset, region) -> code of every call that failed."""
    return {(one.dataset, one.region): one.fault.code for one in fetched if one.fault}
