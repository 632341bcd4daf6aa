"""What a gang or batch costs at least, whatever else is placed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Family, Floats, Problem
from solver.service_pairs import Longs, home_of

#: Part of a unit by which roundings may miss a whole one, and part of a whole that is nothing.
_ALIKE = 1e-9
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Lone:
    """What a gang or batch costs at least that has everything to itself.

    Attributes:
        cost: of serving all of it; inf: nothing serves it.
        dearest: most that leaving a part saves, for all of it: `cost - dearest x u` bounds what
            is left when a share u is not served.
        either: what it costs at least with what is left unmet charged.
    """

    cost: float
    dearest: float
    either: float


def lone_bound(problem: Problem, pairs: Pairs, most: Floats, unmet: float) -> Lone:
    """Return what a gang or batch costs at least over its own pairs, its home and risks minded.

    Moving it costs in proportion to what stands away from home, and work at risk is capped as a
    part of the whole: both from below. A batch fills what its cheapest pairs hold, in order; where
    prices pay for units that are held, it holds all that it may beside what it needs.

    Args:
        problem: priced.
        pairs: all of the demand's.
        most: float64[O], as `most_units` says.
        unmet: price of leaving all of it; inf: it must be served.
    """
    cost = whole_costs(problem, pairs, most)
    best = float(cost.min(initial=np.inf))
    if not pairs.count or pairs.family[0] != Family.BATCH:
        return Lone(cost=best, dearest=best, either=min(best, unmet))
    found, paid = _batch_bound(problem, pairs, cost, most, unmet), _idle_pays(problem, pairs, most)
    return Lone(cost=found.cost + paid, dearest=found.dearest, either=found.either + paid)


def _idle_pays(problem: Problem, pairs: Pairs, most: Floats) -> float:
    """What all units of a batch cost together that cost less than nothing."""
    units = np.ceil(pairs.amount / problem.demands.mode_hours[pairs.mode] - _ALIKE)
    units = np.minimum(np.maximum(units, 1.0), most[pairs.supply])
    paid = pairs.unit_cost < 0
    return float(pairs.unit_cost[paid] @ units[paid])


def _batch_bound(problem: Problem, pairs: Pairs, cost: Floats, most: Floats, unmet: float) -> Lone:
    """What a batch costs at least that holds what it needs; `cost`: float64[P], all of it."""
    best = float(cost.min())
    if not np.isfinite(best):
        return Lone(cost=best, dearest=best, either=unmet)
    risky_share = float(problem.demands.risky_share[pairs.demand[0]])
    mixed = best  # without looking at what pairs hold
    if risky_share < 1:  # of what is served, not of the whole
        safe = float(cost[~pairs.risky].min(initial=np.inf))
        mixed = risky_share * best + (1 - risky_share) * safe
    if not np.isfinite(mixed):
        return Lone(cost=np.inf, dearest=np.inf, either=unmet)
    hours = problem.demands.mode_hours[pairs.mode]
    share = filled_alone(cost, pairs, most[pairs.supply] * hours, risky_share)
    used = np.flatnonzero(share)
    part, each = share[used], cost[used]
    whole, dearest = float(part @ each), float(each.max(initial=best))
    if not np.isfinite(unmet):
        return Lone(cost=whole, dearest=dearest, either=whole)
    left = max(1.0 - float(part.sum()), 0.0)
    partly = float(part @ np.minimum(each, unmet)) + left * unmet
    # Both are bounds: the one forgets that risk is a part of what is served, the other capacity.
    return Lone(cost=whole, dearest=dearest, either=max(partly, min(mixed, unmet)))


def filled_alone(rate: Floats, pairs: Pairs, unit_hours: Floats, risky_share: float) -> Floats:
    """Return float64[P], a batch's cheapest shares if no limit is shared and no unit whole.

    Args:
        rate: float64[P], cost of all the work on each pair; inf: none of it.
        pairs: its pairs.
        unit_hours: float64[P], what each holds.
        risky_share: most of the work that may be at risk.
    """
    alone = np.where(np.isfinite(rate), np.minimum(unit_hours / pairs.amount, 1.0), 0.0)
    return filled(rate, pairs.risky, risky_share, lambda pair, _part: float(alone[pair]))


def filled(
    rate: Floats, risky: Bools, risky_share: float, take: Callable[[int, float], float]
) -> Floats:
    """Return float64[P], shares that fill the whole by `rate`, so much of it at risk at most.

    `take` says how much of a part of the whole a pair takes; it is asked once of each, in order.
    """
    share = np.zeros(len(rate))
    left, at_risk = 1.0, min(risky_share, 1.0)
    for pair in np.argsort(rate, kind="stable").tolist():
        wanted = min(left, at_risk) if risky[pair] else left
        taken = min(take(pair, wanted), wanted) if wanted > 0 else 0.0
        share[pair] = taken
        left -= taken
        at_risk -= taken if risky[pair] else 0.0
        if left <= _ROUNDING:
            break
    return share


def whole_costs(problem: Problem, pairs: Pairs, most: Floats, *, moving: bool = True) -> Floats:
    """Return float64[P], what all of a gang or batch costs at least on each of its own pairs.

    A batch takes a unit or more, parts of units too. Of a gang as many owned units are mixed in
    as is cheapest; inf: its units do not suffice. Away from home, `moving` it is in it.
    """
    units = np.maximum(pairs.amount / problem.demands.mode_hours[pairs.mode], 1.0)
    held = np.where(pairs.family == Family.BATCH, units * pairs.unit_cost, 0.0)
    cost = pairs.compute + pairs.extra + pairs.move + held
    if not pairs.count:
        return np.asarray(cost, np.float64)
    if pairs.family[0] == Family.GANG:
        cost = cost + _mixed(problem, pairs, most)
    home = home_of(problem, int(pairs.demand[0]))
    if moving and home is not None and problem.stay is not None:
        row = int(np.flatnonzero(problem.stay.demand == pairs.demand[0])[0])
        moved = float(problem.stay.cost[row]) + problem.stay.unbilled
        cost = cost + np.where(np.isin(pairs.supply, home), 0.0, moved)
    return np.asarray(cost, np.float64)


def _mixed(problem: Problem, pairs: Pairs, most: Floats) -> Floats:
    """float64[P], what the best mix with owned units adds to a gang's pairs; inf: too few."""
    partner = partners(problem, pairs)
    mixes = partner != NO_ROW
    each = most[pairs.supply]
    other = each[partner[mixes]]
    added = np.where(pairs.amount > each + _ALIKE, np.inf, 0.0)
    stock, supply = problem.supply, pairs.supply[partner[mixes]]
    amount = pairs.amount[mixes]
    hours = problem.demands.mode_hours[pairs.mode[mixes]]
    owned = stock.unit_cost[supply] + hours * (stock.hour_cost + stock.extra)[supply]
    more = owned - (pairs.compute + pairs.extra)[mixes] / amount
    least = np.ceil(np.maximum(amount - each[mixes], 0.0) - _ALIKE)
    units = np.where(more < 0, np.minimum(amount - 1, other), least)
    enough = least <= np.minimum(amount - 1, other)
    added[mixes] = np.where(enough, np.maximum(units, 0.0) * more, np.inf)
    return added


