"""The emulated Azure is as strict as the services, and holds what its market holds."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest

from broker.market import HOLDING_SCHEMA, QUOTA_SCHEMA, RUNNING_SCHEMA, SIGNAL_SCHEMA, Market
from broker.offers import OFFER_KEY
from broker.provider import Scope
from broker.snapshot import read_market
from providers.emulation.azure import SUBSCRIPTION, AzureSite
from providers.emulation.azure_odata import parse_filter
from providers.emulation.azure_world import world_of
from providers.emulation.server import Emulator
from tests.providers.azure.worlds import fetched_from, served, small_world, tables_of

SKUS = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/skus"


@pytest.fixture
def url() -> Iterator[str]:
    """Return the address of a small emulated cloud."""
    with Emulator(AzureSite(small_world())) as emulator:
        yield emulator.url


def refusal_of(url: str, **headers: str) -> tuple[int, str]:
    """Return status and code of a request that is refused."""
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(urllib.request.Request(url, headers=headers))  # noqa: S310 - local
    with raised.value as reply:
        body = json.load(reply)
    error = body.get("error") or body["Error"]
    return raised.value.code, error.get("code") or error["Code"]


def test_requests_are_refused_as_the_service_refuses_them(url: str) -> None:
    """A missing version, an unknown one, no token, a foreign filter, an unknown path."""
    token = {"Authorization": "Bearer x"}
    version = "?api-version=2021-07-01"
    assert refusal_of(url + SKUS, **token) == (400, "MissingApiVersionParameter")
    assert refusal_of(f"{url}{SKUS}?api-version=1", **token) == (400, "InvalidApiVersionParameter")
    assert refusal_of(url + SKUS + version) == (401, "AuthenticationFailed")
    asked = urllib.parse.urlencode({"$filter": "family eq 'x'"})
    assert refusal_of(f"{url}{SKUS}{version}&{asked}", **token) == (400, "InvalidFilter")
    assert refusal_of(f"{url}/elsewhere", **token) == (404, "InvalidResourceType")
    query = urllib.parse.urlencode({"api-version": "2023-01-01-preview", "$filter": "not a"})
    assert refusal_of(f"{url}/api/retail/prices?{query}") == (400, "BadRequest")


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("a eq 'x'", True),
        ("a eq 'X'", False),
        ("a eq 'x' and contains(b,'needle')", True),
        ("contains(b, 'needle') eq false", False),
        ("a eq 'y' or b eq 'y' or a eq 'x'", True),
        ("a eq 'x' and (b eq 'z' or b eq 'q')", False),
        ("inner/deep eq 'it''s'", True),
        ("flag eq true", True),
    ],
)
def test_filters_mean_what_they_say(text: str, matches: bool) -> None:
    """Equality, contains, and, or, parentheses, doubled quotes; case matters."""
    row = {"a": "x", "b": "a needle", "inner": {"deep": "it's"}, "flag": True}
    assert parse_filter(text)(row) is matches


@pytest.mark.parametrize(
    "text", ["a eq", "a is 'x'", "contains(a 'x')", "a eq 'x' b", "a eq x", "%"]
)
def test_a_filter_that_is_none_is_refused(text: str) -> None:
    """What the language does not know is an error, not an empty answer."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_filter(text)


def test_the_embedded_market_survives_the_way_over_the_wire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every specified Azure offer of two regions comes back with the same figures."""
    embedded = read_market(["embedded"])
    azure = (pl.col("provider") == "azure") & pl.col("region").is_in(["eastus", "westeurope"])
    market = type(embedded)(
        name="part",
        digest="",
        taken_at=embedded.taken_at,
        offers=embedded.offers.filter(azure),
    )
    with served(monkeypatch, AzureSite(world_of(market))) as emulator:
        offers = tables_of(fetched_from(emulator)).tables["offers"]
    figures = [
        *OFFER_KEY,
        *("usd_per_hour", "upfront_usd", "accelerator", "accelerators", "accelerator_memory_gib"),
        *("vcpus", "memory_gib", "fabric", "arch", "rack_hosts", "quota_family"),
    ]
    specified = market.offers.filter(pl.col("accelerators").is_not_null()).select(figures)
    lost = specified.join(offers.select(figures), on=figures, how="anti", nulls_equal=True)
    assert specified.height > 800
    assert lost.rows() == []
    sold = market.offers.filter(pl.col("purchasable") == "yes", pl.col("accelerators") > 0)
    back = offers.filter(pl.col("purchasable") == "yes").select(OFFER_KEY)
    assert sold.select(OFFER_KEY).join(back, on=OFFER_KEY, how="anti").rows() == []


def test_what_an_account_holds_survives_the_way_over_the_wire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Quotas, holdings, running machines and signals of a market come back as they went in."""
    market = _market_with_an_account()
    scope = Scope(signals=True)
    with served(monkeypatch, AzureSite(world_of(market))) as emulator:
        tables = tables_of(fetched_from(emulator, scope, score_sizes=SIZE), scope).tables
    for name, left_out in (
        ("quotas", ["source", "observed_at"]),
        ("holdings", ["id", "source", "observed_at"]),
        ("running", ["source", "observed_at"]),
        ("signals", ["source", "observed_at"]),
    ):
        sent = getattr(market, name).drop(left_out)
        back = tables[name].drop(left_out)
        assert back.sort(back.columns).rows() == sent.sort(sent.columns).rows(), name


SIZE = "Standard_ND96isr_H100_v5"


def _market_with_an_account() -> Market:
    embedded = read_market(["embedded"])
    here = (pl.col("provider") == "azure") & (pl.col("region") == "eastus")
    at = datetime(2026, 12, 1, tzinfo=UTC)
    later = datetime(2027, 12, 1, tzinfo=UTC)
    place = ("azure", "eastus")
    rate = embedded.offers.filter(
        here, pl.col("instance_type") == SIZE, pl.col("option") == "on-demand"
    )["usd_per_hour"].item()
    quotas = [
        (*place, "lowPriorityCores", "", "", "spot", "vcpus", 100.0, 4.0, "s", at),
        (*place, "standardNDSH100v5Family", "", "", "", "vcpus", 192.0, 96.0, "s", at),
        (*place, "", "", "", "on-demand", "vcpus", 500.0, 0.0, "s", at),
    ]
    held = [
        ("a", "reservation", *place, "1", SIZE, 2, rate, at, None, "active", "s", at),
        ("b", "capacity-block", *place, "", SIZE, 4, None, at, later, "active", "s", at),
        ("c", "reserved-instance", *place, "", SIZE, 3, None, at, later, "active", "s", at),
        ("d", "savings-plan", "azure", "", "", "", None, Decimal("12.5"), at, later, "active",
         "s", at),
    ]  # fmt: skip
    running = [
        ("chat", *place, "1", SIZE, "owned", 2, "s", at),
        ("chat", *place, "-", SIZE, "spot", 1, "s", at),
    ]
    signals = [
        (*place, "", SIZE, "eviction-rate", 0.05, "0-5", "s", at),
        (*place, "2", SIZE, "spot-placement-score", None, "Medium", "s", at),
    ]
    return Market(
        name="account",
        digest="",
        taken_at=at,
        offers=embedded.offers.filter(here),
        quotas=pl.DataFrame(quotas, schema=dict(QUOTA_SCHEMA), orient="row"),
        holdings=pl.DataFrame(held, schema=dict(HOLDING_SCHEMA), orient="row"),
        running=pl.DataFrame(running, schema=dict(RUNNING_SCHEMA), orient="row"),
        signals=pl.DataFrame(signals, schema=dict(SIGNAL_SCHEMA), orient="row"),
    )
