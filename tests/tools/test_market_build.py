"""The embedded market is built from collected tables without falling into their traps."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from broker.offers import Purchasable, PurchaseOption
from broker.snapshot import read_market
from providers.emulation.gcp_fixtures import priced_machines
from providers.emulation.gcp_rates import rates_by_option
from providers.gcp.prices import Rates, compose
from tests.tools.collected import write_collected
from tests.tools.market_rows import frame
from tools.market.__main__ import main
from tools.market.aws import interruptions_per_hour, location_kind, spot_ratio
from tools.market.azure_prices import is_windows, linux_meters, reservation
from tools.market.azure_types import specs_of
from tools.market.gcp import monthly
from tools.market.gcp_sums import summed
from tools.market.gcp_types import purchasable
from tools.market.rows import Row

Found = dict[tuple[str, str, str], Decimal | None]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """Return the offers built from the small data folder."""
    folder = tmp_path_factory.mktemp("small")
    assert main([str(write_collected(folder / "data")), str(folder / "market")]) == 0
    return read_market(folder / "market").offers


def prices(offers: pl.DataFrame, instance_type: str) -> Found:
    """Return region, zone and option -> price of one type, to seven decimals."""
    found = offers.filter(instance_type=instance_type)
    return {
        (row["region"], row["zone"], row["option"]): _rounded(row["usd_per_hour"])
        for row in found.iter_rows(named=True)
    }


def _rounded(usd: Decimal | None) -> Decimal | None:
    return None if usd is None else round(usd, 7)


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """Two builds of the same data are equal byte for byte, the manifest too."""
    data = str(write_collected(tmp_path / "data"))
    for name in ("one", "two"):
        assert main([data, str(tmp_path / name)]) == 0
    for name in ("offers.parquet", "manifest.json"):
        first, second = tmp_path / "one" / name, tmp_path / "two" / name
        assert first.read_bytes() == second.read_bytes()


def test_wrong_call_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    """Without two folders the program prints its usage and ends with 64."""
    assert main(["only-one"]) == 64
    assert "usage: python -m tools.market" in capsys.readouterr().err


def test_ec2_prices_by_zone_id(built: pl.DataFrame) -> None:
    """The newer price wins; a row per zone id; old spot is scaled, 1 or more kept as it was."""
    assert prices(built, "p5.48xlarge") == {
        ("us-east-1", "use1-az1", "on-demand"): Decimal("55.04"),
        ("us-east-1", "use1-az1", "reserved-1y"): Decimal(50),
        ("us-east-1", "use1-az1", "reserved-3y"): Decimal(23),
        ("us-east-1", "use1-az1", "spot"): Decimal("13.76"),
        ("us-east-1", "use1-az2", "on-demand"): Decimal("55.04"),
        ("us-east-1", "use1-az2", "reserved-1y"): Decimal(50),
        ("us-east-1", "use1-az2", "reserved-3y"): Decimal(23),
        ("us-east-1", "use1-az2", "spot"): Decimal("55.0405504"),
        ("us-gov-west-1", "-", "on-demand"): Decimal(70),
    }


def test_ec2_types_not_offered_or_not_known(built: pl.DataFrame) -> None:
    """Gone from a listed region: not sold. Elsewhere: unknown. FPGAs and odd metals: left out."""
    sold = dict(built.filter(provider="aws").select("instance_type", "purchasable").rows())
    assert sold["p3.2xlarge"] == "no"
    assert sold["p4d.24xlarge"] == "unknown"
    assert sold["m7i.large"] == "yes"
    assert {"f2.6xlarge", "r5b.metal"}.isdisjoint(sold)
    kinds = dict(built.filter(provider="aws").select("instance_type", "location_kind").rows())
    assert kinds["p4d.24xlarge"] == "local-zone"


def test_ec2_specs_are_nominal(built: pl.DataFrame) -> None:
    """96 GiB per Trainium2 whatever the API says; an eighth of an L4; 4x 100 Gbit/s."""
    columns = ("accelerator", "accelerators", "accelerator_memory_gib", "network_gbps")
    rows = {
        row["instance_type"]: tuple(row[c] for c in columns)
        for row in built.filter(provider="aws").iter_rows(named=True)
    }
    assert rows["trn2.48xlarge"] == ("Trainium2", 16, 96, 3200)
    assert rows["g6f.large"] == ("L4", 0.125, 24, 10)
    assert rows["p4d.24xlarge"] == ("A100-40", 8, 40, 400)
    assert rows["m7i.large"] == (None, 0, None, 12.5)
    assert prices(built, "trn2.48xlarge") == {("us-east-1", "use1-az1", "on-demand"): None}


def test_azure_prices_are_linux_and_terms_upfront(built: pl.DataFrame) -> None:
    """Windows, Cloud Services, Low Priority and host rows go; a term's total is upfront."""
    assert prices(built, "Standard_NC80adis_H100_v5") == {
        ("eastus", "-", "on-demand"): Decimal(14),
        ("westeurope", "-", "on-demand"): Decimal("17.5"),
        ("westeurope", "-", "spot"): Decimal("5.25"),
    }
    assert prices(built, "Standard_NCC40ads_H100_v5")["eastus", "-", "on-demand"] == Decimal(
        "6.98"
    )
    assert "Standard_ND40rs_v2" not in set(built["instance_type"])
    assert built.filter(pl.col("instance_type").str.contains("Type1")).is_empty()
    terms = built.filter(pl.col("option") == "reserved-1y", provider="azure").row(0, named=True)
    assert (terms["usd_per_hour"], terms["upfront_usd"]) == (Decimal(0), Decimal(475420))


