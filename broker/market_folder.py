"""A market as a folder: `manifest.json` and one Parquet file for each table that has rows.

The manifest names the format, the moment, the sources, and for each table its file, number of
rows and SHA-256, so that a truncated or exchanged file is found before it is believed::

    {"format": 1, "taken_at": "2026-08-17T00:00:00Z", "digest": "9f…",
     "tables": {"offers": {"file": "offers.parquet", "rows": 812, "sha256": "5c…"}},
     "sources": {"key": {"name": "…", "observed_on": "2026-08-17", "licence": "MIT"}}}
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import polars as pl

from broker.errors import MarketError, OutputError
from broker.market import MARKET_FORMAT, TABLES, Market, Schema, Source, empty
from broker.market_digest import content_digest
from broker.offers import OFFER_KEY, Fabric, LocationKind, Purchasable, PurchaseOption

MANIFEST: Final = "manifest.json"
_WRITE_AGAIN: Final = "write or download the market folder again"
_ENUMS: Final = {
    "option": PurchaseOption,
    "purchasable": Purchasable,
    "fabric": Fabric,
    "location_kind": LocationKind,
}


def read_folder(folder: Path, *, name: str, trusted: bool = False) -> Market:
    """Return the market in `folder`.

    Args:
        folder: a folder with a manifest and the tables it names.
        name: what the market is called in messages and plans.
        trusted: whether the offers' values and order were checked when the folder was made, as
            those of the embedded market are; hashes and schemas are checked in any case.

    Raises:
        MarketError: for a missing, corrupt, contradictory or newer folder.
    """
    manifest = _read_manifest(folder)
    stated = _section(manifest, "tables", folder)
    unknown = sorted(set(stated) - set(TABLES))
    if unknown or "offers" not in stated:
        found = f"unknown table {unknown[0]}" if unknown else "no table 'offers'"
        raise _corrupt(folder / MANIFEST, found, f"some of {', '.join(TABLES)}; always offers")
    tables = {
        table: _read_table(folder, table=table, stated=stated[table])
        for table in TABLES
        if table in stated
    }
    if not trusted:
        tables["offers"] = _checked_offers(tables["offers"], folder)
    if tables["offers"].is_empty():
        raise MarketError(
            f"reading the market {folder}: found no offers at all",
            remedy="name a market with offers, or `embedded`",
        )
    digest = manifest.get("digest")
    return Market(
        name=name,
        digest=digest if isinstance(digest, str) else content_digest(tables),
        taken_at=_moment(manifest.get("taken_at"), folder),
        sources=_sources(manifest, folder),
        **tables,
    )


def write_market(market: Market, folder: Path, *, private: bool = True) -> None:
    """Write `market` as `folder`, whole or not at all, with the same bytes each time.

    Args:
        market: what to write.
        folder: new, empty, or an earlier market folder, which is replaced.
        private: whether only the owner may read it (0700 and 0600), because contract prices may
            be inside; otherwise 0755 and 0644.

    Raises:
        OutputError: where the folder cannot be written; what was there before is left.
    """
    is_file = folder.exists() and not folder.is_dir()
    if is_file or (_holds_something(folder) and not (folder / MANIFEST).is_file()):
        raise OutputError(
            f"writing the market {folder}: found a {'file' if is_file else 'folder'}"
            " that is not a market",
            remedy="name a new folder; nothing was changed",
        )
    temporary: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for file_name, content in _files(market).items():
            _write_synced(temporary / file_name, content, mode=0o600 if private else 0o644)
        temporary.chmod(0o700 if private else 0o755)
        _exchange(temporary, folder)
    except OSError as error:
        raise OutputError(
            f"writing the market {folder}: {error.strerror or error}",
            remedy="name a folder that can be written; nothing was changed",
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _files(market: Market) -> dict[str, bytes]:
    """Return file name -> content; the manifest last."""
    tables = {table: getattr(market, table) for table in TABLES}
    files: dict[str, bytes] = {}
    stated = {}
    for table, frame in tables.items():
        if frame.is_empty() and table != "offers":
            continue
        ordered = frame.select(list(TABLES[table]))
        ordered = ordered.sort(OFFER_KEY if table == "offers" else ordered.columns)
        buffer = io.BytesIO()
        ordered.write_parquet(buffer, compression="zstd", row_group_size=max(1, ordered.height))
        content = buffer.getvalue()
        files[f"{table}.parquet"] = content
        stated[table] = {
            "file": f"{table}.parquet",
            "rows": ordered.height,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    manifest = {
        "format": MARKET_FORMAT,
        "taken_at": market.taken_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "digest": content_digest(tables),
        "tables": stated,
        "sources": {
            key: {"name": kept.name, "observed_on": kept.observed_on, "licence": kept.licence}
            for key, kept in market.sources.items()
        },
    }
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    files[MANIFEST] = f"{text}\n".encode()
    return files


def _write_synced(path: Path, content: bytes, *, mode: int) -> None:
    with path.open("wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _exchange(new: Path, folder: Path) -> None:
    """Put `new` in the place of `folder`; on failure the earlier folder stands again."""
    old = new.with_name(new.name + ".old")
    replaces = folder.exists()
    if replaces:
        folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        if replaces:
            old.rename(folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _read_manifest(folder: Path) -> dict[str, object]:
    path = folder / MANIFEST
    if not path.is_file():
        raise MarketError(
            f"reading the market {folder}: found a folder without {MANIFEST}",
            remedy="name a market folder, a CSV file of offers, or `embedded`",
        )
    try:
        manifest = json.loads(_read_bytes(path).decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8 or not JSON
        raise _corrupt(path, f"no JSON ({error})", "a JSON object") from error
    if not isinstance(manifest, dict):
        raise _corrupt(path, "JSON that is not an object", "an object with format and tables")
    version = manifest.get("format")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _corrupt(path, f"format {version!r}", f"a whole number from 1 to {MARKET_FORMAT}")
    if version > MARKET_FORMAT:
        raise MarketError(
            f"reading the market {folder}: found format {version}, "
            f"this program reads up to {MARKET_FORMAT}",
            remedy="use a newer version of this program, or write the market with this one",
        )
    return manifest


def _read_table(folder: Path, *, table: str, stated: object) -> pl.DataFrame:
    """Return one table after checking hash, schema and number of rows against the manifest."""
    entry = stated if isinstance(stated, dict) else {}
    file_name = entry.get("file")
    if not isinstance(file_name, str) or Path(file_name).name != file_name:
        raise _corrupt(folder / MANIFEST, f"file {file_name!r} for {table}", "a plain file name")
    path = folder / file_name
    content = _read_bytes(path)
    found = hashlib.sha256(content).hexdigest()
    if found != entry.get("sha256"):
        raise _corrupt(path, f"SHA-256 {found[:12]}…", f"{str(entry.get('sha256'))[:12]}…")
    try:
        frame = pl.read_parquet(content)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _corrupt(path, f"no readable Parquet ({error})", "a Parquet file") from error
    if frame.height != entry.get("rows"):
        raise _corrupt(path, f"{frame.height} rows", f"{entry.get('rows')} rows")
    return _with_schema(frame, TABLES[table], path=path)


def _with_schema(frame: pl.DataFrame, schema: Schema, *, path: Path) -> pl.DataFrame:
    """Return `frame` with exactly the columns of `schema`, in its order."""
    expected = empty(schema).schema
    for column, dtype in expected.items():
        if column not in frame.columns:
            raise _corrupt(path, f"no column {column}", f"{column} of type {dtype}")
        if frame.schema[column] != dtype:
            raise _corrupt(path, f"column {column} of type {frame.schema[column]}", str(dtype))
    extra = [column for column in frame.columns if column not in expected]
    if extra:
        raise _corrupt(path, f"the unknown column {extra[0]}", f"only {', '.join(expected)}")
    return frame.select(list(expected))


def _checked_offers(offers: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Return `offers` sorted by key after checking keys, prices and named values."""
    numbered = offers.with_row_index("row", offset=1)
    key = pl.concat_str(OFFER_KEY, separator="/")
    faults = [("an empty name in the offer's key", "a name", key.is_null())]
    for column, kind in _ENUMS.items():
        values = [member.value for member in kind]
        faults.append((f"an unknown {column}", ", ".join(values), ~pl.col(column).is_in(values)))
    faults.extend(
        (f"a negative {column}", "at least 0", pl.col(column) < 0)
        for column in ("usd_per_hour", "upfront_usd", "available", "accelerators", "vcpus")
    )
    faults.append(("a repeated offer", "each offer once", pl.struct(OFFER_KEY).is_duplicated()))
    wrong = numbered.select(
        [fault.fill_null(value=False).alias(str(i)) for i, (_, _, fault) in enumerate(faults)]
    )
    for index, (found, expected, _) in enumerate(faults):
        if wrong[str(index)].any():
            _refuse(numbered.filter(wrong[str(index)]), folder, found=found, expected=expected)
    return offers if offers.select(key.is_sorted()).item() else offers.sort(OFFER_KEY)


