"""The transfer tables are built from collected price lists without falling into their traps."""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path

import pytest

from tools.transfer.__main__ import build

Rows = list[dict[str, str]]

PAIRS = """src_region,dst,usd_per_gb
us-east-1,internet,0.09
us-east-1,us-east-2,0.01
us-east-1,eu-west-1,0.02
us-east-1,ap-southeast-1,0.02
eu-west-1,us-east-1,0.02
ap-southeast-1,us-east-1,0.09
ap-east-1,us-east-1,0.09
"""
TIERS = """provider,region,from_gb,usd_per_gb
aws,us-east-1,0,0.09
aws,us-east-1,10240,0.085
aws,eu-west-1,0,0.09
aws,eu-west-1,10240,0.085
aws,ap-southeast-1,0,0.12
aws,us-west-2-lax-1,0,0.09
aws,us-gov-east-1,0,0.155
azure,eastus,5,0.08
azure,usgovtexas,0,0.106
"""
RULES = """provider,src_scope,dst_scope,usd_per_gb,note
gcp,same zone,same zone,0,
gcp,us|northamerica,same continent,0.01,
gcp,europe,same continent,0.02,
gcp,asia,same continent,0.05,
gcp,southamerica,same continent,0.08,
gcp,australia,same continent,0.08,
gcp,asia-southeast2|australia,any gcp region on other continent,0.15,
gcp,any,gcp region on other continent,0.08,otherwise
azure,north-america|europe,internet or other cloud,0.0875,
azure,north-america|europe,same continent,0.02,
azure,asia|oceania|middle-east|africa,same continent,0.08,
azure,south-america,same continent,0.181,
azure,north-america|europe,azure region on other continent,0.05,
azure,asia|oceania|middle-east|africa,azure region on other continent,0.08,
azure,south-america,azure region on other continent,0.16,
"""
GOOGLE = {
    "asia-east1": ("0.12", "0.11", "0.085"),
    "asia-northeast1": ("0.085", "0.12", "0.085"),
    "us-central1": ("0.12", "0.11", "0.08"),
}
AZURE = (0.087, 0.083, 0.07, 0.05)


def write_lists(folder: Path, *, azure: tuple[float, ...] = AZURE) -> Path:
    """Write small price lists in the layout of the collected ones."""
    folder.mkdir()
    (folder / "aws_transfer_usd_per_gb_2023-04.csv.gz").write_bytes(gzip.compress(PAIRS.encode()))
    (folder / "internet_egress_tiers_2024-08.csv").write_text(TIERS)
    (folder / "inter_region_rules_2023-04.csv").write_text(RULES)
    lines = [
        f"worldwide,{tier},{region},{usd}"
        for region, steps in GOOGLE.items()
        for tier, usd in zip(("0-1", "1-10", "10n"), steps, strict=True)
    ]
    text = "\n".join(["destination,tier_tib,region,usd_per_gib", *lines]) + "\n"
    (folder / "gcp_internet_egress_tiers_2026-07-30.csv").write_text(text)
    summary = {
        "azure": {"tiers": [{"price_per_gb_usd": usd} for usd in azure]},
        "gcp": {"inter_region_per_gb_usd": 0.02},
    }
    (folder / "internet_egress_summary_2026-05.json").write_text(json.dumps(summary))
    return folder


@pytest.fixture(name="tables", scope="module")
def _tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    folder = tmp_path_factory.mktemp("small")
    sizes = build(write_lists(folder / "data"), folder)
    found = {
        name: list(csv.DictReader((folder / f"transfer_{name}.csv").read_text().splitlines()))
        for name in ("regions", "inside", "leaving")
    }
    assert sizes == {name: len(rows) for name, rows in found.items()}
    return found


def only(rows: Rows, **wanted: str) -> Rows:
    """Return the rows that have these cells."""
    return [row for row in rows if wanted.items() <= row.items()]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    """Two builds of the same lists are equal byte for byte."""
    data = write_lists(tmp_path / "data")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        build(data, tmp_path / name)
    for table in (tmp_path / "one").iterdir():
        assert table.read_bytes() == (tmp_path / "two" / table.name).read_bytes()


def test_pairs_shrink_to_the_usual_price_and_its_exceptions(tables: dict[str, Rows]) -> None:
    """N. Virginia pays 0.02 everywhere but to Ohio; other sources have one row."""
    rows = only(tables["inside"], network="aws", from_zone="us-east-1")
    assert {row["to_zone"]: row["usd"] for row in rows} == {"*": "0.02", "us-east-2": "0.01"}
    assert len(only(tables["inside"], network="aws", from_zone="eu-west-1")) == 1


def test_a_region_without_prices_borrows_the_nearest(tables: dict[str, Rows]) -> None:
    """Kuala Lumpur borrows from Singapore, London from Dublin, both marked."""
    (row,) = only(tables["regions"], provider="aws", region="ap-southeast-5")
    assert (row["zone"], row["zone_estimated"]) == ("ap-southeast-1", "yes")
    (row,) = only(tables["regions"], provider="aws", region="eu-west-2")
    assert (row["zone"], row["source"]) == ("eu-west-1", "stand-in: eu-west-1")
    (row,) = only(tables["regions"], provider="aws", region="us-east-1")
    assert (row["zone_estimated"], row["list_estimated"]) == ("no", "no")


def test_free_gb_shift_the_tiers_of_commercial_regions(tables: dict[str, Rows]) -> None:
    """AWS counts tiers beyond 100 free GB; government accounts have none."""
    commercial = only(tables["leaving"], price_list="aws-eu-west-1")
    government = only(tables["leaving"], price_list="aws-us-gov-east-1")
    assert [(row["above"], row["usd"]) for row in commercial] == [
        ("0", "0"),
        ("100", "0.09"),
        ("10340", "0.085"),
    ]
    assert [(row["above"], row["usd"]) for row in government] == [("0", "0.155")]


def test_a_rising_list_is_put_in_order(tables: dict[str, Rows]) -> None:
    """Tokyo's steps were shifted by one; in order they equal Taiwan's."""
    (tokyo,) = only(tables["regions"], provider="gcp", region="asia-northeast1")
    assert tokyo["price_list"] == "gcp-asia-east1"
    assert tokyo["list_estimated"] == "yes"
    rows = only(tables["leaving"], price_list="gcp-asia-east1")
    assert [row["usd"] for row in rows] == ["0.12", "0.11", "0.085"]


def test_every_row_has_a_source_and_prices_a_date(tables: dict[str, Rows]) -> None:
    """No figure stands without saying where it comes from and when it was seen."""
    assert all(row["source"] for rows in tables.values() for row in rows)
    assert all(row["observed_on"] for row in tables["inside"] + tables["leaving"])


def test_continents_of_azure_are_all_paired(tables: dict[str, Rows]) -> None:
    """Each of 7 continents has a price to each; leaving Europe is dearer than staying."""
    rows = only(tables["inside"], network="azure")
    price = {(row["from_zone"], row["to_zone"]): row["usd"] for row in rows}
    assert len(price) == 49
    assert (price["europe", "europe"], price["europe", "asia"]) == ("0.02", "0.05")


def test_sources_that_contradict_stop_the_build(tmp_path: Path) -> None:
    """A summary with another price for Azure is not passed over."""
    data = write_lists(tmp_path / "data", azure=(0.09, 0.083, 0.07, 0.05))
    with pytest.raises(ValueError, match="Azure zone 1"):
        build(data, tmp_path)
