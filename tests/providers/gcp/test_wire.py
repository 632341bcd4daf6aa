"""The adapter against the emulated cloud, with Google's own clients over HTTP and gRPC."""

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from google.auth.credentials import AnonymousCredentials

from broker.errors import ProviderError
from broker.fetching import ConcurrentFetcher
from broker.market import TABLES
from broker.provider import FaultKind, Scope, Settings
from providers.emulation.gcp import GoogleEmulator
from providers.gcp import connect
from providers.gcp.clients import Clients
from tests.providers.gcp.cloud import QUICK, TYPES, fixtures, machine_type, refresh, region


@pytest.fixture
def emulator() -> Iterator[GoogleEmulator]:
    """The hand-made cloud, three rows a page."""
    with GoogleEmulator(fixtures(), page_size=3) as running:
        yield running


def offers_of(
    tables: pl.DataFrame, machine: str, option: str = "on-demand"
) -> list[dict[str, object]]:
    chosen = (pl.col("instance_type") == machine) & (pl.col("option") == option)
    return tables.filter(chosen).to_dicts()


def test_a_refresh_reads_every_page_once(emulator: GoogleEmulator) -> None:
    """8 + 1 machine types in pages of 3 take 3 requests, 38 SKUs in pages of 30 take 2."""
    fetched, tables = refresh(emulator)
    assert {name: one.fault for name, one in fetched.items() if one.fault} == {}
    assert len(fetched["instance-types"].rows) == 9
    assert len(emulator.http.requests("machineTypes.aggregatedList")) == 3
    assert [logged.target.page for logged in emulator.catalog.log] == [1, 2]
    assert emulator.catalog.log[0].parameters["parent"] == "services/6F81-5844-456A"
    once = ("regions.list", "acceleratorTypes.*", "reservations.*", "instances.*", "quotaInfos.*")
    assert [len(emulator.http.requests(name)) for name in once] == [1, 1, 1, 1, 1]
    assert all(tables.tables[name].schema == pl.Schema(TABLES[name]) for name in tables.tables)


def test_only_the_known_series_are_asked_for(emulator: GoogleEmulator) -> None:
    """The machine types' filter names the series, so that custom and other machines stay away."""
    refresh(emulator)
    (first, *_) = emulator.http.requests("machineTypes.aggregatedList")
    assert str(first.parameters["filter"]).startswith('name eq "(a2|a3|a4|a4x|g2|g4|')
    assert first.parameters["maxResults"] == "500"


def test_offers_carry_price_source_and_moment(emulator: GoogleEmulator) -> None:
    """An offer has the composed price, where it comes from and when it was read."""
    fetched, tables = refresh(emulator)
    (offer,) = offers_of(tables.tables["offers"], "a3-highgpu-8g")
    assert round(float(str(offer["usd_per_hour"])), 2) == 88.49
    assert offer["zone"] == "us-central1-a"
    assert (offer["accelerator"], offer["accelerators"]) == ("H100", 8.0)
    assert (offer["fabric"], offer["local_disk_gib"], offer["vcpus"]) == ("rdma", 6000.0, 208)
    assert offer["price_source"] == "gcp-catalog"
    assert offer["price_observed_at"] == fetched["prices"].fetched_at
    assert offer["quota_family"] == "NVIDIA_H100"
    assert {source.key for source in tables.sources} >= {"gcp-catalog", "gcp-machine-types"}


def test_a_region_without_rates_has_offers_without_price(emulator: GoogleEmulator) -> None:
    """Where the catalog is silent the on-demand offer stands with an unknown price and source."""
    _, tables = refresh(emulator)
    offers = tables.tables["offers"].filter(pl.col("region") == "europe-west4")
    assert offers["option"].to_list() == ["on-demand"]
    assert offers["usd_per_hour"].to_list() == [None]
    assert offers["price_source"].to_list() == [None]


def test_attached_accelerators_are_offers_of_their_own(emulator: GoogleEmulator) -> None:
    """8 x 0.031611 + 30 x 0.004237 + 0.35 = 0.729998 for n1-standard-8 with one T4."""
    _, tables = refresh(emulator)
    (offer,) = offers_of(tables.tables["offers"], "n1-standard-8+nvidia-tesla-t4x1")
    assert offer["usd_per_hour"] == Decimal("0.729998000")
    assert offer["quota_family"] == "NVIDIA_T4_GPUS"


