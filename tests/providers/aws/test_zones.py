"""Zones: ids stand, names are translated, local and wavelength zones have places of their own."""

from __future__ import annotations

import pytest

from broker.offers import LocationKind
from broker.provider import Fetched, Row, Scope
from providers.aws.answers import Answers
from providers.aws.read_offers import Seen, offer_table
from providers.aws.read_places import location_kind, parent_region, read_places, usable_regions
from providers.aws.read_prices import read_prices
from providers.aws.read_types import read_machines
from tests.providers.aws.cloud import NOON

ZONES: list[Row] = [
    {"ZoneName": "us-east-1a", "ZoneId": "use1-az6", "ZoneType": "availability-zone"},
    {"ZoneName": "us-east-1b", "ZoneId": "use1-az1", "ZoneType": "availability-zone"},
    {
        "ZoneName": "us-east-1-dfw-2a",
        "ZoneId": "use1-dfw2-az1",
        "ZoneType": "local-zone",
        "GroupName": "us-east-1-dfw-2",
    },
    {
        "ZoneName": "us-east-1-wl1-atl-wlz-1",
        "ZoneId": "use1-wl1-atl-wlz1",
        "ZoneType": "wavelength-zone",
        "GroupName": "us-east-1-wl1",
    },
]


def outcome(dataset: str, *rows: Row, region: str = "us-east-1") -> Fetched:
    return Fetched(dataset=dataset, region=region, rows=rows, fetched_at=NOON)


def offered(zone: str) -> Row:
    return {"InstanceType": "g6.xlarge", "Location": zone}


def test_a_spot_price_with_a_zones_name_finds_its_id() -> None:
    """Spot history that speaks of names only is joined by the account's own map."""
    answers = Answers(
        [
            outcome("zones", *ZONES),
            outcome("instance-types", {"InstanceType": "g6.xlarge"}),
            outcome("offerings", offered("use1-az6"), offered("use1-az1")),
            outcome(
                "spot-prices",
                {
                    "InstanceType": "g6.xlarge",
                    "AvailabilityZone": "us-east-1a",
                    "SpotPrice": "0.3",
                },
                {
                    "InstanceType": "g6.xlarge",
                    "AvailabilityZone": "us-east-1b",
                    "AvailabilityZoneId": "use1-az1",
                    "SpotPrice": "0.4",
                },
            ),
        ]
    )
    seen = Seen(
        machines=read_machines(answers),
        places=read_places(answers),
        prices=read_prices(answers),
        quotas={},
        interruptions_at=None,
    )
    offers = offer_table(seen)
    spot = offers.filter(offers["option"] == "spot").select("zone", "usd_per_hour")
    assert {zone: float(usd) for zone, usd in spot.rows()} == {"use1-az1": 0.4, "use1-az6": 0.3}


def test_zones_outside_the_region_have_the_price_lists_codes() -> None:
    """A local zone stands under its group, a wavelength zone under its city."""
    rows = [offered("use1-az6"), offered("use1-dfw2-az1"), offered("use1-wl1-atl-wlz1")]
    places = read_places(Answers([outcome("zones", *ZONES), outcome("offerings", *rows)]))
    assert dict(places.sold_in) == {
        ("g6.xlarge", "us-east-1"): ("use1-az6",),
        ("g6.xlarge", "us-east-1-dfw-2"): ("use1-dfw2-az1",),
        ("g6.xlarge", "us-east-1-wl1-atl1"): ("use1-wl1-atl-wlz1",),
    }


@pytest.mark.parametrize(
    ("code", "kind", "parent"),
    [
        ("eu-west-1", LocationKind.REGION, "eu-west-1"),
        ("us-east-1-dfw-2", LocationKind.LOCAL_ZONE, "us-east-1"),
        ("us-east-1-wl1-atl1", LocationKind.WAVELENGTH, "us-east-1"),
        ("eu-west-3-wl1-cmn1", LocationKind.WAVELENGTH, "eu-west-3"),
        ("us-gov-west-1", LocationKind.GOVERNMENT, "us-gov-west-1"),
        ("cn-north-1", LocationKind.CHINA, "cn-north-1"),
    ],
)
def test_kinds_of_places(code: str, kind: LocationKind, parent: str) -> None:
    """A code of the price list tells what sort of place it is, and its region."""
    assert (location_kind(code), parent_region(code)) == (kind, parent)


def test_regions_that_can_be_used() -> None:
    """Opted in or needing no opt-in, and asked for."""
    rows: list[Row] = [
        {"RegionName": "us-east-1", "OptInStatus": "opt-in-not-required"},
        {"RegionName": "af-south-1", "OptInStatus": "opted-in"},
        {"RegionName": "me-south-1", "OptInStatus": "not-opted-in"},
    ]
    assert usable_regions(rows, Scope()) == ["af-south-1", "us-east-1"]
    asked = Scope(regions=("me-south-1", "us-east-1", "westeurope"))
    assert usable_regions(rows, asked) == ["us-east-1"]
