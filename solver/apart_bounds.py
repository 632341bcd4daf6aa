"""What two services cost at least together that may not stand in one scope.

At prices each service is bounded as if it stood alone, and both often want the same place. What
both cost is found by conflicts (G. Sharon, R. Stern, A. Felner, N. R. Sturtevant, "Conflict-based
search for optimal multi-agent pathfinding", Artificial Intelligence 219, 2015,
doi:10.1016/j.artint.2014.11.006). A node says which scopes are closed to which of the two, and is
worth what each costs at least without them. Where their best ways meet in a scope, every plan
closes it to one of them or to the other: two nodes take the place of one. The least of all nodes
bounds every plan.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from solver.asking import Engine
from solver.block_bounds import BlockBounds, Found
from solver.block_models import is_service
from solver.blocks import Blocks
from solver.prices import Prices, priced
from solver.problem import Bools, Floats, Level, Problem
from solver.scopes import kept_apart_from, scopes_touched
from solver.ways import Way

#: Nodes that are parted for one pair, and models that are solved for all of them at once.
_PARTED = 12
_MOST_SOLVED = 60
#: More of a service that stays unmet than this, when scopes are closed to it, counts.
_UNSERVED = 1e-9

#: Scopes that are closed to a service.
Closed = frozenset[tuple[Level, int]]


@dataclass(frozen=True, slots=True)
class Gain:
    """What two services cost together at least, beyond what each costs at least alone."""

    members: tuple[int, int]
    gain: float


@dataclass(frozen=True, slots=True)
class _Stand:
    """What a service costs at least, and its best way; None: none was found."""

    cost: float
    way: Way | None


@dataclass(frozen=True, slots=True, order=True)
class _Node:
    """Scopes closed to the two of a pair, and what both cost at least then."""

    cost: float
    number: int
    closed: tuple[Closed, Closed] = field(compare=False)


@dataclass(frozen=True, slots=True)
class _Open:
    """A priced problem without what is closed, its bounds, and float64[D], what has to stay unmet.

    Where nothing is closed, `forced` is what was known before.
    """

    problem: Problem
    models: BlockBounds
    forced: Floats


class ApartBounds:
    """Bounds pairs of services at prices.

    Attributes:
        ways: of services that have been solved; every one keeps all rules of its service.
    """

    def __init__(
        self,
        *,
        problem: Problem,
        blocks: Blocks,
        forced: Floats,
        engine: Engine,
        models: BlockBounds,
        prices: Prices,
    ) -> None:
        """Find the pairs: services, blocks by themselves, that a rule for few keeps apart.

        Args:
            problem: with flat moves.
            blocks: how it parts.
            forced: float64[D], share that stays unmet of each even alone.
            engine: solves the models.
            models: what is known of services where nothing is closed.
            prices: of shared rows, and of what stays unmet.
        """
        self._problem, self._forced, self._engine = problem, forced, engine
        self._models, self._prices = models, prices
        single = {int(one[0]) for one in blocks.models if is_service(problem, one)}
        self._levels: dict[tuple[int, int], set[Level]] = {}
        for demand, rules in sorted(kept_apart_from(problem).items()):
            for level, others in rules:
                for other in single.intersection(others) if demand in single else ():
                    pair = min(demand, other), max(demand, other)
                    self._levels.setdefault(pair, set()).add(level)
        self._known: dict[tuple[int, Closed], _Stand] = {}
        self._most = _MOST_SOLVED
        self.ways: list[Way] = []

    def gains(
        self, least: Floats, regret: Floats, little: float, check: Callable[[], None]
    ) -> list[Gain]:
        """Return what pairs gain that share no service with each other, those with most first.

        Args:
            least: float64[D], what each service costs at least alone.
            regret: float64[D], what each costs in the plan so far beyond that: a pair whose
                members have `little` of it is not looked at, as it cannot gain more.
            little: what is too little to look at.
            check: called between models; may raise to end it.

        Raises:
            SolverError: the engine failed.
        """
        found: list[Gain] = []
        taken: set[int] = set()
        self._most = len(self._known) + _MOST_SOLVED  # what is known costs nothing
        for pair in sorted(self._levels, key=lambda one: (-regret[list(one)].sum(), one)):
            if regret[list(pair)].sum() <= little or len(self._known) >= self._most:
                break
            if taken.isdisjoint(pair):
                taken.update(pair)
                gain = self._least_of(pair, check) - float(least[list(pair)].sum())
                found.append(Gain(pair, max(gain, 0.0)))
        return [one for one in found if one.gain > 0]

    def _least_of(self, pair: tuple[int, int], check: Callable[[], None]) -> float:
        """What both of a pair cost at least."""
        nothing: Closed = frozenset()
        self._learn([(one, nothing) for one in pair])
        nodes = [self._node(pair, (nothing, nothing), 0)]
        for number in range(_PARTED):
            meeting = self._meeting(pair, nodes[0].closed)
            if meeting is None or len(self._known) >= self._most:
                break
            parted = heapq.heappop(nodes)
            one, other = parted.closed
            check()
            self._learn([(pair[0], one | {meeting}), (pair[1], other | {meeting})])
            for side, closed in enumerate(((one | {meeting}, other), (one, other | {meeting}))):
                node = self._node(pair, closed, 1 + 2 * number + side)
                # More is closed than before: it costs no less.
                heapq.heappush(nodes, replace(node, cost=max(node.cost, parted.cost)))
        return nodes[0].cost

    def _node(self, pair: tuple[int, int], closed: tuple[Closed, Closed], number: int) -> _Node:
        stands = [self._stand(*one) for one in zip(pair, closed, strict=True)]
        return _Node(sum(one.cost for one in stands), number, closed)

    def _meeting(
        self, pair: tuple[int, int], closed: tuple[Closed, Closed]
    ) -> tuple[Level, int] | None:
        """A scope in which the best ways of both stand that are known where some are closed."""
        ways = [self._stand(*one).way for one in zip(pair, closed, strict=True)]
        for level in sorted(self._levels[pair]):
            scopes = [set[int]() if way is None else self._touched(way, level) for way in ways]
            both = set.intersection(*scopes)
            if both:
                return level, min(both)
        return None

    def _touched(self, way: Way, level: Level) -> set[int]:
        return set(scopes_touched(self._problem, way.allocation.supply, level)[1].tolist())

    def _stand(self, service: int, closed: Closed) -> _Stand:
        """What a service costs at least where some scopes are closed to it."""
        if (service, closed) not in self._known:
            self._learn([(service, closed)])
        return self._known[service, closed]

    def _learn(self, asked: Sequence[tuple[int, Closed]]) -> None:
        """Solve services where some scopes are closed to them, at a time; what is known stays."""
        fresh = [one for one in asked if one not in self._known]
        some = [self._without(closed) for _, closed in fresh]
        solving = (
            one.models.solving(one.problem, self._prices, np.array([service]), 0.0)
            for (service, _), one in zip(fresh, some, strict=True)
        )
        for key, one, found in zip(fresh, some, self._engine.each(solving), strict=True):
            self._known[key] = self._noted(key[0], one, found)

    def _noted(self, service: int, some: _Open, found: Found) -> _Stand:
        solved = some.models.learned(some.problem, self._prices, found)
        if some.forced[service] > self._forced[service] + _UNSERVED:
            return _Stand(np.inf, None)  # it has to be served, and cannot be
        if solved.way is not None:
            self.ways.append(solved.way)
        return _Stand(solved.bound, solved.way)

    def _without(self, closed: Closed) -> _Open:
        """The problem without some scopes, at the prices."""
        problem, models, forced = self._problem, self._models, self._forced.copy()
        if closed:
            capacity = np.where(self._shut(closed), 0.0, problem.supply.capacity)
            problem = replace(problem, supply=replace(problem.supply, capacity=capacity))
            models = BlockBounds(problem, forced, self._engine)
        return _Open(priced(problem, self._prices), models, forced)

    def _shut(self, closed: Closed) -> Bools:
        """bool[O]: supplies that count for a scope that is closed."""
        every = np.arange(self._problem.supply.count, dtype=np.int32)
        shut = np.zeros(len(every), np.bool_)
        for level, scope in closed:
            index, touched = scopes_touched(self._problem, every, level)
            shut[index[touched == scope]] = True
        return shut