def test_scope_keeps_the_regions_asked_for(emulator: GoogleEmulator) -> None:
    """Lists cover all regions in one request each; the rest is left out when reading."""
    _, tables = refresh(emulator, Scope(regions=("europe-west4",)))
    assert set(tables.tables["offers"]["region"]) == {"europe-west4"}


@pytest.mark.parametrize("told", ["unreachable", "warned"])
def test_places_that_did_not_answer_are_gaps(emulator: GoogleEmulator, told: str) -> None:
    """A zone under `unreachables`, or with a warning in its place, is missing, not empty."""
    setattr(emulator.fixtures, told, ["zones/europe-west4-a"])
    _, tables = refresh(emulator)
    gaps = tables.tables["gaps"].filter(pl.col("dataset") == "instance-types")
    assert gaps.select("region", "code").rows() == [("europe-west4", "UNREACHABLE")]
    assert "europe-west4" not in set(tables.tables["offers"]["region"])


def test_an_empty_region_is_no_gap(emulator: GoogleEmulator) -> None:
    """A region that sells nothing simply has no offers."""
    emulator.fixtures.regions.append(region("asia-east1", "asia-east1-a"))
    emulator.fixtures.machine_types["asia-east1-a"] = []
    _, tables = refresh(emulator)
    assert tables.tables["gaps"].is_empty()


def test_a_region_that_is_down_is_a_gap(emulator: GoogleEmulator) -> None:
    """A region's own status is shown."""
    emulator.fixtures.regions[1]["status"] = "DOWN"
    _, tables = refresh(emulator)
    assert tables.tables["gaps"].select("region", "code").rows() == [("europe-west4", "DOWN")]


def test_an_unknown_accelerator_is_a_gap(emulator: GoogleEmulator) -> None:
    """A machine with an accelerator nobody knows is left out and named."""
    odd = machine_type("a4-odd-8g", 8, 32, guest="nvidia-x1", count=8)
    emulator.fixtures.machine_types["us-central1-a"].append(odd)
    _, tables = refresh(emulator)
    gaps = tables.tables["gaps"]
    assert gaps["code"].to_list() == ["UNKNOWN_ACCELERATOR"]
    assert "nvidia-x1" in gaps["reason"][0]
    assert offers_of(tables.tables["offers"], "a4-odd-8g") == []


def test_a_missing_rate_is_a_gap(emulator: GoogleEmulator) -> None:
    """When one part of a machine lost its SKU the machine has no price, and that is said."""
    emulator.fixtures.skus = [
        one
        for one in emulator.fixtures.skus
        if not one["description"].startswith("A2 Instance Ram")
    ]
    _, tables = refresh(emulator)
    (offer,) = offers_of(tables.tables["offers"], "a2-highgpu-1g")
    assert offer["usd_per_hour"] is None
    gaps = tables.tables["gaps"].select("region", "dataset", "code", "reason").rows()
    assert gaps == [
        (
            "us-central1",
            "prices",
            "RATE_MISSING",
            "no on-demand rate of ram a2, so no price of a2-highgpu-1g",
        ),
    ]


def test_signals_are_asked_for_only_on_request(emulator: GoogleEmulator) -> None:
    """Without the flag no advice is asked; with it one request per region, machine and kind."""
    refresh(emulator)
    assert emulator.http.requests("advice.*") == []
    emulator.fixtures.obtainability[("us-central1", "a3-highgpu-8g")] = 0.62
    emulator.fixtures.preemption_rate[("us-central1", "a3-highgpu-8g")] = 0.07
    _, tables = refresh(emulator, Scope(signals=True), advice_types="a3-highgpu-8g,g9-none")
    signals = tables.tables["signals"].select("region", "zone", "instance_type", "signal", "value")
    assert signals.rows() == [
        ("us-central1", "", "a3-highgpu-8g", "preemption-rate", 0.07),
        ("us-central1", "us-central1-a", "a3-highgpu-8g", "estimated-uptime-h", 1.0),
        ("us-central1", "us-central1-a", "a3-highgpu-8g", "obtainability", 0.62),
    ]
    (asked,) = emulator.http.requests("advice.capacity")
    assert asked.target.region == "us-central1"
    properties = asked.parameters["instanceProperties"]
    assert properties == {"scheduling": {"provisioningModel": "SPOT"}}


