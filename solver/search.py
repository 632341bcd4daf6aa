"""Integer plans in a restricted model: built a few demands at a time, then improved.

Each step solves a neighbourhood in the objective's own order: what stays unmet by priority, what
is overridden, cost. The steps are counted, never timed, so the same input takes the same steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Dialogue, Engine, integer
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact, Longs, owners, ties
from solver.decode import decode
from solver.effort import Effort
from solver.links import settled
from solver.master import shared_rows
from solver.model import Model, with_row
from solver.neighbourhood import Cut, Incumbent
from solver.pairs import with_coefficients
from solver.problem import Family, Floats, Problem
from solver.selection import joined
from solver.solution import Allocation, Routes
from solver.ways import Encoder, Way

#: Gap and nodes of the model of one neighbourhood.
STEP_GAP = 1e-3
STEP_NODES = 100

#: Less than this part of an unmet share or cost is no improvement.
_NOTHING = 1e-7
#: Part of the largest weight by which a level may be missed, if that is nothing of the lightest:
#: what is cheap takes all of it, and a light demand then stays unmet by a share that shows.
_ROUNDING = 1e-9

Planned = tuple[Allocation, Routes, Floats]


def held_alone(problem: Problem, plan: Planned, engine: Engine) -> Search | None:
    """Return a plan in a model of no pairs but its own; None: it breaks a rule over demands.

    The rules of single services are not looked at, and the search takes no steps.
    """
    rows = plan[0]
    own = with_coefficients(problem, rows.demand, rows.mode, rows.supply)
    compact = build_compact(problem, joined(problem, [own]), is_whole=False)
    return Search.holding(plan, compact, compact.builder.build(), engine)


@dataclass(frozen=True, slots=True)
class Step:
    """A neighbourhood and what was found in it.

    Attributes:
        demands: int64[.], whom it is solved for.
        cut: its model.
        found: float64[n], a better point; None: none.
    """

    demands: Longs
    cut: Cut
    found: Floats | None = None


class Search:
    """The best plan so far of one restricted model, and steps that improve it."""

    def __init__(
        self,
        compact: Compact,
        model: Model,
        engine: Engine,
        x: Floats | None = None,
        routes: Routes | None = None,
    ) -> None:
        """Start from `x`, float64[N], or with everything unmet.

        Args:
            compact: where columns stand.
            model: its model; nothing in it says how much must be served.
            engine: solves the neighbourhoods.
            x: a point of the model.
            routes: of a plan that is only judged, as its model has none; None: the model's own.
        """
        start = np.zeros(len(model.cost)) if x is None else x
        if x is None:
            start[compact.unmet] = 1.0
        self.compact = compact
        self._routes = routes
        self._engine = engine
        self.incumbent = Incumbent(model, owners(compact), start, compact.switches, ties(compact))
        if x is None:
            self.settle_links()

    @classmethod
    def holding(
        cls, plan: Planned, compact: Compact, model: Model, engine: Engine
    ) -> Search | None:
        """Start from a whole plan whose pairs the model has; None: it breaks a rule of the model.

        Args:
            plan: allocation, routes, float64[D] unmet shares.
            compact: where columns stand.
            model: its model; nothing in it says how much must be served.
            engine: solves the neighbourhoods.

        Raises:
            KeyError: the model lacks a pair of the plan.
        """
        every = np.arange(compact.problem.demands.count)
        allocation, routes, unmet = plan
        way = Way(demands=every, allocation=allocation, routes=routes, unmet=unmet)
        column, value = Encoder(compact).encode(way)
        x = np.zeros(len(model.cost))
        x[column] = value
        found = cls(compact, model, engine, x, None if compact.is_whole else routes)
        if not found.settle_links():
            return None
        rows = shared_rows(compact, model, owners(compact))
        return found if found.incumbent.keeps(rows) else None

    @property
    def unmet(self) -> Floats:
        """float64[D], unmet share of each demand."""
        return self.incumbent.x[self.compact.unmet]

    @property
    def overridden(self) -> float:
        """What is overridden of first refusals, in the units of the model's columns."""
        return float(self.incumbent.x[self.compact.overrides].sum())

    def step(self, demands: Longs, *, nodes: int = STEP_NODES) -> bool:
        """Solve for `demands`; take what is better and return whether anything was taken.

        Args:
            demands: int64[.], whom to solve for.
            nodes: branch-and-bound nodes of each of its solves.

        Raises:
            ValueError: the model leaves out rows (`Compact.is_whole`).
        """
        return self.take(self._engine.run(self.trying(demands, nodes=nodes)))

    def steps(self, tries: Iterable[Dialogue[Step]], *, ahead: int) -> Iterator[Step]:
        """Yield what tries found, in their order; `ahead` as `Engine.each` says."""
        return self._engine.each(tries, ahead=ahead)

    def trying(self, demands: Longs, *, nodes: int = STEP_NODES) -> Dialogue[Step]:
        """Solve for `demands` from the plan as it is now; see `step`."""
        if not self.compact.is_whole:
            raise ValueError("a step needs the rows of services, which this model leaves out")
        step = Step(demands, self.incumbent.cut(demands))
        return self._trying(step, Effort(gap=STEP_GAP, nodes=nodes))

    def _trying(self, step: Step, effort: Effort) -> Dialogue[Step]:
        found = yield from self._served(step, effort)
        return replace(step, found=found)

    def take(self, step: Step) -> bool:
        """Take what a step found; False: it is nothing better, or others stand in its way."""
        if step.found is None or not self.incumbent.take_beside(step.cut, step.found):
            return False
        self._give_back(step.demands)
        return True

    def _give_back(self, demands: Longs) -> None:
        """Give back units that batches do not use: they cost nothing, but others want them."""
        compact, incumbent = self.compact, self.incumbent
        pairs = compact.pairs
        own = np.flatnonzero(np.isin(pairs.demand, demands) & (compact.units != NONE))
        own = own[(pairs.family[own] == Family.BATCH) & (compact.units_factor[own] == 1)]
        column = compact.units[own]
        hours = compact.problem.demands.mode_hours[pairs.mode[own]]
        needed = np.ceil(incumbent.x[compact.main[own]] * pairs.amount[own] / hours - _NOTHING)
        idle = (incumbent.x[column] > needed) & (incumbent.model.cost[column] == 0)
        order = np.argsort(column[idle])
        free = column[idle][order]
        incumbent.take(incumbent.only(free), needed[idle][order])

    def _served(self, step: Step, effort: Effort) -> Dialogue[Floats | None]:
        """Solve level by level, then overrides, then cost; None when nothing is better."""
        better, model, cut, known = False, step.cut.model, step.cut, step.cut.known
        demands, problem = step.demands, self.compact.problem
        for priority in np.unique(problem.demands.priority[demands])[::-1]:
            member = demands[problem.demands.priority[demands] == priority]
            column = cut.where(self.compact.unmet[member])
            weight = problem.demands.weight[member]
            value = float(weight @ known[column])
            if value > _NOTHING * float(weight.max()):
                x = yield from _least(model, column, weight, effort)
                if x is None:
                    return None
                reached = float(weight @ x[column])
                better |= reached < value - _NOTHING * float(weight.max())
                known = x if reached < value else known
            model = held_to(model, column, weight, known)
        overrides = cut.where(self.compact.overrides)
        if len(overrides) and float(known[overrides].sum()) > _NOTHING:
            x = yield from _least(model, overrides, np.ones(len(overrides)), effort)
            if x is None:
                return None
            better |= float(x[overrides].sum()) < float(known[overrides].sum()) - _NOTHING
            known = x if better else known
        if len(overrides):
            model = held_to(model, overrides, np.ones(len(overrides)), known)
        return (yield from _cheapest(model, known, effort, better=better))

    def settle_links(self) -> bool:
        """Give the columns that link demands their best values; False: they have none."""
        cut = self.incumbent.cut_links()
        if not len(cut.free):
            return True
        known = settled(self.compact, self.incumbent.model, cut.free, self.incumbent.x)
        if known is not None:
            self.incumbent.take(cut, known)
            if self.incumbent.keeps(self.incumbent.rows_of(cut.free)):
                return True
        answer = self._engine.solve_integer(cut.model, Effort(gap=0.0))
        if len(answer.x):
            self.incumbent.take(cut, answer.x)
        return bool(len(answer.x))

    def decoded(self) -> tuple[Allocation, Routes, Floats]:
        """Return the plan so far: allocation, routes, float64[D] unmet shares."""
        allocation, routes, unmet = decode(self.compact, self.incumbent.x)
        return allocation, routes if self._routes is None else self._routes, unmet


