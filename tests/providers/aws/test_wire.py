"""The adapter over HTTP with the real SDK: what it asks, page by page, and what it makes of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.errors import ProviderError
from broker.offers import OFFER_KEY
from broker.provider import Scope, Settings
from providers.aws.adapter import Aws
from providers.emulation.server import Emulator
from tests.providers.aws.cloud import KEYS, emulator_of, faults, fetch, small_market
from tests.providers.aws.conftest import Refresh


def figures(offers: pl.DataFrame) -> pl.DataFrame:
    """Return an offer table without who said it and when."""
    origin = [name for name in offers.columns if name.endswith(("_source", "_observed_at"))]
    return offers.drop(origin).sort(OFFER_KEY)


def test_a_refresh_gives_the_market_back(whole: Refresh) -> None:
    """Offers that became API answers come back with the same figures, to the last digit."""
    assert faults(whole.fetched) == set()
    expected = small_market().offers
    assert expected.height > 50
    assert figures(whole.tables.tables["offers"]).equals(figures(expected))


def test_every_figure_has_a_source_and_a_time(whole: Refresh) -> None:
    """A price, a zone and a specification each say where they come from and when."""
    tables = whole.tables
    offers = tables.tables["offers"].filter(pl.col("usd_per_hour").is_not_null())
    for figure in ("price", "spec"):
        assert offers[f"{figure}_source"].null_count() == 0
        assert offers[f"{figure}_observed_at"].null_count() == 0
    named = {source.key for source in tables.sources}
    used = {key for name in offers.columns if name.endswith("_source") for key in offers[name]}
    assert used - {None} <= named


def test_requests_of_a_refresh(whole: Refresh) -> None:
    """One request for each dataset of each region, one for each family; nothing else."""
    counts = Counter(logged.target.operation for logged in whole.log)
    families = 5  # p5, g5, g6f, c7i, p2
    assert counts == {
        "DescribeRegions": 1,
        "DescribeAvailabilityZones": 2,
        "DescribeInstanceTypes": 2,
        "DescribeInstanceTypeOfferings": 2,
        "DescribeSpotPriceHistory": 2,
        "DescribeCapacityReservations": 2,
        "DescribeReservedInstances": 2,
        "DescribeInstances": 2,
        "ListServiceQuotas": 2,
        "ListAWSDefaultServiceQuotas": 2,
        "DescribeSavingsPlans": 1,
        "Download": 1,
        "GetProducts": families,
        "DescribeSavingsPlansOfferingRates": families,
    }


def test_nothing_is_changed(emulator: Emulator) -> None:
    """Every operation reads; no Create, Purchase, Modify, Cancel, Run or Register is sent."""
    fetch(emulator, scope=Scope(signals=True, blocks=True))
    operations = {logged.target.operation for logged in emulator.log}
    assert all(name.startswith(("Describe", "Get", "List", "Download")) for name in operations)


def test_parameters_on_the_wire(whole: Refresh) -> None:
    """Zone ids, Linux, plain rent: the parameters that keep wrong rows out are sent."""

    def sent(operation: str) -> list[Mapping[str, Any]]:
        return [one.parameters for one in whole.log if one.target.operation == operation]

    assert {one["LocationType"] for one in sent("DescribeInstanceTypeOfferings")} == {
        "availability-zone-id"
    }
    spot = sent("DescribeSpotPriceHistory")[0]
    assert spot["ProductDescriptions"] == ["Linux/UNIX"]
    assert "StartTime" in spot
    filters = [
        {one["Field"]: (one["Type"], one["Value"]) for one in parameters["Filters"]}
        for parameters in sent("GetProducts")
    ]
    assert {
        "operatingSystem": ("TERM_MATCH", "Linux"),
        "tenancy": ("TERM_MATCH", "Shared"),
        "preInstalledSw": ("TERM_MATCH", "NA"),
        "capacitystatus": ("TERM_MATCH", "Used"),
        "marketoption": ("TERM_MATCH", "OnDemand"),
        "instanceType": ("CONTAINS", "p5."),
    } in filters


def test_small_pages_give_the_same_offers() -> None:
    """Every list is read to its end, spot history with its empty last token too."""
    with emulator_of(small_market(), page_size=7) as emulator:
        fetched, tables = fetch(emulator)
        pages = max(logged.target.page for logged in emulator.log)
        regional = emulator.requests("DescribeInstanceTypeOfferings", "us-east-1")
    assert faults(fetched) == set()
    assert pages > 3
    assert [logged.target.page for logged in regional] == list(range(1, len(regional) + 1))
    assert figures(tables.tables["offers"]).equals(figures(small_market().offers))


def test_scope_narrows_the_regions(emulator: Emulator) -> None:
    """Only the regions asked for are asked about; prices of others are left out."""
    _, tables = fetch(emulator, scope=Scope(regions=("eu-west-1", "westeurope")))
    asked = {logged.target.region for logged in emulator.requests("DescribeInstanceTypes")}
    assert asked == {"eu-west-1"}
    assert set(tables.tables["offers"]["region"]) == {"eu-west-1"}


def test_regions_that_are_not_opted_in_are_not_asked() -> None:
    """A region that the account has not opted into is no failure: it is left alone."""
    emulator = emulator_of(small_market())
    emulator.site.fixtures.regions["me-south-1"] = "not-opted-in"  # type: ignore[attr-defined] # AWS's site
    with emulator:
        fetched, _ = fetch(emulator)
        assert emulator.requests("*", "me-south-1") == []
    assert faults(fetched) == set()


def test_without_credentials_nothing_is_sent(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A box without keys gets one line that says how to set them up."""
    for name in KEYS:
        monkeypatch.delenv(name)
    with pytest.raises(ProviderError, match="no credentials") as caught:
        fetch(emulator)
    assert "aws configure" in caught.value.remedy
    assert emulator.log == ()


def test_an_unknown_profile_is_named_as_such(emulator: Emulator) -> None:
    """A profile that does not exist is a configuration error before anything is sent."""
    with pytest.raises(ProviderError, match="ProfileNotFound"):
        fetch(emulator, options={"profile": "nobody"})


def test_credentials_come_from_the_sdks_own_chain(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With nothing in the environment a profile's keys sign the requests."""
    for name in KEYS:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    file.write_text("[lab]\naws_access_key_id = AKLAB\naws_secret_access_key = nothing\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    fetched, _ = fetch(emulator, options={"profile": "lab"})
    assert faults(fetched) == set()


def test_connecting_asks_nothing() -> None:
    """Making the adapter touches neither network nor SDK."""
    assert Aws(Settings()).name == "aws"
