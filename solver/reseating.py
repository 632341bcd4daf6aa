"""A demand gets what suits it, and who was there moves on: better plans without a model.

At the prices of a bound it is known what each demand would like to hold. Others hold it. They are
sent off, the demand takes its place, and each of them chooses anew from what is left; where all
together then cost less than before, it stays so. A step takes milliseconds. (G. Schrimpf, J.
Schneider, H. Stamm-Wilbrandt, G. Dueck, "Record breaking optimization results using the ruin and
recreate principle", J. Comp. Physics 159, 2000, doi:10.1006/jcph.1999.6413.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from solver.blocks import Longs
from solver.exclusive import exclusive_costs
from solver.exclusive_rows import exclusive_gangs, neighbours
from solver.lone_bounds import partners, whole_costs
from solver.lone_choice import Choice, batch_choice, gang_choice
from solver.one_by_one import joined_routes
from solver.pairs import Listing, Pairs, most_units
from solver.prices import Prices, priced
from solver.problem import NO_ROW, Bools, Family, Floats, Ints, Problem
from solver.remainder import Remainder
from solver.scopes import scope_of
from solver.seats import Seats
from solver.solution import Allocation, Routes
from solver.way_costs import way_cost
from solver.ways import Way

#: Wishes of a group that are tried; holders of a supply that are asked what they would lose, and
#: those that are sent off for one wish, at most.
_WISHES = 6
_ASKED = 24
_SENT_OFF = 60
#: Groups that are tried in a round at most, the most regret first, and what regret is too little,
#: as a part of the mean.
_TRIED = 3_000
_LITTLE = 0.05
#: Groups that are asked whether a gang that is alone keeps them away, and places it then tries.
_KEPT_AWAY = 400
_ELSEWHERE = 12
_ROUNDING = 1e-9


class Reseating:
    """Reseats the groups of one plan.

    Demands that read of each other, and those a provider may claim, keep their places.
    """

    def __init__(
        self,
        problem: Problem,
        plan: tuple[Allocation, Routes, Floats],
        prices: Prices,
        blocks: Sequence[Longs],
        ways: Sequence[Way],
        fines: Floats,
    ) -> None:
        """Start from a plan.

        Args:
            problem: what is asked; its rows over the whole plan count as far as `prices` charge.
            plan: allocation, routes, float64[D] unmet shares.
            prices: of a bound.
            blocks: demands that are bound to each other.
            ways: known ways of services and blocks, which they may wish for.
            fines: float64[D], cost of leaving a demand unmet.
        """
        self._problem = problem
        self._prices = replace(prices, unmet=fines)
        self._charged = priced(problem, prices)
        self._billed = priced(problem, _without_scarcity(prices))
        self._seats = Seats(problem, plan, prices, blocks)
        self._most, self._listing = most_units(problem), Listing.of(problem)
        self._every = Remainder(problem)
        self._exclusive = exclusive_gangs(problem)
        self._stays = _stays(problem)
        self._known: dict[int, list[Way]] = {}
        for way in ways:
            if not way.unmet.any():
                self._known.setdefault(int(way.demands[0]), []).append(way)
        self._losses: dict[tuple[int, int], float] = {}
        self._costs_of: tuple[dict[int, tuple[Way, float]], ...] = ({}, {})

    def plan(self) -> tuple[Allocation, Routes, Floats]:
        """Return the plan: allocation, routes, float64[D] unmet shares."""
        return self._seats.plan()

    def round(self, least: Floats, check: Callable[[], None]) -> float:
        """Try every group that stands badly once; return what is saved.

        Args:
            least: float64[D], about what each demand, or group by its first, costs at the prices.
            check: called between groups; may raise to end it, and what was saved until then stays.
        """
        regret = {
            group: self._charge(self._seats.way(group)) - float(least[members].sum())
            for group, members in self._seats.groups.items()
            if not self._stays[members].any()
        }
        mean = sum(max(one, 0.0) for one in regret.values()) / max(len(regret), 1)
        order = sorted(regret, key=lambda group: -regret[group])
        self._losses.clear()
        for costs in self._costs_of:
            costs.clear()
        saved = 0.0
        for group in order[:_TRIED]:
            if regret[group] <= _LITTLE * mean:
                break
            check()
            saved += self._better(group)
        for group, others in self._kept_away(regret, order, _LITTLE * mean).items():
            check()
            saved += self._given_way(group, others, sum(regret[other] for other in others))
        return saved

    def _kept_away(
        self, regret: Mapping[int, float], order: Sequence[int], little: float
    ) -> dict[int, list[int]]:
        """Who would stand better but for a gang that is alone, by the group of that gang."""
        alone = {self._seats.group_of(one) for one in self._exclusive}
        found: dict[int, dict[int, None]] = {}  # in order, nobody twice
        for group in order[:_KEPT_AWAY] if alone else ():
            if regret[group] <= little:
                break
            if group in alone or self._keeps(group):
                continue
            for wish in self._wishes(group)[:1]:
                rows = wish.allocation
                for one in wish.demands.tolist():
                    others = self._seats.kept_apart(one, rows.supply[rows.demand == one])
                    for other in alone.intersection(others):
                        found.setdefault(other, {})[group] = None
        return {group: list(found[group]) for group in sorted(found) if not self._keeps(group)}

    def _given_way(self, group: int, others: Sequence[int], most: float) -> float:
        """Let a group with a gang that is alone stand elsewhere, for those it keeps away.

        It may cost the group up to `most` more at the prices. Returns what is saved.
        """
        for wish in self._elsewhere(group, most):
            saved = self._reseated(group, wish, others, most)
            if saved > 0:
                return saved
        return 0.0

    def _elsewhere(self, group: int, most: float) -> list[Way]:
        """Ways of a group with a gang that is alone, the cheapest in each scope, cheapest first.

        None costs `most` more at the prices than what it has.
        """
        if len(self._seats.groups[group]) > 1:
            now = self._charge(self._seats.way(group))
            known = sorted(
                (self._charge(way), n) for n, way in enumerate(self._known.get(group, ()))
            )
            chosen = [self._known[group][n] for cost, n in known if cost < now + most]
            return chosen[:_ELSEWHERE]
        level, stands = self._exclusive[group], self._seats.way(group).allocation.supply
        pairs = self._listing.pairs(self._problem, np.array([group]), self._most)
        cost = exclusive_costs(self._problem, self._prices, pairs, level, self._most)
        scope = scope_of(self._problem, pairs.supply, level)
        here = np.isin(scope, scope_of(self._problem, stands, level))
        order = np.lexsort((cost, scope))
        order = order[np.diff(scope[order], prepend=-1) != 0]
        order = order[~here[order] & (cost[order] < cost[here].min(initial=np.inf) + most)]
        order = order[np.argsort(cost[order], kind="stable")][:_ELSEWHERE]
        partner = partners(self._charged, pairs)
        ways = [self._whole(pairs, {row, int(partner[row])} - {NO_ROW}) for row in order.tolist()]
        return [way for way in ways if way is not None]

    def _better(self, group: int) -> float:
        """Give a group the first of its wishes that saves something; return what."""
        if len(self._seats.groups[group]) == 1:
            way = self._chosen_anew(group, self._seats.choice)
            if way is not None:
                return self._saved_since(way)
        for wish in self._wishes(group):
            saved = self._reseated(group, wish)
            if saved > 0:
                return saved
        return 0.0

    def _chosen_anew(self, group: int, choose: Callable[[int], Way | None]) -> Way | None:
        """Let a group `choose` from what is left besides its own, if that costs less.

        Returns what it had; None: it has that still.
        """
        way = self._seats.leave(group)
        other = choose(group)
        saved = 0.0 if other is None else self._cost(way) - self._cost(other)
        if other is None or saved <= _ROUNDING * self._cost(way) or not self._seats.take(other):
            self._seats.put_back(way)
            return None
        return way

    def _saved_since(self, way: Way) -> float:
        """What a group saves by what it has, beside a way that it had."""
        return self._cost(way) - self._cost(self._seats.way(int(way.demands[0])))

    def _reseated(
        self, group: int, wish: Way, others: Sequence[int] = (), spare: float = 0.0
    ) -> float:
        """Give a group what it wishes if that saves something, else leave all as it was.

        It may cost up to `spare` at first, if `others` then choose anew and save more.
        """
        gone, seats = [self._seats.leave(group)], self._seats
        saved = self._saved(wish, gone, spare)
        settled = {int(way.demands[0]) for way in gone}
        for other in others if saved > -spare else ():
            way = None if other in settled else self._chosen_anew(other, self._best_left)
            if way is not None:
                gone.append(way)
                saved += self._saved_since(way)
        if saved > _ROUNDING * self._cost(gone[0]):
            moved = {int(way.demands[0]) for way in gone}
            self._losses = {key: v for key, v in self._losses.items() if key[0] not in moved}
            return saved
        for way in gone:
            if seats.is_seated(int(way.demands[0])):
                seats.leave(int(way.demands[0]))
        for way in gone:
            seats.put_back(way)
        return 0.0

    def _saved(self, wish: Way, gone: list[Way], spare: float) -> float:
        """What is saved by a wish, less than nothing down to -spare; -inf: it is not possible.

        `gone`: who had to leave, who wishes first.
        """
        if not self._make_room(wish, gone) or not self._seats.take(wish):
            return -np.inf
        before, after = sum(self._cost(way) for way in gone), self._cost(wish)
        for way in sorted(gone[1:], key=lambda one: (-self._charge(one), int(one.demands[0]))):
            found = self._next_best(way)
            if found is None:
                return -np.inf
            after += self._cost(found)
            if after >= before + spare or not self._seats.take(found):
                return -np.inf
        return before - after

    def _next_best(self, way: Way) -> Way | None:
        """What a group that had to leave takes now; None: it finds nothing."""
        group = int(way.demands[0])
        if way.unmet.any():
            return way
        return self._best_left(group)

    def _best_left(self, group: int, but: int | None = None) -> Way | None:
        """What a group without a seat chooses from what is left, or a cheaper known way."""
        chosen = (
            self._seats.choice(group, but=but) if len(self._seats.groups[group]) == 1 else None
        )
        most = np.inf if chosen is None else self._cost(chosen)
        known = sorted((self._cost(one), n) for n, one in enumerate(self._known.get(group, ())))
        for cost, number in known:
            way = self._known[group][number]
            if cost >= most:
                break
            if (but is None or but not in way.allocation.supply) and self._seats.take(way):
                return self._seats.leave(group)
        return chosen

    def _make_room(self, wish: Way, gone: list[Way]) -> bool:
        """Send off whom a wish cannot stand with, and as many others as it takes."""
        rows, seats = wish.allocation, self._seats
        for one in wish.demands.tolist():
            others = self._kept_apart(one, rows.supply[rows.demand == one])
            if len(others) > _SENT_OFF or any(self._keeps(other) for other in others):
                return False
            gone += [seats.leave(other) for other in others]
        wanted, at = np.unique(rows.supply, return_inverse=True)
        for supply, units in zip(wanted.tolist(), np.bincount(at, rows.units), strict=True):
            need = float(units) - seats.left(supply)
            if need > _ROUNDING and not self._send_off(supply, need, gone):
                return False
        return len(gone) <= _SENT_OFF

    def _kept_apart(self, demand: int, supply: Ints) -> list[int]:
        """Groups that rules on scopes forbid while a demand holds some of `supply`."""
        if demand in self._exclusive:
            beside = neighbours(self._problem, supply, self._exclusive[demand])[1]
            return self._seats.holders(beside.tolist())
        return self._seats.kept_apart(demand, supply)

    def _send_off(self, supply: int, need: float, gone: list[Way]) -> bool:
        """Send off holders of a supply that lose least for what they free."""
        offers = []
        for holder in self._seats.holders([supply])[:_ASKED]:
            rows = self._seats.way(holder).allocation
            units = float(rows.units[rows.supply == supply].sum())
            offers.append((self._loss(holder, supply) / units, holder, units))
        for loss, holder, units in sorted(offers):
            if need <= _ROUNDING or not np.isfinite(loss):
                break
            gone.append(self._seats.leave(holder))
            need -= units
        return need <= _ROUNDING

    def _loss(self, holder: int, supply: int) -> float:
        """About what a group would lose without a supply; inf: it has nowhere to go."""
        if self._keeps(holder) or len(self._seats.groups[holder]) > 1:
            return np.inf
        if (holder, supply) not in self._losses:
            way = self._seats.leave(holder)
            other = self._best_left(holder, but=supply)
            self._seats.put_back(way)
            loss = np.inf if other is None else self._cost(other) - self._cost(way)
            self._losses[holder, supply] = loss
        return self._losses[holder, supply]

    def _keeps(self, group: int) -> bool:
        return bool(self._stays[self._seats.groups[group]].any())

    def _wishes(self, group: int) -> list[Way]:
        """What a group would rather have at the prices, the best first."""
        now = self._charge(self._seats.way(group))
        is_lone = len(self._seats.groups[group]) == 1
        if is_lone and self._problem.demands.family[group] != Family.SERVICE:
            return self._lone_wishes(group, now)
        known = self._known.get(group, [])
        costs = [(self._charge(way), number) for number, way in enumerate(known)]
        better = [number for cost, number in sorted(costs) if cost < now * (1 - _ROUNDING)]
        return [known[number] for number in better[:_WISHES]]

    def _lone_wishes(self, demand: int, now: float) -> list[Way]:
        """The whole of a gang or batch on one supply, its owned units mixed in."""
        pairs = self._listing.pairs(self._charged, np.array([demand]), self._most)
        cost = whole_costs(self._charged, pairs, self._most)
        order = np.argsort(cost, kind="stable")[:_WISHES]
        better = [row for row in order.tolist() if cost[row] < now * (1 - _ROUNDING)]
        partner = partners(self._charged, pairs)
        wishes = [self._whole(pairs, {row, int(partner[row])} - {NO_ROW}) for row in better]
        return [wish for wish in wishes if wish is not None]

    def _whole(self, pairs: Pairs, rows: set[int]) -> Way | None:
        """The way of a gang or batch over some of its pairs, all of it; None: there is none."""
        some, problem = pairs.rows(np.array(sorted(rows))), self._charged
        choice: Choice | None
        if some.family[0] == Family.GANG:
            choice = gang_choice(problem, self._every, some)
        else:
            choice = batch_choice(problem, self._every, some, np.inf)
        if choice is None or choice.unmet > 0:
            return None
        return Way(
            demands=some.demand[:1].astype(np.int64),
            allocation=choice.allocation,
            routes=joined_routes([]),
            unmet=np.zeros(1),
        )

    def _charge(self, way: Way) -> float:
        """What a way costs at the prices."""
        return self._worked_out(way, self._charged, self._costs_of[1])

    def _cost(self, way: Way) -> float:
        """What a way costs, and what it leaves is fined."""
        return self._worked_out(way, self._billed, self._costs_of[0])

    def _worked_out(
        self, way: Way, problem: Problem, known: dict[int, tuple[Way, float]]
    ) -> float:
        """What a way costs in a problem; `known` keeps it, and the way, so that its id stays."""
        found = known.get(id(way))
        if found is None:
            found = known[id(way)] = (way, way_cost(problem, self._prices, way))
        return found[1]


def _without_scarcity(prices: Prices) -> Prices:
    """Prices that charge what the whole plan pays, and not what others would pay to be there."""
    none = np.zeros_like(prices.capacity)
    return replace(prices, capacity=none, limit=np.zeros_like(prices.limit))


def _stays(problem: Problem) -> Bools:
    """bool[D]: demands whose places count for others in ways that prices do not tell."""
    found = np.zeros(problem.demands.count, np.bool_)
    if problem.reads is not None:
        found[problem.reads.reader] = True
        found[problem.reads.source] = True
    if problem.refusals is not None:
        found[problem.refusals.demand] = True
    return found
