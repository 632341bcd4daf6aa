"""A search that begins with an earlier plan and its prices, and looks at what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from solver.anchored import anchored, stakes_in, usable
from solver.columns import Columns
from solver.exchange import exchange
from solver.handy import HandyWays
from solver.improvement import Improvement
from solver.improving import improvement_of, repair, reseat, widen
from solver.prices import Prices, priced
from solver.rounds import certify, first_ways, judge, know
from solver.solution import Solution, SolverError
from solver.tightening import tighten, tighten_quickly
from solver.work import Work

#: Part of the demands that an earlier plan may leave for others to be served beside them.
_FEW = 0.05
#: Part of the gap that its bound may give away for blocks that are not solved, and of that, when
#: more are solved.
_UNSOLVED = 0.1
_CLOSER = 0.25
#: Exchanges of places that are tried.
_EXCHANGES = 20
#: Neighbourhoods that are solved again.
_NEIGHBOURHOODS = 20
#: A bound farther away than this, or so many times the gap asked for, is none to go on from.
_FAR = 0.1
_TIMES = 5.0
#: After its relaxations alone, one so many times as far as is asked for has the plan reseated.
_RESEATED = 1.4
#: After the first steps, one so many times as far as is asked for is looked at again.
_WIDE = 1.5


def resume(work: Work, start: Solution, prices: Prices) -> bool:
    """Go on from a plan and prices of an earlier search; False: a search has to begin anew.

    Args:
        work: nothing is known yet.
        start: what stands of the plan today.
        prices: of today's shared rows, any at all.

    Raises:
        OutOfTime: the clock of the caller has run out.
    """
    if not judge(work, start) or not _is_bounded(work, start, prices):
        return False
    _take_steps(work, _FIRST_STEPS)
    if _is_beyond(work, _WIDE):
        tighten(work)
    if _is_beyond(work, _WIDE):
        return False  # what falls short is the bound: other prices are needed
    _take_steps(work, _STEPS)
    if len(_missed(work)):
        return False
    if not work.is_good() and work.prices is not None:
        first_ways(work, work.prices)
    return True


def _is_bounded(work: Work, start: Solution, prices: Prices) -> bool:
    """Bound a plan that keeps all rules; False: it leaves many, or the bound is far away."""
    earlier = usable(work.flat, prices, work.cost)
    work.columns = Columns.of(work.problem, work.flat, prices=earlier)
    know(work, (start.allocation, start.routes, start.unmet))
    if work.search is None or len(_missed(work)) > _FEW * work.problem.demands.count:
        return False
    know(work, work.search.decoded())  # as the model writes it down
    try:
        _bound(work, earlier)
    except SolverError:
        return False  # prices out of all proportion; what was found is kept
    return not _is_far(work)


def _is_far(work: Work) -> bool:
    gap = (work.cost - work.bound) / max(work.cost, 1.0)
    return bool(gap > max(_FAR, _TIMES * work.limits.gap))


def _is_beyond(work: Work, times: float) -> bool:
    return work.cost - work.bound > times * work.limits.gap * work.cost and not work.is_good()


def _take_steps(work: Work, steps: Sequence[Callable[[Work], None]]) -> None:
    for step in steps:
        if not work.is_good():
            step(work)


def _reseat(work: Work) -> None:
    if work.search is not None and work.best is not None:
        reseat(work, work.search.decoded(), work.best.prices, rounds=1)


def _exchange(work: Work) -> None:
    exchange(work, _EXCHANGES)
    work.tell("exchanged")


def _solve_more(work: Work) -> None:
    """Bound closer at the same prices, where that may suffice."""
    best, gap = work.best, work.limits.gap * work.cost
    if best is not None and work.cost - work.bound - best.certificate.short <= gap:
        handy = HandyWays(work.flat).way
        certify(work, best.prices, slack=_CLOSER * _UNSOLVED * gap, handy=handy)


def _improve(work: Work) -> None:
    widen(work)
    improvement = _improvement(work)
    if improvement is not None:
        improvement.improve(_NEIGHBOURHOODS, work.is_good, work.check_time)
        work.tell("improved")


#: What is done, until the gap is reached; the cheapest for what it brings comes first.
_FIRST_STEPS = (_exchange, tighten_quickly)
_STEPS = (
    _exchange,
    _solve_more,
    tighten_quickly,
    _improve,
    _solve_more,
    tighten_quickly,
)


def _missed(work: Work) -> np.ndarray:
    """int64[.], demands that could be served and are not."""
    return np.flatnonzero(work.missed(work.search.unmet) > 0) if work.search else np.empty(0)


def _bound(work: Work, earlier: Prices) -> None:
    """Serve what is left out, and bound at prices near the `earlier` ones."""
    if work.search is None:
        return
    at_prices = priced(work.flat, earlier)
    work.stake = stakes_in(at_prices, work.search.decoded()[0])
    work.prices = anchored(work, earlier)
    work.tell("prices")
    if len(_missed(work)):
        widen(work)
        repair(work)
    certify(work, work.prices, slack=np.inf)
    if _is_beyond(work, _RESEATED):
        _reseat(work)
    if work.is_good():
        return
    slack = _UNSOLVED * work.limits.gap * work.cost
    certify(work, work.prices, slack=slack, handy=HandyWays(work.flat).way)


def _improvement(work: Work) -> Improvement | None:
    if work.search is None or work.prices is None or not work.search.compact.is_whole:
        return None
    return improvement_of(work, work.search, work.prices)
