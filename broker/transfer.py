"""What moving data between places costs, USD per GB.

Nothing inside a region. Between places the provider that the data leaves bills: the most
specific row of the user's table, else the shipped prices: flat between the regions of one
network, volume tiers for what leaves it.
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from broker.errors import BrokerError, Fault, SpecError
from broker.tiers import Tier
from broker.transfer_prices import (
    ANYWHERE,
    PriceList,
    ShippedPrices,
    TransferPrice,
    shipped_prices,
)
from broker.units import decimal_of

__all__ = ["ANYWHERE", "PriceList", "TransferPrice", "TransferTable"]

_COLUMNS = ("from", "to", "usd_per_gb")
_NOTHING = TransferPrice(
    usd_per_gb=Decimal(0), source="inside one region", observed_on="", estimated=False
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTable:
    """Prices from place to place; places are written ``provider/region``.

    Attributes:
        own: the user's rows by (from, to), each side ``provider/region``, ``provider`` or
            ``*``; they win over the shipped prices.
        own_source: the file they come from.
        shipped: the prices that ship with the program.
    """

    own: Mapping[tuple[str, str], Decimal]
    own_source: str
    shipped: ShippedPrices

    @classmethod
    def load(cls, path: Path | None = None) -> TransferTable:
        """Read the shipped prices, and the user's from `path` when given.

        Raises:
            SpecError: rows of `path` that cannot be understood, all at once.
            BrokerError: `path` cannot be read.
        """
        own = {} if path is None else _read_own(path)
        return cls(own=own, own_source=str(path or ""), shipped=shipped_prices())

    def price(self, origin: str, target: str) -> TransferPrice | None:
        """Return the price from `origin` to `target` with its source; None: unknown.

        Where volume tiers hold it is the first price after any free allowance.
        """
        if origin == target:
            return _NOTHING
        own = self._own_price(origin, target)
        if own is None:
            return self.shipped.price(origin, target)
        return TransferPrice(
            usd_per_gb=own, source=self.own_source, observed_on="", estimated=False
        )

    def usd_per_gb(self, origin: str, target: str) -> Decimal | None:
        """Return USD per GB from `origin` to `target`, as `price` does; None: unknown."""
        found = self.price(origin, target)
        return None if found is None else found.usd_per_gb

    def billed_like(self, place: str) -> Hashable:
        """Return what the prices from and to `place` rest on: equal for places billed alike.

        Of two such places every third one is as dear to reach, and to be reached from, and
        they are as dear to each other either way.
        """
        own = place if any(place in key for key in self.own) else ""
        return own, place.split("/", maxsplit=1)[0], self.shipped.billed_like(place)

    def price_list(self, origin: str, target: str = ANYWHERE) -> PriceList | None:
        """Return the tiers that what leaves `origin` for `target` counts towards.

        None: no tiers hold, because the price is flat, free, the user's own, or unknown.
        """
        if origin == target or self._own_price(origin, target) is not None:
            return None
        return self.shipped.price_list(origin, target)

    def tiers(self, origin: str, target: str = ANYWHERE) -> tuple[Tier, ...]:
        """Return the price steps from `origin` to `target`; a flat price is one step.

        Empty when the price is unknown. `target` ``*``: what leaves the provider.
        """
        listed = self.price_list(origin, target)
        if listed is not None:
            return listed.tiers
        flat = self.usd_per_gb(origin, target)
        return () if flat is None else (Tier(up_to_gb=None, usd_per_gb=flat),)

    def _own_price(self, origin: str, target: str) -> Decimal | None:
        if not self.own:
            return None
        keys = _from_specific_to_wide(origin, target)
        return next((self.own[key] for key in keys if key in self.own), None)


def _from_specific_to_wide(origin: str, target: str) -> list[tuple[str, str]]:
    """Keys to try, the narrowest pair first; of two as narrow the one with the narrower from."""
    froms = [origin, origin.split("/", maxsplit=1)[0], ANYWHERE]
    tos = [target, target.split("/", maxsplit=1)[0], ANYWHERE]
    pairs = [(i + j, i, a, b) for i, a in enumerate(froms) for j, b in enumerate(tos)]
    return [(a, b) for _, _, a, b in sorted(pairs)]


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
