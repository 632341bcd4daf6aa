"""What moving data between places costs, USD per GB.

Nothing inside a region. Between places the provider that the data leaves bills: the most
specific row of the user's table, else of the shipped one. First-tier list prices; an estimate
of a bill that knows volume tiers.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path

from broker.errors import BrokerError, Fault, SpecError
from broker.units import decimal_of

ANYWHERE = "*"
_COLUMNS = ("from", "to", "usd_per_gb")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTable:
    """Prices by (from, to); each side ``provider/region``, ``provider`` or ``*``.

    Attributes:
        own: the user's rows; they win over the shipped ones.
        shipped: rows that ship with the program.
    """

    own: Mapping[tuple[str, str], Decimal]
    shipped: Mapping[tuple[str, str], Decimal]

    @classmethod
    def load(cls, path: Path | None = None) -> TransferTable:
        """Read the shipped table, and the user's from `path` when given.

        Raises:
            SpecError: rows of `path` that cannot be understood, all at once.
            BrokerError: `path` cannot be read.
        """
        return cls(own={} if path is None else _read_own(path), shipped=_shipped())

    def usd_per_gb(self, origin: str, target: str) -> Decimal | None:
        """Return the price from `origin` to `target` (``provider/region``); None: unknown."""
        if origin == target:
            return Decimal(0)
        for table in (self.own, self.shipped):
            for key in _from_specific_to_wide(origin, target):
                if key in table:
                    return table[key]
        return None


def _from_specific_to_wide(origin: str, target: str) -> list[tuple[str, str]]:
    """Keys to try, the narrowest pair first; a cross-provider key never covers one provider."""
    froms = [origin, origin.split("/", maxsplit=1)[0], ANYWHERE]
    tos = [target, target.split("/", maxsplit=1)[0], ANYWHERE]
    pairs = [(i + j, i, a, b) for i, a in enumerate(froms) for j, b in enumerate(tos)]
    return [(a, b) for _, _, a, b in sorted(pairs)]


@cache
def _shipped() -> Mapping[tuple[str, str], Decimal]:
    text = (files("broker") / "data" / "transfer.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {(row["from"], row["to"]): Decimal(row["usd_per_gb"]) for row in rows}


def _read_own(path: Path) -> Mapping[tuple[str, str], Decimal]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"reading transfer prices from {path}: {error}"
        raise BrokerError(message, remedy="give a UTF-8 CSV file: from,to,usd_per_gb") from error
    reader = csv.DictReader(text.splitlines())
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        found = ",".join(reader.fieldnames or ()) or "nothing"
        fault = Fault(path="", found=found, expected=",".join(_COLUMNS), line=1)
        raise SpecError(str(path), [fault])
    prices: dict[tuple[str, str], Decimal] = {}
    faults: list[Fault] = []
    for row in reader:
        found_wrong = _take(row, reader.line_num, prices)
        if found_wrong is not None:
            faults.append(found_wrong)
    if faults:
        raise SpecError(str(path), faults)
    return prices


def _take(
    row: Mapping[str, str | None], line: int, prices: dict[tuple[str, str], Decimal]
) -> Fault | None:
    """Add one row to `prices`, or return what is wrong with it."""
    key = ((row["from"] or "").strip(), (row["to"] or "").strip())
    if not all(key):
        return Fault(
            path="from,to", found=f"{key}", expected="provider/region, provider or *", line=line
        )
    if key in prices:
        return Fault(path="from,to", found=f"{key} twice", expected="one row a pair", line=line)
    raw = (row["usd_per_gb"] or "").strip()
    try:
        price = decimal_of(raw)
    except ValueError as error:
        return Fault(path="usd_per_gb", found=raw or "nothing", expected=str(error), line=line)
    if price < 0:
        return Fault(path="usd_per_gb", found=raw, expected="at least 0", line=line)
    prices[key] = price
    return None
