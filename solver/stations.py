"""Where loads of several sizes are carried: units that all loads see and that carry all alike.

A unit carries loads of size b at A_b a unit of time, and shares its time between sizes. Units
whose A differ by a factor only, at places that every load sees alike, form one *station* (where
a place may carry a share only: at one place). What it carries takes

    sum_b load_b / A_b <= sum over its units of their factor x carry

in units of its first mode, and may be split among its units afterwards in proportion.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Floats, Problem

Longs = NDArray[np.int64]

#: Digits to which rates must agree to be alike.
_DIGITS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """The stations of one service; T stations, Q pairs, B sizes.

    Attributes:
        at: int64[T], index of a place of it among those of the service; all are seen alike.
        amount: float64[T, B], load of each size that its first mode carries; 0: none.
        risky: bool[T]; told apart only where the service limits what is risky.
        of_pair: int64[Q], station of each pair.
        weight: float64[Q], units of the first mode that one unit of the pair is worth.
    """

    at: Longs
    amount: Floats
    risky: Bools
    of_pair: Longs
    weight: Floats


def has_sizes(problem: Problem, service: int) -> bool:
    """Return whether the loads of a service have sizes."""
    services = problem.services
    if services.load_size is None or problem.demands.mode_size_amount is None:
        return False
    first, last = services.load_start[service : service + 2]
    return bool((services.load_size[first:last] != NO_ROW).any())


def stations_of(
    problem: Problem, pairs: Pairs, rows: Longs, *, at: Longs, seen: Longs
) -> Stations:
    """Return the stations of a service whose loads have sizes.

    Args:
        problem: where it stands in.
        pairs: admitted pairs.
        rows: int64[Q], the pairs of the service.
        at: int64[Q], index of the place of each.
        seen: int64[H], equal for places that may be one station.
    """
    demands, supply = problem.demands, pairs.supply[rows]
    carried = demands.mode_size_amount
    assert carried is not None  # noqa: S101 - `has_sizes` said so
    amount = carried[pairs.mode[rows]]
    largest = np.maximum(amount.max(axis=1, initial=0.0), np.finfo(np.float64).tiny)
    demand = pairs.demand[rows]
    carry = demands.carry[demands.spoilage_row[demand], problem.supply.risk[supply]]
    risky = pairs.risky[rows] & (demands.risky_share[demand] < 1)
    alike = np.round(amount / largest[:, None], _DIGITS)
    key = np.column_stack([seen[at], risky, alike])
    _, first, of_pair = np.unique(key, axis=0, return_index=True, return_inverse=True)
    of_pair = of_pair.reshape(-1)
    return Stations(
        at=at[first],
        amount=amount[first],
        risky=risky[first],
        of_pair=of_pair,
        weight=carry * largest / largest[first][of_pair],
    )