def _refuse(rows: pl.DataFrame, folder: Path, *, found: str, expected: str) -> None:
    first = rows.row(0, named=True)
    same = rows.filter([pl.col(column).eq_missing(first[column]) for column in OFFER_KEY])
    numbers = " and ".join(str(number) for number in same["row"].head(2))
    offer = "/".join(str(first[column]) for column in OFFER_KEY if first[column] != "")
    raise _corrupt(folder, f"{found} in offers row {numbers} ({offer})", expected)


def _sources(manifest: Mapping[str, object], folder: Path) -> dict[str, Source]:
    sources = {}
    for key, stated in _section(manifest, "sources", folder).items():
        fields = stated if isinstance(stated, dict) else {}
        texts = {word: fields.get(word) for word in ("name", "observed_on", "licence")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise _corrupt(
                folder / MANIFEST, f"source {key} incomplete", "name, observed_on and licence"
            )
        sources[key] = Source(key=key, **{word: str(text) for word, text in texts.items()})
    return sources


def _section(manifest: Mapping[str, object], key: str, folder: Path) -> dict[str, object]:
    section = manifest.get(key)
    if not isinstance(section, dict):
        raise _corrupt(folder / MANIFEST, f"no object {key!r}", f"an object {key!r}")
    return section


def _moment(text: object, folder: Path) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _corrupt(
            folder / MANIFEST, f"taken_at {text!r}", "a moment such as 2026-08-17T00:00:00Z"
        )
    return moment.astimezone(UTC)


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise MarketError(
            f"reading the market file {path}: {error.strerror or error}", remedy=_WRITE_AGAIN
        ) from error


def _corrupt(path: Path, found: str, expected: str) -> MarketError:
    return MarketError(
        f"reading the market file {path}: found {found}; expected {expected}", remedy=_WRITE_AGAIN
    )
