"""What demands served one after another leave to the next: capacity, limits and scopes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from solver.one_by_one import without
from solver.pairs import most_units
from solver.problem import Bools, Floats, Ints, Level, Problem
from solver.scopes import scope_of, scopes_touched
from solver.solution import Allocation

Longs = NDArray[np.int64]

#: Part of a whole by which units may be too many through rounding.
_ROUNDING = 1e-6


class Remainder:
    """What is left of a problem's supply; every `take` makes it less.

    Attributes:
        capacity: float64[O], units left.
        high: float64[R], what is left of each limit.
        most: float64[O], as `most_units` says of what is left.
        service_of: int64[D], the row of `Services` of each demand that is one.
    """

    def __init__(self, problem: Problem) -> None:
        """Start with everything."""
        limits = problem.limits
        self.capacity = problem.supply.capacity.copy()
        self.high = limits.high.copy()
        self.most = most_units(problem)
        self.service_of = np.zeros(problem.demands.count, np.int64)
        self.service_of[problem.services.demand] = np.arange(problem.services.count)
        row = np.repeat(np.arange(limits.count), np.diff(limits.start))
        order = np.argsort(limits.supply, kind="stable")
        supplies = np.arange(problem.supply.count + 1)
        self._first = np.searchsorted(limits.supply[order], supplies).astype(np.int64)
        self._row, self._weight = row[order], limits.weight[order]
        self._limits = limits
        self._touched = _Touched(problem)
        self._scopes = _Scopes(problem, self._touched)

    def limits_of(self, supply: int) -> tuple[Longs, Floats]:
        """Return int64[.], the limits that count a supply, and float64[.], its weight in each."""
        own = slice(int(self._first[supply]), int(self._first[supply + 1]))
        return self._row[own], self._weight[own]

    def limits_among(self, supply: Ints) -> tuple[Longs, Longs, Floats]:
        """Return (index into `supply`, limit, weight): every limit that counts each, by index."""
        if not len(self._row):
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0)
        index, where = _gathered(self._first, supply)
        return index, self._row[where], self._weight[where]

    def touched(self, level: Level, supply: Ints) -> tuple[Longs, Longs]:
        """Return (index into `supply`, scope), as `solver.scopes.scopes_touched`, by index."""
        return self._touched.by(level, supply)

    def usable(self, demand: int, supply: Ints) -> Bools:
        """Return bool[N]: which of `supply` have a unit left, where rules on scopes let it be."""
        left = self.most[supply] >= 1
        usable = self._scopes.usable(demand)
        return left if usable is None else left & usable[supply]

    def gives(self, rows: Allocation) -> bool:
        """Return whether capacities and limits give all units of `rows`."""
        index, limit, weight = self.limits_among(rows.supply)
        used = np.bincount(limit, weights=weight * rows.units[index], minlength=len(self.high))
        room = self.high + _ROUNDING * np.maximum(1.0, np.abs(self.high))
        units = np.bincount(rows.supply, weights=rows.units, minlength=len(self.capacity))
        return bool((units <= self.capacity + _ROUNDING).all() and (used <= room)[limit].all())

    def take(self, demand: int, taken: Allocation) -> None:
        """Give `taken` to `demand`."""
        touched: set[int] = set()
        # One at a time: most demands take one or two, and calls for arrays cost more than these.
        for supply, units in zip(taken.supply.tolist(), taken.units.tolist(), strict=True):
            self.capacity[supply] = there = float(self.capacity[supply]) - units
            if there + 1e-9 < self.most[supply]:
                self.most[supply] = math.floor(max(there, 0.0) + 1e-9)
            row, weight = self.limits_of(supply)
            for limit, each in zip(row.tolist(), weight.tolist(), strict=True):
                self.high[limit] -= each * units
                touched.add(limit)
        for limit in touched:
            block = slice(int(self._limits.start[limit]), int(self._limits.start[limit + 1]))
            high = max(float(self.high[limit]), 0.0)
            room = np.floor(high / self._limits.weight[block] + 1e-9)
            np.minimum.at(self.most, self._limits.supply[block], room)
        self._scopes.change(demand, taken.supply, 1)

    def take_whole(self, demands: Longs, rows: Allocation) -> bool:
        """Give `rows` to several demands, all or nothing; return whether it was all left to them.

        Rules on scopes between them count as well.
        """
        taken: list[tuple[int, Allocation]] = []
        fits = self.gives(rows)
        for one in demands.tolist() if fits else ():
            own = without(rows, rows.demand != one)
            fits = fits and bool(self.usable(one, own.supply).all())
            if fits:
                self.take(one, own)
                taken.append((one, own))
        for one, own in taken if not fits else ():
            self.give_back(one, own)
        return fits

    def give_back(self, demand: int, taken: Allocation) -> None:
        """Take back what was given to `demand`: all of it, as it was given."""
        if not len(taken.supply):
            return
        # One at a time, as in `take`.
        for supply, units in zip(taken.supply.tolist(), taken.units.tolist(), strict=True):
            self.capacity[supply] = there = float(self.capacity[supply]) + units
            self.most[supply] = math.floor(max(there, 0.0) + 1e-9) if there < np.inf else np.inf
        index, row, weight = self.limits_among(taken.supply)
        if len(row):
            np.add.at(self.high, row, weight * taken.units[index])
            self._limit_again(taken.supply, np.unique(row))
        self._scopes.change(demand, taken.supply, -1)

    def _limit_again(self, supply: Ints, limit: Longs) -> None:
        """Work out the most of `supply`, and of what some limits count, that have more left."""
        limits = self._limits
        counted = [limits.supply[limits.start[one] : limits.start[one + 1]] for one in limit]
        some = np.unique(np.concatenate([supply, *counted]))
        self.most[some] = np.floor(np.maximum(self.capacity[some], 0.0) + 1e-9)
        index, row, weight = self.limits_among(some)
        room = np.floor(np.maximum(self.high[row], 0.0) / weight + 1e-9)
        np.minimum.at(self.most, some[index], room)


def _gathered(first: Longs, rows: Ints) -> tuple[Longs, Longs]:
    """Return (index into `rows`, entry): the entries ``first[row]:first[row + 1]`` of each."""
    begin = first[rows]
    size = first[rows + 1] - begin
    ends = size.cumsum()
    total = int(ends[-1]) if len(ends) else 0
    begin -= ends - size
    return np.arange(len(rows)).repeat(size), np.arange(total) + begin.repeat(size)


class _Touched:
    """The scopes that every supply counts for, worked out once for each level."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._known: dict[Level, tuple[Longs, Longs, Longs]] = {}

    def every(self, level: Level) -> tuple[Longs, Longs]:
        """(supply, scope) of all supplies, by supply."""
        if level not in self._known:
            count = self._problem.supply.count
            every = np.arange(count, dtype=np.int32)
            index, scope = scopes_touched(self._problem, every, level)
            order = np.argsort(index, kind="stable")
            first = np.searchsorted(index[order], np.arange(count + 1)).astype(np.int64)
            self._known[level] = (index[order], scope[order], first)
        return self._known[level][:2]

    def by(self, level: Level, supply: Ints) -> tuple[Longs, Longs]:
        """(index into `supply`, scope), by index."""
        scope = self.every(level)[1]
        if len(scope) == self._problem.supply.count:  # one each
            return np.arange(len(supply)), scope[supply]
        found, where = _gathered(self._known[level][2], supply)
        return found, scope[where]

    def named(self, level: Level, supply: Ints) -> list[int]:
        """The scopes that any of a few supplies counts for, each once, in order."""
        scope, first = self.every(level)[1], self._known[level][2]
        touched: set[int] = set()
        for one in supply.tolist():
            touched.update(scope[first[one] : first[one + 1]].tolist())
        return sorted(touched)


