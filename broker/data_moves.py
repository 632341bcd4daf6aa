"""What moving the data of a spec costs, from where they are to every place, volumes aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.billed_alike import BilledAlike, billed_alike, two_of
from broker.transfer import PriceList, TransferTable
from broker.transfer_bills import TransferBills
from broker.workloads import Workload
from solver.problem import NO_ROW


@dataclass(frozen=True, slots=True, kw_only=True)
class DataMoves:
    """Prices from each of D data places to each of G places; read them, do not write to them.

    Attributes:
        origins: the places the data are in, sorted.
        usd_per_gb: float64[D, G], of a price list the highest; inf: unknown; 0 inside one place.
        list_of: int32[D, G], numbers of price lists; `NO_ROW`: flat.
        lists: the price lists.
    """

    origins: tuple[str, ...]
    usd_per_gb: NDArray[np.float64]
    list_of: NDArray[np.int32]
    lists: tuple[PriceList, ...]


def data_places(workloads: Iterable[Workload]) -> list[str]:
    """Return the places the data of `workloads` are in, sorted; one data row each."""
    return sorted({one.data.place for one in workloads if one.data is not None})


def data_moves(
    table: TransferTable, origins: Sequence[str], places: Sequence[str], billed: BilledAlike
) -> DataMoves:
    """Return what moving data from `origins` costs.

    Args:
        table: prices.
        origins: all data places of the spec, sorted.
        places: where data may go.
        billed: the same by what they cost: prices are looked up once for all of a group.
    """
    alike = billed_alike(table, origins)
    usd, list_of, lists = _by_group(TransferBills.for_origins(table, origins), alike, billed)
    each = np.ix_(alike.group, billed.group)
    usd, list_of = usd[each], list_of[each]
    inside = np.array(origins, np.str_)[:, None] == np.array(places, np.str_)
    usd[inside], list_of[inside] = 0.0, NO_ROW
    return DataMoves(origins=tuple(origins), usd_per_gb=usd, list_of=list_of, lists=lists)


def _by_group(
    bills: TransferBills, origins: BilledAlike, places: BilledAlike
) -> tuple[NDArray[np.float64], NDArray[np.int32], tuple[PriceList, ...]]:
    """The same from each group of data places to another place of each group."""
    usd = np.full((len(origins.members), len(places.members)), np.inf)
    list_of = np.full(usd.shape, NO_ROW, np.int32)
    lists: dict[str, PriceList] = {}
    number: dict[str, int] = {}
    for row, ones in enumerate(origins.members):
        for column, others in enumerate(places.members):
            pair = two_of(ones, others)
            listed = None if pair is None else bills.table.price_list(*pair)
            if listed is not None:
                lists.setdefault(listed.name, listed)
                list_of[row, column] = number.setdefault(listed.name, len(number))
                usd[row, column] = float(max(tier.usd_per_gb for tier in listed.tiers))
            elif pair is not None:
                flat = bills.table.usd_per_gb(*pair)
                usd[row, column] = np.inf if flat is None else float(flat)
    return usd, list_of, tuple(map(bills.settled, lists.values()))
