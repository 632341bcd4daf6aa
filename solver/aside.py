"""Serving what one plan of very many demands leaves out, in models of a few of them.

A demand that is left out wants supplies that others hold. Those of them that would lose least for
what they free by standing elsewhere, alone, on what is left, are solved with it; everybody else
stays. No model of all demands is made: a few, what they hold and what is left are a problem of
their own, with nothing but capacities and limits between them and the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from solver.asking import Engine
from solver.blocks import Longs
from solver.compact import build_compact
from solver.one_by_one import joined as joined_rows
from solver.one_by_one import joined_routes
from solver.pairs import Listing, Pairs, most_units, with_coefficients
from solver.problem import NO_ROW, Bools, Family, Floats, Problem
from solver.search import Planned, Search
from solver.selection import joined
from solver.slices import Slice, slice_demands, slice_pairs
from solver.solution import Allocation, Routes
from solver.ways import Way, way_of

#: Holders that are asked; of those, how many go along, of services at most, at first and again
#: while that is too few. A gang or batch wants as many supplies.
_ASKED = 200
_COMPANY = ((8, 3), (24, 8), (40, 16))
#: Pairs of each gang or batch that goes along.
_PAIRS = 16
#: What a service is taken to lose by leaving a supply, as a part of what it holds there.
_SERVICE_LOSS = 0.05
#: A share, or part of a unit, that is a rounding.
_ROUNDING = 1e-6


def parts_alone(problem: Problem) -> bool:
    """Return whether nothing but capacities and limits joins the demands of a problem."""
    joins = (problem.tiers, problem.stay, problem.reads, problem.refusals, problem.coverage)
    rules = (problem.apart, problem.together, problem.shares)
    return (
        not any(one is not None for one in joins)
        and not any(rules)
        and not problem.accounts.count
        and not np.isfinite(problem.most_cost)
    )


class Aside:
    """A plan of many demands, changed a few at a time."""

    def __init__(self, problem: Problem, plan: Planned, engine: Engine) -> None:
        """Start from a plan.

        Args:
            problem: what is asked, at the costs that choose (prices may be in them);
                `parts_alone` holds of it.
            plan: keeps its capacities and limits.
            engine: solves the models.
        """
        self._problem, self._engine = problem, engine
        self._most = most_units(problem)
        self._listing = Listing.of(problem)
        self._rows, self._routes, self.unmet = plan[0], plan[1], plan[2].copy()
        self._changed = np.zeros(problem.demands.count, np.bool_)
        self._own: dict[int, tuple[Allocation, Routes]] = {}
        self._used = self._units(plan[0])
        self._service = np.full(problem.demands.count, -1, np.int64)
        self._service[problem.services.demand] = np.arange(problem.services.count)

    @property
    def plan(self) -> Planned:
        """The plan as it is now."""
        stays = ~self._changed[self._rows.demand]
        sent = ~self._changed[self._problem.services.demand[self._routes.service]]
        rows = [_some(self._rows, stays), *(one[0] for one in self._own.values())]
        routes = [_some(self._routes, sent), *(one[1] for one in self._own.values())]
        return joined_rows(rows), joined_routes(routes), self.unmet

    def serve(self, missed: Longs, check: Callable[[], None]) -> None:
        """Serve demands, int64[n], in turn, as far as a few others can make room.

        `check` is called before each; it may raise.
        """
        for demand in missed.tolist():
            for size, services in _COMPANY:
                if self.unmet[demand] > _ROUNDING:
                    check()
                    self._solve(demand, self._company(demand, size, services))

    def _company(self, demand: int, size: int, services: int) -> list[int]:
        """Who holds what a demand wants, and loses least for it by standing elsewhere."""
        wanted = self._wanted(demand, size)
        rows = self.plan[0] if self._own else self._rows
        own = _some(rows, np.isin(rows.supply, wanted) & (rows.demand != demand))
        order = np.argsort(-own.units, kind="stable")[:_ASKED]
        own = _some(own, order)
        holders = np.unique(own.demand).astype(np.int64)
        if not len(holders):
            return []
        freed = np.bincount(
            np.searchsorted(holders, own.demand), weights=own.units, minlength=len(holders)
        )
        ratio = self._losses(holders, own) / freed
        found: list[int] = []
        serving = 0
        for row in np.argsort(ratio, kind="stable").tolist():
            is_service = self._service[holders[row]] >= 0
            serving += is_service
            is_few = not is_service or serving <= services
            if is_few and np.isfinite(ratio[row]):
                found.append(int(holders[row]))
        return found[:size]

    def _wanted(self, demand: int, count: int) -> Longs:
        """The `count` supplies that suit a demand best; all that reach what a service leaves."""
        pairs = self._listing.pairs(self._problem, np.array([demand]), self._most)
        if self._problem.demands.family[demand] == Family.SERVICE:
            return np.unique(pairs.supply[self._reaches(demand, pairs)]).astype(np.int64)
        order = np.argsort(self._whole(pairs)[0], kind="stable")[:count]
        return np.unique(pairs.supply[order]).astype(np.int64)

    def _reaches(self, demand: int, pairs: Pairs) -> Bools:
        """bool[P]: supplies without units left, near enough to a load that is not all routed."""
        services, row = self._problem.services, int(self._service[demand])
        own = slice(int(services.load_start[row]), int(services.load_start[row + 1]))
        point, load = services.load_point[own], services.load[own]
        routes = self._part(demand)[1]
        routed = np.bincount(routes.point, weights=routes.amount, minlength=int(point.max()) + 1)
        asked = np.bincount(point, weights=load, minlength=len(routed))
        short = np.flatnonzero(routed < asked * (1 - _ROUNDING))
        most = min(float(services.near[row]), float(services.farthest[row]))
        place = self._problem.supply.place[pairs.supply]
        near = (services.distance[short][:, place] <= most).any(axis=0)
        left = self._problem.supply.capacity[pairs.supply] - self._used[pairs.supply]
        return np.asarray(near & (left < 1), np.bool_)

    def _whole(self, pairs: Pairs) -> tuple[Floats, Floats]:
        """float64[P] twice: what all of a gang or batch costs at a pair, and its units."""
        hours = self._problem.demands.mode_hours[pairs.mode]
        works = pairs.family == Family.BATCH
        units = np.where(works, np.ceil(pairs.amount / hours - _ROUNDING), pairs.amount)
        return pairs.compute + pairs.extra + pairs.move + units * pairs.unit_cost, units

    def _losses(self, holders: Longs, own: Allocation) -> Floats:
        """float64[n], what each holder loses by giving up its rows of `own`."""
        problem, stock = self._problem, self._problem.supply
        each = own.units * stock.unit_cost[own.supply]
        each = each + own.unit_hours * (stock.hour_cost + stock.extra)[own.supply]
        at = np.searchsorted(holders, own.demand)
        now = np.bincount(at, weights=each, minlength=len(holders))
        others = holders[self._service[holders] < 0]
        pairs = self._listing.pairs(problem, others, self._most)
        cost, units = self._whole(pairs)
        fits = units <= stock.capacity[pairs.supply] - self._used[pairs.supply] + _ROUNDING
        least = np.full(len(holders), np.inf)
        np.minimum.at(least, np.searchsorted(holders, pairs.demand[fits]), cost[fits])
        serves = self._service[holders] >= 0
        return np.where(serves, _SERVICE_LOSS * now, np.maximum(least - now, 0.0))

    def _solve(self, demand: int, company: list[int]) -> None:
        """Solve for a demand and its company, all others held."""
        members = np.array(sorted({demand, *company}), np.int64)
        own = [self._part(int(one)) for one in members]
        rows, routes = joined_rows([one[0] for one in own]), joined_routes([one[1] for one in own])
        held = self._units(rows)
        left = self._left(held)
        part = slice_demands(left, members)
        pairs = slice_pairs(self._pairs(demand, members, rows, left.supply.capacity), part)
        compact = build_compact(part.problem, pairs)
        known = (*_in_part(rows, routes, part), self.unmet[members])
        search = Search.holding(known, compact, compact.builder.build(), self._engine)
        if search is not None and search.step(np.arange(len(members))):
            found = way_of(compact, search.incumbent.x, part)
            self._take(members, found, held)

    def _left(self, held: Floats) -> Problem:
        """The problem with what is left for some demands, who hold float64[O]."""
        problem, limits = self._problem, self._problem.limits
        others = self._used - held
        row = np.repeat(np.arange(limits.count), np.diff(limits.start))
        taken = np.bincount(
            row, weights=limits.weight * others[limits.supply], minlength=limits.count
        )
        capacity = np.maximum(problem.supply.capacity - others, 0.0)
        return replace(
            problem,
            supply=replace(problem.supply, capacity=capacity),
            limits=replace(limits, high=np.maximum(limits.high - taken, 0.0)),
        )

    def _pairs(self, demand: int, members: Longs, rows: Allocation, left: Floats) -> Pairs:
        """All pairs of a demand and of services, what others hold, and the cheapest that fit.

        `left`: float64[O], units there are for all of them.
        """
        whole = (self._service[members] >= 0) | (members == demand)
        every = self._listing.pairs(self._problem, members[whole], self._most)
        held = with_coefficients(self._problem, rows.demand, rows.mode, rows.supply)
        others = self._listing.pairs(self._problem, members[~whole], self._most)
        least = np.where(others.family == Family.GANG, others.amount, 1.0)
        others = others.keep(least <= left[others.supply] + _ROUNDING)
        order = np.lexsort((self._whole(others)[0], others.demand))
        owner = others.demand[order]
        rank = np.arange(len(order)) - np.searchsorted(owner, owner)
        some = others.rows(np.sort(order[rank < _PAIRS]))
        return joined(self._problem, [every, held, some])

    def _part(self, demand: int) -> tuple[Allocation, Routes]:
        if demand in self._own:
            return self._own[demand]
        sent = self._routes.service == self._service[demand]
        return _some(self._rows, self._rows.demand == demand), _some(self._routes, sent)

    def _units(self, rows: Allocation) -> Floats:
        """float64[O], units that some rows hold."""
        count = self._problem.supply.count
        return np.bincount(rows.supply, weights=rows.units, minlength=count).astype(np.float64)

    def _take(self, members: Longs, found: Way, held: Floats) -> None:
        """Take what was found for some demands, who held float64[O]."""
        rows, routes = found.allocation, found.routes
        self._used += self._units(rows) - held
        self.unmet[members] = found.unmet
        for demand in members.tolist():
            sent = routes.service == self._service[demand]
            self._own[demand] = (_some(rows, rows.demand == demand), _some(routes, sent))
        self._changed[members] = True


_Rows = TypeVar("_Rows", Allocation, Routes)


def _some(rows: _Rows, chosen: np.ndarray) -> _Rows:
    """Return some rows: bool[N], or int64[n]."""
    return replace(rows, **{one.name: getattr(rows, one.name)[chosen] for one in fields(rows)})


def _in_part(rows: Allocation, routes: Routes, part: Slice) -> tuple[Allocation, Routes]:
    """Return rows in the numbers of a part."""
    demand = np.searchsorted(part.demand, rows.demand).astype(np.int32)
    mode = np.searchsorted(part.mode, rows.mode).astype(np.int32)
    service = np.searchsorted(part.service, routes.service).astype(np.int32)
    unit = np.searchsorted(part.mode, np.maximum(routes.mode, 0))
    unit = np.where(routes.mode == NO_ROW, NO_ROW, unit)
    rows = replace(rows, demand=demand, mode=mode)
    return rows, replace(routes, service=service, mode=unit.astype(np.int32))
