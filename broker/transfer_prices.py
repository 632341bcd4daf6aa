"""The shipped prices of data transfer: three small tables, read once with the standard library.

`transfer_regions.csv` says for each region to which network and zone it belongs and which price
list holds for what leaves the network; `transfer_inside.csv` has the flat prices between zones
of a network; `transfer_leaving.csv` the volume tiers of each price list by destination.
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Final

from broker.tiers import Tier, first_price

ANYWHERE: Final = "*"
#: GB per billed unit, exact: 1 GiB = 2^30 bytes, 1 GB = 10^9 bytes.
_GB_PER_UNIT: Final = {"GB": Decimal(1), "GiB": Decimal("1.073741824")}


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferPrice:
    """Price of moving one GB, with where it comes from.

    Attributes:
        usd_per_gb: of the first step that is not free.
        source: who states it; a user's own table is named by its path.
        observed_on: day or month the source gives; "" for a user's table.
        estimated: no source prices one of the two regions; another stands in.
    """

    usd_per_gb: Decimal
    source: str
    observed_on: str
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """What leaves a network: tiers that count the whole month's volume of the list.

    Attributes:
        name: the list, with the destination where it prices destinations apart.
        network: whose account pays, its free GB exist once; "" before a region is named.
        tiers: ascending, the last without end; free GB are a first step of price 0.
        source, observed_on, estimated: as in `TransferPrice`.
    """

    name: str
    network: str
    tiers: tuple[Tier, ...]
    source: str
    observed_on: str
    estimated: bool

    @property
    def price(self) -> TransferPrice:
        """The first price that is not free."""
        return TransferPrice(
            usd_per_gb=first_price(self.tiers),
            source=self.source,
            observed_on=self.observed_on,
            estimated=self.estimated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Region:
    network: str
    zone: str
    price_list: str
    destination: str
    zone_estimated: bool
    list_estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippedPrices:
    """The three tables; regions are written ``provider/region``.

    Attributes:
        regions: how each region is billed.
        inside: (network, zone, zone or ``*``) -> flat price.
        leaving: (price list, destination or ``*``) -> its tiers.
    """

    regions: Mapping[str, _Region]
    inside: Mapping[tuple[str, str, str], TransferPrice]
    leaving: Mapping[tuple[str, str], PriceList]

    def price(self, origin: str, target: str) -> TransferPrice | None:
        """Return the price from `origin` to `target`; None: no source knows `origin`."""
        listed = self.price_list(origin, target)
        if listed is not None:
            return listed.price
        here, there = self._region(origin), self._region(target)
        if here is None or there is None:
            return None
        found = self.inside.get((here.network, here.zone, there.zone))
        found = found or self.inside.get((here.network, here.zone, ANYWHERE))
        if found is None:
            return None
        estimated = found.estimated or here.zone_estimated or there.zone_estimated
        return TransferPrice(
            usd_per_gb=found.usd_per_gb,
            source=found.source,
            observed_on=found.observed_on,
            estimated=estimated,
        )

    def price_list(self, origin: str, target: str) -> PriceList | None:
        """Return the list of what leaves `origin` for `target`; None inside one network.

        `target` ``*`` is the internet at large. None too when no source knows `origin`.
        """
        here, there = self._region(origin), self._region(target)
        if here is None or (there is not None and there.network == here.network):
            return None
        if there is None and target.split("/", maxsplit=1)[0] == origin.split("/", maxsplit=1)[0]:
            return None
        destination = "worldwide" if there is None else there.destination
        found = self.leaving.get((here.price_list, destination))
        found = found or self.leaving[here.price_list, ANYWHERE]
        estimated = found.estimated or here.list_estimated
        return replace(found, network=here.network, estimated=estimated)

    def billed_like(self, place: str) -> Hashable:
        """Return what `place` is billed by; None: no source knows it."""
        row = self._region(place)
        return row and (row.network, row.zone, row.price_list, row.destination)

    def _region(self, place: str) -> _Region | None:
        """Return the row of `place`; a Local Zone has that of the region it belongs to."""
        while place not in self.regions and "-" in place:
            place = place.rsplit("-", maxsplit=1)[0]
        return self.regions.get(place)


@cache
def shipped_prices() -> ShippedPrices:
    """Read the tables that ship with the program."""
    return ShippedPrices(
        regions={f"{row['provider']}/{row['region']}": _region(row) for row in _rows("regions")},
        inside={
            (row["network"], row["from_zone"], row["to_zone"]): TransferPrice(
                usd_per_gb=Decimal(row["usd"]) / _GB_PER_UNIT[row["unit"]],
                source=row["source"],
                observed_on=row["observed_on"],
                estimated=row["estimated"] == "yes",
            )
            for row in _rows("inside")
        },
        leaving=_price_lists(),
    )


def _rows(table: str) -> list[dict[str, str]]:
    path = files("broker").joinpath("data", f"transfer_{table}.csv")
    with path.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _region(row: Mapping[str, str]) -> _Region:
    return _Region(
        network=row["network"],
        zone=row["zone"],
        price_list=row["price_list"],
        destination=row["destination"],
        zone_estimated=row["zone_estimated"] == "yes",
        list_estimated=row["list_estimated"] == "yes",
    )


def _price_lists() -> dict[tuple[str, str], PriceList]:
    steps: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in _rows("leaving"):
        steps.setdefault((row["price_list"], row["destination"]), []).append(row)
    return {key: _price_list(key, rows) for key, rows in steps.items()}


def _price_list(key: tuple[str, str], rows: list[dict[str, str]]) -> PriceList:
    ends = [Decimal(row["above"]) * _GB_PER_UNIT[row["unit"]] for row in rows[1:]]
    priced = rows[1] if not Decimal(rows[0]["usd"]) and len(rows) > 1 else rows[0]
    return PriceList(
        name=key[0] if key[1] == ANYWHERE else f"{key[0]} to {key[1]}",
        network="",
        tiers=tuple(
            Tier(up_to_gb=end, usd_per_gb=Decimal(row["usd"]) / _GB_PER_UNIT[row["unit"]])
            for end, row in zip([*ends, None], rows, strict=True)
        ),
        source=priced["source"],
        observed_on=priced["observed_on"],
        estimated=any(row["estimated"] == "yes" for row in rows),
    )
