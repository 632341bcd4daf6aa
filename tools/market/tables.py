"""Reading collected tables: text cells, exact decimals, empty as None."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path
from typing import Final

Record = dict[str, str]

NINE_DIGITS: Final = Decimal("1e-9")


def read_table(folder: Path, name: str) -> list[Record]:
    """Return the records of one CSV file (gzipped if it ends in ``.gz``) under `folder`.

    Raises:
        FileNotFoundError: if the file is not there.
    """
    path = folder / name
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    return list(csv.DictReader(text.splitlines()))


def money(text: str) -> Decimal | None:
    """Return a price in USD exactly as written, to nine decimals; empty is None."""
    return Decimal(text).quantize(NINE_DIGITS) if text else None


def number(text: str) -> float | None:
    """Return a measure, None if the cell is empty."""
    return float(text) if text else None
