"""Plans at prices, and better plans: what is left out is served, what stands badly moves."""

from __future__ import annotations

import numpy as np

from solver.compact import build_compact
from solver.first_plan import first_plan
from solver.improvement import Improvement
from solver.prices import Prices, priced
from solver.problem import Family
from solver.rounds import adopt, is_huge, know, level_service, rank
from solver.sampling import MANY
from solver.search import Search
from solver.way_costs import best_ways
from solver.work import Work

#: Steps of improvement in a round: some, and more by the number of demands.
_STEPS = 20
_STEPS_PER_DEMAND = 0.05
#: Gangs and batches at most all of whose pairs are looked at, so that they make room.
_HOLDERS = 500


def plan_at(work: Work, prices: Prices) -> None:
    """Plan one demand at a time at `prices`.

    Of too many demands to combine few pairs are known; of those that are left out, all are looked
    at. Of very many, a cheap plan that leaves some is served before it is judged.
    """
    plan = first_plan(work.problem, prices=prices)
    former = None
    if is_huge(work):
        work.columns.add_all(np.flatnonzero(work.missed(plan.unmet) > 0))
    elif work.problem.demands.count > MANY:
        former = work.set_aside()
    adopt(work, plan)
    if former is not None:
        serve(work)
        if work.search is None or rank(work, former) < rank(work, work.search):
            work.search = former


def serve(work: Work) -> None:
    """Serve what the plan left out, where that can be; better before it is combined than after."""
    if work.search is None or work.prices is None:
        return
    widen(work)
    if work.search.compact.is_whole and (work.missed(work.search.unmet) > 0).any():
        improvement_of(work, work.search, work.prices).repair(work.check_time)
        know(work, work.search.decoded())
        work.report("repaired", work.cost, work.bound)


def widen(work: Work) -> None:
    """Look at all known pairs; at all there are of what is left out, and of who holds its place.

    Few pairs are known of each demand, and where one is left out the cheap ones are taken.
    """
    if work.search is None:
        return
    plan = work.search.decoded()
    missed = np.flatnonzero(work.missed(plan[2]) > 0)
    work.columns.add_all(missed)
    pairs, held = work.columns.pairs, plan[0]
    wanted = np.unique(pairs.supply[np.isin(pairs.demand, missed)])
    holders = np.unique(held.demand[np.isin(held.supply, wanted)])
    holders = holders[work.problem.demands.family[holders] != Family.SERVICE]
    work.columns.add_all(holders[:_HOLDERS].astype(np.int64))
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
    work.report("settled", work.cost, work.bound)
    know(work, work.search.decoded())


def improvement_of(work: Work, search: Search, first: Prices) -> Improvement:
    """At the prices of the best bound, or the `first` ones."""
    prices = first if work.best is None else work.best.prices
    return Improvement(
        search=search,
        blocks=work.columns.blocks,
        unserved=work.missed,
        prices=prices,
        certificate=None if work.best is None else work.best.certificate,
        seed=work.limits.seed,
        ways=best_ways(priced(work.flat, prices), prices, work.columns.ways),
    )


def improve(work: Work) -> None:
    """Serve what was left out, then solve again what falls short of the bound."""
    if work.search is None or work.prices is None:
        return
    serve(work)
    if not work.search.compact.is_whole:
        return
    improvement = improvement_of(work, work.search, work.prices)
    improvement.settle(work.is_good, work.check_time)
    work.report("settled", work.cost, work.bound)
    steps = int(_STEPS + _STEPS_PER_DEMAND * work.problem.demands.count)
    improvement.improve(steps, work.is_good, work.check_time)
    if not work.is_good():
        improvement.solve_all(work.check_time)
    work.report("improved", work.cost, work.bound)
    plan = work.search.decoded()
    know(work, plan)
    missed = frozenset(np.flatnonzero(work.missed(plan[2]) > 0).tolist())
    if missed and missed == work.given_up:
        level_service(work)  # serving more has been tried twice
    work.given_up = missed
