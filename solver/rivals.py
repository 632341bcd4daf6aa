"""Gangs and batches that want the same scarce units: what to bound together.

At prices, a demand costs at least its cheapest pair. Several may have the same cheapest one, and
no price parts what is indivisible. Their pairs on supplies that have a price are kept, with the
capacities; whatever else a demand could do is one choice, *elsewhere*, at the least it costs there
and with room for everybody. That only adds plans, so what is bounded stays bounded. Where few
pairs matter, all of them are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.lone_bounds import partners, whole_costs
from solver.pairs import Pairs
from solver.prices import Prices, priced
from solver.problem import NO_ROW, Bools, Family, Floats, Problem
from solver.selection import joined, pairs_of
from solver.service_pairs import Longs, home_of

#: Where up to so many pairs matter, all of them are kept.
_FEW = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rivals:
    """What some demands could do.

    Attributes:
        demand: int64[r], ascending.
        elsewhere: float64[r], what each costs elsewhere; inf: it cannot.
        pairs: on scarce supplies, P, with priced coefficients.
        share: float64[P], the most share of a demand on each pair in plans that matter.
    """

    demand: Longs
    elsewhere: Floats
    pairs: Pairs
    share: Floats


def rivals_of(
    problem: Problem,
    prices: Prices,
    most: Floats,
    members: Longs,
    least: Floats,
    within: float,
) -> Rivals:
    """Return the demands among `members` that something scarce suits better than the rest.

    Args:
        problem: with flat moves, not priced.
        prices: of its shared rows.
        most: float64[O], as `most_units` says.
        members: gangs and batches.
        least: float64[D], what each costs at least.
        within: how much all together may cost beyond that in plans that matter.
    """
    everything = _rivals(problem, prices, most, members, least, within, scarce=None)
    if everything.pairs.count <= _FEW:
        return everything
    scarce = scarce_supplies(problem, prices)
    return _rivals(problem, prices, most, members, least, within, scarce=scarce)


def _rivals(
    problem: Problem,
    prices: Prices,
    most: Floats,
    members: Longs,
    least: Floats,
    within: float,
    *,
    scarce: Bools | None,
) -> Rivals:
    """Rivals for what is `scarce`, bool[O]; None: for everything."""
    at_prices = priced(problem, prices)
    demand, elsewhere, share = [], [], [np.empty(0)]
    parts: list[Pairs] = []
    for one in members.tolist():
        if scarce is not None and is_bound(problem, one):
            continue
        pairs = pairs_of(at_prices, one, most)
        limits = (float(prices.unmet[one]), float(least[one]), within)
        kept, usable, rest = _wanted(at_prices, pairs, most, scarce, limits)
        if kept.any():
            demand.append(one)
            elsewhere.append(rest)
            parts.append(pairs.keep(kept))
            share.append(usable[kept])
    return Rivals(
        demand=np.array(demand, np.int64),
        elsewhere=np.array(elsewhere, np.float64),
        pairs=joined(at_prices, parts),
        share=np.concatenate(share),
    )


def _wanted(
    at_prices: Problem,
    pairs: Pairs,
    most: Floats,
    scarce: Bools | None,
    limits: tuple[float, float, float],
) -> tuple[Bools, Floats, float]:
    """Judge the pairs of one gang or batch.

    Args:
        at_prices: priced.
        pairs: all of its own, P.
        most: float64[O], as `most_units` says.
        scarce: bool[O]; None: everything is.
        limits: cost of leaving it unmet, its least cost, and how far above that plans matter.

    Returns:
        bool[P] pairs that are wanted; float64[P] the most share on each; cost elsewhere.
    """
    (unmet, least, within), is_gang = limits, (pairs.family == Family.GANG).any()
    cost, partner = whole_costs(at_prices, pairs, most), partners(at_prices, pairs)
    wanted = np.ones(pairs.count, np.bool_) if scarce is None else scarce[pairs.supply]
    mixes = partner != NO_ROW
    wanted[mixes] |= wanted[partner[mixes]]
    rest = min(float(cost[~wanted].min(initial=np.inf)), unmet)
    usable = most_share(np.append(cost, rest), least, within)
    kept = wanted & (cost < rest) & ((usable[:-1] >= 1) | (not is_gang))
    kept[partner[kept & mixes]] = True  # to be mixed in
    return kept, usable[:-1], rest if usable[-1] >= 1 or not is_gang else np.inf


def is_bound(problem: Problem, demand: int) -> bool:
    """Return whether parts of a batch may not all be where they like: pairs do not add up then."""
    if problem.demands.family[demand] != Family.BATCH:
        return False
    share = float(problem.demands.risky_share[demand])
    return 0 < share < 1 or home_of(problem, demand) is not None


def scarce_supplies(problem: Problem, prices: Prices) -> Bools:
    """Return bool[O]: supplies whose units have a price, by their capacity or by a limit."""
    limits = problem.limits
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    found = prices.capacity > 0
    found[limits.supply[prices.limit[row] > 0]] = True
    return np.asarray(found, np.bool_)


def most_share(cost: Floats, least: float, within: float) -> Floats:
    """Return float64[P], the most share of a demand on each of its pairs in plans that matter.

    Shares y that sum to 1 cost sum of y x cost <= least + within; against the cheapest, whose
    cost may be below `least` where only a part may stand there, no y x (cost - cheapest) is more
    than what is left of that.

    Args:
        cost: float64[P], of all of the demand on each pair.
        least: what the demand adds to the bound.
        within: how much all demands together may cost beyond the bound.
    """
    cheapest = min(float(cost.min(initial=np.inf)), least)
    over, room = cost - cheapest, within + least - cheapest
    return np.where(over > room, room / np.maximum(over, 1e-300), 1.0)
