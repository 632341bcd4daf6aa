"""What gangs and batches cost at least that are bound to no other demand, at prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.blocks import Blocks, Longs
from solver.exclusive import exclusive_costs
from solver.exclusive_rows import exclusive_gangs
from solver.lone_bounds import lone_bound
from solver.prices import Prices
from solver.pricing import Pricer
from solver.problem import Bools, Family, Floats, Ints, Problem
from solver.selection import pairs_of


@dataclass(frozen=True, slots=True)
class Alone:
    """What each demand costs at least by itself, float64[D] each; as `Lone` says."""

    cost: Floats
    dearest: Floats
    either: Floats

    def note(self, demand: Longs, cost: Floats, unmet: Floats) -> None:
        """Note what demands cost that are served whole or not at all, or by one pair."""
        self.cost[demand] = self.dearest[demand] = cost
        self.either[demand] = np.minimum(cost, unmet[demand])


class AloneCosts:
    """Finds what they cost at different prices.

    Attributes:
        exclusive: gangs that share a scope with nobody, and its level.
    """

    def __init__(self, problem: Problem, blocks: Blocks, most: Floats, forced: Floats) -> None:
        """Look at `blocks` of `problem`, which has flat moves.

        Args:
            problem: what is asked.
            blocks: how it parts.
            most: float64[O], as `most_units` says.
            forced: float64[D], share that stays unmet of each even alone; it may be changed.
        """
        self._problem, self._blocks, self._most, self._forced = problem, blocks, most, forced
        self._pricer = Pricer.of(problem, blocks.plain)
        self._known: tuple[Prices, Alone] | None = None
        single = set(np.concatenate([blocks.plain, blocks.lone]).tolist())
        exclusive = exclusive_gangs(problem)
        self.exclusive = {one: exclusive[one] for one in sorted(single & exclusive.keys())}

    def at(self, problem: Problem, prices: Prices) -> Alone:
        """What gangs and batches cost at least that are bound to no other demand.

        It is remembered for the prices it was asked for last.
        """
        if self._known is None or self._known[0] is not prices:
            self._known = (prices, self._at(problem, prices))
        return self._known[1]

    def _at(self, problem: Problem, prices: Prices) -> Alone:
        demands = problem.demands.count
        found = Alone(np.zeros(demands), np.zeros(demands), np.zeros(demands))
        choices = self._pricer.cheapest(problem, 1)
        plain = self._blocks.plain
        found.note(plain, np.full(len(plain), np.inf), prices.unmet)
        first, at = np.unique(choices.demand, return_index=True)
        found.note(first.astype(np.int64), choices.cost[at], prices.unmet)
        overflowing = first[~self._holds_all(problem, choices.mode[at], choices.supply[at])]
        for one in np.append(self._blocks.lone, overflowing).tolist():
            pairs = pairs_of(problem, one, self._most)
            lone = lone_bound(problem, pairs, self._most, float(prices.unmet[one]))
            found.cost[one], found.dearest[one] = lone.cost, lone.dearest
            found.either[one] = lone.either
        for demand, level in self.exclusive.items():
            pairs = pairs_of(self._problem, demand, self._most)
            cost = exclusive_costs(self._problem, prices, pairs, level, self._most)
            least = np.array([cost.min(initial=np.inf)])
            found.note(np.array([demand]), least, prices.unmet)
        single = np.concatenate([plain, self._blocks.lone]).astype(np.int64)
        lost = single[self._forced[single] >= 1]
        found.either[lost] = np.where(np.isfinite(prices.unmet[lost]), prices.unmet[lost], 0.0)
        return found

    def _holds_all(self, problem: Problem, mode: Ints, supply: Ints) -> Bools:
        """bool[n]: all of a gang or batch fits its pair, as far as it alone is concerned.

        A batch also holds what it is paid for.
        """
        demands = problem.demands
        demand = np.searchsorted(demands.mode_start, mode, side="right") - 1
        spoilage = demands.spoilage[demands.spoilage_row[demand], problem.supply.risk[supply]]
        held = self._most[supply] * demands.mode_hours[mode]
        fits = demands.mode_amount[mode] * spoilage <= held
        fits &= not (problem.supply.unit_cost < 0).any()
        return np.asarray(fits | (demands.family[demand] == Family.GANG), np.bool_)
