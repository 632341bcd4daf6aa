"""The optimizer for many demands: prices of shared rows part them, ways of blocks join them again.

1. Prices: relax a restricted model that grows by the pairs which look cheap at its own duals.
   Where there is not enough for all, it is shared out by priority first (`solver.by_priority`).
2. Bound and ways: solve each block at the prices, whole (`solver.certificate`).
3. Plan: a master combines ways; what it leaves out is repaired, then neighbourhoods of what falls
   short of its bound are solved again (`solver.improvement`).
4. The plan's own ways join the master, whose duals are better prices: back to 2.

Rounds and steps are counted, so the same problem and limits give the same plan; a clock only ends
it earlier.
"""

from __future__ import annotations

import time

import numpy as np

from solver.answer import answer_of
from solver.asking import Engine
from solver.by_priority import serve_by_priority
from solver.combine import combine
from solver.first_plan import first_plan, unproven
from solver.improving import (
    improve,
    is_nearly_whole,
    move_to,
    plan_again,
    plan_at,
    plan_at_once,
    reseat,
    serve,
    settle,
)
from solver.one_by_one import without
from solver.prices import Prices, no_prices
from solver.problem import Problem
from solver.refusal_rows import overriding_demands, without_overrides
from solver.resumed import resume
from solver.rounds import (
    adopt,
    better_prices,
    bound_again,
    certify,
    first_prices,
    first_ways,
    is_huge,
    judge,
    let_override,
    level_service,
)
from solver.sampled_prices import MOST
from solver.sampling import MANY
from solver.selection import CHOICES
from solver.solution import SearchLimits, Solution, SolverError, Stop
from solver.tightening import may_suffice, tighten
from solver.work import OutOfTime, PlanFirst, Progress, Work

#: Rounds of improvement and new prices where the caller names no work limit; one more for so
#: much work.
ROUNDS = 8
WORK_A_ROUND = 5_000
#: While a round makes the plan cheaper by this part, the next one does without a new bound.
_WORTHWHILE = 1e-3
#: Up to so many demands, known ways are combined in every round but the first, whatever it is for.
_FEW = 700
#: A round that moves cost and bound by less than this part of the cost is the last.
_SETTLED = 1e-4
#: Rounds of the relaxed master before the first bound: more find ways of few demands for a long
#: time, and what is bounded together afterwards brings as much. And where some stay unmet.
_FIRST_ROUNDS = 1
_ROUNDS_OF_SOME = 2
#: Rounds of the relaxed master of very many demands, and what the bound at its prices may give
#: away for not solving blocks, as a part of the gap that is asked for. Where there is no such
#: master, the bound at the prices of samples may give away such a part of the cost.
_ROUNDS_OF_MANY = 2
_NEAR = 0.07
_FAR = 0.01
#: A plan comes before better prices where the model of the first ones has more entries; and
#: there are no better prices of very many where a model of them all would have more.
_MOST_ENTRIES = 1_000_000
_MOST_ENTRIES_OF_MANY = 3_000_000