class _Scopes:
    """Which scopes demands stand in, kept for each rule."""

    def __init__(self, problem: Problem, touched: _Touched) -> None:
        every = np.arange(problem.supply.count, dtype=np.int32)
        levels = {one.level for one in problem.apart} | {one.level for one in problem.together}
        self._own = {level: scope_of(problem, every, level) for level in levels}
        self._touched = touched
        self._count = len(every)
        self._apart = [_Groups(rule.level, touched.every(rule.level)) for rule in problem.apart]
        self._together = [(rule.level, Counter[int]()) for rule in problem.together]
        self._groups_of: dict[int, dict[int, list[int]]] = {}
        for row, apart in enumerate(problem.apart):
            for group, members in enumerate(apart.groups):
                for one in members:
                    self._groups_of.setdefault(one, {}).setdefault(row, []).append(group)
        self._together_of: dict[int, list[int]] = {}
        for row, together in enumerate(problem.together):
            for one in set(together.demands):
                self._together_of.setdefault(one, []).append(row)

    def usable(self, demand: int) -> Bools | None:
        """bool[O]: what others' scopes leave to `demand`; None: everything."""
        if demand not in self._groups_of and demand not in self._together_of:
            return None
        usable = np.ones(self._count, np.bool_)
        for row, own in self._groups_of.get(demand, {}).items():
            taken = self._apart[row].taken_by_others(own)
            if len(taken):
                usable[taken] = False
        for row in self._together_of.get(demand, ()):
            level, held = self._together[row]
            if held.total() > 0:
                usable &= np.isin(self._own[level], [one for one in held if held[one] > 0])
        return usable

    def change(self, demand: int, supply: Ints, by: int) -> None:
        """Note that `demand` stands there, by 1, or no more, by -1."""
        for rule, group, scopes in self._stands(demand, supply):
            rule.change(group, scopes, by)
        for row in self._together_of.get(demand, ()):
            level, held = self._together[row]
            for scope in set(self._own[level][supply].tolist()):
                held[scope] += by

    def _stands(self, demand: int, supply: Ints) -> Iterator[tuple[_Groups, int, list[int]]]:
        """Rules of apart, the groups of the demand there, and the scopes it touches."""
        scopes: dict[Level, list[int]] = {}
        for row, groups in self._groups_of.get(demand, {}).items():
            rule = self._apart[row]
            if rule.level not in scopes:
                scopes[rule.level] = self._touched.named(rule.level, supply)
            for group in groups:
                yield rule, group, scopes[rule.level]


