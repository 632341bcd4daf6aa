"""Sizes and prices become offers: by zone, with restrictions, priced or openly unpriced."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest

from broker.offers import OFFER_KEY, OFFER_SCHEMA
from broker.provider import Fetched, Row
from providers.azure.catalog import trimmed_size
from tests.providers.azure.worlds import (
    A10_SIXTH,
    CPU,
    H100,
    NOW,
    of_region,
    price,
    sku,
    small_world,
    tables_of,
)

GENERATIONS = frozenset({"v5", "v6"})


def offers_of(skus: list[Row], prices: list[Row], region: str = "eastus") -> pl.DataFrame:
    """Return the offers of one region's rows."""
    sizes = [row for one in skus if (row := trimmed_size(one, region, GENERATIONS))]
    fetched: list[Fetched] = [
        of_region("instance-types", sizes, region),
        of_region("prices", prices, region, NOW + timedelta(minutes=1)),
    ]
    return tables_of(fetched).tables["offers"]


def h100(**capabilities: str) -> Row:
    """Return an H100 size in zones 1 and 2."""
    stated = {"vCPUs": "96", "GPUs": "8", "LowPriorityCapable": "False"} | capabilities
    return sku(H100, "eastus", family="standardNDSH100v5Family", zones=["1", "2"], **stated)


def test_a_region_becomes_offers_with_every_column() -> None:
    """Zones, options, accelerators, disk, fabric, quota families and sources are as stated."""
    world = small_world()
    offers = offers_of(world.skus["eastus"], world.prices["eastus"][:3])
    assert dict(offers.schema) == dict(OFFER_SCHEMA)
    assert offers.select(OFFER_KEY).is_duplicated().any() is False
    first = offers.filter(pl.col("instance_type") == H100, pl.col("option") == "on-demand").row(
        0, named=True
    )
    assert (first["zone"], first["usd_per_hour"]) == ("1", Decimal("98.32"))
    assert (first["accelerator"], first["accelerators"]) == ("H100", 8.0)
    assert (first["accelerator_memory_gib"], first["vcpus"], first["memory_gib"]) == (80, 96, 1900)
    assert first["local_disk_gib"] == 1000 + 28800
    assert (first["fabric"], first["arch"], first["rack_hosts"]) == ("rdma", "x86_64", None)
    assert first["quota_family"] == "standardNDSH100v5Family"
    assert (first["price_source"], first["spec_source"]) == (
        "azure-retail-prices",
        "azure-resource-skus",
    )
    assert first["price_observed_at"] == NOW + timedelta(minutes=1)
    assert first["spec_observed_at"] == NOW


def test_spot_draws_on_the_quota_all_spot_shares() -> None:
    """Spot has its own quota; it does not draw on the family's."""
    offers = offers_of([h100(LowPriorityCapable="True")], [price(H100, 29.5, skuName="x Spot")])
    families = offers.group_by("option").agg(pl.col("quota_family").first())
    assert sorted(families.rows()) == [
        ("on-demand", "standardNDSH100v5Family"),
        ("spot", "lowPriorityCores"),
    ]


def test_a_size_without_a_price_is_offered_at_an_unknown_price() -> None:
    """Unknown is null, never 0, and it carries no source of a price."""
    offers = offers_of([h100()], [])
    assert offers["usd_per_hour"].to_list() == [None, None]
    assert offers["price_source"].to_list() == [None, None]


def test_a_price_without_a_size_is_listed_and_not_for_sale() -> None:
    """The subscription's catalogue lacks the size, so it cannot be bought whatever its price."""
    offers = offers_of([h100()], [price("Standard_ND96isr_H200_v5", 110.24)])
    row = offers.filter(pl.col("instance_type").str.contains("H200")).row(0, named=True)
    assert (row["purchasable"], row["accelerator"], row["accelerators"]) == ("no", "H200", None)
    assert (row["zone"], row["usd_per_hour"]) == ("-", Decimal("110.24"))


def test_prices_of_a_region_whose_sizes_failed_say_nothing() -> None:
    """Without the catalogue nobody knows what the subscription may buy there."""
    fetched = [of_region("prices", [price(H100, 98.32)])]
    assert tables_of(fetched).tables["offers"].height == 0


