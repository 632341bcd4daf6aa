"""Offers in a CSV file: private contracts, other clouds, a what-if price.

One row is one offer. Columns and their meaning are those of `OFFER_SCHEMA`; `source` and
`observed_at` speak for everything the row states. An empty cell means "unknown".
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import polars as pl

from broker.accelerators import MEMORY_TOLERANCE, UnknownAccelerator, canonical
from broker.csv_cells import PARSERS, Cell, parse_text
from broker.errors import Fault, MarketError
from broker.market import Market, Source
from broker.market_digest import content_digest
from broker.offers import MOMENT, OFFER_KEY, OFFER_SCHEMA, UNKNOWN_ZONE

#: Columns in the order of the documented header; any other of `OFFER_SCHEMA` may follow.
HEADER: Final = (
    *("provider", "region", "zone", "instance_type", "accelerator", "accelerators"),
    *("memory_gib", "vcpus", "fabric", "option", "usd_per_hour", "available"),
    *("interruptions_per_hour", "source", "observed_at"),
)
_PRICE_PROVENANCE: Final = ("price_source", "price_observed_at")
COLUMNS: Final = (
    *HEADER,
    *(name for name in OFFER_SCHEMA if name not in HEADER and name not in _PRICE_PROVENANCE),
)
REQUIRED: Final = ("provider", "region", "instance_type", "option", "usd_per_hour")
#: `taken_at` of a file in which no row says when it was observed.
UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Source of a price whose row names none.
UNNAMED_SOURCE: Final = "user-file"

_MOST_FAULTS: Final = 20
_REST: Final[Mapping[str, Cell]] = {
    "zone": UNKNOWN_ZONE,
    "variant": "",
    "location_kind": "region",
    "purchasable": "yes",
    "upfront_usd": Decimal(0),
}
#: Prefix of provenance columns -> whether a row states what they stand for.
_STATED: Final[Mapping[str, pl.Expr]] = {
    "price": pl.lit(value=True),
    "spec": pl.any_horizontal(
        pl.col("accelerator", "vcpus", "memory_gib", "fabric", "arch").is_not_null()
    ),
    "zone": pl.col("zone") != UNKNOWN_ZONE,
    "purchasable": pl.col("purchasable") != _REST["purchasable"],
    "available": pl.col("available").is_not_null(),
    "interruptions": pl.col("interruptions_per_hour").is_not_null(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
    """Cells as they stand in the file: `columns[name][i]` is on line `lines[i]`."""

    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]


def read_offers_csv(content: bytes, *, name: str) -> Market:
    """Return the market of the offers in a CSV file.

    Args:
        content: the file, UTF-8 with or without a byte order mark, any line ends.
        name: the file's name, for messages and plans.

    Raises:
        MarketError: with every faulty cell (the first twenty), each with line and remedy.
    """
    sheet = _read_sheet(_decoded(content, name), name)
    faults: list[Fault] = []
    values = {
        column: _parsed(column, texts, sheet.lines, faults=faults)
        for column, texts in sheet.columns.items()
    }
    if not faults:
        _fill_accelerators(values, sheet, faults)
    if faults:
        raise _refused(name, faults)
    offers = _frame(values, rows=len(sheet.lines))
    _check_unique(offers, sheet.lines, name)
    offers = offers.select(list(OFFER_SCHEMA)).sort(OFFER_KEY)
    newest = offers["price_observed_at"].max()
    return Market(
        name=name,
        digest=content_digest({"offers": offers}),
        taken_at=newest if isinstance(newest, datetime) else UNDATED,
        offers=offers,
        sources=_sources(offers, name),
    )


def offers_csv(offers: pl.DataFrame) -> str:
    """Return `offers` as CSV text that `read_offers_csv` reads back to the same rows."""
    price = pl.col("usd_per_hour", "upfront_usd").cast(pl.String)
    shown = offers.with_columns(
        price.str.strip_chars_end("0").str.strip_chars_end("."),
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").str.replace(".000000Z", "Z"),
    ).rename({"price_source": "source", "price_observed_at": "observed_at"})
    return shown.select(COLUMNS).write_csv()


def _decoded(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        fault = Fault(
            path="",
            found=f"byte 0x{content[error.start]:02x}, which is not UTF-8",
            expected="text in UTF-8",
            remedy="save the file as UTF-8 (in a spreadsheet: CSV UTF-8)",
            line=line,
        )
        raise _refused(name, [fault]) from error


def _read_sheet(text: str, name: str) -> _Sheet:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    faults: list[Fault] = []
    start = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        fault = Fault(path="", found=str(error), expected="CSV with commas", line=start)
        raise _refused(name, [fault]) from error
    header = _header(rows[0] if rows else [], name)
    for row, line in zip(rows[1:], lines[1:], strict=True):
        if len(row) != len(header):
            found, expected = f"{len(row)} cells", f"{len(header)}, as the header has"
            faults.append(Fault(path="", found=found, expected=expected, line=line))
    if faults:
        raise _refused(name, faults)
    if len(rows) == 1:
        raise MarketError(
            f"reading the market file {name}: found a header and no offers at all",
            remedy="add offers, or name another market",
        )
    columns = dict(zip(header, zip(*rows[1:], strict=True), strict=True))
    return _Sheet(columns=columns, lines=lines[1:])


def _header(cells: Sequence[str], name: str) -> list[str]:
    """Return the column names after checking them all."""
    header = [cell.strip() for cell in cells]
    known = (*COLUMNS, *_PRICE_PROVENANCE)
    faults = []
    for column in dict.fromkeys(header):
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            expected = f"{near[0]!r}" if near else f"one of {', '.join(COLUMNS)}"
            faults.append(
                Fault(path="header", found=f"column {column!r}", expected=expected, line=1)
            )
        elif header.count(column) > 1:
            found = f"{header.count(column)} columns {column!r}"
            faults.append(Fault(path="header", found=found, expected="one", line=1))
    missing = [column for column in REQUIRED if column not in header]
    if missing:
        faults.append(
            Fault(
                path="header",
                found=f"no column {', '.join(missing)}",
                expected=f"at least {', '.join(REQUIRED)}",
                remedy="a market file is CSV with a header line; docs/offers.md shows one",
                line=1,
            )
        )
    if faults:
        raise _refused(name, faults)
    return header


def _parsed(
    column: str, texts: Sequence[str], lines: Sequence[int], *, faults: list[Fault]
) -> list[Cell]:
    """Return the column's values; each different text is parsed once, faults are appended."""
    parse = PARSERS.get(column, parse_text)
    known: dict[str, Cell] = {}
    wrong: dict[str, str] = {}
    may_be_empty = column not in REQUIRED or column == "usd_per_hour"
    for text in dict.fromkeys(texts):
        cell = text.strip()
        try:
            known[text] = parse(cell) if cell else _REST.get(column)
        except ValueError as error:
            wrong[text] = str(error)
        if not cell and not may_be_empty:
            wrong[text] = "a value; only other columns may be empty"
    if wrong:
        faults.extend(
            Fault(path=column, found=_quoted(text.strip()), expected=wrong[text], line=line)
            for text, line in zip(texts, lines, strict=True)
            if text in wrong
        )
        return []
    return [known[text] for text in texts]


