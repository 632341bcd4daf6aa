"""A user's own round trips: a CSV file `metro,region,rtt_ms` that wins over the shipped table."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.errors import BrokerError, Fault, SpecError
from broker.places import Point, UnknownPlace, find_origin, parse_region
from broker.reference import metro_ids
from broker.units import parse_milliseconds

Overrides = Mapping[tuple[str, str], float]
"""Round trip in ms by origin (metro id or ``provider/region``) and ``provider/region``."""

COLUMNS: Final = ("metro", "region", "rtt_ms")
LONGEST_MS: Final = Decimal(10_000)
#: A new metro whose name is this like a known one is taken for a slip of the pen.
SLIP: Final = 0.85


class _Wrong(ValueError):
    """A cell that cannot be used: column, what is expected, what to do."""

    def __init__(self, column: str, found: str, expected: str, remedy: str = "") -> None:
        super().__init__(expected)
        self.column = column
        self.found = found
        self.expected = expected
        self.remedy = remedy


def read_overrides(path: Path) -> Overrides:
    """Read a user's round trips.

    Raises:
        SpecError: rows that cannot be used, all at once, each with its line.
        BrokerError: a file that cannot be read.
    """
    found: dict[tuple[str, str], float] = {}
    line_of: dict[tuple[str, str], int] = {}
    faults: list[Fault] = []
    for line, row in _rows(path):
        try:
            pair, rtt_ms = _entry(row)
            if pair in found:
                raise _repeated(row, line_of[pair])
        except _Wrong as wrong:
            faults.append(_fault(wrong, line))
        else:
            found[pair], line_of[pair] = rtt_ms, line
    if faults:
        raise SpecError(str(path), faults)
    return found


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row; blank lines are skipped."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        reader = csv.reader(text.splitlines(), strict=True)
        rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        message = f"reading round trips from {path}: {error}"
        raise BrokerError(message, remedy="give a UTF-8 CSV file: metro,region,rtt_ms") from error
    if not rows or tuple(rows[0][1]) != COLUMNS:
        found = repr(",".join(rows[0][1])) if rows else "an empty file"
        fault = Fault(path="", found=found, expected=f"the header {','.join(COLUMNS)}", line=1)
        raise SpecError(str(path), [fault])
    yield from rows[1:]


def _entry(row: list[str]) -> tuple[tuple[str, str], float]:
    if len(row) != len(COLUMNS):
        raise _Wrong("", f"{len(row)} cells", f"{len(COLUMNS)} cells: {','.join(COLUMNS)}")
    origin, region, rtt_ms = row
    return (_origin(origin), _region(region)), _rtt_ms(rtt_ms)


def _origin(text: str) -> str:
    try:
        found = find_origin(text)
    except UnknownPlace as unknown:
        return _new_metro(text.lower(), unknown)
    if isinstance(found, Point):
        raise _Wrong("metro", repr(text), "a metro id or a region", "give the point a name")
    return found


def _new_metro(name: str, unknown: UnknownPlace) -> str:
    """Return the id of a metro we do not know, unless it looks like a known one misspelt."""
    if "/" in name:
        raise _wrong_region("metro", name, unknown)
    if re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) is None:
        raise _Wrong("metro", repr(name), "a metro id in small letters, such as new-york")
    known = difflib.get_close_matches(name, list(metro_ids()), n=1, cutoff=SLIP)
    if known:
        remedy = f"did you mean {known[0]}? a new metro needs a name less like a known one"
        raise _Wrong("metro", repr(name), "a known metro or a new one", remedy)
    return name


def _region(text: str) -> str:
    try:
        if "/" not in text:
            raise _Wrong("region", repr(text), "provider/region, such as aws/eu-west-3")
        return parse_region(text)
    except UnknownPlace as unknown:
        raise _wrong_region("region", text, unknown) from None


def _wrong_region(column: str, text: str, unknown: UnknownPlace) -> _Wrong:
    hint = f"did you mean {' or '.join(unknown.nearest)}?" if unknown.nearest else ""
    return _Wrong(column, repr(text), "a known region, written provider/region", hint)


def _rtt_ms(text: str) -> float:
    expected = f"a round trip in ms from 0 to {LONGEST_MS}, such as 12.5"
    try:
        rtt_ms = parse_milliseconds(text)
    except ValueError:
        raise _Wrong("rtt_ms", repr(text), expected) from None
    if rtt_ms > LONGEST_MS:
        raise _Wrong("rtt_ms", repr(text), expected)
    return float(rtt_ms)


def _repeated(row: list[str], line: int) -> _Wrong:
    found = f"{row[0]} to {row[1]} again"
    return _Wrong("", found, "each pair once", f"it is on line {line} already; keep one of them")


def _fault(wrong: _Wrong, line: int) -> Fault:
    return Fault(
        path=wrong.column,
        found=wrong.found,
        expected=wrong.expected,
        remedy=wrong.remedy,
        line=line,
    )
