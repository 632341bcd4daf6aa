"""Rows to the market folder: one Parquet table and a manifest, always the same bytes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

import polars as pl

from broker.market import MARKET_FORMAT
from broker.offers import OFFER_KEY, OFFER_SCHEMA
from tools.market.rows import Row
from tools.market.sources import SOURCES

#: The moment the embedded market was put together; fixed, so that a rebuild is the same.
TAKEN_AT: Final = "2026-11-23T00:00:00Z"


def offer_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """Return the rows as an offer table, sorted by its key.

    Raises:
        ValueError: if two rows name the same offer.
    """
    columns = [
        pl.Series(name, [row[name] for row in rows], dtype=dtype, strict=True)
        for name, dtype in OFFER_SCHEMA.items()
    ]
    frame = pl.DataFrame(columns).sort(OFFER_KEY)
    twice = frame.filter(frame.select(OFFER_KEY).is_duplicated())
    if not twice.is_empty():
        raise ValueError(f"offers stated twice: {twice.select(OFFER_KEY).rows()[:5]}")
    return frame


def write_market(frame: pl.DataFrame, folder: Path) -> None:
    """Write ``offers.parquet`` and ``manifest.json`` into `folder`, made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    offers = folder / "offers.parquet"
    frame.write_parquet(offers, compression="zstd", compression_level=19, statistics=False)
    digest = hashlib.sha256(offers.read_bytes()).hexdigest()
    manifest = {
        "format": MARKET_FORMAT,
        "taken_at": TAKEN_AT,
        "tables": {"offers": {"file": offers.name, "rows": frame.height, "sha256": digest}},
        "sources": {key: _described(key) for key in _used_sources(frame)},
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def _used_sources(frame: pl.DataFrame) -> list[str]:
    columns = [name for name in OFFER_SCHEMA if name.endswith("_source")]
    used = {key for name in columns for key in frame[name].unique().drop_nulls()}
    return sorted(used)


def _described(key: str) -> dict[str, str]:
    described: dict[str, str] = asdict(SOURCES[key])
    del described["key"]
    return described
