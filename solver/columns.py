"""What a decomposition knows of so far: pairs for restricted models, ways for its master."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from solver.blocks import Blocks, blocks_of
from solver.exclusive import one_of_each_scope
from solver.exclusive_rows import exclusive_gangs
from solver.lone_bounds import cheapest_mixing
from solver.pairs import Listing, Pairs, most_units, with_coefficients
from solver.prices import Prices, priced
from solver.pricing import Pricer
from solver.problem import Family, Floats, Problem
from solver.sampling import stakes_of
from solver.selection import CHOICES, few_choices, joined, pairs_of, service_selection
from solver.service_pairs import unit_costs
from solver.solution import Allocation
from solver.ways import Way, nothing

Longs = NDArray[np.int64]

#: Choices looked at per mode, and pairs that one more round of prices may add to a demand.
_PER_MODE = 24
MORE = 6
#: A gang or batch of more pairs has very many: so many of them stand for all.
_VERY_MANY = 5_000
_OF_VERY_MANY = 250
#: Services whose pairs are spelled out at once, and demands that are priced at once.
_AT_ONCE = 256
_PRICED = 10_000
#: A fine is what serving a unit of weight costs where it is dear, so many times over, and twice
#: as much with every priority; and no less than that of what the demand itself may cost.
_FINE = 50.0
_DEAR = 0.95


@dataclass(slots=True, kw_only=True)
class Columns:
    """Pairs and ways, growing.

    Attributes:
        problem: with its own costs; flat: with flat moves.
        blocks: how its demands part.
        most: float64[O], as `most_units` says.
        pricers: of every gang and batch, some thousands each: what they list is short-lived.
        pairs: known pairs, with the coefficients of `problem`.
        ways: known ways of the blocks that have models.
        fines: float64[D], cost at which the choice between serving a demand and not is plain.
    """

    problem: Problem
    flat: Problem
    blocks: Blocks
    most: Floats
    pricers: tuple[Pricer, ...]
    pairs: Pairs
    fines: Floats
    ways: list[Way] = field(default_factory=list)
    _keys: set[bytes] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        problem: Problem,
        flat: Problem,
        *,
        few: bool = False,
        keep: int = CHOICES,
        prices: Prices | None = None,
    ) -> Columns:
        """Start with the cheapest pairs of every demand, `keep` of each gang and batch.

        Args:
            problem: with its own costs.
            flat: with flat moves.
            few: start with the cheapest pair of each demand.
            keep: of each gang and batch.
            prices: at which they are cheap; None: at their own costs.
        """
        costs = flat if prices is None else priced(flat, prices)
        most, every = most_units(flat), np.arange(problem.demands.count)
        pricers = tuple(
            Pricer.of(flat, every[first : first + _PRICED]) for first in every[::_PRICED].tolist()
        )
        blocks = blocks_of(problem)
        parts = list(_cheapest_of_services(costs, most) if few else _of_services(costs, most))
        chosen, least = _of_the_rest(costs, pricers, most, (1, 1) if few else (_PER_MODE, keep))
        parts += chosen
        parts += _one_of_each_scope(costs, most)
        parts += _mixes(costs, blocks, most, 1 if few else MORE)
        pairs = joined(problem, parts)
        found = cls(
            problem=problem,
            flat=flat,
            blocks=blocks,
            most=most,
            pricers=pricers,
            pairs=pairs,
            fines=_fines(flat, pairs, least),
        )
        found.add_ways([nothing(block) for block in blocks.models])
        return found

    @property
    def dear(self) -> Floats:
        """float64[D], about what serving each demand costs where that is dear."""
        return self.fines / _FINE

    def forced(self) -> Floats:
        """float64[D]: 1 for demands without any pair, and for those that read of them."""
        lost = np.ones(self.problem.demands.count)
        lost[self.pairs.demand] = 0.0
        reads = self.problem.reads
        while reads is not None:
            more = (lost[reads.source] == 1) & (lost[reads.reader] == 0)
            if not more.any():
                break
            lost[reads.reader[more]] = 1.0
        return lost

    def grow(self, prices: Prices, more: int = MORE, *, services: bool = True) -> Pairs:
        """Add and return the pairs that are cheapest at `prices`, `more` of each gang and batch.

        `services`: of them too, which takes most of the time.
        """
        at_prices = priced(self.flat, prices)
        parts = [
            few_choices(at_prices, one.cheapest(at_prices, _PER_MODE), more, self.most)
            for one in self.pricers
        ]
        parts += _mixes(at_prices, self.blocks, self.most, more)
        if services:
            parts += _of_services(at_prices, self.most)
        cheap = joined(self.problem, parts)
        self.pairs = joined(self.problem, [self.pairs, cheap])
        return cheap

    def add_all(self, demands: Longs, prices: Prices | None = None) -> None:
        """Add all pairs of some demands.

        Of gangs and batches that have very many, those that are cheapest at `prices`; None: at
        their own costs.
        """
        if not len(demands):
            return
        listing = Listing.of(self.flat)
        is_wide = self._size(listing)[demands] > _VERY_MANY
        parts = []
        if not is_wide.all():
            parts.append(listing.pairs(self.problem, demands[~is_wide], self.most))
        if is_wide.any():
            costs = self.flat if prices is None else priced(self.flat, prices)
            pricer = Pricer.of(self.flat, demands[is_wide])
            choices = pricer.cheapest(costs, _OF_VERY_MANY)
            parts.append(few_choices(costs, choices, _OF_VERY_MANY, self.most))
        self.pairs = joined(self.problem, [self.pairs, *parts])

    def _size(self, listing: Listing) -> Longs:
        """int64[D], about how many pairs each gang and batch has; 0 of services."""
        demands = self.flat.demands
        owner = np.repeat(np.arange(demands.count), np.diff(demands.mode_start))
        size = np.bincount(owner, weights=listing.size, minlength=demands.count)
        return np.where(demands.family == Family.SERVICE, 0, size).astype(np.int64)

    def add_ways(self, ways: Sequence[Way]) -> None:
        """Add ways that are not known yet, and the pairs they use."""
        found = {way.key: way for way in ways if way.key not in self._keys}  # nothing twice
        self._keys.update(found)
        new = list(found.values())
        self.ways += new
        if new:
            self.pairs = joined(self.problem, [self.pairs, *self.pairs_in(new)])

    def pairs_in(self, ways: Sequence[Way]) -> list[Pairs]:
        """Return the pairs that each of some ways uses."""
        rows = [way.allocation for way in ways]
        return [with_coefficients(self.problem, one.demand, one.mode, one.supply) for one in rows]

    def add_allocation(self, rows: Allocation) -> None:
        """Add the pairs of an allocation; owned units mixed into a gang come with their own."""
        known = with_coefficients(self.problem, rows.demand, rows.mode, rows.supply)
        self.pairs = joined(self.problem, [self.pairs, known])


def _of_the_rest(
    problem: Problem, pricers: Sequence[Pricer], most: Floats, keep: tuple[int, int]
) -> tuple[list[Pairs], Floats]:
    """The cheapest pairs of gangs and batches, and float64[D], what each costs at its cheapest.

    `keep`: choices looked at per mode, and pairs kept of each demand. inf: it has no pair.
    """
    parts, least = [], np.full(problem.demands.count, np.inf)
    for pricer in pricers:
        choices = pricer.cheapest(problem, keep[0])
        parts.append(few_choices(problem, choices, keep[1], most))
        demand, first = np.unique(choices.demand, return_index=True)
        least[demand] = choices.cost[first]
    return parts, least


def _one_of_each_scope(problem: Problem, most: Floats) -> list[Pairs]:
    """The cheapest pair of exclusive gangs in each of their scopes."""
    gangs = exclusive_gangs(problem).items()
    return [one_of_each_scope(problem, demand, level, most) for demand, level in gangs]


def _mixes(problem: Problem, blocks: Blocks, most: Floats, keep: int) -> list[Pairs]:
    """Pairs that are cheap for gangs, because of owned units that they mix in or without."""
    gangs = blocks.lone[problem.demands.family[blocks.lone] == Family.GANG]
    return [
        cheapest_mixing(problem, pairs_of(problem, one, most), most, keep)
        for one in gangs.tolist()
    ]


def _of_services(problem: Problem, most: Floats) -> list[Pairs]:
    demands = problem.services.demand.astype(np.int64)
    every = Listing.of(problem).each(problem, demands, most)
    return [
        service_selection(problem, pairs, service, most) for service, pairs in enumerate(every)
    ]


def _cheapest_of_services(problem: Problem, most: Floats) -> Iterator[Pairs]:
    """The pair of each service that carries its load for least, many services at a time."""
    services, listing = problem.services, Listing.of(problem)
    load = np.zeros(problem.demands.count)
    np.add.at(load, np.repeat(services.demand, np.diff(services.load_start)), services.load)
    demands = np.sort(services.demand).astype(np.int64)
    for first in range(0, len(demands), _AT_ONCE):
        pairs = listing.pairs(problem, demands[first : first + _AT_ONCE], most)
        each = unit_costs(pairs) / np.minimum(pairs.amount, load[pairs.demand])
        order = np.lexsort((each, pairs.demand))
        best = np.zeros(pairs.count, np.bool_)
        best[order[np.flatnonzero(np.diff(pairs.demand[order], prepend=-1))]] = True
        yield pairs.keep(best)


def _fines(problem: Problem, pairs: Pairs, least: Floats) -> Floats:
    """Fines for leaving demands unmet, float64[D].

    Args:
        problem: with flat moves.
        pairs: known ones.
        least: float64[D], what each gang and batch costs at its cheapest; inf: not known.
    """
    demands = problem.demands
    priced_ones = np.isfinite(least)
    weight = np.maximum(demands.weight, 1e-9)
    ratio = least[priced_ones] / weight[priced_ones]
    dear = float(np.quantile(ratio, _DEAR)) if len(ratio) else 1.0
    rank = np.searchsorted(np.unique(demands.priority), demands.priority)
    dearest = stakes_of(problem, pairs, dearest=True)
    return np.asarray(_FINE * np.maximum(max(dear, 1.0) * 2.0**rank * weight, dearest))
