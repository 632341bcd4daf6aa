"""Offers in CSV and Parquet files refresh like a cloud's."""

from pathlib import Path

import polars as pl
import pytest

from broker.errors import ProviderError
from broker.fetching import ConcurrentFetcher, Patience
from broker.market_csv import offers_csv
from broker.provider import FaultKind, Fetched, Scope, Settings, Tables
from providers.flatfile import connect

HEADER = (
    "provider,region,instance_type,accelerator,accelerators,option,usd_per_hour,source,observed_at"
)
ROW = "neocloud,eu-1,h100.8,H100,8,on-demand,18.40,quote 7,2026-11-01"
QUICK = Patience(first_wait_s=0.01)


def refresh(*paths: Path) -> tuple[list[Fetched], Tables]:
    cloud = connect(Settings(options={"paths": ",".join(map(str, paths))}))
    fetched = list(cloud.collect(Scope(), ConcurrentFetcher(patience=QUICK)))
    return fetched, cloud.read(fetched, Scope())


def write(path: Path, *rows: str, header: str = HEADER) -> Path:
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def test_a_csv_file_is_a_provider(tmp_path: Path) -> None:
    """A row becomes an offer of the provider it names, with its source and day."""
    _, tables = refresh(write(tmp_path / "quotes.csv", ROW))
    (offer,) = tables.tables["offers"].to_dicts()
    assert (offer["provider"], offer["accelerator"], offer["accelerators"]) == (
        "neocloud",
        "H100",
        8,
    )
    assert (str(offer["usd_per_hour"]), offer["price_source"]) == ("18.400000000", "quote 7")
    assert str(offer["price_observed_at"]) == "2026-11-01 00:00:00+00:00"
    assert [source.key for source in tables.sources] == ["quote 7"]


def test_parquet_holds_the_same_columns(tmp_path: Path) -> None:
    """The same table as Parquet gives the same offers."""
    csv = write(tmp_path / "quotes.csv", ROW)
    parquet = tmp_path / "quotes.parquet"
    pl.read_csv(csv).write_parquet(parquet)
    _, from_csv = refresh(csv)
    _, from_parquet = refresh(parquet)
    assert from_parquet.tables["offers"].equals(from_csv.tables["offers"])


def test_a_whole_offer_table_survives(tmp_path: Path) -> None:
    """What the broker writes as CSV comes back row for row."""
    _, first = refresh(write(tmp_path / "quotes.csv", ROW, ROW.replace("eu-1", "eu-2")))
    again = tmp_path / "again.csv"
    again.write_text(offers_csv(first.tables["offers"]), encoding="utf-8")
    _, second = refresh(again)
    assert second.tables["offers"].equals(first.tables["offers"])


def test_a_later_file_wins(tmp_path: Path) -> None:
    """Two files that state one offer: the later one's price stands, once."""
    old = write(tmp_path / "old.csv", ROW)
    new = write(tmp_path / "new.csv", ROW.replace("18.40", "17.90"))
    _, tables = refresh(old, new)
    assert [str(usd) for usd in tables.tables["offers"]["usd_per_hour"]] == ["17.900000000"]


def test_a_wrong_file_is_a_fault_and_the_others_count(tmp_path: Path) -> None:
    """The fault says line, column and what would be right; other files are read."""
    good = write(tmp_path / "good.csv", ROW)
    bad = write(tmp_path / "bad.csv", ROW.replace("18.40", "eighteen"))
    fetched, tables = refresh(bad, good)
    fault = fetched[0].fault
    assert fault is not None
    assert (fault.kind, fault.code) == (FaultKind.BROKEN, "WrongFile")
    assert "bad.csv:2: usd_per_hour: found 'eighteen'" in fault.remedy
    assert tables.tables["offers"].height == 1


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.csv", None, "NoSuchFile"),
        ("latin.csv", "r\xe9gion".encode("latin-1"), "WrongFile"),
        ("torn.parquet", b"PAR1 and no more", "WrongFile"),
    ],
)
def test_a_file_that_cannot_be_read_says_so(
    tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    """A missing, wrongly encoded or torn file is a fault with a remedy, never a traceback."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    fetched, tables = refresh(tmp_path / name)
    fault = fetched[0].fault
    assert fault is not None
    assert fault.code == code
    assert fault.remedy
    assert tables.tables["offers"].is_empty()


def test_files_must_be_named() -> None:
    """Without a file the provider says which option names one."""
    with pytest.raises(ProviderError, match="expected the option `paths`"):
        connect(Settings()).collect(Scope(), ConcurrentFetcher())