class _Groups:
    """Scopes taken by the groups of one rule."""

    def __init__(self, level: Level, touched: tuple[Longs, Longs]) -> None:
        self.level = level
        self._supply, self._scope = touched
        self._groups = np.zeros(1 + int(self._scope.max(initial=0)), np.int64)
        self._taken: dict[int, Counter[int]] = {}
        self._known: dict[tuple[int, ...], tuple[int, Longs]] = {}
        self._changes: dict[int, int] = {}
        self._all = 0

    def change(self, group: int, scopes: list[int], by: int) -> None:
        """Note that one of a group stands in scopes, by 1, or no more, by -1; each named once."""
        if group not in self._taken:
            self._taken[group] = Counter()
        taken, turned = self._taken[group], max(by, 0)
        changed = list[int]()
        for scope in scopes:
            taken[scope] = now = taken[scope] + by
            if now == turned:
                changed.append(scope)
        if changed:
            self._groups[changed] += by
            self._changes[group] = self._changes.get(group, 0) + len(changed)
            self._all += len(changed)

    def taken_by_others(self, own: list[int]) -> Longs:
        """int64[.]: supplies in whose scopes a group stands that is none of `own`."""
        since = self._all - sum(self._changes.get(group, 0) for group in own)
        known = self._known.get(tuple(own))
        if known is None or known[0] != since:
            others = self._groups.copy()
            for group in own:
                taken = self._taken.get(group, Counter())
                others[[scope for scope, stand in taken.items() if stand > 0]] -= 1
            known = (since, self._supply[(others > 0)[self._scope]])
            self._known[tuple(own)] = known
        return known[1]
