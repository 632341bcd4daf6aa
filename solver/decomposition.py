"""The optimizer for many demands: prices of shared rows part them, ways of blocks join them again.

1. Prices: relax a restricted model that grows by the pairs which look cheap at its own duals.
2. Bound and ways: solve each block at the prices, whole (`solver.certificate`).
3. Plan: a master combines ways; what it leaves out is repaired, then neighbourhoods of what falls
   short of its bound are solved again (`solver.improvement`).
4. The plan's own ways join the master, whose duals are better prices: back to 2.

Rounds and steps are counted, so the same problem and limits give the same plan; a clock only ends
it earlier.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.certificate import Certificate, Certifier
from solver.child import EngineProcess
from solver.columns import Columns
from solver.compact import build_compact
from solver.effort import Effort, Outcome
from solver.improvement import Improvement
from solver.master import build_master
from solver.model import Model
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.refusal_rows import overridden
from solver.relaxation import Restricted, Service, prices_of, restrict, service_of
from solver.search import Search
from solver.solution import (
    Allocation,
    LevelProof,
    Routes,
    SearchLimits,
    Solution,
    SolverError,
    Status,
    Stop,
)
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from solver.ways import ways_in

#: Rounds of the relaxation that find the first prices, and of improvement and new prices after.
_PRICE_ROUNDS = 4
ROUNDS = 4
#: Steps of improvement in a round: some, and more by the number of demands.
_STEPS = 20
_STEPS_PER_DEMAND = 0.1
_MASTER_GAP = 1e-3
_MASTER_NODES = 100
#: The relaxation has settled when fewer than this part of its pairs is new.
_SETTLED = 0.01

#: More of a demand unmet than this, beyond what must be, counts.
_UNSERVED = 1e-6

Progress = Callable[[str, float, float], None]
Planned = tuple[Allocation, Routes, Floats]


class _OutOfTime(Exception):
    """The clock of the caller has run out."""


@dataclass(slots=True)
class _Best:
    """The best bound so far and what it came from."""

    bound: float
    prices: Prices
    certificate: Certificate


@dataclass(slots=True)
class _Work:
    """Everything a run has found so far.

    Attributes:
        problem, flat, credit: what is asked; with flat moves; what these may cost too much.
        columns: pairs and ways known so far.
        service: the level of service that bounds and prices are for.
        search: the plan so far, in its restricted model; None: none yet.
        best: the best bound at `service`.
        given_up: demands that the last round of improvement left unmet.
    """

    problem: Problem
    flat: Problem
    credit: float
    limits: SearchLimits
    engine: EngineProcess
    report: Progress
    columns: Columns
    service: Service
    deadline: float | None
    search: Search | None = None
    certifier: Certifier | None = None
    best: _Best | None = None
    given_up: frozenset[int] = frozenset()

    @property
    def cost(self) -> float:
        """Cost of the plan so far; inf without one."""
        return np.inf if self.search is None else self.search.incumbent.cost

    @property
    def bound(self) -> float:
        """The best bound so far."""
        return -np.inf if self.best is None else self.best.bound

    @property
    def is_good(self) -> bool:
        """True when the plan serves what it should and is near enough to its bound."""
        if self.search is None or (self.missed(self.search.unmet) > 0).any():
            return False
        return self.cost - self.bound <= self.limits.gap * max(self.cost, 1.0)

    def missed(self, unmet: Floats) -> Floats:
        """float64[D], what shares that could be served and are not are fined."""
        level = self.service.level_of(self.problem)
        could = self.service.hard[level] & (unmet > self.service.forced + _UNSERVED)
        return np.where(could, self.columns.fines * unmet, 0.0)

    def check_time(self) -> None:
        """Raise when the clock has run out."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise _OutOfTime


