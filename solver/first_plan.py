"""A whole plan at once, without an engine: each demand in turn takes the cheapest that is left.

Like `solver.cheapest_first`, but services too are a matter of arithmetic
(`solver.service_choice`), and what arithmetic cannot place stays unmet. It may be guided by
prices of what demands share. It is a start for the search, not the baseline beside a plan.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from solver.compact_columns import Longs
from solver.exclusive import exclusive_costs
from solver.exclusive_rows import exclusive_gangs
from solver.first_pairs import first_pairs
from solver.lone_choice import Choice, batch_choice, gang_choice, nothing_taken
from solver.one_by_one import idle_readers, joined, joined_routes, without, without_the_whole
from solver.pairs import Listing, Pairs
from solver.prices import Prices, priced
from solver.problem import NO_ROW, Family, Floats, Level, Problem
from solver.remainder import Remainder
from solver.scopes import scope_of
from solver.service_choice import ROUNDS, service_choice
from solver.solution import Allocation, Routes, Solution, Status, Stop
from solver.tier_bounds import tiered_cost
from solver.ways import Way

#: Gap of a batch's way to its cheapest: any way is a start.
_ANY = float("inf")


def first_plan(
    problem: Problem,
    *,
    prices: Prices | None = None,
    rounds: int = ROUNDS,
    ahead: Sequence[Way] = (),
    urgent: Sequence[int] = (),
) -> Solution:
    """Serve the demands of `problem` one at a time, by arithmetic.

    Args:
        problem: all demands; its accounts, share caps, cost limit, moves, first refusals, what
            is paid for already by the hour and what demands read of each other are minded only
            as far as `prices` charge them.
        prices: of what demands share: choices are the cheapest at these; None: at their costs.
        rounds: of `service_choice`.
        ahead: ways that are taken before anybody chooses, each where all of it is left.
        urgent: demands that choose before all others, whatever their priority.

    Returns:
        The plan at its true costs. It keeps capacities, limits and all rules of single demands
        and of scopes. Its bound is 0 and proves nothing.
    """
    left, unmet = Remainder(problem), np.ones(problem.demands.count)
    whole = [way for way in ahead if not way.unmet.any()]
    stands = [way for way in whole if left.take_whole(way.demands, way.allocation)]
    taken, routes = [way.allocation for way in stands], [way.routes for way in stands]
    for way in stands:
        unmet[way.demands] = way.unmet
    # Who shares a scope with nobody finds none later on.
    exclusive = {} if prices is None else exclusive_gangs(problem)
    given = _turns(problem, stands, [urgent, list(exclusive)])
    choosing = _Choosing(problem, left, prices, given, rounds, exclusive)
    for demand in given.tolist():
        choice, sent = choosing.choose(demand)
        if sent is not None:
            routes.append(sent)
        unmet[demand] = choice.unmet
        taken.append(choice.allocation)
        left.take(demand, choice.allocation)
    idle, allocation = idle_readers(problem.reads, unmet), joined(taken)
    unmet[idle] = 1.0
    allocation = without(allocation, np.isin(allocation.demand, np.flatnonzero(idle)))
    return unproven(problem, (allocation, joined_routes(routes), unmet), "first-plan")


def _turns(problem: Problem, stands: Sequence[Way], early: Sequence[Sequence[int]]) -> Longs:
    """int64[.], who chooses, in turn: by priority, but groups of `early` first, one after another.

    Demands of ways that stand do not choose.
    """
    given = np.argsort(-problem.demands.priority, kind="stable")
    stood = [way.demands for way in stands]
    given = given[~np.isin(given, np.concatenate([np.empty(0, np.int64), *stood]))]
    for some in reversed(early):
        given = given[np.argsort(~np.isin(given, some), kind="stable")]
    return given.astype(np.int64)


def unproven(problem: Problem, plan: tuple[Allocation, Routes, Floats], method: str) -> Solution:
    """Return a plan (allocation, routes, float64[D] unmet) at `plain_cost`, with a bound of 0."""
    allocation, routes, unmet = plan
    return Solution(
        allocation=allocation,
        routes=routes,
        unmet=unmet,
        levels=(),
        cost=plain_cost(problem, allocation),
        bound=0.0,
        status=Status.FEASIBLE,
        stop=Stop.WORK,
        method=method,
    )


def plain_cost(problem: Problem, allocation: Allocation) -> float:
    """Return what units, hours and the data of `allocation` cost, as they are billed.

    Data that demands read of each other, moves from home, slacks of accounts and what is paid
    for already are left out.
    """
    stock, demands = problem.supply, problem.demands
    supply = allocation.supply
    cost = allocation.units @ stock.unit_cost[supply]
    cost += allocation.unit_hours @ (stock.hour_cost + stock.extra)[supply]
    moves = np.flatnonzero(demands.data_row[allocation.demand] != NO_ROW)
    if len(moves):
        cost += _data_cost(problem, allocation, moves)
    return float(cost) + tiered_cost(problem, allocation)


def _data_cost(problem: Problem, allocation: Allocation, moves: Longs) -> float:
    """What rows `moves` of an allocation pay for data: batches by share, others once a place."""
    demands, demand = problem.demands, allocation.demand[moves]
    row, place = demands.data_row[demand], problem.supply.place[allocation.supply[moves]]
    amount = demands.data_amount[demand] * demands.move_cost[row, place]
    if problem.tiers is not None:
        amount = np.where(problem.tiers.class_of[row, place] == NO_ROW, amount, 0.0)
    batch = demands.family[demand] == Family.BATCH
    keys = np.stack([demand, place], axis=1)[~batch]
    once = np.unique(keys, axis=0, return_index=True)[1]
    return float(amount[batch] @ allocation.share[moves][batch] + amount[~batch][once].sum())


class _Choosing:
    """Chooses for one demand after another; what is taken of `left` is gone."""

    def __init__(
        self,
        problem: Problem,
        left: Remainder,
        prices: Prices | None,
        order: Longs,
        rounds: int,
        exclusive: Mapping[int, Level],
    ) -> None:
        self.left = left
        self._problem, self._prices, self._rounds = problem, prices, rounds
        self._exclusive = exclusive
        order = order[~np.isin(order, list(exclusive))]
        self._plain = without_the_whole(problem if prices is None else priced(problem, prices))
        self._listing = Listing.of(problem)
        is_service = problem.demands.family[order] == Family.SERVICE
        most = self.left.most
        services = order[is_service]
        self._of_services = self._listing.each(self._plain, services, most, by_place=True)
        self._of_others = first_pairs(self._plain, self._listing, order[~is_service], most)

    def choose(self, demand: int) -> tuple[Choice, Routes | None]:
        """The choice for a demand, and the routes of a service; in the order that was said."""
        if demand in self._exclusive:
            return self._alone(demand, self._exclusive[demand]), None
        if self._plain.demands.family[demand] == Family.SERVICE:
            pairs = self._usable(demand, next(self._of_services))
            found = service_choice(self._plain, self.left, pairs, rounds=self._rounds, partly=True)
            return (nothing_taken(), None) if found is None else found
        choice = self._without_routes(demand, next(self._of_others))
        if choice is None or choice.unmet > 0:
            choice = self._without_routes(demand, self._all(demand))
        return nothing_taken() if choice is None else choice, None

    def _alone(self, demand: int, level: Level) -> Choice:
        """In the scope that is cheapest at prices with all it holds."""
        pairs, prices = self._usable(demand, self._all(demand)), self._prices
        if not pairs.count or prices is None:
            return nothing_taken()
        cost = exclusive_costs(self._problem, prices, pairs, level, self.left.most)
        scope = scope_of(self._problem, pairs.supply, level)
        best = pairs.keep(scope == scope[np.argmin(cost)])
        choice = gang_choice(self._plain, self.left, best)
        return choice if choice.unmet == 0 else gang_choice(self._plain, self.left, pairs)

    def _all(self, demand: int) -> Pairs:
        return self._listing.pairs(self._plain, np.array([demand]), self.left.most)

    def _usable(self, demand: int, pairs: Pairs) -> Pairs:
        usable = self.left.usable(demand, pairs.supply)
        return pairs if usable.all() else pairs.keep(usable)

    def _without_routes(self, demand: int, pairs: Pairs) -> Choice | None:
        pairs = self._usable(demand, pairs)
        if self._plain.demands.family[demand] == Family.GANG:
            return gang_choice(self._plain, self.left, pairs)
        return batch_choice(self._plain, self.left, pairs, _ANY)
