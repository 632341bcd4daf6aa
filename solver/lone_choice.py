"""The cheapest way of one gang or batch on what is left, by arithmetic.

A gang tries every pair, with owned units of its pool mixed in where that is cheaper or the only
way. A batch fills its pairs by cost per share; that is the best way unless whole units, shared
limits or rules get in the way, and where they do by more than the gap, no answer is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.lone_bounds import filled, filled_alone
from solver.pairs import Pairs
from solver.problem import NO_ROW, Floats, Problem
from solver.remainder import Remainder
from solver.scopes import scope_of
from solver.solution import Allocation
from solver.tier_steps import Steps, has_class, reachable_steps, steps_cost

Longs = NDArray[np.int64]

#: Shares below this are rounding, not decisions (as for engines, see `solver.decode`).
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How one demand is served; `unmet` in [0, 1], `cost` in the problem's unit."""

    allocation: Allocation
    unmet: float
    cost: float


def nothing_taken() -> Choice:
    """Return the choice of a demand that nothing serves."""
    nothing = np.empty(0, np.int64)
    allocation = _allocation(0, nothing, nothing, np.empty((3, 0)))
    return Choice(allocation=allocation, unmet=1.0, cost=0.0)


def gang_choice(problem: Problem, left: Remainder, pairs: Pairs) -> Choice:
    """Return the cheapest way of a gang.

    Args:
        problem: what is asked; its rows over the whole plan are not minded.
        left: what is left.
        pairs: the pairs of the gang that are admitted and usable; none: it stays unmet.
    """
    if not pairs.count:
        return nothing_taken()
    share = float(problem.demands.risky_share[pairs.demand[0]])
    alone = (pairs.amount <= left.most[pairs.supply] + 1e-9) & (~pairs.risky | (share >= 1))
    whole = pairs.compute + pairs.extra + _moves(problem, pairs).full
    best, pair, mixed, partner = np.inf, NO_ROW, 0, NO_ROW
    if alone.any():
        pair = int(np.argmin(np.where(alone, whole, np.inf)))
        best = float(whole[pair])
    for one, other in _mixing(problem, pairs):
        units, saved = _best_mix(problem, left, pairs, one, other)
        if units > 0 and whole[one] - units * saved < best:
            best, pair, mixed, partner = float(whole[one] - units * saved), one, units, other
    if pair == NO_ROW:
        return nothing_taken()
    return Choice(allocation=_gang(problem, pairs, pair, partner, mixed), unmet=0.0, cost=best)


def _mixing(problem: Problem, pairs: Pairs) -> Iterator[tuple[int, int]]:
    """(pair, pair of the owned supply of its pool) wherever a gang may mix them."""
    stock = problem.supply
    owned = stock.owned[pairs.supply]
    if not owned.any():
        return
    pool = stock.pool[pairs.supply]
    keys = list(zip(pairs.mode.tolist(), pool.tolist(), strict=True))
    owned_of = {keys[one]: one for one in np.flatnonzero(owned).tolist()}
    for one in np.flatnonzero(~owned & np.isin(pool, pool[owned])).tolist():
        if keys[one] in owned_of:
            yield one, owned_of[keys[one]]


def _best_mix(
    problem: Problem, left: Remainder, pairs: Pairs, one: int, other: int
) -> tuple[int, float]:
    """Return (units best placed on the owned supply, what each saves); 0 units: no way."""
    stock, amount = problem.supply, float(pairs.amount[one])
    supply, partner = int(pairs.supply[one]), int(pairs.supply[other])
    share = float(problem.demands.risky_share[pairs.demand[one]]) if pairs.risky[one] else 1.0
    least = max(1.0, amount - left.capacity[supply], amount * (1 - min(share, 1.0)))
    most = min(amount - 1, left.capacity[partner])
    weights: dict[int, list[float]] = {}
    for which, at in enumerate((supply, partner)):
        for row, weight in zip(*(part.tolist() for part in left.limits_of(at)), strict=True):
            weights.setdefault(row, [0.0, 0.0])[which] += weight
    for row, (own, owned) in weights.items():
        room, change = max(float(left.high[row]), 0.0) - own * amount, owned - own
        if change > 0:
            most = min(most, room / change)
        elif change < 0:
            least = max(least, room / change)
        elif room < -1e-9:
            return 0, 0.0
    least, most = np.ceil(least - 1e-9), np.floor(most + 1e-9)
    hours = float(problem.demands.mode_hours[pairs.mode[one]])
    per_unit = stock.unit_cost[partner] + hours * (stock.hour_cost + stock.extra)[partner]
    saved = float((pairs.compute[one] + pairs.extra[one]) / amount - per_unit)
    if most < least:
        return 0, saved
    return int(most if saved > 0 else least), saved


