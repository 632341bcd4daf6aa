"""Known faults of public price lists are not in the market that ships."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
import pytest

from broker.snapshot import read_market

PRICED = pl.col("usd_per_hour").is_not_null()


@pytest.fixture(scope="module")
def offers() -> pl.DataFrame:
    """Return the offers of the embedded market."""
    return read_market("embedded").offers


def one(offers: pl.DataFrame, instance_type: str) -> dict[str, object]:
    """Return the first row of a type."""
    return offers.filter(instance_type=instance_type).row(0, named=True)


def test_flex_start_is_never_sold_as_on_demand(offers: pl.DataFrame) -> None:
    """Trap 1: a DWS price is a flex-start offer; on demand costs well over it or is unknown."""
    key = ["zone", "instance_type"]
    flex = offers.filter(option="flex-start").select(*key, flex="usd_per_hour")
    both = offers.filter(provider="gcp", option="on-demand").join(flex, on=key)
    assert flex.height == both.height > 40
    assert both.filter(pl.col("usd_per_hour") < pl.col("flex") * Decimal("1.4")).is_empty()
    a4 = offers.filter(PRICED, instance_type="a4-highgpu-8g", option="on-demand")
    assert set(a4["usd_per_hour"]) == {Decimal("128.88")}


def test_reservation_totals_are_not_hourly_prices(offers: pl.DataFrame) -> None:
    """Trap 2: an Azure term is paid upfront and costs less per hour than on demand."""
    key = ["region", "instance_type"]
    on_demand = offers.filter(option="on-demand").select(*key, "usd_per_hour")
    reserved = offers.filter(pl.col("option").str.starts_with("reserved"), provider="azure")
    assert reserved.height == 1312
    assert set(reserved["usd_per_hour"]) == {Decimal(0)}
    hours = pl.when(option="reserved-1y").then(8760).otherwise(3 * 8760)
    effective = pl.col("upfront_usd").cast(pl.Float64) / hours
    both = reserved.drop("usd_per_hour").join(on_demand, on=key)
    ratio = both.select(effective / pl.col("usd_per_hour").cast(pl.Float64)).to_series()
    assert both.height > 1200
    assert ratio.is_between(0.3, 0.8).all()
    assert offers["usd_per_hour"].max() < 500  # type: ignore[operator]  # a Decimal column


def test_terms_cost_less_than_on_demand(offers: pl.DataFrame) -> None:
    """Trap 11: reserved prices of EC2 and Google are terms, not DWS or savings plans."""
    key = ["provider", "region", "zone", "instance_type"]
    on_demand = offers.filter(PRICED, option="on-demand").select(*key, full="usd_per_hour")
    terms = offers.filter(
        pl.col("option").str.starts_with("reserved"), pl.col("provider") != "azure"
    )
    both = terms.join(on_demand, on=key)
    ratio = both.select((pl.col("usd_per_hour") / pl.col("full")).cast(pl.Float64)).to_series()
    assert both.height == terms.height
    assert ratio.is_between(0.25, 0.98).all()
    assert terms["upfront_usd"].unique().to_list() == [Decimal(0)]


def test_azure_counts_come_from_no_guess_at_names(offers: pl.DataFrame) -> None:
    """Traps 3 and 16: two cards in NC80adis, thirds and sixths of an A10, eight MI300X."""
    counts = {
        "Standard_NC80adis_H100_v5": 2.0,
        "Standard_NV6ads_A10_v5": 1 / 6,
        "Standard_NV12ads_A10_v5": 1 / 3,
        "Standard_NV18ads_A10_v5": 0.5,
        "Standard_NV36ads_A10_v5": 1.0,
        "Standard_NV4as_v4": 0.125,
        "Standard_NV8ads_V710_v5": 1 / 3,
        "Standard_NG8ads_V620_v1": 0.25,
        "Standard_ND96is_MI300X_v5": 8.0,
        "Standard_ND128isr_NDR_GB200_v6": 4.0,
    }
    for size, count in counts.items():
        assert one(offers, size)["accelerators"] == pytest.approx(count)
        assert one(offers, size)["spec_source"] == "azure-types"


def test_azure_spot_without_discount_is_kept(offers: pl.DataFrame) -> None:
    """Trap 4: spot of H200 and GB200 costs what on demand does; it is the list price."""
    for size in ("Standard_ND96isr_H200_v5", "Standard_ND128isr_NDR_GB200_v6"):
        found = offers.filter(instance_type=size)
        spot = found.filter(option="spot").select("region", spot="usd_per_hour")
        both = found.filter(option="on-demand").join(spot, on="region")
        assert both.height >= 19
        assert both.filter(pl.col("spot") != pl.col("usd_per_hour")).is_empty()


def test_memory_is_nominal_and_slices_are_fractions(offers: pl.DataFrame) -> None:
    """Traps 5 and 6: 24 GiB A10G and L4, 48 GiB L40S, 96 GiB Trainium2; g6f is part of an L4."""
    memory = {"g5.xlarge": 24, "g6.xlarge": 24, "g6e.xlarge": 48, "trn2.48xlarge": 96}
    for instance_type, gib in memory.items():
        assert one(offers, instance_type)["accelerator_memory_gib"] == gib
    slices = {"g6f.large": 0.125, "g6f.2xlarge": 0.25, "gr6f.4xlarge": 0.5, "g4-standard-6": 0.125}
    for instance_type, count in slices.items():
        assert one(offers, instance_type)["accelerators"] == count
    assert one(offers, "g6f.large")["accelerator_memory_gib"] == 24


def test_old_spot_is_taken_as_a_ratio(offers: pl.DataFrame) -> None:
    """Spot of 2025 is scaled to today's on-demand: 30.5619 of 98.32 becomes part of 55.04."""
    found = offers.filter(instance_type="p5.48xlarge", zone="use1-az1", option="spot")
    expected = (Decimal("55.04") * Decimal("30.5619") / Decimal("98.32")).quantize(Decimal("1e-9"))
    assert found["usd_per_hour"].to_list() == [expected]
    assert set(offers.filter(provider="aws", option="spot")["price_source"]) == {
        "aws-spot-derived"
    }


