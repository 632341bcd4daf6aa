"""What a market says, as one SHA-256: independent of file names, compression and row order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import polars as pl

from broker.market import MARKET_FORMAT, TABLES


def content_digest(tables: Mapping[str, pl.DataFrame]) -> str:
    """Return the SHA-256 (hex) over the format and every row of `tables`.

    Args:
        tables: table name -> frame with the schema of `TABLES`; a missing table counts as empty.

    Rows are sorted by every column first, so that two markets that say the same have the same
    digest. Moments enter as microseconds since 1970 and numbers in their shortest exact form;
    text is quoted, so that an unknown (nothing) differs from an empty text (two quotes).
    """
    digest = hashlib.sha256(f"market format {MARKET_FORMAT}\n".encode())
    for name, schema in TABLES.items():
        frame = tables.get(name)
        if frame is None or frame.is_empty():
            continue
        columns = list(schema)
        plain = frame.select(columns).sort(columns).with_columns(pl.col(pl.Datetime).to_physical())
        digest.update(f"table {name}\n".encode())
        digest.update(plain.write_csv(quote_style="non_numeric").encode())
    return digest.hexdigest()