def test_a_calendar_window_is_an_offer_with_a_start(emulator: GoogleEmulator) -> None:
    """A free window becomes a capacity-block offer at the calendar rate: 8 x 11.277."""
    emulator.fixtures.skus.append(
        {
            **emulator.fixtures.skus[0],
            "description": "DWS Calendar Mode A4 Nvidia B200 (1 gpu slice) in Americas",
            "category": {"resourceGroup": "GPU", "usageType": "OnDemand"},
            "pricingInfo": [
                {
                    "pricingExpression": {
                        "usageUnit": "h",
                        "tieredRates": [{"unitPrice": {"units": "11", "nanos": 277000000}}],
                    }
                }
            ],
        }
    )
    emulator.fixtures.calendar[("us-central1", "a4-highgpu-8g")] = (
        "us-central1-a",
        "2026-12-01T00:00:00Z",
        "2026-12-15T00:00:00Z",
    )
    _, tables = refresh(emulator, Scope(blocks=True))
    (offer,) = offers_of(tables.tables["offers"], "a4-highgpu-8g", "capacity-block")
    assert offer["usd_per_hour"] == Decimal("90.216000000")
    assert (offer["variant"], offer["length_h"]) == ("calendar-20261201T0000Z", 336.0)
    assert str(offer["starts_at"]) == "2026-12-01 00:00:00+00:00"
    assert len(emulator.http.requests("advice.calendarMode", "us-central1")) == 2


def test_fixtures_have_the_shapes_of_the_sdk() -> None:
    """Machine types and SKUs parse with the SDK's own definitions, unknown members refused."""
    from google.cloud import billing_v1, compute_v1

    for wire in TYPES:
        compute_v1.MachineType.from_json(json.dumps(wire), ignore_unknown_fields=False)
    for wire in fixtures().skus:
        billing_v1.Sku.from_json(json.dumps(wire), ignore_unknown_fields=False)
    for wire in fixtures().regions:
        compute_v1.Region.from_json(json.dumps(wire), ignore_unknown_fields=False)


def test_a_project_must_be_named(emulator: GoogleEmulator) -> None:
    """Without a project nothing is asked, and the message says where to name one."""
    cloud = connect(Settings(endpoints=emulator.endpoints))
    with pytest.raises(ProviderError, match="found no project") as caught:
        cloud.collect(Scope(), ConcurrentFetcher(patience=QUICK))
    assert "providers.gcp.options.project" in caught.value.remedy
    assert emulator.http.log == ()


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ({"compute": "http://compute.example.com"}, "https://"),
        ({"storage": "https://storage.example.com"}, "one of compute, billing, quotas"),
    ],
)
def test_endpoints_that_would_leak_or_do_nothing_are_refused(
    endpoints: dict[str, str], expected: str
) -> None:
    """Plain HTTP leaves this machine never; unknown services are named."""
    with pytest.raises(ProviderError, match=expected):
        connect(Settings(endpoints=endpoints, options={"project": "p"}))


def test_no_credentials_is_told_apart_from_a_failure(emulator: GoogleEmulator) -> None:
    """A real endpoint without credentials leaves the provider unconfigured, asking nobody."""
    settings = Settings(
        endpoints={**emulator.endpoints, "compute": "https://compute.example.com"},
        options={"project": "p"},
    )
    fetched = connect(settings).collect(Scope(), ConcurrentFetcher(patience=QUICK))
    faults = {one.fault.kind for one in fetched if one.fault}
    assert FaultKind.UNCONFIGURED in faults


def test_reading_is_pure(emulator: GoogleEmulator) -> None:
    """The same rows give the same tables, byte for byte, in whatever order zones come."""
    cloud = connect(Settings(endpoints=emulator.endpoints, options={"project": "p"}))
    fetched = cloud.collect(Scope(), ConcurrentFetcher(patience=QUICK))
    first, second = cloud.read(fetched, Scope()), cloud.read(fetched, Scope())
    assert first.tables["offers"].equals(second.tables["offers"])
    kept = [replace(one, rows=json.loads(json.dumps(one.rows))) for one in fetched]
    assert cloud.read(kept, Scope()).tables["offers"].equals(first.tables["offers"])


def test_credentials_come_from_the_sdks_own_chain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service account's key, named in the environment, is what a real endpoint would get."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k",
        "private_key": pem.decode(),
        "client_email": "reader@p.iam.gserviceaccount.com",
        "token_uri": "http://127.0.0.1:9/token",
    }
    file = tmp_path / "key.json"
    file.write_text(json.dumps(account), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    clients = Clients(Settings(options={"project": "p"}))
    assert clients.session().credentials.service_account_email == account["client_email"]
    local = Clients(Settings(endpoints={"quotas": "http://127.0.0.1:9"}))
    assert isinstance(local.session().credentials, AnonymousCredentials)
