"""Plans at prices, and better plans: what is left out is served, what stands badly moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeGuard

import numpy as np

from solver.aside import Aside, parts_alone
from solver.compact import build_compact
from solver.first_plan import first_plan, unproven
from solver.handy import HandyWays
from solver.improvement import FEW, FEW_COLUMNS, MANY_COLUMNS, Improvement
from solver.packing import movable_in, packed
from solver.prices import Prices, priced
from solver.problem import Family, Problem
from solver.reseating import Reseating
from solver.rounds import adopt, is_huge, know, level_service, rank, ways_of_bound
from solver.sampling import MANY
from solver.search import Planned, Search
from solver.solution import Solution
from solver.way_costs import best_ways
from solver.ways import Way
from solver.work import Work

#: Steps of improvement in a round: some, and more by the number of demands.
_STEPS = 30
_STEPS_PER_DEMAND = 0.1
#: Rounds in which a plan is reseated, fewer at prices that are soon better, and none after one
#: that saves less than this part of the cost.
_RESEATINGS = 5
_FIRST_RESEATINGS = 2
_WORTHWHILE = 2e-3
#: Times that a plan is made again with those served first whom it left out.
_URGENT = 3
#: Where no more than this part of the demands is left out, priorities do not order a plan, and
#: it is worth while to serve them before anything is known of bounds.
_NEARLY_ALL = 0.01
#: How often who is left out of very many is tried, and so many at most of them.
_ASIDE = 300
_PASSES = 3
#: Gangs and batches at most all of whose pairs are looked at, so that they make room.
_HOLDERS = 500


def plan_at(work: Work, prices: Prices) -> None:
    """Plan one demand at a time at `prices`; first those that are bound to each other.

    A cheap plan that leaves few is served before it is judged. Of too many demands to combine few
    pairs are known; of those that are left out, all are looked at.
    """
    is_many = work.problem.demands.count > MANY
    plans = _plans_of_many(work, prices) if is_many else [_whole_plan_at(work, prices)]
    if is_huge(work):
        work.columns.add_all(np.flatnonzero(work.missed(plans[0].unmet) > 0))
    rounds = _FIRST_RESEATINGS if work.best is None else _RESEATINGS
    more = [] if is_many else _handy_ways(work, prices)
    former = work.set_aside()
    try:
        for plan in plans:
            if work.search is None:
                adopt(work, plan)
                found = (plan.allocation, plan.routes, plan.unmet)
                # One at better prices starts elsewhere; at the first ones the better of both does.
                if work.best is None and not is_many and _is_better(former, work):
                    work.search = former
                    found = former.decoded()
                reseat(work, found, prices, rounds=rounds, more=more)
        if is_nearly_whole(work) and (not is_huge(work) or parts_alone(work.problem)):
            serve(work)
    finally:
        if _is_better(former, work):
            work.search = former


def _is_better(former: Search | None, work: Work) -> TypeGuard[Search]:
    """True when a plan is better than the one so far."""
    if former is None:
        return False
    return work.search is None or rank(work, former) < rank(work, work.search)


def _handy_ways(work: Work, prices: Prices) -> list[Way]:
    """Ways of services that are cheap at `prices`, one of each, which it may wish for.

    They are no columns: a master of them as well takes an engine many times as long.
    """
    handy, at_prices = HandyWays(work.flat), priced(work.flat, prices)
    found: list[Way] = []
    for block in work.columns.blocks.models:
        work.check_time()
        way = handy.way(at_prices, block)
        if way is not None:
            found.append(way)
    return found


def plan_at_once(work: Work, prices: Prices) -> None:
    """Plan one demand at a time at `prices`, and go on from that where it is the best so far."""
    adopt(work, _whole_plan_at(work, prices))


def move_to(work: Work, prices: Prices) -> None:
    """Let who stands badly at `prices` move, in a plan that was made at others."""
    if work.search is not None:
        more = _handy_ways(work, prices)
        reseat(work, work.search.decoded(), prices, rounds=_FIRST_RESEATINGS, more=more)


def plan_again(work: Work) -> None:
    """Follow the prices of the best bound: who stands badly moves.

    Where some are left out, or demands are very many, it is planned anew.
    """
    if work.best is None:
        return
    search = work.search
    if search is None or work.problem.demands.count > MANY or work.missed(search.unmet).any():
        plan_at(work, work.best.prices)
    else:
        reseat(work, search.decoded(), work.best.prices)


def _whole_plan_at(work: Work, prices: Prices) -> Solution:
    """Plan at `prices`; who is left out is served first the next time, as is known or anyhow."""
    ahead, at_prices = ways_of_bound(work, prices), priced(work.flat, prices)
    problem, urgent = _in_turn(work), set[int]()
    best = first_plan(problem, prices=prices, ahead=ahead)
    for _ in range(0 if is_huge(work) else _URGENT):
        missed = work.missed(best.unmet)
        new = set(np.flatnonzero(missed > 0).tolist()) - urgent
        if not new:
            break
        work.check_time()
        urgent |= new
        ways = [way for way in work.columns.ways if int(way.demands[0]) in urgent]
        known = best_ways(at_prices, prices, ways)
        ahead.sort(key=lambda way: not urgent.intersection(way.demands.tolist()))
        plan = first_plan(
            problem,
            prices=prices,
            ahead=[*(known[one] for one in sorted(known)), *ahead],
            urgent=sorted(urgent),
        )
        if work.missed(plan.unmet).sum() < missed.sum():
            best = plan
    return best


def reseat(
    work: Work,
    plan: Planned,
    prices: Prices,
    *,
    rounds: int = _RESEATINGS,
    more: Sequence[Way] = (),
) -> None:
    """Make a plan better by arithmetic, and go on from it where it is better than the one so far.

    It is looked at after each round: what it saves rules over the whole plan may take back. There
    are more than so many `rounds` only while some are left out who could be served. Groups may
    wish for known ways, and for `more`.
    """
    best = work.best
    least = best.certificate.least if best is not None and best.prices is prices else work.stake
    ways = [*work.columns.ways, *more]
    reseating = Reseating(work.flat, plan, prices, work.columns.blocks.models, ways, work.fined)
    for done in range(1, _RESEATINGS + 1):
        saved = reseating.round(least, work.check_time)
        if saved > 0:
            adopt(work, unproven(work.problem, reseating.plan(), "reseated"), "reseated")
        if work.search is None or saved <= _WORTHWHILE * work.cost or work.is_good():
            break
        if done >= rounds and not work.missed(work.search.unmet).any():
            break


def _in_turn(work: Work) -> Problem:
    """The problem with priorities that say whose turn it is, each its own.

    Services come first, the cheapest first: few places suit them; the others fill what is left.
    Where nearly everybody was served before, priorities do not say who comes first.
    """
    problem, stake = work.problem, work.stake
    serves, turn = problem.demands.family == Family.SERVICE, problem.demands.priority
    if is_nearly_whole(work):
        turn = np.zeros_like(turn)
    order = np.lexsort((np.where(serves, stake, -stake), ~serves, -turn))
    turn = np.empty_like(turn)
    turn[order] = np.arange(len(order))[::-1]
    return replace(problem, demands=replace(problem.demands, priority=turn))


def is_nearly_whole(work: Work) -> bool:
    """Return whether there is a plan that leaves out next to nobody who could be served."""
    search = work.search
    return search is not None and bool((work.missed(search.unmet) > 0).mean() <= _NEARLY_ALL)


def _plans_of_many(work: Work, prices: Prices) -> list[Solution]:
    """Plans at `prices`; the better one comes first, which minds fewer rules."""
    problem = work.problem
    plan = first_plan(_in_turn(work), prices=prices, ahead=ways_of_bound(work, prices))
    work.tell("planned")
    movable = movable_in(problem, work.columns.blocks.plain)
    found = packed(
        problem,
        (plan.allocation, plan.routes, plan.unmet),
        work.columns.pairs,
        movable,
        work.stake,
        work.engine.solve_linear,
    )
    return [plan] if found is None else [unproven(problem, found, "first-plan"), plan]


def serve(work: Work) -> None:
    """Serve what the plan left out, where that can be; better before it is combined than after."""
    if work.search is None or work.prices is None:
        return
    if work.problem.demands.count > MANY and parts_alone(work.problem):
        _serve_aside(work)
    if work.search is None or (is_huge(work) and parts_alone(work.problem)):
        return
    widen(work)
    if (work.missed(work.search.unmet) > 0).any():
        repair(work)


def repair(work: Work) -> None:
    """Make room for what the plan left out, in the model there is."""
    search = work.search
    if search is None or work.prices is None or not search.compact.is_whole:
        return
    improvement = improvement_of(work, search, work.prices)
    improvement.repair(work.check_time)
    is_open = any(level.is_open for level in work.levels(search.unmet))
    if is_open and (work.missed(search.unmet) > 0).any():
        improvement.solve_all(work.check_time)
    know(work, search.decoded())
    work.tell("repaired")


def _serve_aside(work: Work) -> None:
    """Serve what was left out of very many, without a model of them all; the dearest first."""
    if work.search is None or work.prices is None:
        return
    plan = work.search.decoded()
    if not (work.missed(plan[2]) > 0).any():
        return
    prices = work.prices if work.best is None else work.best.prices
    aside = Aside(priced(work.problem, prices), plan, work.engine)
    for _ in range(_PASSES):  # who is more urgent may have been served in place of others
        missed, before = work.missed(aside.unmet), aside.unmet.copy()
        order = np.argsort(-missed, kind="stable")[: int((missed > 0).sum())]
        aside.serve(order[:_ASIDE], work.check_time)
        if (aside.unmet == before).all():
            break
    adopt(work, unproven(work.problem, aside.plan, "first-plan"))


def widen(work: Work) -> None:
    """Look at all known pairs, and at more of what is left out and of who holds its place.

    Few pairs are known of each demand, and where one is left out the cheap ones are taken. Who
    must stand where it does counts as left out as well.
    """
    if work.search is None:
        return
    plan = work.search.decoded()
    block = work.columns.blocks.first_of(work.problem.demands.count)
    missed = np.flatnonzero(np.isin(block, block[work.missed(plan[2]) > 0]))
    prices = work.prices if work.best is None else work.best.prices
    work.columns.add_all(missed, prices)
    pairs, held = work.columns.pairs, plan[0]
    wanted = np.unique(pairs.supply[np.isin(pairs.demand, missed)])
    holders = np.unique(held.demand[np.isin(held.supply, wanted)])
    holders = holders[work.problem.demands.family[holders] != Family.SERVICE]
    work.columns.add_all(holders[:_HOLDERS].astype(np.int64), prices)
    known = work.search.compact
    if not known.is_whole or work.columns.pairs.count > known.pairs.count:
        compact = build_compact(work.problem, work.columns.pairs)
        wider = Search.holding(plan, compact, compact.builder.build(), work.engine)
        work.search = work.search if wider is None else wider


def settle(work: Work) -> None:
    """Serve what was left out, then give what stands badly room; no model of many demands."""
    serve(work)
    if work.search is None or work.prices is None or not work.search.compact.is_whole:
        return
    improvement_of(work, work.search, work.prices).settle(work.is_good, work.check_time)
    work.tell("settled")
    know(work, work.search.decoded())


def improvement_of(work: Work, search: Search, first: Prices) -> Improvement:
    """At the prices of the best bound, or the `first` ones."""
    prices = first if work.best is None else work.best.prices
    best = best_ways(priced(work.flat, prices), prices, work.columns.ways)
    return Improvement(
        search=search,
        blocks=work.columns.blocks,
        unserved=work.missed,
        prices=prices,
        certificate=None if work.best is None else work.best.certificate,
        seed=work.limits.seed,
        ways={one: way.allocation for one, way in best.items()},
    )


def improve(work: Work) -> None:
    """Serve what was left out, then solve again what falls short of the bound."""
    if work.search is None or work.prices is None:
        return
    serve(work)
    if not work.search.compact.is_whole:
        return
    if work.best is not None and work.problem.demands.count <= MANY:
        reseat(work, work.search.decoded(), work.best.prices)
        widen(work)
    improvement = improvement_of(work, work.search, work.prices)
    steps = int(_STEPS + _STEPS_PER_DEMAND * work.problem.demands.count)
    most = MANY_COLUMNS if work.is_improved else FEW_COLUMNS
    work.is_improved = True
    improvement.improve(steps, work.is_good, work.check_time, most_columns=most)
    if not work.is_good() and work.serves_all:
        improvement.solve_all(work.check_time)
    work.tell("improved")
    plan = work.search.decoded()
    know(work, plan)
    missed = frozenset(np.flatnonzero(work.missed(plan[2]) > 0).tolist())
    # Serving more has been tried twice; of few it was tried for all at once.
    if missed and (missed == work.given_up or work.problem.demands.count <= FEW):
        level_service(work)
    work.given_up = missed
