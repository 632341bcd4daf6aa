"""Rows of the three shipped tables, and how they are written."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Final

#: What a price list calls a destination that has no price of its own.
ANYWHERE: Final = "*"

Record = dict[str, str]


def yes_no(answer: bool) -> str:
    """Return how the tables write a truth value."""
    return "yes" if answer else "no"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class RegionRow:
    """How data that leaves a region, or comes to it, is billed.

    Attributes:
        provider, region: names as in regions.csv.
        network: regions joined by a network of one operator; between two networks data goes
            over the internet.
        zone: zone of the prices inside the network.
        price_list: prices of data that leaves the network.
        destination: what providers that bill by destination call this region.
        zone_estimated, list_estimated: yes when no source prices the region there and another
            region stands in.
        source: who says so.
    """

    provider: str
    region: str
    network: str
    zone: str
    price_list: str
    destination: str
    zone_estimated: str
    list_estimated: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class InsideRow:
    """USD per `unit` (GB or GiB) between two zones of one network; flat."""

    network: str
    from_zone: str
    to_zone: str
    unit: str
    usd: str
    estimated: str
    source: str
    observed_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingRow:
    """USD per `unit` for what leaves a network above so many units a month."""

    price_list: str
    destination: str
    above: int
    unit: str
    usd: str
    estimated: str
    source: str
    observed_on: str


Row = RegionRow | InsideRow | LeavingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What one provider adds to each table."""

    regions: Sequence[RegionRow]
    inside: Sequence[InsideRow]
    leaving: Sequence[LeavingRow]


def read_table(folder: Path, name: str) -> list[Record]:
    """Return the records of a CSV file, gzipped if it ends in ``.gz``."""
    data = (folder / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8")
    return list(csv.DictReader(text.splitlines()))


def write_table(path: Path, rows: Sequence[Row]) -> None:
    """Write rows of one kind as CSV with a header, in the order given."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow([field.name for field in fields(rows[0])])
        writer.writerows(astuple(row) for row in rows)
