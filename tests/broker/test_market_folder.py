"""A market folder is read whole and unchanged, or refused with the file and the reason."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from broker.errors import MarketError, OutputError
from broker.market import GAP_SCHEMA, Market, Source, empty
from broker.market_csv import read_offers_csv
from broker.market_digest import content_digest
from broker.market_folder import MANIFEST, read_folder, write_market
from broker.offers import OFFER_SCHEMA

CSV = b"""provider,region,zone,instance_type,option,usd_per_hour,vcpus,source,observed_at
aws,us-east-1,use1-az2,m5.large,spot,0.04,2,list,2026-08-01
aws,us-east-1,use1-az1,m5.large,on-demand,0.096,2,list,2026-08-01
"""


def tiny_market() -> Market:
    """Return a market of two offers and one gap."""
    offers = read_offers_csv(CSV, name="m").offers
    gaps = pl.DataFrame(
        [("gcp", "", "prices", "denied", "no permission", "grant it", None)],
        schema=dict(GAP_SCHEMA),
        orient="row",
    )
    return Market(
        name="tiny",
        digest=content_digest({"offers": offers, "gaps": gaps}),
        taken_at=datetime(2026, 8, 17, tzinfo=UTC),
        offers=offers,
        gaps=gaps,
        sources={
            "list": Source(key="list", name="Price list", observed_on="2026-08", licence="MIT")
        },
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a freshly written market folder."""
    write_market(tiny_market(), tmp_path / "market")
    return tmp_path / "market"


def edited(folder: Path, change: Callable[[dict[str, object]], object]) -> str:
    """Return the message with which `folder` is refused after changing its manifest."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))
    return refusal(folder)


def refusal(folder: Path) -> str:
    """Return the message with which `folder` is refused."""
    with pytest.raises(MarketError) as caught:
        read_folder(folder, name="market")
    assert caught.value.remedy
    return str(caught.value)


def with_offers(folder: Path, offers: pl.DataFrame) -> str:
    """Return the message about `folder` with other offers under a manifest that fits them."""
    offers.write_parquet(folder / "offers.parquet")
    digest = hashlib.sha256((folder / "offers.parquet").read_bytes()).hexdigest()
    entry = {"file": "offers.parquet", "rows": offers.height, "sha256": digest}
    return edited(folder, lambda manifest: manifest.update(tables={"offers": entry}))


def test_written_market_reads_back_the_same(folder: Path) -> None:
    """Every table, source, moment and the digest survive the way to disk."""
    market, again = tiny_market(), read_folder(folder, name="tiny")
    assert again.offers.equals(market.offers)
    assert again.gaps.equals(market.gaps)
    assert again.quotas.is_empty()
    assert (again.digest, again.taken_at, again.sources) == (
        market.digest,
        market.taken_at,
        market.sources,
    )


def test_same_market_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Written twice, also over the first, the files do not differ."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    write_market(tiny_market(), folder)
    write_market(tiny_market(), tmp_path / "deeper" / "market")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    again = (tmp_path / "deeper" / "market").iterdir()
    assert {path.name: path.read_bytes() for path in again} == before


def test_only_the_owner_may_read_it(folder: Path, tmp_path: Path) -> None:
    """Contract prices may be inside, so modes are 0700 and 0600 unless it is public."""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    write_market(tiny_market(), tmp_path / "public", private=False)
    assert stat.S_IMODE((tmp_path / "public" / MANIFEST).stat().st_mode) == 0o644


def test_nothing_but_the_market_is_left_behind(folder: Path) -> None:
    """No temporary folder stays beside the market."""
    write_market(tiny_market(), folder)
    assert [path.name for path in folder.parent.iterdir()] == ["market"]


def test_a_file_is_not_replaced(tmp_path: Path) -> None:
    """Writing a market over a file is refused; the file stays and nothing is left beside it."""
    (tmp_path / "config.yaml").write_text("precious")
    with pytest.raises(OutputError, match="a file that is not a market"):
        write_market(tiny_market(), tmp_path / "config.yaml")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    """Writing over a folder that is not a market is refused and changes nothing."""
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(OutputError, match="not a market"):
        write_market(tiny_market(), tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """A file where a folder is needed gives one clear error."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="writing the market"):
        write_market(tiny_market(), tmp_path / "file" / "market")