def test_azure_cpu_series_shows_a_licence(built: pl.DataFrame) -> None:
    """D4s at 0.384 is D2s per vCPU plus 4 x 0.046: a Windows price, left out."""
    found = set(built.filter(pl.col("instance_type").str.contains("D[248]s"))["instance_type"])
    assert found == {"Standard_D2s_v5", "Standard_D8s_v5"}


def test_azure_counts(built: pl.DataFrame) -> None:
    """Counts follow the size, not the API: 2 of NC80adis, a sixth of NV6ads, unknown RTX PRO."""
    counts = dict(built.filter(provider="azure").select("instance_type", "accelerators").rows())
    assert counts["Standard_NC80adis_H100_v5"] == 2
    assert counts["Standard_NV6ads_A10_v5"] == pytest.approx(1 / 6)
    assert counts["Standard_NC36ds_xl_RTXPRO6000BSE_v6"] is None
    assert counts["Standard_D2s_v5"] == 0
    assert set(built.filter(instance_type="Standard_NC6s_v3")["purchasable"]) == {"no"}


def test_google_dws_prices_become_flex_start(built: pl.DataFrame) -> None:
    """33.6 for eight H100 is DWS: 88.6 stays on demand, flex = 33.6 + 10 + SSD of 0.6.

    SSD: 88.6 - 10 - 8 x 9.75 = 0.6 for 6000 GiB, so 1.2 for the 12000 GiB of A3 Ultra.
    """
    assert prices(built, "a3-highgpu-8g") == {
        ("us-central1", "us-central1-a", "flex-start"): Decimal("44.2"),
        ("us-central1", "us-central1-a", "on-demand"): Decimal("88.6"),
        ("us-central1", "us-central1-a", "reserved-1y"): Decimal("61.4"),
        ("us-central1", "us-central1-a", "reserved-3y"): Decimal(40),
        ("us-central1", "us-central1-a", "spot"): Decimal("50.6"),
    }
    assert prices(built, "a3-ultragpu-8g") == {
        ("us-central1", "us-central1-b", "flex-start"): Decimal("49.2"),
        ("us-central1", "us-central1-b", "on-demand"): None,
        ("us-central1", "us-central1-b", "spot"): Decimal("43.2"),
    }