def test_spot_as_dear_as_on_demand_is_kept_as_listed(offers: pl.DataFrame) -> None:
    """Trap 7: a spot price at or above on demand is no error and is not cut off."""
    key = ["zone", "instance_type"]
    spot = offers.filter(provider="aws", option="spot").select(*key, spot="usd_per_hour")
    both = offers.filter(option="on-demand").join(spot, on=key)
    dear = both.filter(pl.col("spot") >= pl.col("usd_per_hour"))
    assert dear.height >= 12
    assert dear.filter(instance_type="g5.48xlarge", zone="apne2-az3").height == 1
    assert both.filter(pl.col("spot") > pl.col("usd_per_hour") * Decimal("1.001")).is_empty()


def test_metal_prices_over_list_are_left_out(offers: pl.DataFrame) -> None:
    """Trap 8: the bare-metal types with a dedicated-tenancy price are not taken over."""
    form = r"^(c6g|m6g|r6g|m5zn|r5b)\.metal$"
    assert offers.filter(pl.col("instance_type").str.contains(form)).is_empty()


def test_machines_that_do_not_exist_are_not_offered(offers: pl.DataFrame) -> None:
    """Trap 12: a price without a machine (A3 High in me-central2) is no offer."""
    assert offers.filter(instance_type="a3-highgpu-8g", region="me-central2").is_empty()
    assert offers.filter(instance_type="a2-highgpu-1g", region="africa-south1").is_empty()


def test_sizes_without_specification_keep_unknown_counts(offers: pl.DataFrame) -> None:
    """Trap 15: RTX PRO 6000 sizes and H100 variants have a price and no accelerator count."""
    form = "RTXPRO6000BSE|_(flex|noIB)_H100|96isr?f_H100|_Promo$"
    found = offers.filter(pl.col("instance_type").str.contains(form))
    assert found["instance_type"].n_unique() >= 33
    assert found["accelerators"].null_count() == found.height
    assert set(found["spec_source"]) == {"azure-names"}
    assert found["accelerator"].null_count() == 0


def test_tpu_prices_are_plausible(offers: pl.DataFrame) -> None:
    """Trap 17: TPU spot is below on demand, and no placeholder price is taken over."""
    key = ["zone", "instance_type"]
    tpus = offers.filter(pl.col("accelerator").str.starts_with("TPU"), PRICED)
    per_chip = tpus["usd_per_hour"].cast(pl.Float64) / tpus["accelerators"]
    assert per_chip.is_between(0.2, 6).all()
    spot = tpus.filter(option="spot").select(*key, spot="usd_per_hour")
    both = tpus.filter(option="on-demand").join(spot, on=key)
    assert both.height > 80
    assert both.filter(pl.col("spot") >= pl.col("usd_per_hour")).is_empty()


@pytest.mark.parametrize(
    "instance_type",
    [
        "trn2.3xlarge",
        "trn2.48xlarge",
        "p6e-gb200.36xlarge",
        "p5e.48xlarge",
        "Standard_ND128isr_GB300_v6",
        "a4x-highgpu-4g",
        "a4x-maxgpu-4g-metal",
        "tpu7x-standard-4t",
    ],
)
def test_types_without_a_price_are_listed_without_one(
    offers: pl.DataFrame, instance_type: str
) -> None:
    """Trap 20: what nobody prices is listed with an unknown price, never zero."""
    found = offers.filter(instance_type=instance_type)
    assert found.height > 0
    assert found["usd_per_hour"].null_count() == found.height


def test_a_price_of_zero_is_only_part_of_a_paid_term(offers: pl.DataFrame) -> None:
    """Nothing is free: an hourly price of zero comes with an upfront payment."""
    assert offers.filter(usd_per_hour=0, upfront_usd=0).is_empty()
    assert offers.filter(pl.col("usd_per_hour") < 0).is_empty()


def test_no_windows_licence_hides_in_azure_prices(offers: pl.DataFrame) -> None:
    """A CPU series costs the same per vCPU at every size: nowhere is 0.046 USD more in it."""
    found = offers.filter(
        pl.col("instance_type").str.contains("^Standard_[DEF]"),
        provider="azure",
        option="on-demand",
    )
    series = found.select(
        "region",
        series=pl.col("instance_type").str.replace(r"\d+", "#"),
        per_vcpu=pl.col("usd_per_hour").cast(pl.Float64) / pl.col("vcpus"),
    )
    spread = series.group_by("region", "series").agg(
        (pl.col("per_vcpu").max() - pl.col("per_vcpu").min()).alias("spread")
    )
    assert spread.height > 1000
    assert spread.filter(pl.col("spread") > 0.001).is_empty()
    retired = offers.filter(instance_type="Standard_ND40rs_v2", region="swedencentral")
    assert retired.is_empty()  # sold with Windows alone
