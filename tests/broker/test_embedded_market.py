"""The market that ships with the program: what it holds and how each figure is dated."""

from __future__ import annotations

import math
from decimal import Decimal

import polars as pl
import pytest

from broker.accelerators import accelerators
from broker.market import Market
from broker.offers import OFFER_KEY, OFFER_SCHEMA, Fabric, LocationKind, Purchasable
from broker.snapshot import read_market

PRICED = pl.col("usd_per_hour").is_not_null()
ACCELERATED = pl.col("accelerator").is_not_null()
IN_REGION = pl.col("location_kind") == "region"


@pytest.fixture(scope="module")
def market() -> Market:
    """Return the embedded market."""
    return read_market("embedded")


@pytest.fixture(scope="module")
def offers(market: Market) -> pl.DataFrame:
    """Return the offers of the embedded market."""
    return market.offers


def price(offers: pl.DataFrame, instance_type: str, region: str, option: str) -> Decimal | None:
    """Return the price of one type in a region, which must be the same in all its zones."""
    found = offers.filter(instance_type=instance_type, region=region, option=option)
    prices: set[Decimal | None] = set(found["usd_per_hour"])
    assert len(prices) == 1, prices
    return prices.pop()


def one(offers: pl.DataFrame, instance_type: str) -> dict[str, object]:
    """Return the first row of a type."""
    return offers.filter(instance_type=instance_type).row(0, named=True)


def test_schema_key_and_named_values(offers: pl.DataFrame) -> None:
    """Columns are the contract's; keys are sorted and unique; named values are known ones."""
    assert dict(offers.schema) == dict(OFFER_SCHEMA)
    assert not offers.select(OFFER_KEY).is_duplicated().any()
    assert offers.equals(offers.sort(OFFER_KEY))
    for column, kind in (
        ("fabric", Fabric),
        ("purchasable", Purchasable),
        ("location_kind", LocationKind),
    ):
        assert set(offers[column].drop_nulls()) <= {member.value for member in kind}


def test_every_figure_names_a_described_source_and_its_day(market: Market) -> None:
    """A price has a source and a date and no other row has either; so for the other figures."""
    offers = market.offers
    figures = {"usd_per_hour": "price", "interruptions_per_hour": "interruptions"}
    for column, figure in figures.items():
        source, day = pl.col(f"{figure}_source"), pl.col(f"{figure}_observed_at")
        unlike = pl.col(column).is_null() != source.is_null()
        assert offers.filter(unlike | (source.is_null() != day.is_null())).is_empty()
    assert offers["spec_source"].null_count() == 0
    named_zone = pl.col("zone") != "-"
    assert offers.filter(named_zone != pl.col("zone_source").is_not_null()).is_empty()
    sources = {key for c in offers.columns if c.endswith("_source") for key in offers[c].unique()}
    assert sources - {None} == set(market.sources)
    assert offers["price_observed_at"].max() < market.taken_at  # type: ignore[operator]  # dates
    assert all(described.name and described.licence for described in market.sources.values())


@pytest.mark.parametrize(
    ("provider", "prefix", "types", "regions"),
    [("aws", "", 87, 28), ("azure", "Standard_N", 93, 52), ("gcp", "", 29, 30)],
)
def test_coverage_of_accelerated_types(
    offers: pl.DataFrame, provider: str, prefix: str, types: int, regions: int
) -> None:
    """At least the promised number of accelerated types and regions has an on-demand price."""
    found = offers.filter(ACCELERATED, PRICED, IN_REGION, provider=provider, option="on-demand")
    found = found.filter(pl.col("instance_type").str.starts_with(prefix))
    assert found["instance_type"].n_unique() >= types
    assert found["region"].n_unique() >= regions