def _least(model: Model, column: Longs, weight: Floats, effort: Effort) -> Dialogue[Floats | None]:
    """A point with the least weight x columns the engine finds; None: none found."""
    cost = np.zeros(len(model.cost))
    cost[column] = weight
    answer = yield from integer(replace(model, cost=cost), effort)
    return answer.x if len(answer.x) else None


def _cheapest(
    model: Model, known: Floats, effort: Effort, *, better: bool
) -> Dialogue[Floats | None]:
    """A point cheaper than `known`, or `known` if that is `better` already; None: neither."""
    answer = yield from integer(model, replace(effort, known=known))
    now = float(model.cost @ known)
    if len(answer.x) and (better or answer.objective < now - _NOTHING * max(1.0, abs(now))):
        return answer.x
    return known if better else None


def held_to(model: Model, column: Longs, weight: Floats, known: Floats) -> Model:
    """Return `model` with weight x columns no more than it is at the point `known`, float64[N]."""
    value = float(weight @ known[column])
    scale = float(weight.max(initial=0.0))
    if value <= _NOTHING * scale:
        high = model.high.copy()
        high[column] = 0.0
        return replace(model, high=high)
    slack = min(_ROUNDING * scale, _NOTHING * float(weight[weight > 0].min()))
    return with_row(model, column, weight, high=value + slack)
