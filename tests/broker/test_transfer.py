"""Prices of moving data: every pair of regions has one, the price lists hold to the cent."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from broker.errors import SpecError
from broker.reference import regions
from broker.tiers import bill
from broker.transfer import TransferTable
from broker.transfer_prices import shipped_prices

PLACES = [f"{provider}/{region}" for provider, region in regions()]


@pytest.fixture(name="shipped")
def _shipped() -> TransferTable:
    return TransferTable.load()


def own_table(folder: Path, *rows: str) -> TransferTable:
    path = folder / "mine.csv"
    path.write_text("\n".join(["from,to,usd_per_gb", *rows]) + "\n")
    return TransferTable.load(path)


def test_every_pair_of_known_regions_has_a_price_with_source_and_date(
    shipped: TransferTable,
) -> None:
    """No known region is unreachable for data; only staying in a region is free."""
    for origin in PLACES:
        for target in PLACES:
            price = shipped.price(origin, target)
            assert price is not None, (origin, target)
            assert price.source
            assert (price.usd_per_gb == 0) == (origin == target)
            assert price.observed_on or origin == target


@pytest.mark.parametrize(
    ("origin", "target", "usd"),
    [
        ("aws/us-east-1", "aws/us-east-2", "0.01"),
        ("aws/us-east-1", "aws/eu-west-1", "0.02"),
        ("aws/ap-south-1", "aws/us-east-1", "0.086"),
        ("aws/us-east-1", "gcp/us-central1", "0.09"),
        ("aws/sa-east-1", "azure/brazilsouth", "0.15"),
        ("azure/westeurope", "azure/northeurope", "0.02"),
        ("azure/westeurope", "azure/eastus", "0.05"),
        ("azure/southeastasia", "azure/japaneast", "0.08"),
        ("azure/brazilsouth", "azure/eastus", "0.16"),
        ("azure/westeurope", "aws/eu-west-1", "0.087"),
        ("azure/israelcentral", "aws/eu-west-1", "0.087"),
        ("azure/southeastasia", "aws/eu-west-1", "0.12"),
    ],
)
def test_prices_are_those_of_the_lists(
    shipped: TransferTable, origin: str, target: str, usd: str
) -> None:
    """Inside a network the flat price holds, outside the first price after free GB."""
    assert shipped.usd_per_gb(origin, target) == Decimal(usd)


@pytest.mark.parametrize(
    ("target", "usd_per_gib"),
    [
        ("gcp/us-east1", "0.02"),
        ("gcp/europe-west4", "0.08"),
        ("gcp/australia-southeast1", "0.15"),
        ("gcp/asia-southeast2", "0.15"),
        ("aws/eu-west-1", "0.12"),
        ("aws/ap-southeast-2", "0.19"),
        ("aws/cn-north-1", "0.23"),
    ],
)
def test_google_bills_by_gib_and_destination(
    shipped: TransferTable, target: str, usd_per_gib: str
) -> None:
    """A price per GiB is divided by exactly 1.073741824 GB."""
    price = shipped.usd_per_gb("gcp/us-central1", target)
    assert price is not None
    assert price * Decimal("1.073741824") == Decimal(usd_per_gib)


@pytest.mark.parametrize(
    ("origin", "steps"),
    [
        ("gcp/asia-northeast1", ["0.12", "0.11", "0.085"]),
        ("gcp/asia-northeast3", ["0.19", "0.18", "0.15"]),
    ],
)
def test_shifted_tiers_of_the_source_are_put_in_order(
    shipped: TransferTable, origin: str, steps: list[str]
) -> None:
    """Tokyo and Seoul fall with volume like their neighbours, and are marked as estimates."""
    found = shipped.tiers(origin)
    assert [tier.usd_per_gb * Decimal("1.073741824") for tier in found] == [*map(Decimal, steps)]
    price = shipped.price(origin, "aws/eu-west-1")
    assert price is not None
    assert price.estimated


def test_every_price_list_falls_with_volume() -> None:
    """After the free GB no step is dearer than the one before it; the last has no end."""
    for listed in shipped_prices().leaving.values():
        prices = [tier.usd_per_gb for tier in listed.tiers if tier.usd_per_gb]
        ends = [tier.up_to_gb for tier in listed.tiers]
        assert prices == sorted(prices, reverse=True), listed.name
        assert ends[-1] is None
        known = [end for end in ends[:-1] if end is not None]
        assert len(known) == len(ends) - 1
        assert known == sorted(known)


@pytest.mark.parametrize(
    ("origin", "gb", "usd"),
    [
        # AWS: 100 GB free, then 10,240 at 0.09, 40,960 at 0.085, 102,400 at 0.07
        ("aws/us-east-1", "10000", "891.00"),  # 9,900 x 0.09
        ("aws/us-east-1", "50000", "4292.70"),  # 921.60 + 39,660 x 0.085
        ("aws/us-east-1", "60000", "5012.20"),  # 921.60 + 3,481.60 + 8,700 x 0.07
        ("aws/us-east-1", "150000", "11312.20"),  # 4,403.20 + 98,700 x 0.07
        # the same list at 10, 50, 60 and 150 binary TB beyond the free GB
        ("aws/us-east-1", "10340", "921.60"),
        ("aws/us-east-1", "51300", "4403.20"),
        ("aws/us-east-1", "61540", "5120.00"),
        ("aws/us-east-1", "153700", "11571.20"),
        # Azure: 100 GB free, steps at 10,335, 51,295 and 153,695
        ("azure/eastus", "10000", "861.30"),  # 9,900 x 0.087
        ("azure/eastus", "50000", "4182.64"),  # 890.445 + 39,665 x 0.083
        ("azure/eastus", "60000", "4899.475"),  # 890.445 + 3,399.68 + 8,705 x 0.07
        ("azure/eastus", "150000", "11199.475"),  # 4,290.125 + 98,705 x 0.07
        ("azure/eastus", "10335", "890.445"),
        ("azure/eastus", "153695", "11458.125"),
        ("azure/eastus", "153696", "11458.175"),
    ],
)
def test_ten_to_a_hundred_fifty_tb_cost_what_the_price_lists_say(
    shipped: TransferTable, origin: str, gb: str, usd: str
) -> None:
    """Every GB is billed at the price of its own step, free GB first."""
    assert bill(shipped.tiers(origin), Decimal(gb)) == Decimal(usd)


def test_stand_ins_are_marked(shipped: TransferTable) -> None:
    """Kuala Lumpur borrows the prices of Singapore and says so; Singapore's are its own."""
    borrowed = shipped.price("aws/ap-southeast-5", "aws/us-east-1")
    known = shipped.price("aws/ap-southeast-1", "aws/us-east-1")
    assert borrowed is not None
    assert known is not None
    assert borrowed.usd_per_gb == known.usd_per_gb
    assert (borrowed.estimated, known.estimated) == (True, False)