def test_every_promised_accelerator_is_there(offers: pl.DataFrame) -> None:
    """Each accelerator people ask for has offers; every name is canonical, memory nominal."""
    wanted = "A100-40 A100-80 H100 H100-NVL H200 B200 B300 GB200 GB300 L4 L40S T4 V100 MI300X"
    names = set(offers["accelerator"].drop_nulls())
    assert {*wanted.split(), "RTX-PRO-6000", "Trainium1", "Inferentia2"} <= names
    assert names <= set(accelerators())
    stated = offers.filter(ACCELERATED).select("accelerator", "accelerator_memory_gib").unique()
    for name, memory_gib in stated.rows():
        assert memory_gib == accelerators()[name].memory_gib


def test_aws_zones_are_zone_ids(offers: pl.DataFrame) -> None:
    """EC2 offers stand in zone ids, which mean the same in every account."""
    zones = offers.filter(pl.col("zone") != "-", provider="aws")["zone"]
    assert zones.str.contains(r"^[a-z]+\d-az\d$").all()
    found = offers.filter(instance_type="p5.48xlarge", region="us-east-1", option="on-demand")
    assert found["zone"].to_list() == [f"use1-az{n}" for n in range(1, 7)]


@pytest.mark.parametrize(
    ("instance_type", "region", "option", "usd_per_hour"),
    [
        ("p5.48xlarge", "us-east-1", "on-demand", "55.04"),
        ("g5.xlarge", "us-east-1", "on-demand", "1.006"),
        ("p4d.24xlarge", "us-east-1", "on-demand", "21.957642"),
        ("p5.48xlarge", "us-east-1", "reserved-3y", "23.7773"),
        ("Standard_NC4as_T4_v3", "eastus", "on-demand", "0.526"),
        ("Standard_ND96isr_H100_v5", "eastus", "on-demand", "98.32"),
        ("Standard_NCC40ads_H100_v5", "eastus2", "on-demand", "6.98"),
        ("a3-highgpu-8g", "us-central1", "on-demand", "88.4899999"),
        ("a3-highgpu-8g", "us-central1", "spot", "50.60954082"),
        ("g2-standard-4", "us-central1", "on-demand", "0.70683226"),
        ("a4-highgpu-8g", "us-east4", "flex-start", "64.44"),
    ],
)
def test_prices_known_from_elsewhere(
    offers: pl.DataFrame, instance_type: str, region: str, option: str, usd_per_hour: str
) -> None:
    """Known prices are right to the last digit of their source."""
    known = Decimal(usd_per_hour)
    digits = -int(known.as_tuple().exponent)
    found = price(offers, instance_type, region, option)
    assert found is not None
    assert round(found, digits) == known


def test_gcp_machines_not_sold_on_demand(offers: pl.DataFrame) -> None:
    """A4, A4X, A3 Ultra, small A3 High: known, never purchasable on demand, spot is."""
    form = r"^(a4|a4x|a3-ultragpu)-|^a3-highgpu-[124]g$"
    found = offers.filter(pl.col("instance_type").str.contains(form), provider="gcp")
    assert set(found.filter(option="on-demand")["purchasable"]) == {"no"}
    assert set(found.filter(option="spot")["purchasable"]) == {"yes"}
    assert set(offers.filter(instance_type="a3-highgpu-8g")["purchasable"]) == {"yes"}


def test_variants_of_one_model_are_told_apart(offers: pl.DataFrame) -> None:
    """H100 NVL is not H100 SXM; A100 and V100 come in two sizes; Google's H200 is there."""
    names = {
        "Standard_NC40ads_H100_v5": "H100-NVL",
        "Standard_NCC40ads_H100_v5": "H100-NVL",
        "Standard_ND96isr_H100_v5": "H100",
        "a3-megagpu-8g": "H100",
        "p4d.24xlarge": "A100-40",
        "p4de.24xlarge": "A100-80",
        "a2-ultragpu-1g": "A100-80",
        "p3.2xlarge": "V100",
        "p3dn.24xlarge": "V100-32",
        "a3-ultragpu-8g": "H200",
        "g7e.2xlarge": "RTX-PRO-6000",
    }
    assert {name: one(offers, name)["accelerator"] for name in names} == names