def solve_decomposed(
    problem: Problem,
    limits: SearchLimits,
    *,
    engine: Engine,
    start: Solution | None = None,
    prices: Prices | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve `problem` by decomposition.

    Plans that override no first refusal are searched first: one that serves everybody is better
    than all others. Where the one at the first prices does not, all plans are searched.

    Args:
        problem: what is asked.
        limits: when to stop; `work` counts rounds, one for every `WORK_A_ROUND`.
        engine: runs the models.
        start: a plan found before, one demand at a time; it is improved where it keeps all rules,
            and returned when nothing better is found and no rule over the plan could forbid it.
        prices: of shared rows, from an earlier search; any at all, they prove nothing. Where
            `start` is nearly whole, the search begins with a bound at these.
        progress: called with (phase, best, bound).

    Raises:
        SolverError: the engine failed before there was any plan.
        KeyboardInterrupt: interrupted before there was any plan.
    """
    if problem.demands.count > MANY:
        prices = None  # a relaxation of all of them takes too long
    report = progress or (lambda *_: None)
    deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
    kept = without_overrides(problem)
    work = Work(kept or problem, limits, engine, report, deadline, wider=kept and problem)
    # Made one demand at a time, it may break rules over the whole plan; the search looks first.
    whole = None if problem.is_coupled else start
    stop = _stopped(work, start, prices, is_known=whole is not None)
    if not _is_settled(work):
        let_override(work)  # what was proven of some plans does not hold for all
        if start is not None:
            judge(work, start)
    return answer_of(work, whole, stop)


def _stopped(work: Work, start: Solution | None, prices: Prices | None, *, is_known: bool) -> Stop:
    """Search, and return why it ended; what ends it without a plan is raised.

    `is_known`: there is a plan even if the search has none.
    """
    try:
        return _searched(work, start, prices)
    except OutOfTime:
        return Stop.TIME
    except (KeyboardInterrupt, SolverError) as error:
        if work.search is None and not is_known:
            raise
        if isinstance(error, KeyboardInterrupt):
            return Stop.INTERRUPT
        return Stop.WORK if work.limits.seconds is None else Stop.TIME


def _searched(work: Work, start: Solution | None, prices: Prices | None) -> Stop:
    """Run to the end, or until time is only left for a bound at what the plan serves."""
    stop, deadline = Stop.WORK, work.deadline
    try:
        _run(work, start, prices)
    except OutOfTime:
        stop = Stop.TIME
    work.deadline = deadline
    _bound_what_is_served(work)
    if stop is Stop.TIME and not work.is_late():
        improve(work)
    return stop


def _run(work: Work, start: Solution | None, prices: Prices | None) -> None:
    known = _allowed(work, start)
    resumed = known is not None and prices is not None and resume(work, known, prices)
    if not resumed:
        if prices is not None:  # pairs so far are those that are cheap at these
            work.columns.grow(no_prices(work.problem), CHOICES)
        _begin(work, start)
    steps_first = _takes_steps(work) and (resumed or work.problem.demands.count > MANY)
    combining = not steps_first and work.serves_all
    for number in range(_rounds(work.limits)):
        before = (work.cost, work.bound)
        again = number > 0 and work.serves_all and work.problem.demands.count <= _FEW
        if work.is_good() or _is_improved(work, start, combining=combining, again=again):
            return
        combined, combining = combining, before[0] - work.cost <= _WORTHWHILE * work.cost
        if not combining:
            continue  # the plan is still what falls short, and steps make it better
        if is_huge(work):
            return
        bound_again(work)
        if work.is_good() or (combined and _has_settled(work, before)):
            return


def _allowed(work: Work, start: Solution | None) -> Solution | None:
    """The plan `start`, in which demands choose anew that override what may not be overridden."""
    if start is None or work.wider is None:
        return start
    gone = overriding_demands(work.wider, start.allocation)
    unmet = start.unmet.copy()
    unmet[gone] = 1.0
    left = without(start.allocation, np.isin(start.allocation.demand, gone))
    return (
        unproven(work.problem, (left, start.routes, unmet), start.method) if len(gone) else start
    )


def _is_settled(work: Work) -> bool:
    """True when all plans are searched, or one that overrides nothing serves everybody."""
    return work.wider is None or (work.search is not None and work.is_whole(work.search.unmet))


def _search_all(work: Work, start: Solution | None) -> None:
    """Search among plans that override first refusals, too: without, somebody is left out."""
    let_override(work)
    if start is not None:
        adopt(work, start)


def _takes_steps(work: Work) -> bool:
    return work.search is not None and work.search.compact.is_whole


def _begin(work: Work, start: Solution | None) -> None:
    """Find a plan, prices, and a bound at these."""
    adopt(work, first_plan(work.problem, rounds=0))  # the one at prices looks closer
    known = _allowed(work, start)
    if known is not None:
        adopt(work, known)
    if not _is_settled(work) and not is_nearly_whole(work):
        _search_all(work, start)
    _first_bound(work, start)
    if work.is_good():
        return
    if work.search is not None and not is_nearly_whole(work):
        work.hold_back()  # the bound is for more than can be served
    if work.problem.demands.count > MANY:
        settle(work)
        if may_suffice(work):
            tighten(work)
    else:
        serve(work)


def _is_improved(work: Work, start: Solution | None, *, combining: bool, again: bool) -> bool:
    """Make the plan better, and the bound at its prices; True when that is good enough.

    Args:
        work: goes on from a better plan.
        start: an earlier plan.
        combining: the bound is made better first, then known ways are combined.
        again: they are combined in any case, because more are known than the last time.
    """
    if not is_huge(work):
        if combining:
            _tighten_first(work)
            if work.is_good():
                return True
        if combining or again:
            combine(work, start)
        if may_suffice(work):
            tighten(work)
        if work.is_good():
            return True
    improve(work)
    tighten(work)
    return work.is_good()


def _tighten_first(work: Work) -> None:
    """Make the bound better, and the plan by the ways that bounds have found."""
    tighten(work)
    if work.search is not None and work.best is not None:
        reseat(work, work.search.decoded(), work.best.prices)


def _first_bound(work: Work, start: Solution | None) -> None:
    """Bound at the first prices and plan at them; where that takes long, plan in between."""
    before = work.search
    first = first_prices(work, lambda prices: plan_at_once(work, prices))
    is_planned = work.search is not None and work.search is not before
    if is_planned and work.search is not None and work.is_whole(work.search.unmet):
        move_to(work, first)
    else:
        plan_at(work, first)
    if not _is_settled(work):
        _search_all(work, start)
    first = prices = _prices_of_what_is_served(work) or first
    if not is_huge(work):
        first_ways(work, first)
    is_light = work.problem.demands.count <= MANY and work.entries <= _MOST_ENTRIES
    if work.search is not None and is_light:
        prices = better_prices(work, _FIRST_ROUNDS if work.serves_all else _ROUNDS_OF_SOME)
    slack = _slack_of_many(work) if work.problem.demands.count > MANY else None
    is_plan_first = work.search is None or _leaves_some(work)
    try:
        check = work.check_first_part if is_plan_first else None
        certify(work, prices, check=check, slack=slack)
    except PlanFirst:
        if work.certifier is not None:
            work.columns.add_ways(work.certifier.ways_so_far())
        _plan_meanwhile(work, start)
        certify(work, prices, slack=slack)
    _bound_of_many(work)
    if work.best is not None and work.best.prices is not first and not work.is_good():
        plan_again(work)


def _prices_of_what_is_served(work: Work) -> Prices | None:
    """Where there is not enough for all, share it out by priority; prices of serving as much.

    A bound for serving everybody would say little of such plans; time is kept for one at what is
    served. None: there is enough, or no model of so many.
    """
    if work.search is None or is_nearly_whole(work) or work.problem.demands.count > MANY:
        return None
    deadline = work.deadline
    work.hold_back()
    try:
        serve_by_priority(work)
        serve(work)
    except OutOfTime:
        work.tell("priorities")
    finally:
        work.deadline = deadline
    level_service(work)
    return first_prices(work)


def _leaves_some(work: Work) -> bool:
    """True when not everybody is served, and there is a model of all who would do it."""
    search, few = work.search, work.problem.demands.count <= MANY
    return few and search is not None and bool((work.missed(search.unmet) > 0).any())


def _slack_of_many(work: Work) -> float:
    """What a bound of very many demands may give away, at prices that come from samples.

    Where better prices follow, all: blocks are solved at those.
    """
    is_last = not is_huge(work) and not _asks_all_of_many(work)
    return _FAR * work.cost if is_last and np.isfinite(work.cost) else np.inf


def _asks_all_of_many(work: Work) -> bool:
    """True when very many demands are all asked for prices, whose first ones came from samples.

    Where their model would be so large that its relaxation takes longer than all else, there are
    no better prices than those of the samples.
    """
    is_of_many = MANY < work.problem.demands.count <= MOST
    return is_of_many and work.search is not None and work.entries <= _MOST_ENTRIES_OF_MANY


def _bound_of_many(work: Work) -> None:
    """Ask all of very many demands for prices, and bound at these."""
    if not MANY < work.problem.demands.count <= MOST or work.search is None:
        return
    serve(work)
    if _asks_all_of_many(work):
        slack = _NEAR * work.limits.gap * work.cost
        certify(work, better_prices(work, _ROUNDS_OF_MANY), slack=slack)


def _plan_meanwhile(work: Work, start: Solution | None) -> None:
    """Look for a plan, and leave time for the bound that was put off."""
    deadline = work.deadline
    work.hold_back()
    try:
        if not is_huge(work):
            combine(work, start)
        improve(work)
    except OutOfTime:
        work.tell("plan")
    finally:
        work.deadline = deadline


def _bound_what_is_served(work: Work) -> None:
    """Bound once more where the plan leaves more than the bound is for, if it says too little."""
    if work.search is None or work.is_bounded(work.search.unmet):
        return
    if work.cost - work.bound_at(work.search.unmet) <= work.limits.gap * max(work.cost, 1.0):
        return
    level_service(work)
    certify(work, first_prices(work))
    if not work.is_good() and not is_huge(work):
        bound_again(work)


def _has_settled(work: Work, before: tuple[float, float]) -> bool:
    """True when a whole round has brought neither plan nor bound nearer."""
    cost, bound = before
    least = _SETTLED * max(work.cost, 1.0)
    nearer = abs(work.cost - cost) > least or abs(work.bound - bound) > least
    return np.isfinite(cost) and not nearer


def _rounds(limits: SearchLimits) -> int:
    return ROUNDS if limits.work is None else max(1, -(-limits.work // WORK_A_ROUND))
