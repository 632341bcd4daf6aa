"""Gangs and batches of very many demands, placed all at once around services that stand.

With the services of a plan standing, what gangs and batches do is an assignment: shares of pairs,
one row for each demand, one for each supply and limit. Its relaxation is solved in seconds for
tens of thousands of demands, and nearly all of them are whole in it. They are then placed one at
a time where it has them: gangs first, the dearest first, then batches, whose units are whole.
Who finds his place taken takes the cheapest that is left at the relaxation's duals.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from solver.blocks import Longs
from solver.effort import LinearAnswer, Outcome
from solver.first_plan import plain_cost
from solver.model import Model, by_row
from solver.one_by_one import joined, without
from solver.pairs import Listing, Pairs, with_coefficients
from solver.prices import Prices, no_prices
from solver.problem import Bools, Family, Floats, Problem
from solver.remainder import Remainder
from solver.search import Planned
from solver.selection import joined as joined_pairs
from solver.solution import Allocation

#: What is unmet is fined by so many times what serving it costs.
_FINE = 3.0
#: Part of a share, and of a unit, that is a rounding.
_ROUNDING = 1e-6
#: Ways to place them, the best of which counts: the least share of a pair that a gang takes in
#: each of the relaxations but the last. Who does not get it waits for the next.
_SURE: tuple[tuple[float, ...], ...] = ((), (0.5,))
#: What a share of the relaxation is worth beside the cost: it decides between what costs alike.
_SHARE = 1e-4


def packed(
    problem: Problem,
    plan: Planned,
    pairs: Pairs,
    movable: Longs,
    stake: Floats,
    solve: Callable[[Model], LinearAnswer | None],
) -> Planned | None:
    """Place gangs and batches of a plan anew, everybody else stays; None: that has no solution.

    Args:
        problem: what is asked; of its rows over the plan, capacities and limits are kept.
        plan: keeps capacities and limits.
        pairs: known pairs, of anybody.
        movable: gangs and batches that the formula prices and no rule keeps from others.
        stake: float64[D], about what serving each costs.
        solve: solves linear models.
    """
    moves = np.zeros(problem.demands.count, np.bool_)
    moves[movable] = True
    rows = plan[0]
    standing = without(rows, moves[rows.demand])
    held = with_coefficients(problem, rows.demand, rows.mode, rows.supply)
    known = joined_pairs(problem, [pairs, held])
    known = known.keep(moves[known.demand] & _may_stand(problem, known))
    packing = _Packing(problem, standing, known, _FINE * np.maximum(stake, 1.0), solve)
    family = problem.demands.family[movable]
    waiting = movable[np.lexsort((-stake[movable], family == Family.BATCH))]
    best: tuple[float, list[Allocation], Longs] | None = None
    for sure in _SURE:
        found = packing.place(waiting, sure)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
    if best is None:
        return None
    unmet = plan[2].copy()
    unmet[movable] = 0.0
    unmet[best[2]] = 1.0
    return joined([standing, *best[1]]), plan[1], unmet


def movable_in(problem: Problem, plain: Longs) -> Longs:
    """Return int64[.], those of the `plain` demands that no rule on scopes speaks of."""
    ruled = {one for rule in problem.apart for group in rule.groups for one in group}
    ruled |= {one for rule in problem.together for one in rule.demands}
    return np.setdiff1d(plain, np.array(sorted(ruled), np.int64))


def _by_demand(rows: Allocation) -> list[Allocation]:
    order = np.argsort(rows.demand, kind="stable")
    demand = rows.demand[order]
    first = np.flatnonzero(np.diff(demand, prepend=-1))
    parts = np.split(order, first[1:]) if len(order) else []
    return [_rows_of(rows, part) for part in parts]


def _rows_of(rows: Allocation, part: Longs) -> Allocation:
    return Allocation(
        demand=rows.demand[part],
        mode=rows.mode[part],
        supply=rows.supply[part],
        units=rows.units[part],
        unit_hours=rows.unit_hours[part],
        share=rows.share[part],
    )


def _may_stand(problem: Problem, pairs: Pairs) -> Bools:
    """bool[P]: False where a supply may be lost, and not all of the demand may be at risk."""
    safe = problem.demands.risky_share[pairs.demand] < 1
    return np.asarray(~(safe & pairs.risky), np.bool_)


def _fits(pairs: Pairs, left: Remainder) -> Bools:
    """bool[P]: pairs on which a gang, or one unit of a batch, finds room."""
    least = np.where(pairs.family == Family.GANG, pairs.amount, 1.0)
    return np.asarray(least <= left.most[pairs.supply] + _ROUNDING, np.bool_)


def _units(problem: Problem, pairs: Pairs) -> Floats:
    """float64[P], units of the whole demand at each pair; a batch's may be a part of one."""
    hours = problem.demands.mode_hours[pairs.mode]
    return np.where(pairs.family == Family.GANG, pairs.amount, pairs.amount / hours)


