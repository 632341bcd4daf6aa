"""The admitted (mode, supply) pairs of a problem, spelled out for models small enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from solver.grouped import ranges
from solver.problem import NO_ROW, Bools, Family, Floats, Ints, Problem

#: Demands whose pairs are spelled out at once.
_AT_ONCE = 128

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Admitted pairs, sorted by (demand, mode, supply); P rows.

    Attributes:
        demand, mode, supply: int32[P].
        family: int32[P], `Family` of the demand.
        amount: float64[P]: gang: units; service: load a unit carries there; batch: unit-hours
            of the whole work there, spoilage included.
        compute: float64[P], compute cost: gang: of all its units; service: of one unit;
            batch: of the whole work, unit costs left out.
        extra: float64[P], cost of used hours that is no compute cost, of as many units or as
            much work as `compute`.
        unit_cost: float64[P], batch: cost of holding one unit; else 0 (inside `compute`).
        move: float64[P], cost of moving the data: gang: whole; service: once per place;
            batch: of the whole work; 0 where a class of `Tiers` bills it.
        risky: bool[P], the supply may be lost.
    """

    demand: Ints
    mode: Ints
    supply: Ints
    family: Ints
    amount: Floats
    compute: Floats
    extra: Floats
    unit_cost: Floats
    move: Floats
    risky: Bools

    @property
    def count(self) -> int:
        """Number of pairs P."""
        return len(self.demand)

    def keep(self, mask: Bools) -> Pairs:
        """Return the pairs where `mask` (bool[P]) is True."""
        return self.rows(np.flatnonzero(mask))

    def rows(self, rows: NDArray[np.int64]) -> Pairs:
        """Return some pairs, int64[n], in the order of `rows`."""
        return Pairs(**{name: getattr(self, name)[rows] for name in self.__slots__})

    def part(self, start: int, end: int) -> Pairs:
        """Return the pairs from `start` up to `end`."""
        return Pairs(**{name: getattr(self, name)[start:end] for name in self.__slots__})

    @classmethod
    def joined(cls, parts: Sequence[Pairs]) -> Pairs:
        """Return the pairs of `parts`, at least one, one after the other."""
        return cls(
            **{
                name: np.concatenate([getattr(one, name) for one in parts])
                for name in cls.__slots__
            }
        )

    def first_of_demand(self, demands: int) -> NDArray[np.int64]:
        """Return int64[D+1]: the pairs of demand d are ``first[d]:first[d+1]``."""
        return np.searchsorted(self.demand, np.arange(demands + 1)).astype(np.int64)


