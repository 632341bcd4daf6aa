"""What still stands of an allocation made for an earlier problem: a start for the search.

Prices, capacities and demands may have changed since. Demands are gone through by priority: what
a supply, a limit or a rule on scopes no longer gives is left out, gangs whole, and the routes of
services are made anew for the units that are left. It is a start and nothing more: what it leaves
unmet the search serves, and what has become dear the search replaces.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.asking import Engine
from solver.compact import build_compact
from solver.compact_columns import Longs
from solver.effort import Effort
from solver.first_plan import unproven
from solver.one_by_one import idle_readers, joined, joined_routes, without, without_the_whole
from solver.pairs import Pairs, may_ever_run, with_coefficients
from solver.problem import Family, Floats, Problem
from solver.remainder import Remainder
from solver.search import held_alone
from solver.service_kept import kept_routes
from solver.slices import slice_demands, slice_pairs
from solver.solution import Allocation, Solution
from solver.ways import Way, nothing, way_of

#: Part of a whole by which units and shares may differ through rounding.
_ROUNDING = 1e-6


def standing(problem: Problem, held: Allocation, engine: Engine) -> Solution | None:
    """Return what still stands of `held` as a plan of `problem`.

    Args:
        problem: what is asked today.
        held: what was held, in the numbers of `problem`: pairs need not be admitted any more,
            units and shares may be too many; `unit_hours` are not read.
        engine: routes services, and tells whether the rest keeps the rules over the plan.

    Returns:
        A plan that keeps all rules, except where rows over the whole plan refuse it
        (`Problem.is_coupled`): `solver.optimize.solve` looks at these itself. None: nothing
        stands, or it stands against a rule that no caller looks at again.
    """
    keeping = _Keeping(problem, held, engine)
    order = np.argsort(-problem.demands.priority, kind="stable")
    ways = [keeping.keep(one) for one in order.tolist()]
    unmet = np.ones(problem.demands.count)
    unmet[order] = [float(way.unmet[0]) for way in ways]
    idle = idle_readers(problem.reads, unmet)
    unmet[idle] = 1.0
    allocation = joined([way.allocation for way in ways])
    allocation = without(allocation, idle[allocation.demand])
    if not len(allocation.demand):
        return None
    routes = joined_routes([way.routes for way in ways])
    plan = (allocation, routes, unmet)
    if not problem.is_coupled and held_alone(problem, plan, engine) is None:
        return None
    return unproven(problem, plan, "warm start")


def _rows(held: Allocation, chosen: Longs | slice) -> Allocation:
    return Allocation(**{name: getattr(held, name)[chosen] for name in Allocation.__slots__})


class _Keeping:
    """Keeps what one demand after another held; what is kept is gone for the next."""

    def __init__(self, problem: Problem, held: Allocation, engine: Engine) -> None:
        self._left = Remainder(problem)
        self._plain = replace(without_the_whole(problem), together=())
        self._engine = engine
        self._held = _rows(held, np.lexsort((held.supply, held.mode, held.demand)))
        rows = self._held
        self._first = np.searchsorted(rows.demand, np.arange(problem.demands.count + 1))
        self._pairs = with_coefficients(self._plain, rows.demand, rows.mode, rows.supply)
        self._may_run = may_ever_run(self._plain, self._pairs)

    def keep(self, demand: int) -> Way:
        """The way of `demand` that is left of what it held."""
        mine = np.arange(self._first[demand], self._first[demand + 1])
        usable = self._may_run[mine] & self._left.usable(demand, self._held.supply[mine])
        family = self._plain.demands.family[demand]
        if family == Family.GANG:
            rows, pairs = _rows(self._held, mine), self._pairs.rows(mine)
            return self._gang(demand, rows, pairs, is_usable=bool(usable.all()))
        mine = mine[usable]
        kept, left = self._trimmed(demand, _rows(self._held, mine))
        if not len(kept.demand):
            return nothing(np.array([demand], np.int64))
        pairs = self._pairs.rows(mine[left])
        return self._batch(kept, pairs) if family == Family.BATCH else self._service(kept, pairs)

    def _trimmed(self, demand: int, rows: Allocation) -> tuple[Allocation, Longs]:
        """Take no more units of each row than are left; int64[.]: the rows with any."""
        every = np.arange(len(rows.demand))
        if (rows.units > 0).all() and self._left.gives(rows):
            self._left.take(demand, rows)
            return rows, every
        kept: list[Allocation] = []
        left: list[int] = []
        for row in every.tolist():
            one = _rows(rows, slice(row, row + 1))
            units = np.minimum(one.units, np.floor(self._left.most[one.supply])).astype(np.int64)
            if units[0] > 0:
                kept.append(replace(one, units=units))
                left.append(row)
                self._left.take(demand, kept[-1])
        return joined(kept), every[left]

    def _gang(self, demand: int, rows: Allocation, pairs: Pairs, *, is_usable: bool) -> Way:
        """All of it or nothing: as many units as it takes today, owned ones mixed in or not."""
        none = nothing(np.array([demand], np.int64))
        owned = self._plain.supply.owned[rows.supply]
        mixes = len(rows.supply) == 2 and int(owned.sum()) == 1
        if not is_usable or not (len(rows.supply) == 1 or mixes):
            return none
        amount = float(pairs.amount[0])
        one_pool = len(np.unique(self._plain.supply.pool[rows.supply])) == 1
        if not one_pool or len(np.unique(rows.mode)) != 1 or int(rows.units.sum()) != amount:
            return none
        at_risk = float(rows.units[pairs.risky].sum())
        if at_risk > float(self._plain.demands.risky_share[demand]) * amount + _ROUNDING:
            return none
        if not self._left.gives(rows):
            return none
        self._left.take(demand, rows)
        kept = replace(rows, unit_hours=_gang_hours(self._plain, rows), share=rows.units / amount)
        return replace(none, allocation=kept, unmet=np.zeros(1))

    def _batch(self, rows: Allocation, pairs: Pairs) -> Way:
        """As much of the work as its units do in their hours today, no more of it at risk."""
        demand = int(rows.demand[0])
        hours = self._plain.demands.mode_hours[rows.mode]
        share = np.minimum(np.maximum(rows.share, 0.0), rows.units * hours / pairs.amount)
        most = float(self._plain.demands.risky_share[demand])
        sure, risky = float(share[~pairs.risky].sum()), float(share[pairs.risky].sum())
        if most < 1 and (1 - most) * risky > most * sure:  # a part of what is served, not of all
            share[pairs.risky] *= most * sure / ((1 - most) * risky)
        share /= max(1.0, float(share.sum()))
        unit_hours = share * pairs.amount
        units = np.minimum(np.ceil(unit_hours / hours - _ROUNDING), rows.units)
        units = np.maximum(units, 1.0).astype(np.int64)
        whole = float(share.sum())
        kept = replace(rows, units=units, unit_hours=unit_hours, share=share)
        return Way(
            demands=np.array([demand], np.int64),
            allocation=without(kept, share <= _ROUNDING),
            routes=joined_routes([]),
            unmet=np.array([0.0 if whole >= 1 - _ROUNDING else 1 - whole]),
        )

    def _service(self, rows: Allocation, pairs: Pairs) -> Way:
        """Routes for as much of the load as its units carry under the service's own rules."""
        routes = kept_routes(self._plain, self._left, pairs, rows.units.astype(np.float64))
        if routes is not None:
            hours = self._plain.demands.mode_hours[rows.mode]
            held = replace(rows, unit_hours=rows.units * hours, share=rows.units * pairs.amount)
            demand = rows.demand[:1].astype(np.int64)
            return Way(demands=demand, allocation=held, routes=routes, unmet=np.zeros(1))
        part = slice_demands(self._plain, np.unique(rows.demand).astype(np.int64))
        compact = build_compact(part.problem, slice_pairs(pairs, part))
        model = compact.builder.build()
        low, high = model.low.copy(), model.high.copy()
        low[compact.main] = high[compact.main] = rows.units
        cost = np.zeros(len(model.cost))
        cost[compact.unmet] = 1.0
        fixed = replace(model, low=low, high=high, cost=cost)
        answer = self._engine.solve_integer(fixed, Effort(gap=0.0))
        return way_of(compact, answer.x, part) if len(answer.x) else nothing(part.demand)


def _gang_hours(problem: Problem, rows: Allocation) -> Floats:
    """float64[N], hours billed of the units of a gang."""
    demands = problem.demands
    risk = problem.supply.risk[rows.supply]
    spoilage = demands.spoilage[demands.spoilage_row[rows.demand], risk]
    return np.asarray(rows.units * demands.mode_hours[rows.mode] * spoilage, np.float64)