def _gang(problem: Problem, pairs: Pairs, pair: int, partner: int, mixed: int) -> Allocation:
    demands = problem.demands
    amount = float(pairs.amount[pair])
    hours = float(demands.mode_hours[pairs.mode[pair]])
    risk = problem.supply.risk[pairs.supply[pair]]
    spoilt = hours * float(demands.spoilage[demands.spoilage_row[pairs.demand[pair]], risk])
    own = amount - mixed
    rows = [(own, own * spoilt, own / amount)]
    at = [pair]
    if mixed:
        at.append(partner)
        rows.append((float(mixed), mixed * hours, mixed / amount))
    chosen = np.array(at, np.int64)
    columns = np.array(rows, np.float64).T
    return _allocation(int(pairs.demand[pair]), pairs.mode[chosen], pairs.supply[chosen], columns)


def _allocation(
    demand: int,
    mode: NDArray[np.integer],
    supply: NDArray[np.integer],
    columns: Floats,
) -> Allocation:
    """Join columns, float64[3, n], of units, unit-hours and share."""
    units, unit_hours, share = columns
    return Allocation(
        demand=np.full(len(units), demand, np.int32),
        mode=mode.astype(np.int32),
        supply=supply.astype(np.int32),
        units=np.rint(units).astype(np.int64),
        unit_hours=unit_hours,
        share=share,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """What moving the data of a demand costs.

    Attributes:
        full: float64[P], the whole to the place of each pair.
        group: int32[P], class of `Tiers` that bills it; `NO_ROW`: flat.
        steps: the steps of each class.
    """

    full: Floats
    group: NDArray[np.int32]
    steps: dict[int, Steps]

    def saved(self, amount: float) -> float:
        """The most that parts of `amount` cost less than their shares of `full`.

        A class whose steps fall saves nothing; one whose first units are free, at most those.
        """
        return sum(_most_saved(one, amount) for one in self.steps.values())


def _most_saved(steps: Steps, amount: float) -> float:
    """The most that a part of `amount` costs less than its share of the whole: at a step's end."""
    share = steps.width.cumsum() / amount * steps_cost(steps, amount)
    return float((share - (steps.width * steps.cost).cumsum()).max(initial=0.0))


def _moves(problem: Problem, pairs: Pairs) -> _Moves:
    demand, tiers = int(pairs.demand[0]), problem.tiers
    if tiers is None or not has_class(problem, demand):
        flat = np.full(pairs.count, NO_ROW, np.int32)
        return _Moves(full=pairs.move, group=flat, steps={})
    amount = float(problem.demands.data_amount[demand])
    place = problem.supply.place[pairs.supply]
    group = tiers.class_of[problem.demands.data_row[demand], place]
    steps = {
        one: reachable_steps(tiers, one, amount)
        for one in sorted(set(group.tolist()))
        if one != NO_ROW
    }
    full = pairs.move.copy()
    for one, found in steps.items():
        full[group == one] = steps_cost(found, amount)
    return _Moves(full=full, group=group, steps=steps)


def batch_choice(problem: Problem, left: Remainder, pairs: Pairs, gap: float) -> Choice | None:
    """Return a way of a batch within `gap` of its cheapest; None where this shows none.

    Args:
        problem: what is asked; its rows over the whole plan are not minded.
        left: what is left.
        pairs: the pairs of the batch that are admitted and usable; none: it stays unmet.
        gap: relative; inf: any way will do, and one that leaves a part unmet.
    """
    if not pairs.count:
        return nothing_taken()
    moves, proven = _moves(problem, pairs), bool(np.isfinite(gap))
    demand = int(pairs.demand[0])
    hours = problem.demands.mode_hours[pairs.mode]
    held = pairs.amount / hours * pairs.unit_cost
    rate = pairs.compute + pairs.extra + moves.full + held
    risky_share = float(problem.demands.risky_share[demand])
    bound = np.zeros(pairs.count)
    if proven:
        bound = filled_alone(rate, pairs, left.most[pairs.supply] * hours, risky_share)
    room = _Room(left, pairs, hours)
    share = filled(rate, pairs.risky, risky_share, room.take)
    unmet = max(1.0 - float(share.sum()), 0.0)
    short = proven and unmet > 1.0 - float(bound.sum()) + _TOLERANCE
    at_risk = unmet > _TOLERANCE and risky_share < 1 and pairs.risky.any()
    if short or at_risk:
        return None
    if not _stands_together(problem, demand, pairs.supply[share > 0]):
        return None
    choice = _batch_choice_of(problem, pairs, moves, share)
    if not proven:
        return choice
    least = float(bound @ rate) - moves.saved(float(problem.demands.data_amount[demand]))
    return choice if choice.cost <= least * (1 + gap) + 1e-9 else None


def _batch_choice_of(problem: Problem, pairs: Pairs, moves: _Moves, share: Floats) -> Choice:
    """The choice that a batch's shares, float64[P], are, in whole units."""
    used = share.nonzero()[0]
    hours, work = problem.demands.mode_hours[pairs.mode[used]], pairs.amount[used] * share[used]
    units = np.maximum(np.ceil(work / hours - _TOLERANCE), 1.0)
    unit_hours = np.minimum(work, units * hours)
    columns = np.array([units, unit_hours, unit_hours / pairs.amount[used]])
    unmet = max(1.0 - float(share.sum()), 0.0)
    return Choice(
        allocation=_allocation(
            int(pairs.demand[0]), pairs.mode[used], pairs.supply[used], columns
        ),
        unmet=0.0 if unmet < _TOLERANCE else unmet,
        cost=_shared_cost(problem, pairs, moves, share) + float(units @ pairs.unit_cost[used]),
    )


def _shared_cost(problem: Problem, pairs: Pairs, moves: _Moves, share: Floats) -> float:
    """What hours and moves of a batch cost in shares, float64[P]; units held are left out."""
    flat = np.where(moves.group == NO_ROW, moves.full, 0.0)
    cost = float((share * (pairs.compute + pairs.extra + flat)).sum())
    amount = float(problem.demands.data_amount[pairs.demand[0]])
    for group, steps in moves.steps.items():
        cost += steps_cost(steps, amount * float(share[moves.group == group].sum()))
    return cost


class _Room:
    """What is left while one batch takes pair after pair."""

    def __init__(self, left: Remainder, pairs: Pairs, hours: Floats) -> None:
        self._left, self._pairs, self._hours = left, pairs, hours
        self._units: dict[int, float] = {}
        self._held: dict[int, float] = {}

    def take(self, pair: int, part: float) -> float:
        """Take up to `part` of the work at a pair; return what is taken."""
        supply, amount = int(self._pairs.supply[pair]), float(self._pairs.amount[pair])
        hours = float(self._hours[pair])
        row, weight = self._left.limits_of(supply)
        limits = list(zip(row.tolist(), weight.tolist(), strict=True))
        most = float(self._left.most[supply]) - self._units.get(supply, 0.0)
        for limit, each in limits:
            high = float(self._left.high[limit]) - self._held.get(limit, 0.0)
            most = min(most, float(np.floor(high / each + 1e-9)))
        if most < 1:
            return 0.0
        taken = min(part, most * hours / amount)
        if taken <= _TOLERANCE:
            return 0.0
        units = max(1.0, float(np.ceil(taken * amount / hours - _TOLERANCE)))
        self._units[supply] = self._units.get(supply, 0.0) + units
        for limit, each in limits:
            self._held[limit] = self._held.get(limit, 0.0) + each * units
        return taken


def _stands_together(problem: Problem, demand: int, supply: NDArray[np.int32]) -> bool:
    """Whether units on `supply` keep the rules that a demand's units stand in one scope."""
    return all(
        len(np.unique(scope_of(problem, supply, rule.level))) <= 1
        for rule in problem.together
        if demand in rule.demands
    )