class _Packing:
    """Places gangs and batches around what stands, in more than one way."""

    def __init__(
        self,
        problem: Problem,
        standing: Allocation,
        known: Pairs,
        fine: Floats,
        solve: Callable[[Model], LinearAnswer | None],
    ) -> None:
        self._problem, self._standing, self._known = problem, standing, known
        self._fine, self._solve = fine, solve
        self._first: LinearAnswer | None = None

    def place(
        self, waiting: Longs, sure: tuple[float, ...]
    ) -> tuple[float, list[Allocation], Longs] | None:
        """Place demands in their order: cost with fines, what they take, and who is left out.

        `sure`: shares of the relaxations before the last, as `_Placing.place` says.
        """
        left = Remainder(self._problem)
        for some in _by_demand(self._standing):
            left.take(int(some.demand[0]), some)
        taken: list[Allocation] = []
        known = self._known
        for number, share in enumerate((*sure, 0.0)):
            known = known.keep(np.isin(known.demand, waiting) & _fits(known, left))
            relaxation = _Relaxation(self._problem, known, np.sort(waiting), self._fine, left)
            answer = self._first if number == 0 else None  # it is the same for all
            answer = answer or self._solve(relaxation.model)
            if answer is None or answer.outcome is not Outcome.OPTIMAL:
                return None
            self._first = self._first or answer
            prices = relaxation.prices(answer)
            placing = _Placing(self._problem, known, answer.x[: known.count], prices, left)
            found = [placing.place(demand, share) for demand in waiting.tolist()]
            taken += [one for one in found if one is not None]
            waiting = waiting[[one is None for one in found]]
        cost = plain_cost(self._problem, joined(taken)) + float(self._fine[waiting].sum())
        return cost, taken, waiting


class _Relaxation:
    """Shares of pairs: each demand once or fined, within what is left of supplies and limits."""

    def __init__(
        self, problem: Problem, pairs: Pairs, movable: Longs, fine: Floats, left: Remainder
    ) -> None:
        # A batch never holds less than one unit: ceil(share x units) >= share x max(units, 1).
        units = np.maximum(_units(problem, pairs), 1.0)
        self._problem, count, demands = problem, pairs.count, len(movable)
        index, limit, weight = left.limits_among(pairs.supply)
        bound = np.isfinite(left.capacity[pairs.supply])
        self._supply, at = np.unique(pairs.supply[bound], return_inverse=True)
        self._limit, row = np.unique(limit, return_inverse=True)
        self._first = demands
        supplies = demands + len(self._supply)
        rows = (np.searchsorted(movable, pairs.demand), np.arange(demands), demands + at)
        every = np.arange(count)
        columns = (every, count + np.arange(demands), every[bound], index)
        high = (
            np.maximum(left.capacity[self._supply], 0.0),
            np.maximum(left.high[self._limit], 0),
        )
        entries = by_row(
            np.concatenate([*rows, supplies + row]).astype(np.int64),
            np.concatenate(columns).astype(np.int64),
            np.concatenate([np.ones(count + demands), units[bound], weight * units[index]]),
        )
        self.model = Model(
            cost=np.concatenate([_costs(pairs, units), fine[movable]]),
            low=np.zeros(count + demands),
            high=np.ones(count + demands),
            integral=np.zeros(count + demands, np.bool_),
            row=entries[0],
            column=entries[1],
            value=entries[2],
            row_low=np.concatenate([np.ones(demands), np.full(sum(map(len, high)), -np.inf)]),
            row_high=np.concatenate([np.ones(demands), *high]),
        )

    def prices(self, answer: LinearAnswer) -> Prices:
        """Prices of capacities and limits."""
        found, worth = no_prices(self._problem), np.maximum(-answer.dual[self._first :], 0.0)
        found.capacity[self._supply] = worth[: len(self._supply)]
        found.limit[self._limit] = worth[len(self._supply) :]
        return found


def _costs(pairs: Pairs, units: Floats) -> Floats:
    """float64[P], what all of a demand costs at each pair."""
    return pairs.compute + pairs.extra + pairs.move + units * pairs.unit_cost