def _fill_accelerators(values: dict[str, list[Cell]], sheet: _Sheet, faults: list[Fault]) -> None:
    """Put canonical names and card memory in place; append the rows that contradict."""
    rows = len(sheet.lines)
    names = values.get("accelerator", [None] * rows)
    counts = values.get("accelerators", [None] * rows)
    memories = values.get("accelerator_memory_gib", [None] * rows)
    resolved: dict[tuple[Cell, Cell], tuple[str, float] | str] = {}
    for index in range(rows):
        name, count, memory = names[index], counts[index], memories[index]
        if not name:
            counts[index] = 0.0
            if count:
                _accelerator_fault(sheet, index, "no name", "the accelerator's name", faults)
            continue
        if (name, memory) not in resolved:
            resolved[name, memory] = _resolve(str(name), memory)
        found = resolved[name, memory]
        if isinstance(found, str):
            _accelerator_fault(sheet, index, _quoted(str(name)), found, faults)
        elif count == 0:
            _accelerator_fault(sheet, index, f"{name} with a count of 0", "more", faults)
        else:
            names[index], memories[index] = found
    values.update(accelerator=names, accelerators=counts, accelerator_memory_gib=memories)


def _resolve(name: str, memory: Cell) -> tuple[str, float] | str:
    """Return canonical name and nominal memory (GiB), or what would be right instead."""
    try:
        found = canonical(name)
    except UnknownAccelerator as error:
        return f"a known accelerator, perhaps {', '.join(error.nearest) or 'H100'}"
    fitting = [
        one
        for one in found
        if memory is None
        or abs(float(str(memory)) - one.memory_gib) <= MEMORY_TOLERANCE * one.memory_gib
    ]
    if len(fitting) != 1:
        known = ", ".join(f"{one.name} ({one.memory_gib:g} GiB)" for one in found)
        return f"one of {known}" if len(found) > 1 else known
    return fitting[0].name, fitting[0].memory_gib