def test_interruptions_follow_the_monthly_band(offers: pl.DataFrame) -> None:
    """EC2 spot carries -ln(1 - p) / 730 of its band's upper edge, other options none."""
    known = offers.filter(pl.col("interruptions_per_hour").is_not_null())
    assert set(known["option"]) == {"spot"}
    assert set(known["provider"]) == {"aws"}
    edges = [0.05, 0.11, 0.16, 0.22, 0.5]
    rates = sorted(set(known["interruptions_per_hour"]))
    assert rates == pytest.approx([-math.log(1 - edge) / 730 for edge in edges])


def test_places_outside_ordinary_regions_are_marked(offers: pl.DataFrame) -> None:
    """Government, Local Zones and Wavelength carry their kind and never look like a region."""
    kinds = {
        "us-gov-west-1": "government",
        "usgovvirginia": "government",
        "us-east-1-bos-1": "local-zone",
        "us-east-1-wl1": "wavelength",
        "us-east-1": "region",
    }
    for region, kind in kinds.items():
        assert set(offers.filter(region=region)["location_kind"]) == {kind}


def test_retired_types_keep_a_price_and_are_not_sold(offers: pl.DataFrame) -> None:
    """P2, P3, G3 and Azure's NCv3 have list prices and cannot be bought."""
    form = r"^(p2|p3|g2|g3|g3s)\.|^Standard_NC\d+r?s_v3$"
    found = offers.filter(pl.col("instance_type").str.contains(form), IN_REGION)
    assert set(found["purchasable"]) == {"no"}
    assert set(offers.filter(instance_type="p3dn.24xlarge", option="spot")["purchasable"]) == {
        "yes"
    }


@pytest.mark.parametrize(
    ("instance_type", "fabric", "rack_hosts"),
    [
        ("p5.48xlarge", "rdma", None),
        ("g5.xlarge", "none", None),
        ("Standard_ND96isr_H100_v5", "rdma", None),
        ("Standard_ND96is_MI300X_v5", "none", None),
        ("Standard_NC24ads_A100_v4", "none", None),
        ("Standard_ND128isr_NDR_GB200_v6", "nvlink-rack", 18),
        ("a3-highgpu-8g", "rdma", None),
        ("a3-highgpu-4g", "none", None),
        ("a3-ultragpu-8g", "rdma", None),
        ("a2-ultragpu-8g", "none", None),
        ("a4x-highgpu-4g", "nvlink-rack", 18),
    ],
)
def test_fabric(
    offers: pl.DataFrame, instance_type: str, fabric: str, rack_hosts: int | None
) -> None:
    """The network for gangs is told by EFA, InfiniBand or GPUDirect, racks by their hosts."""
    row = one(offers, instance_type)
    assert (row["fabric"], row["rack_hosts"]) == (fabric, rack_hosts)


def test_quota_families(offers: pl.DataFrame) -> None:
    """Each offer says which quota it draws on, in the provider's own words."""
    families = {
        ("p5.48xlarge", "on-demand"): "Running On-Demand P instances",
        ("p5.48xlarge", "spot"): "All P5 Spot Instance Requests",
        ("Standard_ND96isr_H100_v5", "on-demand"): "standardNDSH100v5Family",
        ("Standard_ND96isr_H100_v5", "spot"): "lowPriorityCores",
        ("a2-ultragpu-1g", "spot"): "PREEMPTIBLE_NVIDIA_A100_80GB_GPUS",
        ("a3-highgpu-8g", "on-demand"): "NVIDIA_H100",
        ("n2-standard-4", "on-demand"): "N2_CPUS",
    }
    for (instance_type, option), family in families.items():
        found = offers.filter(instance_type=instance_type, option=option)
        assert set(found["quota_family"]) == {family}