def enumerate_pairs(problem: Problem) -> Pairs:
    """Spell out every admitted pair of `problem` with its coefficients."""
    every = np.arange(problem.demands.count)
    return Listing.of(problem).pairs(problem, every, most_units(problem))


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Where the supplies of every mode stand among `Problem.eligible`, looked up once for all.

    Attributes:
        first, size: int64[M]: mode m may use ``eligible[first[m] : first[m] + size[m]]``,
            as `Problem.supplies_of` says.
        start: int64[N], where the supplies of another signature or kind begin in `eligible`.
        block: int64[M], which of these are the mode's, where it has any.
    """

    first: NDArray[np.int64]
    size: NDArray[np.int64]
    start: NDArray[np.int64]
    block: NDArray[np.int64]

    @classmethod
    def of(cls, problem: Problem) -> Listing:
        """Look up all modes of `problem`."""
        demands, stock = problem.demands, problem.supply
        signatures = np.arange(len(problem.eligible_start) - 1)
        # `NO_ROW` is a kind like others: it must not be taken for one of the signature before.
        kinds = max(int(stock.kind.max(initial=0)), int(demands.mode_kind.max(initial=0))) + 2
        key = np.repeat(signatures, np.diff(problem.eligible_start)) * kinds
        key += stock.kind[problem.eligible] + 1
        start = np.flatnonzero(np.diff(key, prepend=-1))
        size = np.diff(np.append(start, len(key)))
        if not len(start):
            none = np.zeros(len(demands.mode_kind), np.int64)
            return cls(first=none, size=none, start=start, block=none)
        wanted = demands.mode_signature.astype(np.int64) * kinds + demands.mode_kind + 1
        block = np.minimum(np.searchsorted(key[start], wanted), len(start) - 1)
        known = key[start[block]] == wanted
        return cls(
            first=start[block], size=np.where(known, size[block], 0), start=start, block=block
        )

    def least(self, problem: Problem, value: Floats) -> Floats:
        """Return float64[M], the least `value`, float64[O], of what a mode may use; or inf."""
        found = np.full(len(self.first), np.inf)
        some = self.size > 0
        if some.any():
            each = np.minimum.reduceat(value[problem.eligible], self.start)
            found[some] = each[self.block[some]]
        return found

    def pairs(self, problem: Problem, chosen: NDArray[np.int64], most: Floats) -> Pairs:
        """Return the admitted pairs of the demands `chosen`, in their order.

        Sorted as `Pairs` are where `chosen` ascends; `most` as `most_units` says. `problem` may
        cost otherwise than the one that was looked up, and is the same beside.
        """
        start = problem.demands.mode_start
        modes = np.diff(start)[chosen]
        return self.of_modes(problem, np.repeat(chosen, modes), ranges(start[chosen], modes), most)

    def of_modes(
        self, problem: Problem, owner: NDArray[np.int64], mode: NDArray[np.int64], most: Floats
    ) -> Pairs:
        """Return the admitted pairs of modes, int64[m], in their order; `owner`: their demands."""
        size = self.size[mode]
        supply = problem.eligible[ranges(self.first[mode], size)].astype(np.int32, copy=False)
        demand = np.repeat(owner, size).astype(np.int32)
        pairs = with_coefficients(problem, demand, np.repeat(mode, size).astype(np.int32), supply)
        kept = admitted(problem, pairs, most)
        return pairs if kept.all() else pairs.keep(kept)

    def each(
        self,
        problem: Problem,
        chosen: NDArray[np.int64],
        most: Floats,
        *,
        by_place: bool = False,
    ) -> Iterator[Pairs]:
        """Yield what `pairs` returns of each of `chosen`, in any order, by itself.

        Many are spelled out at once; what has become of `most` by then counts. `by_place`: sorted
        by the place of the supply first.
        """
        for first in range(0, len(chosen), _AT_ONCE):
            some = chosen[first : first + _AT_ONCE]
            pairs = self.pairs(problem, some, most)
            rank = np.zeros(problem.demands.count, np.int64)
            rank[some] = np.arange(len(some))
            whose = rank[pairs.demand]
            if by_place:
                place = problem.supply.place[pairs.supply]
                key = whose * (int(place.max(initial=0)) + 1) + place
                short = np.min_scalar_type(int(key.max(initial=0)))  # few bits are sorted faster
                pairs = pairs.rows(key.astype(short).argsort(kind="stable"))
            ends = np.searchsorted(whose, np.arange(len(some) + 1)).tolist()
            for start, end in pairwise(ends):
                yield pairs.part(start, end)


def with_coefficients(problem: Problem, demand: Ints, mode: Ints, supply: Ints) -> Pairs:
    """Return the pairs of these rows, int32[P] each, with their coefficients; none is judged."""
    stock, demands = problem.supply, problem.demands
    family = demands.family[demand]
    risk = stock.risk[supply]
    spoilage = demands.spoilage[demands.spoilage_row[demand], risk]
    carry = demands.carry[demands.spoilage_row[demand], risk]
    is_gang, is_service = family == Family.GANG, family == Family.SERVICE
    is_batch = family == Family.BATCH
    factor = np.where(is_service, carry, np.where(is_batch, spoilage, 1.0))
    amount = demands.mode_amount[mode] * factor
    hours = np.where(is_gang, demands.mode_hours[mode] * spoilage, demands.mode_hours[mode])
    per_unit = stock.unit_cost[supply] + hours * stock.hour_cost[supply]
    with np.errstate(invalid="ignore"):
        compute = np.where(is_batch, amount * stock.hour_cost[supply], per_unit)
        compute = np.where(is_gang, amount * per_unit, compute)
        extra = np.zeros(len(demand))
        if stock.hour_extra is not None:
            used = np.where(is_service, hours, amount * np.where(is_gang, hours, 1.0))
            extra = used * stock.hour_extra[supply]
    return Pairs(
        demand=demand,
        mode=mode,
        supply=supply,
        family=family,
        amount=amount,
        compute=compute,
        extra=extra,
        unit_cost=np.where(is_batch, stock.unit_cost[supply], 0.0),
        move=_move_cost(problem, demand, supply),
        risky=risk > 0,
    )


def _move_cost(problem: Problem, demand: Ints, supply: Ints) -> Floats:
    demands = problem.demands
    row = demands.data_row[demand]
    moves = row != NO_ROW
    cost = np.zeros(len(demand))
    if not moves.any():
        return cost
    place = problem.supply.place[supply[moves]]
    flat = demands.move_cost[row[moves], place]
    if problem.tiers is not None:
        billed = problem.tiers.class_of[row[moves], place] != NO_ROW
        flat = np.where(billed & np.isfinite(flat), 0.0, flat)
    cost[moves] = demands.data_amount[demand[moves]] * flat
    return cost


def admitted(problem: Problem, pairs: Pairs, most: Floats) -> Bools:
    """Return bool[P]: False where spoilage, period, capacity or limits alone rule a pair out.

    `most` is what `most_units` says.
    """
    is_gang = pairs.family == Family.GANG
    least = np.where(is_gang & ~may_mix(problem)[pairs.supply], pairs.amount, 1.0)
    roomy = least <= most[pairs.supply] + 1e-9
    return np.asarray(may_ever_run(problem, pairs) & roomy, dtype=np.bool_)


def may_ever_run(problem: Problem, pairs: Pairs) -> Bools:
    """Return bool[P]: the pairs that spoilage and period allow, capacity and limits aside."""
    demands = problem.demands
    risk = problem.supply.risk[pairs.supply]
    row = demands.spoilage_row[pairs.demand]
    spoilage, carry = demands.spoilage[row, risk], demands.carry[row, risk]
    is_gang = pairs.family == Family.GANG
    fits = np.where(
        is_gang, demands.mode_hours[pairs.mode] * spoilage <= problem.period_h * (1 + 1e-9), True
    )
    usable = np.where(pairs.family == Family.SERVICE, carry > 0, np.isfinite(spoilage))
    possible = ~pairs.risky | (demands.risky_share[pairs.demand] > 0)
    finite = np.isfinite(pairs.compute + pairs.extra + pairs.move)
    return np.asarray(fits & usable & possible & finite, dtype=np.bool_)


def may_mix(problem: Problem) -> Bools:
    """Return bool[O]: the pool of a supply holds an owned supply as well, or it is owned."""
    stock = problem.supply
    mixes = np.zeros(int(stock.pool.max(initial=0)) + 1, np.bool_)
    mixes[stock.pool[stock.owned]] = True
    return mixes[stock.pool]


def most_units(problem: Problem, supply: Ints | None = None) -> Floats:
    """Return most units of a supply its capacity and the limits ever allow.

    Of all, float64[O], or of some supplies, int32[N]: float64[N].
    """
    limits = problem.limits
    if supply is not None:
        if limits.count:
            return most_units(problem)[supply]
        return np.floor(problem.supply.capacity[supply] + 1e-9)
    most = problem.supply.capacity.copy()
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    np.minimum.at(most, limits.supply, np.floor(limits.high[row] / limits.weight + 1e-9))
    return np.where(np.isfinite(most), np.floor(most + 1e-9), most)
