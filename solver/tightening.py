"""A bound made better at its own prices: more blocks are solved, and some bounded together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE, owners
from solver.exclusive import beside
from solver.exclusive_rows import counted_whole, exclusive_gangs
from solver.problem import Bools, Floats, Problem
from solver.relaxation import charges
from solver.rounds import certifier_of, certify, slack_of
from solver.search import Search
from solver.solution import Allocation
from solver.unit_bounds import contested
from solver.work import Best, Work

#: More blocks are solved when those that were not are so many times what they may give away, or
#: such a part of what is missing; then until they give away such a part of that.
_LAX = 2.0
_MATTERS = 0.5
_LEFT = 0.25
#: What some gain together is less when more blocks are solved: by such a part of what is missing.
_SPARE = 0.5
#: Above so many demands some are bounded together only when so much of the gap is missing.
_FEW = 1_000
_CLOSE = 0.25
#: Part of what is missing that a pair of services has to cost too much to be bounded together.
_LITTLE = 0.02


def tighten(work: Work) -> None:
    """Make the bound better at its own prices.

    Blocks that were only relaxed are solved where that matters now; then some are bounded
    together, once for each bound: what is indivisible leaves a gap between prices.
    """
    work.check_time()
    if work.best is None or work.search is None:
        return
    short, usual, missing = work.best.certificate.short, slack_of(work), _missing(work)
    if short > min(_LAX * usual, _MATTERS * missing) and missing > 0:
        slack = min(usual, _LEFT * missing)
        gained = work.best.bound + work.credit - work.best.certificate.bound
        beyond = max(gained - _SPARE * missing, 0.0)
        certify(work, work.best.prices, slack=slack, beyond=beyond)
    if not work.best.joint and not work.is_good() and _may_be_joined(work):
        _bound_together(work, work.best)


def tighten_quickly(work: Work) -> None:
    """Bound gangs and batches together until the gap is reached, if that takes little work."""
    if work.best is None or not work.serves_all:
        return
    within = work.cost + work.credit - work.best.certificate.bound
    enough = within - work.limits.gap * work.cost
    if not 0 < enough < within < np.inf:
        return
    work.check_time()
    best, joint = work.best, certifier_of(work).joint
    gain = joint.of_rivals(best.prices, best.certificate.least, within, enough)
    bound = best.certificate.bound + gain - work.credit
    work.best = replace(best, bound=max(best.bound, bound))
    work.tell("bound, together")


def may_suffice(work: Work) -> bool:
    """Return whether the gap could be reached by solving more blocks, with the plan as it is."""
    return work.best is not None and work.best.certificate.short >= _missing(work)


def _missing(work: Work) -> float:
    """How far plan and bound are from being near enough, in cost."""
    return work.cost - work.bound - work.limits.gap * max(work.cost, 1.0)


def _may_be_joined(work: Work) -> bool:
    """True when bounding some together is worth its time: of many, that gains very little."""
    few = work.problem.demands.count <= _FEW
    near = _missing(work) <= _CLOSE * work.limits.gap * work.cost
    return work.serves_all and (few or near)


def _bound_together(work: Work, known: Best) -> None:
    """Bound gangs and batches together, few demands whole, and scarce supplies in whole units.

    Services that may not stand in one scope are bounded in pairs: that is cheap, and of others
    than gangs and batches, so it adds up.
    """
    within = work.cost + work.credit - known.certificate.bound
    if work.search is None or not 0 < within < np.inf:
        return
    at, joint = (known.prices, known.certificate.least), certifier_of(work).joint
    enough = within - work.limits.gap * work.cost
    rivals = joint.of_rivals(*at, within, enough)
    if _is_enough(work, known, rivals):
        return
    if _is_enough(work, known, joint.of_all(*at, within)):
        return
    regret = _regret(work, known, work.search)
    pairs, ways = joint.of_pairs(*at, regret, _LITTLE * enough, work.check_time)
    work.columns.add_ways(ways)
    apart = sum(one.gain for one in pairs)
    if _is_enough(work, known, min(rivals + apart, within)):
        return
    plan = work.search.decoded()[0]
    supplies = _contested(work, known, plan, regret, enough)
    units, ways = joint.by_units(*at, enough, supplies, plan, work.check_time, pairs)
    work.columns.add_ways(ways)
    _is_enough(work, known, min(units, within))


def _is_enough(work: Work, known: Best, gain: float) -> bool:
    """Note what some together gain over a `known` bound; True when that is good enough."""
    bound = known.certificate.bound + gain - work.credit
    work.best = replace(known, bound=max(work.bound, bound), joint=True)
    work.tell("bound, together")
    return work.is_good()


def _regret(work: Work, best: Best, search: Search) -> Floats:
    """float64[D], what the plan's blocks cost at the prices beyond what they must, by first."""
    least = best.certificate.least
    compact, incumbent = search.compact, search.incumbent
    first = work.columns.blocks.first_of(len(least))
    owner = owners(compact)
    charged = incumbent.model.cost + charges(compact, incumbent.model, best.prices)
    own = owner != NONE
    cost = np.bincount(first[owner[own]], (charged * incumbent.x)[own], len(least))
    return np.maximum(cost - least, 0.0)


def _contested(
    work: Work, best: Best, plan: Allocation, regret: Floats, enough: float
) -> list[int]:
    """Supplies about which plan and bound differ most, those first; `regret`: of the plan."""
    price = best.prices.capacity
    first = work.columns.blocks.first_of(len(regret))
    rows = [plan, *(way.allocation for way in best.certificate.ways)]
    holds = (
        first[np.concatenate([one.demand for one in rows])],
        np.concatenate([one.supply for one in rows]).astype(np.int64),
    )
    left = np.where(price > 0, work.problem.supply.capacity, 0.0)
    np.subtract.at(left, plan.supply, plan.units)
    left[_kept_away(work.problem, plan)] = 0.0
    idle = price * np.maximum(left, 0.0)
    return contested(work.problem, best.prices, regret, holds, idle, enough)


def _kept_away(problem: Problem, plan: Allocation) -> Bools:
    """bool[O]: supplies from which gangs that share their scope with nobody keep all others."""
    kept = np.zeros(problem.supply.count, np.bool_)
    for gang, level in exclusive_gangs(problem).items():
        stands = np.zeros_like(kept)
        stands[plan.supply[plan.demand == gang]] = True
        kept |= beside(problem, stands, level) & counted_whole(problem, level)
    return kept