def solve_decomposed(
    problem: Problem,
    limits: SearchLimits,
    *,
    engine: EngineProcess,
    start: Solution | None = None,
    progress: Progress | None = None,
) -> Solution:
    """Solve `problem` by decomposition.

    Args:
        problem: what is asked.
        limits: when to stop; `work` counts rounds.
        engine: runs the models.
        start: a whole plan found before; it is improved, or returned when nothing better is found.
        progress: called with (phase, best, bound).

    Raises:
        SolverError: the engine failed before there was any plan.
        KeyboardInterrupt: interrupted before there was any plan.
    """
    work = _begun(problem, limits, engine, progress or (lambda *_: None))
    stop = Stop.WORK
    try:
        _run(work, start)
    except _OutOfTime:
        stop = Stop.TIME
    except KeyboardInterrupt:
        if work.search is None and start is None:
            raise
        stop = Stop.INTERRUPT
    return _solution(work, start, stop)


def _begun(
    problem: Problem, limits: SearchLimits, engine: EngineProcess, report: Progress
) -> _Work:
    flat, credit = flat_below(problem)
    columns = Columns.of(problem, flat)
    forced = columns.forced()
    deadline = None if limits.seconds is None else time.monotonic() + limits.seconds
    return _Work(
        problem=problem,
        flat=flat,
        credit=credit,
        limits=limits,
        engine=engine,
        report=report,
        columns=columns,
        service=service_of(flat, forced, forced),
        deadline=deadline,
    )


def _run(work: _Work, start: Solution | None) -> None:
    if start is not None:
        _know(work, (start.allocation, start.routes, start.unmet))
    _certify(work, _first_prices(work))
    for _ in range(work.limits.work or ROUNDS):
        _combine(work, start)
        _improve(work)
        if work.is_good:
            return
        _certify(work, _better_prices(work))
        if work.is_good:
            return


def _know(work: _Work, plan: Planned) -> None:
    """Add what a plan holds to the columns."""
    services = work.problem.services.demand
    work.columns.add_allocation(plan[0])
    work.columns.add_ways(ways_in(*plan, work.columns.blocks.models, services))


def _first_prices(work: _Work) -> Prices:
    """Relax over a growing choice of pairs until the duals ask for no new ones."""
    alone = replace(work.flat, apart=())
    for number in range(_PRICE_ROUNDS):
        work.check_time()
        restricted = restrict(alone, work.columns.pairs, work.service)
        model = _with_fines(work, restricted)
        answer = work.engine.solve_linear(model)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            raise SolverError("the relaxation of the first prices has no solution")
        prices = prices_of(restricted, answer, work.service)
        before = work.columns.pairs.count
        work.columns.grow(prices)
        work.report(f"prices {number + 1}", work.cost, answer.objective - work.credit)
        if work.columns.pairs.count <= before * (1 + _SETTLED):
            break
    return prices


def _with_fines(work: _Work, restricted: Restricted) -> Model:
    """Let what must be served stay unmet, at a fine, so that few columns are no dead end."""
    compact, model = restricted.compact, restricted.model
    hard = work.service.hard[work.service.level_of(work.problem)]
    model.high[compact.unmet[hard]] = 1.0
    model.cost[compact.unmet[hard]] += work.columns.fines[hard]
    return model


def _certify(work: _Work, prices: Prices) -> None:
    """Bound at `prices`; what no plan can serve, even alone, moves the level of service."""
    work.check_time()
    if work.certifier is None:
        work.certifier = Certifier(work.flat, work.service, work.engine)
    certificate = work.certifier.certify(prices, work.check_time)
    work.columns.add_ways(certificate.ways)
    bound = certificate.bound - work.credit
    if bound > work.bound and np.isfinite(bound):
        work.best = _Best(bound=bound, prices=prices, certificate=certificate)
    work.report("bound", work.cost, work.bound)


def _combine(work: _Work, start: Solution | None) -> None:
    """Combine known ways into a plan; go on from it, or from the plan there was."""
    work.check_time()
    compact = build_compact(work.problem, work.columns.pairs)
    model = compact.builder.build()
    fined = replace(model, cost=model.cost.copy())
    fined.cost[compact.unmet] += work.columns.fines
    master = build_master(compact, fined, work.columns.blocks.models, work.columns.ways)
    answer = work.engine.solve_integer(
        master.model, Effort(gap=_MASTER_GAP, nodes=_MASTER_NODES)
    )
    found = Search(compact, model, work.engine, master.point(answer.x) if len(answer.x) else None)
    known = work.search.decoded() if work.search is not None else _planned(start)
    if known is not None:
        former = Search(compact, model, work.engine)
        if former.hold(known) and _rank(work, former) <= _rank(work, found):
            found = former
    work.search = found
    work.report("plan", work.cost, work.bound)