def _accelerator_fault(
    sheet: _Sheet, index: int, found: str, expected: str, faults: list[Fault]
) -> None:
    line = sheet.lines[index]
    faults.append(Fault(path="accelerator", found=found, expected=expected, line=line))


def _frame(values: Mapping[str, list[Cell]], *, rows: int) -> pl.DataFrame:
    """Return the offers in the file's order, with what a row does not state filled in."""
    types = {**OFFER_SCHEMA, "source": pl.String, "observed_at": MOMENT}
    columns = [
        pl.Series(name, values.get(name, [_REST.get(name)] * rows), dtype=dtype)
        for name, dtype in types.items()
    ]
    frame = pl.DataFrame(columns)
    fills = [
        pl.when(stated).then(pl.col(field)).alias(f"{prefix}_{field}")
        for prefix, stated in _STATED.items()
        for field in ("source", "observed_at")
        if f"{prefix}_{field}" not in values
    ]
    unnamed = pl.when(pl.col("usd_per_hour").is_not_null()).then(pl.lit(UNNAMED_SOURCE))
    return frame.with_columns(fills).with_columns(pl.col("price_source").fill_null(unnamed))


def _check_unique(offers: pl.DataFrame, lines: Sequence[int], name: str) -> None:
    keys = offers.select(OFFER_KEY).with_columns(pl.Series("line", lines, dtype=pl.Int64))
    twice = keys.group_by(OFFER_KEY, maintain_order=True).agg("line")
    twice = twice.filter(pl.col("line").list.len() > 1)
    faults = [
        Fault(
            path="",
            found=f"the offer {'/'.join(part for part in row[:-1] if part)} again "
            f"(first on line {row[-1][0]})",
            expected="each offer once",
            remedy="remove one, or tell them apart by a column `variant`",
            line=row[-1][1],
        )
        for row in twice.iter_rows()
    ]
    if faults:
        raise _refused(name, faults)


def _sources(offers: pl.DataFrame, name: str) -> dict[str, Source]:
    newest = offers.group_by("price_source").agg(pl.col("price_observed_at").max())
    return {
        key: Source(
            key=key,
            name=f"stated in {name}",
            observed_on=moment.date().isoformat() if moment else "unknown",
            licence="",
        )
        for key, moment in newest.sort("price_source").iter_rows()
        if key is not None
    }


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…") if text else "an empty cell"


def _refused(name: str, faults: Sequence[Fault]) -> MarketError:
    ordered = sorted(faults, key=lambda fault: fault.line)
    blocks = [fault.render(name) for fault in ordered[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        blocks.append(f"… and {len(faults) - _MOST_FAULTS} more")
    return MarketError("\n".join(blocks))