def partners(problem: Problem, pairs: Pairs) -> Longs:
    """Return int64[P]: the pair whose owned units a gang's pair may mix in; `NO_ROW`: none."""
    stock = problem.supply
    key = pairs.mode.astype(np.int64) * (int(stock.pool.max(initial=0)) + 1)
    key += stock.pool[pairs.supply]
    found = np.full(pairs.count, NO_ROW, np.int64)
    owned = np.flatnonzero(stock.owned[pairs.supply] & (pairs.family == Family.GANG))
    if len(owned):
        order = owned[np.argsort(key[owned], kind="stable")]
        at = np.minimum(np.searchsorted(key[order], key, side="right") - 1, len(order) - 1)
        mixes = (key[order[at]] == key) & ~stock.owned[pairs.supply]
        found[mixes] = order[at[mixes]]
    return found


def cheapest_mixing(problem: Problem, pairs: Pairs, most: Floats, keep: int) -> Pairs:
    """Return the cheapest pairs of a gang that may mix, and those of the units they mix in.

    Args:
        problem: priced.
        pairs: all of the gang's; where none of them may mix, none are returned.
        most: float64[O], as `most_units` says.
        keep: so many, without those that are mixed in.
    """
    partner = partners(problem, pairs)
    if (partner == NO_ROW).all():
        return pairs.rows(np.empty(0, np.int64))
    cost = whole_costs(problem, pairs, most)
    best = np.argsort(cost, kind="stable")[:keep]
    best = best[np.isfinite(cost[best])]
    mixed = partner[best]
    return pairs.rows(np.union1d(best, mixed[mixed != NO_ROW]))