def test_china_is_reached_over_the_internet(shipped: TransferTable) -> None:
    """Between the partitions of AWS the price list of the internet holds."""
    listed = shipped.price_list("aws/us-east-1", "aws/cn-north-1")
    assert listed is not None
    assert shipped.price_list("aws/us-east-1", "aws/us-gov-west-1") is None


def test_a_local_zone_is_billed_as_its_region(shipped: TransferTable) -> None:
    """Data to or from Atlanta's Local Zone is priced as from N. Virginia."""
    assert shipped.usd_per_gb("aws/us-east-1-atl-1", "gcp/us-east1") == Decimal("0.09")
    assert shipped.usd_per_gb("aws/us-east-1", "aws/us-east-1-atl-1") == Decimal("0.02")


def test_unknown_places(shipped: TransferTable) -> None:
    """A known provider bills what leaves it for anywhere; an unknown origin has no price."""
    assert shipped.usd_per_gb("aws/us-east-1", "neocloud/oslo") == Decimal("0.09")
    assert shipped.price("neocloud/oslo", "aws/us-east-1") is None
    assert shipped.price("aws/atlantis-1", "gcp/us-east1") is None
    assert shipped.tiers("neocloud/oslo") == ()


def test_the_users_own_price_wins_and_is_flat(tmp_path: Path) -> None:
    """The narrowest own row holds, without tiers; other pairs keep the shipped prices."""
    table = own_table(tmp_path, "aws,*,0.03", "aws/us-east-1,gcp,0.01")
    assert table.usd_per_gb("aws/us-east-1", "gcp/us-east1") == Decimal("0.01")
    assert table.usd_per_gb("aws/eu-west-1", "gcp/us-east1") == Decimal("0.03")
    assert table.usd_per_gb("azure/eastus", "gcp/us-east1") == Decimal("0.087")
    assert table.price_list("aws/us-east-1", "gcp/us-east1") is None
    assert [tier.usd_per_gb for tier in table.tiers("aws/eu-west-1")] == [Decimal("0.03")]
    price = table.price("aws/eu-west-1", "gcp/us-east1")
    assert price is not None
    assert price.source.endswith("mine.csv")


def test_every_wrong_row_of_the_users_table_is_named(tmp_path: Path) -> None:
    """Negative, repeated and unreadable prices are all reported with their lines."""
    with pytest.raises(SpecError) as caught:
        own_table(tmp_path, "aws,gcp,-1", "aws,azure,0.1", "aws,azure,0.2", "gcp,*,cheap", ",*,1")
    assert [fault.line for fault in caught.value.faults] == [2, 4, 5, 6]


def test_reading_prices_needs_no_heavy_import() -> None:
    """The table loads with the standard library alone."""
    code = (
        "import sys; from broker.transfer import TransferTable; TransferTable.load();"
        "print(sorted({'numpy', 'polars', 'pydantic', 'ortools'} & set(sys.modules)))"
    )
    found = subprocess.run(  # noqa: S603 - our own interpreter and text
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