def _rank(work: _Work, search: Search) -> tuple[float, ...]:
    """What makes one plan better than another: unmet by priority, then cost; less is better."""
    demands = work.problem.demands
    lost = demands.weight * search.unmet
    levels = [lost[demands.priority == one].sum() for one in work.service.priority]
    return (*(round(float(one), 3) for one in levels), search.incumbent.cost)


def _planned(start: Solution | None) -> Planned | None:
    return None if start is None else (start.allocation, start.routes, start.unmet)


def _improve(work: _Work) -> None:
    """Serve what was left out, then solve again what falls short of the bound."""
    if work.search is None or work.best is None:
        return
    improvement = Improvement(
        search=work.search,
        blocks=work.columns.blocks,
        unserved=work.missed,
        prices=work.best.prices,
        certificate=work.best.certificate,
        seed=work.limits.seed,
    )
    improvement.repair(work.check_time)
    work.report("repaired", work.cost, work.bound)
    steps = int(_STEPS + _STEPS_PER_DEMAND * work.problem.demands.count)
    improvement.improve(steps, lambda: work.is_good, work.check_time)
    if not work.is_good:
        improvement.solve_all(work.check_time)
    work.report("improved", work.cost, work.bound)
    plan = work.search.decoded()
    _know(work, plan)
    _level_service(work, plan[2])


def _level_service(work: _Work, unmet: Floats) -> None:
    """Hold bounds and prices to what the plan serves, once serving more has been tried twice."""
    missed = frozenset(np.flatnonzero(work.missed(unmet) > 0).tolist())
    if missed and missed == work.given_up:
        work.service = service_of(work.flat, unmet, work.service.forced)
        work.certifier = None
        work.best = None
    work.given_up = missed


def _better_prices(work: _Work) -> Prices:
    """Duals of the master: prices that mind that ways are whole."""
    for _ in range(2):
        work.check_time()
        restricted = restrict(work.problem, work.columns.pairs, work.service)
        model = _with_fines(work, restricted)
        master = build_master(
            restricted.compact, model, work.columns.blocks.models, work.columns.ways
        )
        answer = work.engine.solve_linear(master.model)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            raise SolverError("the relaxation of the master has no solution")
        dual = master.duals(answer.dual, len(model.row_low))
        prices = prices_of(restricted, replace(answer, dual=dual), work.service)
        before = work.columns.pairs.count
        work.columns.grow(prices)
        if work.columns.pairs.count <= before * (1 + _SETTLED / 3):
            break
    return prices


def _solution(work: _Work, start: Solution | None, stop: Stop) -> Solution:
    """Put the answer together: the plan, what it costs, what is proven of it."""
    if work.search is None:
        if start is None:
            raise SolverError("the search ended without a plan")
        return replace(start, stop=stop, bound=max(work.bound, 0.0))
    allocation, routes, unmet = work.search.decoded()
    unbilled = unbilled_cost(work.problem, allocation)
    cost = work.cost - unbilled
    bound = min(max(work.bound - unbilled, 0.0), cost)
    gap = max(0.0, (cost - bound) / max(cost, 1.0))
    reached = gap <= work.limits.gap * (1 + 1e-9) + 1e-12
    return Solution(
        allocation=allocation,
        routes=routes,
        unmet=unmet,
        levels=_levels(work, unmet),
        cost=cost,
        bound=bound,
        status=Status.OPTIMAL if reached else Status.FEASIBLE,
        stop=Stop.GAP if reached else stop,
        method="decomposition",
        overridden=overridden(work.problem, allocation),
    )


def _levels(work: _Work, unmet: Floats) -> tuple[LevelProof, ...]:
    """What the plan leaves of each priority, and what no plan can serve even of each demand alone."""
    service = service_of(work.flat, unmet, work.service.forced)
    least = work.problem.demands.weight * work.service.forced
    priority = work.problem.demands.priority
    return tuple(
        LevelProof(
            priority=int(one), unmet=float(value), bound=float(least[priority == one].sum())
        )
        for one, value in zip(service.priority, service.unmet, strict=True)
    )
