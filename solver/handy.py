"""A good way of a service at prices, by arithmetic: one near its relaxation needs no engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.blocks import Longs
from solver.one_by_one import without_the_whole
from solver.pairs import Listing
from solver.problem import Family, Problem
from solver.remainder import Remainder
from solver.service_choice import service_choice
from solver.solution import Allocation
from solver.ways import Way


class HandyWays:
    """Finds ways of services, each of which has all supply to itself, or what others leave."""

    def __init__(self, problem: Problem, held: Allocation | None = None) -> None:
        """Look at the capacities and limits of `problem`.

        Args:
            problem: what is asked; its costs are not looked at.
            held: what is held; a service may use what others do not. None: nothing is.
        """
        self._problem = problem
        self._held = held
        self._every = Remainder(problem)
        self._listing = Listing.of(problem)

    def way(self, problem: Problem, block: Longs) -> Way | None:
        """Return a way of `block` that is cheap at the costs of `problem`, priced; None: none."""
        demand = int(block[0])
        if len(block) > 1 or problem.demands.family[demand] != Family.SERVICE:
            return None
        left = self._every if self._held is None else self._left_to(demand, self._held)
        plain = without_the_whole(problem)
        pairs = self._listing.pairs(plain, np.array([demand]), left.most)
        pairs = pairs.keep(left.most[pairs.supply] >= 1)
        found = service_choice(plain, left, pairs)
        if found is None:
            return None
        choice, routes = found
        unmet = np.array([choice.unmet])
        return Way(demands=block, allocation=choice.allocation, routes=routes, unmet=unmet)

    def _left_to(self, demand: int, held: Allocation) -> Remainder:
        """What all others leave; rules on scopes are not looked at."""
        supply, limits = self._problem.supply, self._problem.limits
        other = held.demand != demand
        used = np.bincount(
            held.supply[other], weights=held.units[other].astype(float), minlength=supply.count
        )
        row = np.repeat(np.arange(limits.count), np.diff(limits.start))
        taken = np.bincount(
            row, weights=limits.weight * used[limits.supply], minlength=limits.count
        )
        rest = replace(
            self._problem,
            supply=replace(supply, capacity=np.maximum(supply.capacity - used, 0.0)),
            limits=replace(limits, high=np.maximum(limits.high - taken, 0.0)),
            apart=(),
            together=(),
        )
        return Remainder(rest)
