"""Who pays what for moved data: price lists by the volume of all workloads, in whole cents.

What leaves a provider under one price list (for one destination, where the list knows
destinations) adds up over all workloads of the plan; the list's steps apply to the sum. Free
GB belong to the account, so each network gives them once: to the list with the lowest first
price among those of the spec's data places, the cautious choice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal

from broker.tiers import bill, first_price, free_gb, without_free
from broker.transfer import PriceList, TransferTable
from broker.units import CENT, round_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Data that a placement has moved to its region.

    Attributes:
        origin, target: ``provider/region``.
        gb: how much.
    """

    origin: str
    target: str
    gb: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferBills:
    """The price table as it holds for one spec.

    Attributes:
        table: prices.
        free_list: network -> name of the list that gets its free GB.
    """

    table: TransferTable
    free_list: Mapping[str, str]

    @classmethod
    def for_origins(cls, table: TransferTable, origins: Iterable[str]) -> TransferBills:
        """Return the bills of a spec whose data are in `origins`."""
        giving: dict[str, tuple[Decimal, str]] = {}
        for origin in sorted(set(origins)):
            listed = table.price_list(origin)
            if listed is not None and free_gb(listed.tiers):
                found = (first_price(listed.tiers), listed.name)
                giving[listed.network] = min(found, giving.get(listed.network, found))
        return cls(table=table, free_list={network: name for network, (_, name) in giving.items()})

    def price_list(self, origin: str, target: str) -> PriceList | None:
        """Return the list that a move counts towards; None: its price is flat or unknown."""
        listed = self.table.price_list(origin, target)
        return None if listed is None else self.settled(listed)

    def settled(self, listed: PriceList) -> PriceList:
        """Return a list of the table with its free GB, or without where another one has them."""
        if self.free_list.get(listed.network) == listed.name:
            return listed
        return replace(listed, tiers=without_free(listed.tiers))

    def lines_usd(self, moves: Sequence[Move]) -> list[Decimal]:
        """Return what each of `moves` costs, in whole cents.

        A list's exact bill is rounded once and shared in proportion to the GB: every move gets
        its share rounded down, and the cents left over go to the largest remainders, the
        earlier move first. A move of unknown price costs nothing here; rules exclude it.
        """
        lines = [Decimal(0)] * len(moves)
        members: dict[str, list[int]] = {}
        lists: dict[str, PriceList] = {}
        for row, move in enumerate(moves):
            listed = self.price_list(move.origin, move.target)
            if listed is None:
                flat = self.table.usd_per_gb(move.origin, move.target) or Decimal(0)
                lines[row] = round_cents(move.gb * flat)
            else:
                lists[listed.name] = listed
                members.setdefault(listed.name, []).append(row)
        for name, rows in members.items():
            amounts = [moves[row].gb for row in rows]
            exact = bill(lists[name].tiers, sum(amounts, Decimal(0)))
            for row, usd in zip(rows, _shared(round_cents(exact), amounts), strict=True):
                lines[row] = usd
        return lines


def _shared(total_usd: Decimal, amounts: Sequence[Decimal]) -> list[Decimal]:
    """Split whole cents in proportion to `amounts`, by largest remainder."""
    whole = sum(amounts, Decimal(0))
    if not whole:
        return [Decimal(0)] * len(amounts)
    exact = [total_usd * amount / whole for amount in amounts]
    shares = [usd.quantize(CENT, rounding=ROUND_FLOOR) for usd in exact]
    left = int((total_usd - sum(shares, Decimal(0))) / CENT)
    order = sorted(range(len(shares)), key=lambda row: (shares[row] - exact[row], row))
    for row in order[:left]:
        shares[row] += CENT
    return shares
