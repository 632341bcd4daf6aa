"""Blocks by themselves: over which pairs, and as which models."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from solver.blocks import Longs
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact
from solver.exclusive import charge_exclusive, scope_worth
from solver.exclusive_rows import exclusive_gangs
from solver.model import Model
from solver.pairs import Listing, Pairs, most_units
from solver.prices import Prices
from solver.problem import Family, Floats, Limits, Problem
from solver.selection import joined, pairs_of
from solver.service_pairs import needed, needed_alone
from solver.slices import Slice, slice_demands, slice_pairs


class BlockModels:
    """Builds the models of blocks that have everything to themselves.

    Gangs and batches see capacities and limits, beside what prices charge for them. The pairs of
    a service by itself are chosen by what single supplies hold; those of a service that others
    are bound to, without looking at that, so that block sees neither: prices stand in for both.
    """

    def __init__(self, problem: Problem, forced: Floats) -> None:
        """Build models of blocks of `problem`, which has flat moves.

        Args:
            problem: what is asked.
            forced: float64[D], share that stays unmet of each even alone; it may be changed.
        """
        self._forced = forced
        self._exclusive = exclusive_gangs(problem)
        self._most = most_units(problem)
        self._listing = Listing.of(problem)

    def pairs_of(self, problem: Problem, blocks: Sequence[Longs]) -> Iterator[Pairs]:
        """Yield the pairs of each block, those of services spelled out many at a time."""
        first = np.array([block[0] for block in blocks if is_service(problem, block)], np.int64)
        each = self._listing.each(problem, first, self._most)
        row = np.full(problem.demands.count, -1, np.int64)
        row[problem.services.demand] = np.arange(problem.services.count)
        for block in blocks:
            if is_service(problem, block):
                pairs = next(each)
                kept = needed_alone(problem, pairs, int(row[block[0]]), self._most)
                yield pairs.keep(kept)
            else:
                yield self.pairs(problem, block)

    def pairs(self, problem: Problem, block: Longs) -> Pairs:
        """Return the pairs that the best way of a block is made of; `problem` is priced."""
        some = [self._needed(problem, int(one), alone=len(block) == 1) for one in block]
        return joined(problem, some)

    def _needed(self, problem: Problem, demand: int, *, alone: bool) -> Pairs:
        pairs = pairs_of(problem, demand, self._most)
        for row in np.flatnonzero(problem.services.demand == demand).tolist():
            if alone:
                return pairs.keep(needed_alone(problem, pairs, row, self._most))
            return pairs.keep(needed(problem, pairs, row))
        return pairs

    def model(
        self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs, *, loose: bool = True
    ) -> tuple[Compact, Model, Slice]:
        """Return the model of a block, with the prices of what it leaves unmet, and its part.

        Where gangs and batches keep apart from each other, they do so here.

        Args:
            problem: priced.
            prices: of what stays unmet.
            block: its demands.
            pairs: over which.
            loose: as `build_compact` says.
        """
        part = slice_demands(self._own_problem(problem, block), block)
        loose &= not part.problem.apart or part.problem.services.count > 0
        compact = build_compact(part.problem, slice_pairs(pairs, part), loose=loose)
        model = priced_unmet(compact, prices.unmet[block], self._forced[block])
        rows = [row for row, one in enumerate(block.tolist()) if one in self._exclusive]
        gangs = {row: self._exclusive[int(block[row])] for row in rows}
        charge_exclusive(compact, model, (problem, prices), gangs)
        return compact, model, part

    def _own_problem(self, problem: Problem, block: Longs) -> Problem:
        """The problem of a block, with as much of capacities and limits as its pairs allow."""
        if (problem.demands.family[block] != Family.SERVICE).all():
            return problem
        return _by_itself(
            problem, self._most if len(block) == 1 else np.full_like(self._most, np.inf)
        )

    def services(
        self, problem: Problem, chosen: Longs, pairs: Pairs, unmet: Floats
    ) -> tuple[Compact, Model]:
        """Return one model of many services, each of which has everything to itself.

        They share no capacity: each holds no more of a supply than there is, by its bounds alone.

        Args:
            problem: priced.
            chosen: int64[d], services that are blocks by themselves, ascending.
            pairs: theirs.
            unmet: float64[d], price of what each leaves unmet.
        """
        part = slice_demands(replace(_by_itself(problem, self._most), apart=()), chosen)
        compact = build_compact(part.problem, slice_pairs(pairs, part), loose=True)
        model = priced_unmet(compact, unmet, self._forced[chosen])
        shared = compact.rows["capacity"]
        model.row_high[shared[shared != NONE]] = np.inf
        return compact, model

    def key(self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs) -> bytes:
        """Return what is equal where a block sees the same prices, of its home and scopes too.

        And where as much of it has to stay unmet.
        """
        stay, moving = problem.stay, np.empty(0)
        if stay is not None:
            moving = stay.cost[np.isin(stay.demand, block)]
        scopes = [
            scope_worth(problem, prices, pairs.supply[pairs.demand == one], self._exclusive[one])
            for one in block.tolist()
            if one in self._exclusive
        ]
        costs = (pairs.compute, pairs.extra, pairs.unit_cost, pairs.move)
        unmet = (prices.unmet[block], self._forced[block])
        seen = np.concatenate([*costs, moving, *unmet, *scopes])
        return hashlib.blake2b(pairs.supply.tobytes() + seen.tobytes()).digest()


def priced_unmet(compact: Compact, unmet: Floats, forced: Floats) -> Model:
    """Return the model of some demands, what they leave unmet priced or held to what must be.

    Args:
        compact: of d demands.
        unmet: float64[d], price of what stays unmet; inf: no more than `forced` does.
        forced: float64[d].
    """
    model = compact.builder.build()
    soft = np.isfinite(unmet)
    model.cost[compact.unmet[soft]] += unmet[soft]
    model.high[compact.unmet[~soft]] = forced[~soft]
    return model


def is_service(problem: Problem, block: Longs) -> bool:
    """Return whether a block is one service."""
    return len(block) == 1 and bool(problem.demands.family[block[0]] == Family.SERVICE)


def _by_itself(problem: Problem, most: Floats) -> Problem:
    """Return `problem` with so many units of each supply, float64[O], and no limits."""
    none = np.empty(0)
    limits = Limits(
        start=np.zeros(1, np.int64), supply=np.empty(0, np.int32), weight=none, high=none
    )
    return replace(problem, supply=replace(problem.supply, capacity=most), limits=limits)
