"""The cheapest ways to serve gangs and batches at given prices, without spelling out pairs.

Modes that share a signature and a machine kind see the same block of supplies, so their costs are
an outer product: with u_o, h_o the cost of a unit and of an hour, s the spoilage,

    gang   amount x (u_o + hours x s x h_o) + data x move
    batch  amount x s x h_o + max(amount x s / hours, 1) x u_o + data x move

A batch takes a unit or more, parts of units too. Blocks are priced one after another and
forgotten; nothing of size demands x supplies is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.pairs import most_units
from solver.problem import NO_ROW, Bools, Family, Floats, Ints, Problem

Longs = NDArray[np.int64]

#: Most costs that are computed at once.
_CHUNK = 2_000_000


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
class _Block:
    """Modes (int64[m]) that see the same supplies (int32[o])."""

    modes: Longs
    supplies: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricer:
    """Prices the gangs and batches among some demands of one problem, again and again.

    Attributes:
        demand_of_mode: int32[M].
        blocks: their modes by what they see.
        most: float64[O], most units of a supply that its capacity and the limits ever allow.
        mixable: bool[O], the supply's pool holds owned units, which gangs may mix in.
    """

    demand_of_mode: Ints
    blocks: tuple[_Block, ...]
    most: Floats
    mixable: Bools

    @classmethod
    def of(cls, problem: Problem, chosen: Longs) -> Pricer:
        """Return the pricer of the demands `chosen`; services among them are left out."""
        demands, stock = problem.demands, problem.supply
        demand_of_mode = np.repeat(
            np.arange(demands.count, dtype=np.int32), np.diff(demands.mode_start)
        )
        wanted = np.zeros(demands.count, np.bool_)
        wanted[chosen] = True
        wanted &= demands.family != Family.SERVICE
        owned = np.unique(stock.pool[stock.owned])
        return cls(
            demand_of_mode=demand_of_mode,
            blocks=tuple(_blocks(problem, np.flatnonzero(wanted[demand_of_mode]))),
            most=most_units(problem),
            mixable=np.isin(stock.pool, owned),
        )

    def cheapest(self, problem: Problem, keep: int) -> Choices:
        """Return up to `keep` cheapest choices of every mode at the costs of `problem`."""
        found: list[tuple[Longs, Ints, Floats]] = []
        for block in self.blocks:
            size = max(1, _CHUNK // max(len(block.supplies), 1))
            for first in range(0, len(block.modes), size):
                modes = block.modes[first : first + size]
                cost = self._costs(problem, modes, block.supplies)
                found.append(_least(modes, block.supplies, cost, keep))
        return self._sorted(found)

    def _costs(self, problem: Problem, modes: Longs, supplies: Ints) -> Floats:
        """float64[m, o]; inf where a pair is not admitted."""
        stock, demands = problem.supply, problem.demands
        demand = self.demand_of_mode[modes]
        is_gang = (demands.family[demand] == Family.GANG)[:, None]
        amount = demands.mode_amount[modes][:, None]
        hours = demands.mode_hours[modes][:, None]
        risk = stock.risk[supplies]
        spoilage = demands.spoilage[np.ix_(demands.spoilage_row[demand], risk)]
        hourly = stock.hour_cost[supplies] + stock.extra[supplies]
        unit = stock.unit_cost[supplies]
        with np.errstate(invalid="ignore"):
            used = amount * spoilage * np.where(is_gang, hours, 1.0)
            held = np.where(is_gang, amount, np.maximum(used / hours, 1.0))
            cost = held * unit + used * hourly
        self._refuse(problem, cost, (demand, amount, hours, is_gang), supplies, spoilage)
        moving = np.flatnonzero(demands.data_row[demand] != NO_ROW)
        if len(moving):
            moved = demands.move_cost[
                np.ix_(demands.data_row[demand[moving]], stock.place[supplies])
            ]
            cost[moving] += demands.data_amount[demand[moving]][:, None] * moved
        return np.nan_to_num(cost, nan=np.inf, posinf=np.inf)

    def _refuse(
        self,
        problem: Problem,
        cost: Floats,
        rows: tuple[Ints, Floats, Floats, Bools],
        supplies: Ints,
        spoilage: Floats,
    ) -> None:
        """Set the costs of pairs that hours, capacity or risk rule out to inf."""
        demand, amount, hours, is_gang = rows
        least = np.where(is_gang & ~self.mixable[supplies], amount, 1.0)
        late = is_gang & (hours * spoilage > problem.period_h * (1 + 1e-9))
        safe = (problem.demands.risky_share[demand] == 0)[:, None]
        risky = safe & (problem.supply.risk[supplies] > 0)
        cost[late | risky | ~np.isfinite(spoilage) | (least > self.most[supplies] + 1e-9)] = np.inf

    def _sorted(self, found: list[tuple[Longs, Ints, Floats]]) -> Choices:
        nothing = (np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0))
        mode, supply, cost = (
            np.concatenate([nothing[part], *(one[part] for one in found)]) for part in range(3)
        )
        kept = np.isfinite(cost)
        mode, supply, cost = mode[kept].astype(np.int32), supply[kept].astype(np.int32), cost[kept]
        demand = self.demand_of_mode[mode]
        order = np.lexsort((mode, supply, cost, demand))
        return Choices(
            demand=demand[order], mode=mode[order], supply=supply[order], cost=cost[order]
        )


def _blocks(problem: Problem, modes: Longs) -> Iterator[_Block]:
    demands = problem.demands
    keys = np.stack([demands.mode_signature[modes], demands.mode_kind[modes]], axis=1)
    if not len(modes):
        return
    _, where = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(where.ravel(), kind="stable")
    starts = np.flatnonzero(np.diff(where.ravel()[order], prepend=-1))
    for members in np.split(modes[order], starts[1:]):
        supplies = problem.supplies_of(int(members[0]))
        if len(supplies):
            yield _Block(modes=members, supplies=supplies)


def _least(modes: Longs, supplies: Ints, cost: Floats, keep: int) -> tuple[Longs, Ints, Floats]:
    """The `keep` least entries of each row of cost, float64[m, o]; ties by supply."""
    if cost.shape[1] > keep:
        if keep == 1:
            column = cost.argmin(axis=1)[:, None]
        else:
            column = np.sort(np.argpartition(cost, keep - 1, axis=1)[:, :keep], axis=1)
    else:
        column = np.broadcast_to(np.arange(cost.shape[1]), cost.shape)
    size = column.shape[1]
    return (
        np.repeat(modes, size),
        supplies[column].ravel(),
        np.take_along_axis(cost, column, axis=1).ravel(),
    )