def test_digest_speaks_of_content_only(folder: Path) -> None:
    """A manifest without digest gets the same one from the rows, whatever the name."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    stated = manifest.pop("digest")
    path.write_text(json.dumps(manifest))
    assert read_folder(folder, name="other").digest == stated


def test_digest_changes_with_any_cell() -> None:
    """An unknown differs from an empty text and from a zero."""
    offers = tiny_market().offers
    changes = [
        pl.lit("").alias("quota_family"),
        pl.lit(0, dtype=pl.Int64).alias("available"),
        (pl.col("usd_per_hour") + pl.lit("0.000000001").cast(pl.Decimal(18, 9)))
        .cast(OFFER_SCHEMA["usd_per_hour"])
        .alias("usd_per_hour"),
    ]
    digests = {content_digest({"offers": offers.with_columns(change)}) for change in changes}
    assert len(digests | {content_digest({"offers": offers})}) == 4


def test_newer_format_is_refused_by_name(folder: Path) -> None:
    """A later format names both versions."""
    message = edited(folder, lambda manifest: manifest.update(format=7))
    assert "format 7, this program reads up to 1" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda manifest: manifest.pop("format"), "format None"),
        (lambda manifest: manifest.update(format="1"), "format '1'"),
        (lambda manifest: manifest.update(format=True), "format True"),
        (lambda manifest: manifest.update(taken_at="yesterday"), "taken_at 'yesterday'"),
        (lambda manifest: manifest.update(taken_at="2026-08-17T00:00:00"), "taken_at"),
        (lambda manifest: manifest.update(tables=[]), "no object 'tables'"),
        (lambda manifest: manifest.update(tables={}), "no table 'offers'"),
        (lambda manifest: manifest["tables"].update(prices={}), "unknown table prices"),
        (lambda manifest: manifest["tables"].update(offers=3), "file None for offers"),
        (lambda manifest: manifest["tables"]["offers"].update(file="../x"), "a plain file name"),
        (lambda manifest: manifest["tables"]["offers"].update(rows=3), "2 rows"),
        (lambda manifest: manifest["tables"]["offers"].update(sha256="0" * 64), "SHA-256"),
        (lambda manifest: manifest["tables"]["offers"].update(file="gone"), "No such file"),
        (lambda manifest: manifest.update(sources={"a": {"name": "A"}}), "source a incomplete"),
    ],
)
def test_wrong_manifest_is_refused(
    folder: Path, change: Callable[[dict[str, object]], object], expected: str
) -> None:
    """Each wrong entry of a manifest is named."""
    assert expected in edited(folder, change)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff\xfe", b""])
def test_manifest_that_is_no_object_is_refused(folder: Path, content: bytes) -> None:
    """Cut, empty and binary manifests give a clear error."""
    (folder / MANIFEST).write_bytes(content)
    assert MANIFEST in refusal(folder)


def test_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    """A directory where a market or a CSV file is expected says what is missing."""
    assert "without manifest.json" in refusal(tmp_path)


def test_truncated_table_is_refused(folder: Path) -> None:
    """A cut Parquet file does not have the hash of its manifest."""
    path = folder / "offers.parquet"
    path.write_bytes(path.read_bytes()[:-100])
    assert "SHA-256" in refusal(folder)


def test_table_that_is_no_parquet_is_refused(folder: Path) -> None:
    """A wrong file with the right hash is still no table."""
    (folder / "offers.parquet").write_bytes(b"hello")
    digest = hashlib.sha256(b"hello").hexdigest()
    message = edited(folder, lambda manifest: manifest["tables"]["offers"].update(sha256=digest))
    assert "no readable Parquet" in message


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda offers: offers.drop("vcpus"), "no column vcpus"),
        (lambda offers: offers.cast({"vcpus": pl.Float64}), "column vcpus of type Float64"),
        (lambda offers: offers.with_columns(colour=pl.lit("red")), "unknown column colour"),
        (lambda offers: offers.clear(), "no offers at all"),
        (lambda offers: pl.concat([offers, offers[:1]]), "row 1 and 3"),
        (lambda offers: offers.with_columns(option=pl.lit("rented")), "an unknown option"),
        (lambda offers: offers.with_columns(region=pl.lit(None, pl.String)), "an empty name"),
        (lambda offers: offers.with_columns(vcpus=pl.lit(-1, pl.Int32)), "a negative vcpus"),
    ],
)
def test_wrong_offers_are_refused(
    folder: Path, change: Callable[[pl.DataFrame], pl.DataFrame], expected: str
) -> None:
    """Columns, types, keys and values are checked when a market is read."""
    assert expected in with_offers(folder, change(tiny_market().offers))


def test_offers_in_any_order_are_sorted(folder: Path) -> None:
    """A market's offers come sorted by key even from an unsorted file."""
    market = tiny_market()
    market.offers.reverse().write_parquet(folder / "offers.parquet")
    digest = hashlib.sha256((folder / "offers.parquet").read_bytes()).hexdigest()
    path = folder / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["tables"]["offers"]["sha256"] = digest
    path.write_text(json.dumps(manifest))
    assert read_folder(folder, name="m").offers.equals(market.offers)


def test_empty_tables_have_no_file(folder: Path) -> None:
    """Only tables with rows are written, beside the manifest."""
    assert sorted(path.name for path in folder.iterdir()) == [
        "gaps.parquet",
        MANIFEST,
        "offers.parquet",
    ]
    assert read_folder(folder, name="m").running.equals(empty(tiny_market().running.schema))
