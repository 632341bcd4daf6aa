"""A bound of all demands together, where what is scarce at some prices keeps its capacity.

Prices cannot part what is indivisible: of four units, one demand wants three and another one two.
Where a model of everybody is small, it needs no prices for what is scarce. All the rest stays as
in the bound at prices: capacities that cost nothing are left out, what a gang or batch could do
elsewhere is one choice at the least it costs there, and rules over the whole plan are charged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from solver.blocks import Blocks
from solver.exclusive import beside, exclusive_costs
from solver.exclusive_rows import exclusive_gangs
from solver.lone_bounds import partners, whole_costs
from solver.pairs import Pairs
from solver.prices import Prices, priced
from solver.problem import NO_ROW, Bools, Family, Floats, Limits, Problem
from solver.rivals import is_bound, most_share, scarce_supplies
from solver.selection import joined, pairs_of
from solver.service_pairs import Longs, needed


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What everybody could do who sees something scarce.

    Attributes:
        problem: priced, without the capacities and limits that cost nothing.
        prices: of what is not in the model.
        demand: int64[r], who is in it, ascending.
        elsewhere: float64[r], what a gang or batch costs elsewhere, or what it costs to leave a
            demand unmet; inf: it cannot.
        pairs: P, of all of them, with priced coefficients.
    """

    problem: Problem
    prices: Prices
    demand: Longs
    elsewhere: Floats
    pairs: Pairs


@dataclass(slots=True)
class _Found:
    demand: list[int] = field(default_factory=list)
    elsewhere: list[float] = field(default_factory=list)
    pairs: list[Pairs] = field(default_factory=list)

    def add(self, demand: int, elsewhere: float, pairs: Pairs) -> None:
        self.demand.append(demand)
        self.elsewhere.append(elsewhere)
        self.pairs.append(pairs)


def whole_of(
    problem: Problem,
    prices: Prices,
    most: Floats,
    blocks: Blocks,
    least: Floats,
    within: float,
) -> Whole:
    """Return the model of everybody who sees a supply that is scarce at `prices`.

    Args:
        problem: with flat moves, not priced.
        prices: of a bound.
        most: float64[O], as `most_units` says.
        blocks: how demands part.
        least: float64[D], what each demand, or block by its first, adds to that bound.
        within: how far above the bound plans matter.
    """
    scarce = scarce_supplies(problem, prices)
    free = replace(
        prices,
        capacity=np.where(scarce, 0.0, prices.capacity),
        limit=np.zeros_like(prices.limit),
    )
    at_prices, found = priced(problem, free), _Found()
    single = np.concatenate([blocks.plain, blocks.lone]).astype(np.int64)
    _add_singles(
        found,
        (problem, prices, at_prices),
        single[np.isfinite(least[single])],
        most,
        least,
        within,
    )
    for block in blocks.models:
        _add_block(found, at_prices, block, scarce, most, prices.unmet[block])
    order = np.argsort(np.array(found.demand, np.int64))
    return Whole(
        problem=_few_rows(at_prices, scarce, prices.limit > 0),
        prices=free,
        demand=np.array(found.demand, np.int64)[order],
        elsewhere=np.array(found.elsewhere, np.float64)[order],
        pairs=joined(at_prices, found.pairs),
    )


def _add_singles(
    found: _Found,
    problems: tuple[Problem, Prices, Problem],
    single: Longs,
    most: Floats,
    least: Floats,
    within: float,
) -> None:
    """Add the gangs and batches `single` that something scarce suits better than the rest.

    problems: not priced, its prices, and priced without what is scarce.
    """
    problem, prices, at_prices = problems
    usual, scarce = priced(problem, prices), scarce_supplies(problem, prices)
    exclusive = exclusive_gangs(problem)
    for one in single.tolist():
        pairs, wanted = pairs_of(at_prices, one, most), scarce
        if one in exclusive:  # what it wants is all of its scope
            cost = exclusive_costs(problem, prices, pairs, exclusive[one], most)
            wanted = beside(problem, scarce, exclusive[one])
        else:
            cost = whole_costs(usual, pairs_of(usual, one, most), most)
        share = most_share(cost, float(least[one]), within)
        usable = share >= 1 if problem.demands.family[one] == Family.GANG else share > 0
        _add_single(found, at_prices, pairs, (wanted, usable), most, float(prices.unmet[one]))


