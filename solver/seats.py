"""Who holds what, way by way: a plan that may be changed, and changed back, by arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from solver.blocks import Longs
from solver.lone_choice import Choice, batch_choice, gang_choice
from solver.one_by_one import joined, joined_routes, without, without_the_whole
from solver.pairs import Listing, Pairs, may_mix
from solver.prices import Prices, priced
from solver.problem import Family, Floats, Ints, Problem
from solver.remainder import Remainder
from solver.scopes import kept_apart_from
from solver.service_choice import service_choice
from solver.solution import Allocation, Routes
from solver.ways import Way, ways_in

#: Gap of a batch's way to its cheapest: any way will do.
_ANY = float("inf")
#: Demands whose pairs are remembered: who chooses once often chooses again.
_REMEMBERED = 4_096


class Seats:
    """One plan as it changes; demands that are bound to each other hold one way together."""

    def __init__(
        self,
        problem: Problem,
        plan: tuple[Allocation, Routes, Floats],
        prices: Prices,
        blocks: Sequence[Longs],
    ) -> None:
        """Start from a plan that keeps capacities, limits and rules on scopes.

        Args:
            problem: what is asked; its rows over the whole plan are not minded.
            plan: allocation, routes, float64[D] unmet shares.
            prices: of what demands share: choices are the cheapest at these.
            blocks: demands that are bound to each other; all others are by themselves.
        """
        self._problem = without_the_whole(priced(problem, prices))
        self._listing = Listing.of(problem)
        self._pairs_of = lru_cache(_REMEMBERED)(self._listed)
        self._left = Remainder(problem)
        self.groups = _groups(problem, blocks)
        self._first = np.arange(problem.demands.count)
        for group, members in self.groups.items():
            self._first[members] = group
        self._apart_of = kept_apart_from(problem)
        self._ways: dict[int, Way] = {}
        self._holders: dict[int, set[int]] = {}
        services = problem.services.demand
        for way in ways_in(*plan, list(self.groups.values()), services):
            self.put_back(way)

    def way(self, group: int) -> Way:
        """Return what a group holds, by its first demand."""
        return self._ways[group]

    def group_of(self, demand: int) -> int:
        """Return the group of a demand, by its first."""
        return int(self._first[demand])

    def is_seated(self, group: int) -> bool:
        """Return whether the group has a way, be it to leave all unmet."""
        return group in self._ways

    def holders(self, supplies: Sequence[int]) -> list[int]:
        """Return the groups that hold some of `supplies`, ascending."""
        return sorted(set[int]().union(*(self._holders.get(one, ()) for one in supplies)))

    def kept_apart(self, demand: int, supply: Ints) -> list[int]:
        """Return the groups that stand where a demand may not hold `supply` beside them.

        Of rules that keep it apart from a few; ascending.
        """
        found: set[int] = set()
        if self._left.usable(demand, supply).all():
            return []
        for level, others in self._apart_of.get(demand, ()):
            own = set(self._left.touched(level, supply)[1].tolist())
            for other in others:
                way = self._ways.get(int(self._first[other]))
                held = np.empty(0, np.int32) if way is None else _of(way, other).supply
                if not own.isdisjoint(self._left.touched(level, held)[1].tolist()):
                    found.add(int(self._first[other]))
        return sorted(found)

    def left(self, supply: int) -> float:
        """Return the units of a supply that nobody holds."""
        return float(self._left.capacity[supply])

    def take(self, way: Way) -> bool:
        """Give a group its way; False: not all of it is left, and nothing is done."""
        if not self._left.take_whole(way.demands, way.allocation):
            return False
        self._note(way)
        return True

    def put_back(self, way: Way) -> None:
        """Give a group what it has held before; whether all of it is left is not asked."""
        for one in way.demands.tolist():
            self._left.take(one, _of(way, one))
        self._note(way)

    def leave(self, group: int) -> Way:
        """Take back what a group holds, and return it."""
        way = self._ways.pop(group)
        for one in way.demands.tolist():
            self._left.give_back(one, _of(way, one))
        for supply in way.allocation.supply.tolist():
            self._holders[supply].discard(group)
        return way

    def choice(self, demand: int, *, but: int | None = None) -> Way | None:
        """Return the way that a demand by itself chooses from what is left; None: none is whole.

        Args:
            demand: it holds nothing.
            but: a supply that it does without.
        """
        left = self._left
        pairs, least = self._pairs_of(demand)
        usable = left.usable(demand, pairs.supply) & (least <= left.most[pairs.supply] + 1e-9)
        if but is not None:
            usable &= pairs.supply != but
        found = self._chosen(demand, pairs.keep(usable))
        if found is None or found[0].unmet > 0:
            return None
        choice, routes = found
        return Way(
            demands=self.groups[demand],
            allocation=choice.allocation,
            routes=routes,
            unmet=np.zeros(1),
        )

    def _listed(self, demand: int) -> tuple[Pairs, Floats]:
        """What a demand may run on, and float64[P], the units that must be left there."""
        problem = self._problem
        endless = np.full(problem.supply.count, np.inf)
        pairs = self._listing.pairs(problem, np.array([demand]), endless)
        is_whole = (pairs.family == Family.GANG) & ~may_mix(problem)[pairs.supply]
        return pairs, np.where(is_whole, pairs.amount, 1.0)

    def plan(self) -> tuple[Allocation, Routes, Floats]:
        """Return allocation, routes, float64[D] unmet shares; everybody is seated."""
        ways = [self._ways[one] for one in sorted(self._ways)]
        unmet = np.empty(self._problem.demands.count)
        for way in ways:
            unmet[way.demands] = way.unmet
        allocation = joined([way.allocation for way in ways])
        return allocation, joined_routes([way.routes for way in ways]), unmet

    def _note(self, way: Way) -> None:
        group = int(way.demands[0])
        self._ways[group] = way
        for supply in way.allocation.supply.tolist():
            self._holders.setdefault(supply, set()).add(group)

    def _chosen(self, demand: int, pairs: Pairs) -> tuple[Choice, Routes] | None:
        family = self._problem.demands.family[demand]
        if not pairs.count:
            return None
        if family == Family.SERVICE:
            return service_choice(self._problem, self._left, pairs, rounds=0)
        if family == Family.GANG:
            return gang_choice(self._problem, self._left, pairs), joined_routes([])
        choice = batch_choice(self._problem, self._left, pairs, _ANY)
        return None if choice is None else (choice, joined_routes([]))


def _groups(problem: Problem, blocks: Sequence[Longs]) -> dict[int, Longs]:
    """Demands of each group, by its first."""
    first = np.arange(problem.demands.count)
    for block in blocks:
        first[block] = block[0]
    groups = {one: np.array([one], np.int64) for one in np.unique(first).tolist()}
    groups.update({int(block[0]): block for block in blocks})
    return groups


def _of(way: Way, demand: int) -> Allocation:
    if len(way.demands) == 1:
        return way.allocation
    return without(way.allocation, way.allocation.demand != demand)
