"""Plans where there is not enough for all: as little as can be left of each priority, in turn.

For each priority, a relaxation says how much of it must be left (`solver.level_bounds`) and which
pairs are worth having for that. The master of known ways and pairs then says who makes room: no
more may be left of priorities above, and what is left of this one is fined so much that nothing
else decides. Who is left out is spelt out in it, because no way to serve it may be known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.combination import SUPPORT, near_to, standing
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact, owners
from solver.costless import without_costs
from solver.effort import Effort, Outcome
from solver.level_bounds import LevelBounds, Relaxed
from solver.master import Master, build_master
from solver.model import Model
from solver.pairs import Pairs, with_coefficients
from solver.prices import Prices, no_prices, priced
from solver.problem import Bools, Family, Floats
from solver.rounds import know, rank
from solver.search import Search, held_to
from solver.selection import joined
from solver.work import Work

#: Rounds of the relaxation of a priority, which has settled when one lowers it by less than this
#: part; so many of those that it leaves then get all pairs there are.
_ROUNDS = 3
_SETTLED = 0.01
_LEFT_OUT = 100
#: Part of the weight of a priority by which a plan may leave more than the bound says, and the
#: master too much, and the part of that which is a rounding; the master's nodes at least and at
#: most, by its columns; its gap at most and at least.
_NEAR = 5e-4
_ROUNDING = 1e-3
_NODES = (20, 100)
_NODES_TIMES_COLUMNS = 500_000
_WIDEST = 0.5
_CLOSEST = 1e-4
#: It is solved again after it has taken away such a part of what may be too much.
_WORTHWHILE = 0.1
#: Cheap pairs of each demand that it knows, and columns that may be spelt out.
_PAIRS = 6
_MOST_COLUMNS = 6_000
#: The fine of a unit of weight is so many times one that few demands exceed. Where it is higher,
#: the engine's tolerances hide what the rest of the plan costs.
_STRICT = 10.0
_FEW_EXCEED = 0.9


def serve_by_priority(work: Work) -> None:
    """Leave less unmet of each priority in turn, and note what no plan can better.

    Raises:
        OutOfTime: the clock of the caller has run out.
        SolverError: the engine failed.
    """
    demands, forced = work.problem.demands, work.service.forced
    bounds = LevelBounds(without_costs(work.flat), forced, work.engine)
    for row, priority in enumerate(work.service.priority.tolist()):
        work.check_time()
        near = _NEAR * float(demands.weight[demands.priority == priority].sum())
        if work.search is None or _left(work, priority, forced) <= _ROUNDING * near:
            continue
        unmet = work.search.unmet
        relaxed = _relaxed(work, bounds, row, unmet)
        if relaxed is None:
            continue
        work.least_unmet[priority] = bounds.bound(relaxed, row, unmet, work.check_time)
        if _left(work, priority) - work.least_unmet[priority].value > near:
            _leave_least(work, relaxed, priority)


def _left(work: Work, priority: int, beyond: Floats | float = 0.0) -> float:
    """Weight of a priority that the plan leaves unmet, `beyond` such shares of demands."""
    if work.search is None:
        return np.inf
    demands, unmet = work.problem.demands, work.search.unmet
    return float((demands.weight * (unmet - beyond))[demands.priority == priority].sum())


def _relaxed(work: Work, bounds: LevelBounds, row: int, unmet: Floats) -> Relaxed | None:
    """The relaxation of a priority, over pairs that grow until it settles."""
    best: Relaxed | None = None
    for _ in range(_ROUNDS):
        work.check_time()
        found = bounds.relaxed(work.columns.pairs, row, unmet)
        before, best = best, best if found is None else found
        if found is None or found.value <= 0:
            break
        if before is not None and before.value - found.value <= _SETTLED * before.value:
            break
        work.columns.add_all(np.flatnonzero(found.unmet > 0)[:_LEFT_OUT])
        work.columns.grow(_in_cost(work, found.prices))
    return best


def _in_cost(work: Work, prices: Prices) -> Prices:
    """Prices in weight as prices in cost, so high that nothing else decides; no caps on shares."""
    fine = _fine(work)
    return replace(
        no_prices(work.problem),
        capacity=fine * prices.capacity,
        limit=fine * prices.limit,
        high=fine * prices.high,
        moves=fine * prices.moves,
    )


def _fine(work: Work) -> float:
    """What a unit of weight of the priority in turn is fined."""
    weight = work.problem.demands.weight
    some = weight > 0
    return _STRICT * float(np.quantile(work.fines[some] / weight[some], _FEW_EXCEED))


def _leave_least(work: Work, relaxed: Relaxed, priority: int) -> None:
    """Leave less of a priority, and again while that takes away enough of what may be too much."""
    left = _left(work, priority)
    while _leave_less(work, relaxed, priority):
        work.tell(f"priority {priority}")
        before, left = left, _left(work, priority)
        if before - left <= _WORTHWHILE * (before - work.least_unmet[priority].value):
            return


def _leave_less(work: Work, relaxed: Relaxed, priority: int) -> bool:
    """Leave less of a priority, and no more of those above; False: no better plan was found."""
    work.check_time()
    problem, plan = work.problem, work.search
    if plan is None:
        return False
    used = with_coefficients(problem, relaxed.used.demand, relaxed.used.mode, relaxed.used.supply)
    compact = build_compact(problem, joined(problem, [work.columns.pairs, used]))
    model = compact.builder.build()
    former = Search.holding(plan.decoded(), compact, model, work.engine)
    if former is None:
        return False
    know(work, former.decoded())
    point = _point(work, former, _Focus.of(work, former, priority))
    found = Search(compact, model, work.engine, point) if len(point) else former
    if rank(work, found) >= rank(work, plan):
        return False
    work.search = found
    know(work, found.decoded())
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Focus:
    """Whose part of a plan is looked at closely.

    Attributes:
        priority: of which less is to be left.
        spelt_out: bool[D], demands that take part by columns of their own, not by known ways.
        cheap: bool[P], pairs of it and of priorities above that are worth a look.
    """

    priority: int
    spelt_out: Bools
    cheap: Bools

    @classmethod
    def of(cls, work: Work, former: Search, priority: int) -> _Focus:
        """Spell out who is left out, and all ahead of those after it, if they are not too many."""
        compact, demands = former.compact, work.problem.demands
        first = work.columns.blocks.first_of(demands.count)
        ahead = demands.priority >= priority
        owner = owners(compact)
        size = np.bincount(owner[owner != NONE], minlength=demands.count)
        spelt_out = np.zeros(demands.count, np.bool_)
        for some in (ahead & (former.unmet > work.service.forced), ahead):
            whole = np.isin(first, first[some])
            spelt_out = whole if size[whole].sum() <= _MOST_COLUMNS else spelt_out
        cheap = _cheap(work, compact.pairs) & ahead[compact.pairs.demand]
        return cls(priority=priority, spelt_out=spelt_out, cheap=cheap)

    def opened(self, compact: Compact, master: Master) -> Bools:
        """bool[N]: columns of the master that are looked at."""
        owner = owners(compact)
        chosen = (owner != NONE) & self.spelt_out[owner]
        chosen[compact.main[self.cheap]] = True
        found = np.zeros(len(master.model.cost), np.bool_)
        found[: len(master.kept)] = chosen[master.kept]
        return found


def _cheap(work: Work, pairs: Pairs) -> Bools:
    """bool[P]: a few pairs of each demand that are cheap at the first prices."""
    problem = work.flat if work.prices is None else priced(work.flat, work.prices)
    each = with_coefficients(problem, pairs.demand, pairs.mode, pairs.supply)
    batch, serves = (each.family == one for one in (Family.BATCH, Family.SERVICE))
    hours = problem.demands.mode_hours[each.mode]
    cost = each.compute + each.extra + each.move
    cost += np.where(batch, each.unit_cost * each.amount / hours, 0.0)
    cost = np.where(serves, each.unit_cost / each.amount, cost)
    order = np.lexsort((cost, each.demand))
    demand = each.demand[order]
    number = np.arange(len(demand)) - np.searchsorted(demand, demand)
    cheap = np.zeros(pairs.count, np.bool_)
    cheap[order[number < _PAIRS]] = True
    return cheap


def _point(work: Work, former: Search, focus: _Focus) -> Floats:
    """A point of the restricted model that leaves less; empty: none was found."""
    compact, demands = former.compact, work.problem.demands
    blocks = [one for one in work.columns.blocks.models if not focus.spelt_out[one].any()]
    first = {int(one[0]) for one in blocks}
    ways = [way for way in work.columns.ways if int(way.demands[0]) in first]
    master = build_master(compact, _fined(work, former, focus.priority), blocks, ways)
    known = standing(master, compact, former, blocks)
    answer = work.engine.solve_linear(master.model)
    if known is None or answer is None or answer.outcome is not Outcome.OPTIMAL:
        return np.empty(0)
    chosen = (answer.x > SUPPORT) | focus.opened(compact, master)
    leaving = demands.priority <= focus.priority
    opened = near_to(master, compact, former, chosen, blocks, leaving=leaving)
    weight = float(demands.weight[demands.priority == focus.priority].sum())
    gap = _NEAR * weight * _fine(work) / max(float(opened.cost @ known), 1.0)
    columns = int((opened.high > opened.low).sum())
    nodes = int(np.clip(_NODES_TIMES_COLUMNS // max(columns, 1), *_NODES))
    effort = Effort(gap=min(max(gap, _CLOSEST), _WIDEST), nodes=nodes, known=known)
    point = work.engine.solve_integer(opened, effort).x
    return master.point(point) if len(point) else point


def _fined(work: Work, former: Search, priority: int) -> Model:
    """The model of a plan with fines for what stays unmet, the highest for one priority.

    No more stays unmet of those above than the plan leaves.
    """
    compact, model = former.compact, former.incumbent.model
    demands, cost = work.problem.demands, model.cost.copy()
    own = demands.priority == priority
    cost[compact.unmet] += np.where(own, _fine(work) * demands.weight, work.fines)
    model = replace(model, cost=cost)
    for above in np.unique(demands.priority[demands.priority > priority]):
        member = np.flatnonzero(demands.priority == above)
        column, weight = compact.unmet[member], demands.weight[member]
        model = held_to(model, column, weight, former.incumbent.x)
    return model
