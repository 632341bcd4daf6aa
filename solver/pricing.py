"""The cheapest ways to serve gangs and batches at given prices.

With u_o, h_o the cost of a unit and of an hour, s the spoilage,

    gang   amount x (u_o + hours x s x h_o) + data x move
    batch  amount x s x h_o + max(amount x s / hours, 1) x u_o + data x move

A batch takes a unit or more, parts of units too. What many modes could use is priced at once, in
arrays of up to a million entries, and forgotten; nothing of size demands x supplies is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.grouped import ranges
from solver.pairs import Listing, may_mix, most_units
from solver.problem import NO_ROW, Bools, Family, Floats, Ints, Problem

Longs = NDArray[np.int64]

#: About so many costs are computed at once.
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """Ways of demands, dearest last; C rows, sorted by demand, then cost, then supply.

    Attributes:
        demand, mode, supply: int32[C].
        cost: float64[C], of the whole demand, finite.
    """

    demand: Ints
    mode: Ints
    supply: Ints
    cost: Floats

    def first_of_demand(self, demands: int) -> Longs:
        """Return int64[D+1]: the choices of demand d are ``first[d]:first[d+1]``."""
        return np.searchsorted(self.demand, np.arange(demands + 1)).astype(np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricer:
    """Prices the gangs and batches among some demands of one problem, again and again.

    Attributes:
        mode: int64[m], their modes, ascending; demand: int64[m], whose each is.
        first, size: int64[m], where each one's supplies are, as `Listing` says.
        most: float64[O], most units of a supply that its capacity and the limits ever allow.
        mixable: bool[O], the supply's pool holds owned units, which gangs may mix in.
    """

    mode: Longs
    demand: Longs
    first: Longs
    size: Longs
    most: Floats
    mixable: Bools

    @classmethod
    def of(cls, problem: Problem, chosen: Longs) -> Pricer:
        """Return the pricer of the demands `chosen`; services among them are left out."""
        demands, listing = problem.demands, Listing.of(problem)
        wanted = np.zeros(demands.count, np.bool_)
        wanted[chosen] = True
        wanted &= demands.family != Family.SERVICE
        demand = np.repeat(np.arange(demands.count), np.diff(demands.mode_start))
        mode = np.flatnonzero(wanted[demand] & (listing.size > 0))
        return cls(
            mode=mode,
            demand=demand[mode],
            first=listing.first[mode],
            size=listing.size[mode],
            most=most_units(problem),
            mixable=may_mix(problem),
        )

    def cheapest(self, problem: Problem, keep: int) -> Choices:
        """Return up to `keep` cheapest choices of every mode at the costs of `problem`."""
        found = [(np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))]
        for part in self._parts():
            row, supply, cost = self._priced(problem, part)
            kept = _least(row, cost, keep)
            found.append((row[kept], supply[kept], cost[kept]))
        row, supply, cost = (np.concatenate(one) for one in zip(*found, strict=True))
        order = np.lexsort((row, supply, cost, self.demand[row]))
        row = row[order]
        return Choices(
            demand=self.demand[row].astype(np.int32),
            mode=self.mode[row].astype(np.int32),
            supply=supply[order],
            cost=cost[order],
        )

    def _parts(self) -> Iterator[slice]:
        """Yield some modes after others, with about so many entries as are priced at once."""
        ends = np.cumsum(self.size)
        cut = np.flatnonzero(np.diff(ends // _AT_ONCE)) + 1
        for first, last in zip([0, *cut.tolist()], [*cut.tolist(), len(ends)], strict=True):
            yield slice(first, last)

    def _priced(self, problem: Problem, part: slice) -> tuple[Longs, Ints, Floats]:
        """Price what some modes may use: int64[n] modes by their rows here, ascending.

        int32[n] supplies, float64[n] costs; pairs that are not admitted are left out.
        """
        stock, demands = problem.supply, problem.demands
        row = np.repeat(np.arange(len(self.mode))[part], self.size[part])
        supply = problem.eligible[ranges(self.first[part], self.size[part])]
        demand = self.demand[row]
        spoilage = demands.spoilage[demands.spoilage_row[demand], stock.risk[supply]]
        amount, hours = demands.mode_amount[self.mode][row], demands.mode_hours[self.mode][row]
        is_gang = demands.family[demand] == Family.GANG
        hourly = stock.hour_cost + stock.extra
        with np.errstate(invalid="ignore"):
            used = amount * spoilage * np.where(is_gang, hours, 1.0)
            held = np.where(is_gang, amount, np.maximum(used / hours, 1.0))
            cost = held * stock.unit_cost[supply] + used * hourly[supply]
        moving = np.flatnonzero(demands.data_row[demand] != NO_ROW)
        if len(moving):
            cost[moving] += _move_costs(problem, demand[moving], supply[moving])
        least = np.where(is_gang & ~self.mixable[supply], amount, 1.0)
        fits = (least <= self.most[supply] + 1e-9) & np.isfinite(cost)
        fits &= ~is_gang | (hours * spoilage <= problem.period_h * (1 + 1e-9))
        fits &= (demands.risky_share[demand] != 0) | (stock.risk[supply] == 0)
        return row[fits], supply[fits].astype(np.int32), cost[fits]


def _move_costs(problem: Problem, demand: Longs, supply: Ints) -> Floats:
    demands = problem.demands
    each = demands.move_cost[demands.data_row[demand], problem.supply.place[supply]]
    return np.asarray(demands.data_amount[demand] * each)


def _least(group: Longs, cost: Floats, keep: int) -> Longs:
    """Return int64[.], where the `keep` least costs of each group are, in any order.

    `group` ascends; of equal costs the first ones are kept.
    """
    start = np.flatnonzero(np.diff(group, prepend=-1))
    size = np.diff(start, append=len(group))
    if keep == 1 and len(start):
        at = np.flatnonzero(cost == np.repeat(np.minimum.reduceat(cost, start), size))
        return at[np.diff(group[at], prepend=-1) > 0]
    is_many = size > keep  # what is no more than is kept need not be sorted
    few, many = (np.flatnonzero(np.repeat(one, size)) for one in (~is_many, is_many))
    many = many[np.lexsort((cost[many], group[many]))]
    rank = ranges(np.zeros(int(is_many.sum()), np.int64), size[is_many])
    return np.concatenate([few, many[rank < keep]])
