"""Regions, metros and country groups are whole, placed and named without doubt."""

from __future__ import annotations

import re

import pytest

from broker.distance import great_circle_km
from broker.reference import country_groups, metro_ids, metros, regions, regions_named


def test_every_cloud_is_there() -> None:
    """The table holds the regions of all three clouds, with their partitions."""
    counts = {provider: 0 for provider, _ in regions()}
    for provider, _ in regions():
        counts[provider] += 1
    assert counts == {"aws": 37, "azure": 66, "gcp": 44}
    assert regions()["aws", "us-gov-west-1"].partition == "government"
    assert regions()["aws", "cn-north-1"].partition == "china"
    assert regions()["azure", "usgovvirginia"].partition == "government"


@pytest.mark.parametrize(
    ("key", "country", "latitude", "longitude"),
    [
        (("azure", "spaincentral"), "ES", 40.4, -3.7),
        (("aws", "ca-central-1"), "CA", 45.5, -73.6),
        (("azure", "jioindiawest"), "IN", 22.5, 70.1),
        (("gcp", "europe-west8"), "IT", 45.5, 9.2),
        (("gcp", "europe-southwest1"), "ES", 40.4, -3.7),
        (("azure", "francecentral"), "FR", 48.9, 2.4),
        (("azure", "israelcentral"), "IL", 31.9, 35.0),
        (("aws", "us-gov-east-1"), "US", 40.0, -83.0),
    ],
)
def test_known_wrong_positions_are_right(
    key: tuple[str, str], country: str, latitude: float, longitude: float
) -> None:
    """Regions that public lists misplace stand in their own city."""
    region = regions()[key]
    assert region.country == country
    assert great_circle_km(region.latitude, region.longitude, latitude, longitude) < 30


def test_positions_and_countries_are_plausible() -> None:
    """Every position is on the globe and every country is an ISO code."""
    for place in (*regions().values(), *metros().values()):
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180
        assert re.fullmatch("[A-Z]{2}", place.country)
        assert place.source


def test_residency_reads_norway_as_a_country() -> None:
    """Country codes stay text: Norway is NO and in the EEA, not in the EU."""
    groups = country_groups()
    assert len(groups["EU"]) == 27
    assert groups["EEA"] - groups["EU"] == {"NO", "IS", "LI"}
    assert groups["EU"] < groups["EEA"]
    assert not {"GB", "CH"} & groups["EEA"]


def test_metro_ids_are_kebab_case_and_unique() -> None:
    """An id or alias is kebab-case and belongs to one metro only."""
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in metro_ids())
    named = [name for metro in metros().values() for name in (metro.metro, *metro.aliases)]
    assert len(named) == len(set(named)) == len(metro_ids())
    assert list(metros()) == sorted(metros())


@pytest.mark.parametrize(
    ("alias", "metro"),
    [("nyc", "new-york"), ("sf", "san-francisco"), ("bengaluru", "bangalore"), ("paris", "paris")],
)
def test_aliases_lead_to_the_metro(alias: str, metro: str) -> None:
    """Usual short names stand for their city."""
    assert metro_ids()[alias] == metro


def test_namesakes_are_not_confused() -> None:
    """Cities whose public position is that of a namesake stand where their pings say."""
    assert metros()["portland"].country == "US"
    assert (
        great_circle_km(metros()["halifax"].latitude, metros()["halifax"].longitude, 44.6, -63.6)
        < 30
    )
    assert (
        great_circle_km(
            metros()["charlotte"].latitude, metros()["charlotte"].longitude, 35.2, -80.8
        )
        < 30
    )


def test_bare_region_names_find_their_cloud() -> None:
    """A region name used by one cloud alone leads to it."""
    assert [region.provider for region in regions_named()["eu-west-3"]] == ["aws"]
    assert all(len(found) == 1 for found in regions_named().values())