def test_google_b200_is_all_in(built: pl.DataFrame) -> None:
    """88 is the calendar price (8 x 11), 64 flex start (8 x 8); 16 per GPU is on demand."""
    zone = ("us-central1", "us-central1-b")
    assert prices(built, "a4-highgpu-8g") == {
        (*zone, "on-demand"): Decimal(128),
        (*zone, "reserved-1y"): Decimal(80),
        (*zone, "flex-start"): Decimal(64),
        (*zone, "spot"): Decimal(34),
        ("us-west9", "us-west9-b", "on-demand"): None,
        ("us-west9", "us-west9-b", "flex-start"): Decimal(64),
        ("us-west9", "us-west9-b", "spot"): Decimal(33),
    }
    assert set(built.filter(instance_type="a4-highgpu-8g", option="on-demand")["purchasable"]) == {
        "no"
    }


def test_google_attached_gpus_and_tpus(built: pl.DataFrame) -> None:
    """N1 + T4 sums N1's newer price and the T4's; no offer: a P4 nowhere to attach, 700 USD."""
    assert prices(built, "n1-standard-8+nvidia-tesla-t4x1") == {
        ("us-central1", "us-central1-a", "on-demand"): Decimal("0.73"),
        ("us-central1", "us-central1-a", "spot"): Decimal("0.19"),
    }
    assert built.filter(pl.col("instance_type").str.contains("tesla-p4")).is_empty()
    assert prices(built, "ct6e-standard-1t") == {
        ("us-central1", "us-central1-b", "on-demand"): Decimal("2.7"),
        ("us-central1", "us-central1-b", "spot"): Decimal(1),
    }


def test_google_n1_that_takes_gpus_stands_by_zone(built: pl.DataFrame) -> None:
    """A machine with GPUs attached stands in a zone, so the machine itself stands there too."""
    zones = built.filter(pl.col("instance_type").str.starts_with("n1-"))["zone"].unique()
    assert zones.to_list() == ["us-central1-a"]


def test_google_prices_compose_from_rates_of_parts(built: pl.DataFrame) -> None:
    """Taken apart into rates of whole nano-dollars and added up, each price is itself again."""
    offers = built.filter(provider="gcp")
    priced = priced_machines(offers)
    for (region, option), parts in rates_by_option(priced).items():
        rates = Rates(usd={(region, name, option): usd for name, usd in parts.items()})
        for machine, usd in priced[region, option]:
            assert compose(rates, machine, region, option) == usd


def test_a_price_that_no_rates_explain_stays(built: pl.DataFrame) -> None:
    """Three machines whose prices contradict each other keep them; nothing is averaged."""
    sizes = (("c3-standard-4", 4, 16), ("c3-standard-8", 8, 32), ("c3-standard-22", 22, 88))
    row = built.filter(instance_type="n1-standard-8", option="spot").to_dicts()[0]
    rows: list[Row] = [
        {**row, "instance_type": name, "vcpus": vcpus, "memory_gib": gib, "usd_per_hour": usd}
        for (name, vcpus, gib), usd in zip(sizes, map(Decimal, ("1", "3", "2")), strict=True)
    ]
    assert [one["usd_per_hour"] for one in summed(rows)] == [1, 3, 2]


def test_google_machines_that_do_not_exist(built: pl.DataFrame) -> None:
    """A calculator's price in a region without the machine is no offer; A4X has no price."""
    assert built.filter(region="me-central2").is_empty()
    assert prices(built, "a4x-highgpu-4g") == {("us-central1", "-", "on-demand"): None}


def test_an_offer_stated_twice_is_refused() -> None:
    """Two rows of one key stop the build and name the offer."""
    row = ("aws", "r", "z", "m", "spot", "H100", "1")
    with pytest.raises(ValueError, match="offers stated twice"):
        frame(row, row)


def test_two_linux_meters_of_one_size_are_refused() -> None:
    """Meters that the filters do not tell apart stop the build instead of one winning."""
    meter = {"sku_name": "NC6s v3", "product_name": "NCv3", "region": "r"}
    meter |= {"retail_price_usd": "3.1", "price_type": "Consumption"}
    with pytest.raises(ValueError, match="two Linux meters"):
        linux_meters([meter, meter], {"Standard_NC6s_v3"})


