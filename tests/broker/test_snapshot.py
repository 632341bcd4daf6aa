"""Markets are found by name and stacked: a later one replaces equal offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from broker.errors import MarketError
from broker.market import GAP_SCHEMA, HOLDING_SCHEMA, QUOTA_SCHEMA, Market, Source
from broker.market_csv import read_offers_csv
from broker.offers import OFFER_KEY
from broker.snapshot import read_market, stacked, write_market

HEAD = "provider,region,instance_type,option,usd_per_hour,source,observed_at"


def csv_file(path: Path, *lines: str) -> Path:
    """Write a market file with `lines` and return its path."""
    path.write_text("\n".join([HEAD, *lines]))
    return path


def csv_market(*lines: str) -> Market:
    """Return the market of `lines`."""
    return read_offers_csv("\n".join([HEAD, *lines]).encode(), name="m")


def quotas(limit: float, *regions: str) -> pl.DataFrame:
    """Return a quota of P instances for each region."""
    rows = [
        {"provider": "aws", "region": region, "family": "P", "accelerator": "", "unit": "vcpus"}
        | {"instance_type": "", "option": "spot", "limit": limit}
        for region in regions
    ]
    return pl.DataFrame(rows, schema=dict(QUOTA_SCHEMA))


def test_later_market_replaces_equal_offers_and_adds_the_rest(tmp_path: Path) -> None:
    """Of two files the second decides on offers both have; names are joined."""
    first = csv_file(tmp_path / "a.csv", "aws,r,m,spot,1,s,2026-01-01", "aws,r,n,spot,2,s,")
    second = csv_file(tmp_path / "b.csv", "aws,r,n,spot,3,t,2026-02-01", "aws,a,m,spot,4,t,")
    market = read_market([first, second])
    prices = market.offers.select("region", "instance_type", "usd_per_hour").rows()
    assert prices == [("a", "m", Decimal(4)), ("r", "m", Decimal(1)), ("r", "n", Decimal(3))]
    assert market.name == "a.csv+b.csv"
    assert market.taken_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert set(market.sources) == {"s", "t"}


def test_digest_of_a_stack_is_that_of_its_content(tmp_path: Path) -> None:
    """Names and the number of files do not enter the digest."""
    lines = ["aws,r,m,spot,1,s,", "aws,r,n,spot,2,s,"]
    parts = [csv_file(tmp_path / f"{line[6]}.csv", line) for line in lines]
    whole = csv_file(tmp_path / "whole.csv", *lines)
    assert read_market(parts).digest == read_market([whole]).digest
    assert read_market(parts).offers.equals(read_market(whole).offers)


def test_stacked_offers_stay_sorted_and_unique(tmp_path: Path) -> None:
    """Stacking a market on itself changes nothing but the name."""
    path = csv_file(tmp_path / "a.csv", "b,r,m,spot,1,s,", "a,r,m,spot,1,s,")
    market = read_market([path, path])
    assert market.offers.equals(market.offers.sort(OFFER_KEY))
    assert market.offers.height == 2


def test_later_quotas_replace_and_gaps_are_joined() -> None:
    """A quota of the same selector is replaced; a gap told twice is one gap."""
    gap = pl.DataFrame(
        [("gcp", "", "prices", "denied", "no permission", "grant it", None)],
        schema=dict(GAP_SCHEMA),
        orient="row",
    )
    base = csv_market("aws,r,m,spot,1,s,")
    early = replace(base, quotas=quotas(8.0, "r", "s"), gaps=gap)
    late = replace(base, quotas=quotas(16.0, "r"), gaps=gap)
    market = stacked(early, late)
    assert dict(market.quotas.select("region", "limit").rows()) == {"r": 16.0, "s": 8.0}
    assert market.gaps.height == 1


def test_holdings_of_one_id_are_not_counted_twice() -> None:
    """A holding that two markets state is one holding, as the later states it."""
    base = csv_market("aws,r,m,spot,1,s,")
    held = pl.DataFrame([{"id": "cr-1", "instances": 4}], schema=dict(HOLDING_SCHEMA))
    grown = held.with_columns(instances=pl.lit(6, pl.Int64))
    market = stacked(replace(base, holdings=held), replace(base, holdings=grown))
    assert market.holdings["instances"].to_list() == [6]


def test_file_does_not_replace_a_sources_description() -> None:
    """A CSV file that names a known source leaves its description alone."""
    known = Source(key="s", name="Price list", observed_on="2026-01", licence="MIT")
    base = replace(csv_market("aws,r,m,spot,1,s,"), sources={"s": known})
    assert stacked(base, csv_market("aws,r,n,spot,1,s,")).sources == {"s": known}


def test_folder_and_file_are_told_apart(tmp_path: Path) -> None:
    """A folder is read by its manifest, a file as CSV."""
    path = csv_file(tmp_path / "a.csv", "aws,r,m,spot,1,s,2026-01-01")
    write_market(read_market([path]), tmp_path / "night")
    market = read_market([str(tmp_path / "night")])
    assert market.name == "night"
    assert market.digest == read_market([path]).digest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("embeded", "did you mean 'embedded'?"),
        ("Embedded", "did you mean 'embedded'?"),
        ("prices.cvs", "did you mean 'prices.csv'?"),
        ("nothing/like/it.csv", "name `embedded`"),
        ("nul\0l", "null"),
        ("x" * 300, "too long"),
    ],
)
def test_missing_market_is_refused_with_the_nearest_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
) -> None:
    """A name that is nowhere gives the nearest one that is."""
    csv_file(tmp_path / "prices.csv")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MarketError) as caught:
        read_market([name])
    assert expected in str(caught.value)


def test_no_name_at_all_is_refused() -> None:
    """An empty list of markets says what to name."""
    with pytest.raises(MarketError, match="embedded"):
        read_market([])
