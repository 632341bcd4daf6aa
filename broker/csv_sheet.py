"""A CSV file as columns of text with the line of each row; strict about its form."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.errors import Fault, MarketError

_MOST_FAULTS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Cells as they stand in a file: `columns[column][i]` is on line `lines[i]`.

    Attributes:
        name: the file's name, for messages.
        columns: column -> its cells, as long as `lines`, at least one.
        lines: 1-based line on which each row starts.
    """

    name: str
    columns: Mapping[str, Sequence[str]]
    lines: Sequence[int]


def read_sheet(
    content: bytes, *, name: str, known: Sequence[str], required: Sequence[str]
) -> Sheet:
    """Return the cells of a CSV file.

    Args:
        content: the file, UTF-8 with or without a byte order mark, any line ends.
        name: the file's name, for messages.
        known: the columns that may stand in it.
        required: those that must.

    Raises:
        MarketError: when it is no such file, with the line.
    """
    rows, lines = _rows(_decoded(content, name), name)
    header = _header(rows[0] if rows else [], name, known=known, required=required)
    faults = [
        Fault(
            path="",
            found=f"{len(row)} cells",
            expected=f"{len(header)}, as the header has",
            line=line,
        )
        for row, line in zip(rows[1:], lines[1:], strict=True)
        if len(row) != len(header)
    ]
    if faults:
        raise refused(name, faults)
    if len(rows) == 1:
        raise MarketError(
            f"reading the market file {name}: found a header and no offers at all",
            remedy="add offers, or name another market",
        )
    columns = dict(zip(header, zip(*rows[1:], strict=True), strict=True))
    return Sheet(name=name, columns=columns, lines=lines[1:])


def quoted(text: str) -> str:
    """Return `text` for a message: in quotes, cut at 40 characters."""
    return repr(text if len(text) <= 40 else f"{text[:40]}…") if text else "an empty cell"


def refused(name: str, faults: Sequence[Fault]) -> MarketError:
    """Return the error that tells the first twenty of `faults`, by line."""
    ordered = sorted(faults, key=lambda fault: fault.line)
    blocks = [fault.render(name) for fault in ordered[:_MOST_FAULTS]]
    if len(faults) > _MOST_FAULTS:
        blocks.append(f"… and {len(faults) - _MOST_FAULTS} more")
    return MarketError("\n".join(blocks))


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
        raise refused(name, [fault]) from error


def _rows(text: str, name: str) -> tuple[list[list[str]], list[int]]:
    """Return the rows that are not blank, and the line on which each starts."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    start = 1
    try:
        for row in reader:
            if "".join(row).strip():
                rows.append(row)
                lines.append(start)
            start = reader.line_num + 1
    except csv.Error as error:
        fault = Fault(path="", found=str(error), expected="CSV with commas", line=start)
        raise refused(name, [fault]) from error
    return rows, lines


def _header(
    cells: Sequence[str], name: str, *, known: Sequence[str], required: Sequence[str]
) -> list[str]:
    """Return the column names after checking them all."""
    header = [cell.strip() for cell in cells]
    faults = []
    for column in dict.fromkeys(header):
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            expected = f"{near[0]!r}" if near else f"one of {', '.join(known)}"
            faults.append(
                Fault(path="header", found=f"column {column!r}", expected=expected, line=1)
            )
        elif header.count(column) > 1:
            found = f"{header.count(column)} columns {column!r}"
            faults.append(Fault(path="header", found=found, expected="one", line=1))
    missing = [column for column in required if column not in header]
    if missing:
        faults.append(
            Fault(
                path="header",
                found=f"no column {', '.join(missing)}",
                expected=f"at least {', '.join(required)}",
                remedy="a market file is CSV with a header line; docs/offers.md shows one",
                line=1,
            )
        )
    if faults:
        raise refused(name, faults)
    return header