@pytest.mark.parametrize(
    ("restriction", "purchasable"),
    [
        ({"type": "Location", "restrictionInfo": {"locations": ["eastus"]}}, ["no", "no"]),
        ({"type": "Zone", "restrictionInfo": {"zones": ["2"]}}, ["yes", "no"]),
    ],
)
def test_restrictions_close_a_region_or_some_of_its_zones(
    restriction: Row, purchasable: list[str]
) -> None:
    """A location restriction closes every zone; a zone restriction only those it names."""
    offers = offers_of([h100() | {"restrictions": [restriction]}], [])
    assert offers.sort("zone")["purchasable"].to_list() == purchasable


def test_places_are_one_however_they_are_spelt() -> None:
    """WestUS3 and ``West US 3`` are westus3."""
    for spelling in ("WestUS3", "West US 3", "westus3"):
        row = sku(A10_SIXTH, spelling, family="f", zones=["1"], vCPUs="6", GPUs="1")
        assert offers_of([row], [], "westus3")["zone"].to_list() == ["1"]


def test_a_region_without_zones_has_one_unnamed_zone() -> None:
    """No zones in the catalogue is one zone written ``-`` with no source."""
    row = sku(CPU, "eastus", family="f", vCPUs="16", MemoryGB="0.75")
    (offer,) = offers_of([row], []).rows(named=True)
    assert (offer["zone"], offer["zone_source"], offer["memory_gib"]) == ("-", None, 0.75)
    assert (offer["accelerator"], offer["accelerators"]) == (None, 0.0)


def test_what_a_constrained_machine_can_use_counts() -> None:
    """Where fewer vCPUs are available than the size has, the fewer are what a workload gets."""
    offers = offers_of([h100(vCPUsAvailable="48")], [])
    assert set(offers["vcpus"]) == {48}


def test_racks_are_told_by_their_chip() -> None:
    """GB200 hosts form an NVLink rack of 18 hosts with four GPUs each."""
    row = sku(
        "Standard_ND128isr_NDR_GB200_v6",
        "eastus",
        family="f",
        vCPUs="128",
        CpuArchitectureType="Arm64",
    )
    (offer,) = offers_of([row], []).rows(named=True)
    assert (offer["fabric"], offer["rack_hosts"], offer["accelerators"]) == ("nvlink-rack", 18, 4)
    assert offer["arch"] == "arm64"


def test_an_unknown_gpu_is_a_gap_with_its_name() -> None:
    """The offer stays, its accelerator is unknown, and the gap says which size it is."""
    row = sku("Standard_ND96isr_X999_v9", "eastus", family="f", vCPUs="96", GPUs="8")
    sizes = [trimmed_size(row, "eastus", GENERATIONS) or {}]
    tables = tables_of([of_region("instance-types", sizes)]).tables
    assert tables["offers"]["accelerator"].to_list() == [None]
    assert tables["offers"]["accelerators"].to_list() == [None]
    (gap,) = tables["gaps"].rows(named=True)
    assert gap["code"] == "UnknownAccelerator"
    assert "Standard_ND96isr_X999_v9" in gap["reason"]


def test_a_doubtful_price_is_a_gap() -> None:
    """Two prices in force that disagree leave the offer unpriced and are named."""
    rows = [price(H100, 98.32), price(H100, 99.0)]
    fetched = [of_region("instance-types", [trimmed_size(h100(), "eastus", GENERATIONS) or {}])]
    tables = tables_of([*fetched, of_region("prices", rows)]).tables
    assert tables["offers"]["usd_per_hour"].to_list() == [None, None]
    assert tables["gaps"].select("region", "code").rows() == [("eastus", "DoubtfulPrice")]


def test_sovereign_regions_are_marked() -> None:
    """Government and China regions are planned only when named."""
    for region, kind in (("usgovvirginia", "government"), ("chinaeast2", "china")):
        row = sku(CPU, region, family="f", vCPUs="16")
        assert offers_of([row], [], region)["location_kind"].to_list() == [kind]