def _add_single(
    found: _Found,
    at_prices: Problem,
    pairs: Pairs,
    masks: tuple[Bools, Bools],
    most: Floats,
    unmet: float,
) -> None:
    """Add a gang or batch that something scarce suits better than the rest.

    masks: bool[O] what is scarce, bool[P] what plans that matter may use. A batch of which only
    a part may be at risk takes part with all it may use.
    """
    (scarce, usable), demand = masks, int(pairs.demand[0]) if pairs.count else NO_ROW
    if demand == NO_ROW:
        return
    bound, capped = is_bound(at_prices, demand), _is_capped(at_prices, demand)
    cost = whole_costs(at_prices, pairs, most, moving=not bound)
    partner = partners(at_prices, pairs)
    wanted = scarce[pairs.supply]
    wanted[partner != NO_ROW] |= wanted[partner[partner != NO_ROW]]
    if bound and not wanted.any():
        return
    # What is safe elsewhere makes room for what is at risk here: one choice cannot say that.
    elsewhere = ~wanted & usable & (not capped)
    rest = min(float(cost[elsewhere].min(initial=np.inf)), unmet)
    kept = usable & (capped | (wanted & (bound | (cost < rest))))
    if not kept.any() and not bound:
        return
    kept[partner[kept & (partner != NO_ROW)]] = True  # to be mixed in
    found.add(demand, rest, pairs.keep(kept))


def _is_capped(problem: Problem, demand: int) -> bool:
    """True for a batch of which only a part may be at risk."""
    share = float(problem.demands.risky_share[demand])
    return bool(problem.demands.family[demand] == Family.BATCH) and 0 < share < 1


def _add_block(
    found: _Found,
    at_prices: Problem,
    block: Longs,
    scarce: Bools,
    most: Floats,
    unmet: Floats,
) -> None:
    """Add the demands of a block that has a model, where one of them sees something scarce."""
    parts = [_of_block(at_prices, int(one), scarce, most) for one in block]
    if any(scarce[pairs.supply].any() for pairs in parts):
        for one, lost, pairs in zip(block.tolist(), unmet.tolist(), parts, strict=True):
            found.add(one, lost, pairs)


def _of_block(at_prices: Problem, demand: int, scarce: Bools, most: Floats) -> Pairs:
    pairs = pairs_of(at_prices, demand, most)
    row = np.flatnonzero(at_prices.services.demand == demand)
    if not len(row):
        return pairs
    return pairs.keep(needed(at_prices, pairs, int(row[0]), scarce=scarce[pairs.supply]))


def _few_rows(problem: Problem, scarce: Bools, limited: Bools) -> Problem:
    """Return `problem` with the capacities that are scarce and the limits `limited`."""
    limits = problem.limits
    rows: Sequence[int] = np.flatnonzero(limited).tolist()
    parts = [slice(int(limits.start[row]), int(limits.start[row + 1])) for row in rows]
    size = np.array([0, *(part.stop - part.start for part in parts)], np.int64)
    kept = np.concatenate([np.empty(0, np.int64), *(np.arange(p.start, p.stop) for p in parts)])
    return replace(
        problem,
        supply=replace(problem.supply, capacity=np.where(scarce, problem.supply.capacity, np.inf)),
        limits=Limits(
            start=np.cumsum(size),
            supply=limits.supply[kept.astype(np.int64)],
            weight=limits.weight[kept.astype(np.int64)],
            high=limits.high[rows],
        ),
    )