class _Placing:
    """Places one demand after another on what is left."""

    def __init__(
        self, problem: Problem, pairs: Pairs, share: Floats, prices: Prices, left: Remainder
    ) -> None:
        self._problem, self._left, self._prices = problem, left, prices
        self._pairs, self._share = pairs, share
        self._first = pairs.first_of_demand(problem.demands.count)
        self._listing = Listing.of(problem)
        limits = problem.limits
        each = limits.weight * np.repeat(prices.limit, np.diff(limits.start))
        charge = np.bincount(limits.supply, weights=each, minlength=problem.supply.count)
        self._charge = prices.capacity + charge

    def place(self, demand: int, sure: float) -> Allocation | None:
        """Take what the relaxation gives a demand; None: there is no room for it.

        `sure`: least share of a pair that a gang takes; 0: it takes what is cheapest, as batches
        then do, and all pairs are looked at where known ones are taken.
        """
        own = slice(int(self._first[demand]), int(self._first[demand + 1]))
        pairs, share = self._pairs.part(own.start, own.stop), self._share[own]
        if sure > 0:
            has = share >= (sure if len(share) and pairs.family[0] == Family.GANG else _ROUNDING)
            pairs, share = pairs.keep(has), share[has]
        found = self._chosen(pairs, share)
        if found is None and sure <= 0:
            pairs = self._listing.pairs(self._problem, np.array([demand]), self._left.most)
            pairs = pairs.keep(_may_stand(self._problem, pairs))
            found = self._chosen(pairs, np.zeros(pairs.count))
        if found is None:
            return None
        taken = self._taken(pairs, *found)
        self._left.take(demand, taken)
        return taken

    def _taken(self, pairs: Pairs, at: Longs, units: Floats, part: Floats) -> Allocation:
        demands = self._problem.demands
        hours, amount = demands.mode_hours[pairs.mode[at]], pairs.amount[at]
        unit_hours = np.minimum(part * amount, units * hours)
        if pairs.family[0] == Family.GANG:
            risk = self._problem.supply.risk[pairs.supply[at]]
            row = demands.spoilage_row[pairs.demand[at]]
            unit_hours = units * hours * demands.spoilage[row, risk]
        return Allocation(
            demand=pairs.demand[at],
            mode=pairs.mode[at],
            supply=pairs.supply[at],
            units=np.rint(units).astype(np.int64),
            unit_hours=unit_hours,
            share=part,
        )

    def _chosen(self, pairs: Pairs, share: Floats) -> tuple[Longs, Floats, Floats] | None:
        """Pairs, units and shares that serve all of a demand; None: there are none."""
        if not pairs.count:
            return None
        units = _units(self._problem, pairs)
        each = self._charge[pairs.supply] + pairs.unit_cost
        run = pairs.compute + pairs.extra + pairs.move
        run = run - _SHARE * share * (run + units * each)
        most = np.floor(self._left.most[pairs.supply] + _ROUNDING)
        if pairs.family[0] == Family.GANG:
            cost = np.where(units <= most + _ROUNDING, run + units * each, np.inf)
            best = int(cost.argmin())
            if not np.isfinite(cost[best]):
                return None
            return np.array([best]), units[[best]], np.ones(1)
        return filled(run, each, units, most, pairs.supply)


def filled(
    run: Floats, each: Floats, units: Floats, most: Floats, supply: Longs | np.ndarray
) -> tuple[Longs, Floats, Floats] | None:
    """Fill a batch: whole units of the cheapest first, what is left where that costs least.

    Args:
        run: float64[P], cost of all the work at each pair, units left out.
        each: float64[P], cost of holding a unit.
        units: float64[P], units of all the work; a part of one counts as a part.
        most: float64[P], whole units there are.
        supply: int[P], pairs of one supply share what there is.

    Returns:
        Pairs, units and shares; None: the work does not fit.
    """
    taken, part = np.zeros(len(run)), np.zeros(len(run))
    room, rest = most.copy(), 1.0
    rate = run + units * each
    order = np.argsort(rate, kind="stable").tolist()
    while rest > _ROUNDING:
        need = np.ceil(rest * units - _ROUNDING)
        whole = np.where(need <= room, rest * run + need * each, np.inf)
        best = int(whole.argmin())
        first = next((one for one in order if room[one] >= 1 and taken[one] == 0), None)
        if first is None and not np.isfinite(whole[best]):
            return None
        count = 0.0 if first is None else min(np.floor(rest * units[first]), room[first])
        if first is not None and not np.isfinite(whole[best]):
            count = max(count, min(room[first], need[first]))
        ends = np.isfinite(whole[best]) and (
            count < 1 or whole[best] <= _split(rate, (run, each, units, room), first, count, rest)
        )
        at, count = (best, need[best]) if ends else (int(first or 0), count)
        done = rest if ends else min(rest, count / units[at])
        taken[at] += count
        part[at] += done
        room[supply == supply[at]] -= count
        rest = 0.0 if ends else rest - done
    used = np.flatnonzero(taken)
    return used, taken[used], part[used]


def _split(
    rate: Floats,
    known: tuple[Floats, Floats, Floats, Floats],
    first: int | None,
    count: float,
    rest: float,
) -> float:
    """What `rest` costs with `count` whole units at a pair, all else at one other; inf: cannot."""
    if first is None:
        return np.inf
    run, each, units, room = known
    share = min(rest, count / units[first])
    if rest - share <= _ROUNDING:
        return float(share * rate[first])
    need = np.ceil((rest - share) * units - _ROUNDING)
    other = np.where(need <= room, (rest - share) * run + need * each, np.inf)
    other[first] = np.inf
    return float(share * rate[first] + other.min())