def test_reservation_meters_are_no_hourly_prices() -> None:
    """Trap 2: of a Reservation item the price is the total, whatever its unit says."""
    meter = {"sku_name": "NC6s v3", "product_name": "NCv3", "region": "r"}
    meter |= {"retail_price_usd": "15000", "price_type": "Reservation"}
    assert linux_meters([meter], {"Standard_NC6s_v3"}) == {}
    assert reservation("15000").upfront_usd == 15000
    assert reservation("15000").usd_per_hour == 0


def test_windows_licence() -> None:
    """16 vCPUs with Windows cost 0.736 more; a dearer size of another kind is no licence."""
    assert is_windows(Decimal("1.776"), Decimal("1.04"), 16)
    assert not is_windows(Decimal("1.04"), Decimal("1.04"), 16)
    assert not is_windows(Decimal("1.5"), Decimal("1.04"), 16)


@pytest.mark.parametrize(("percent", "edge"), [("5", 0.05), ("22", 0.22), ("100", 0.5)])
def test_interruptions_of_a_band(percent: str, edge: float) -> None:
    """The upper edge of a monthly band is a rate per hour; the open band counts as one half."""
    rate = interruptions_per_hour({"interruption_max_pct": percent})
    assert rate == pytest.approx(-math.log(1 - edge) / 730)


def test_spot_ratio_needs_both_prices() -> None:
    """Without one of the two old prices there is no ratio."""
    assert spot_ratio({"spot_usd_hour": "3", "on_demand_usd_hour": "4"}) == Decimal("0.75")
    assert spot_ratio({"spot_usd_hour": "", "on_demand_usd_hour": "4"}) is None
    assert spot_ratio({"spot_usd_hour": "3", "on_demand_usd_hour": ""}) is None


def test_month_has_730_hours() -> None:
    """A month's commitment is divided by 730; an empty one is unknown."""
    assert monthly("73") == Decimal("0.1")
    assert monthly("") is None


@pytest.mark.parametrize(
    ("region", "kind"),
    [
        ("eu-west-3", "region"),
        ("us-gov-east-1", "government"),
        ("us-east-1-wl1-bna1", "wavelength"),
        ("us-west-2-lax-1", "local-zone"),
    ],
)
def test_location_kinds(region: str, kind: str) -> None:
    """Codes of the price list tell regions, government, Wavelength and Local Zones apart."""
    assert location_kind(region) == kind


def test_google_options_of_scarce_machines() -> None:
    """A4 is not sold on demand, its spot is, its commitments depend on a reservation."""
    sold = {option: purchasable("a4-highgpu-8g", option) for option in PurchaseOption}
    assert sold[PurchaseOption.ON_DEMAND] is Purchasable.NO
    assert sold[PurchaseOption.SPOT] is Purchasable.YES
    assert sold[PurchaseOption.RESERVED_1Y] is Purchasable.UNKNOWN
    assert purchasable("a3-highgpu-8g", PurchaseOption.ON_DEMAND) is Purchasable.YES


@pytest.mark.parametrize(
    ("size", "card", "count", "fabric"),
    [
        ("Standard_ND96isr_MI300X_v5", "MI300X", 8, "rdma"),
        ("Standard_ND128isr_NDR_GB200_v6", "GB200", 4, "nvlink-rack"),
        ("Standard_NC24rs_v3", "V100", 4, "rdma"),
        ("Standard_NV24s_v3", "M60", 2, "none"),
        ("Standard_ND96is_noIB_H100_v5", "H100", None, None),
        ("Standard_NX1_unheard_of", None, None, None),
    ],
)
def test_azure_sizes_by_name(
    size: str, card: str | None, count: float | None, fabric: str | None
) -> None:
    """Documented sizes have card, count and fabric; others keep what is unknown unknown."""
    specs = specs_of(size, {})
    assert (specs.accelerator.name if specs.accelerator else None) == card
    assert (specs.accelerators, specs.fabric) == (count, fabric)
