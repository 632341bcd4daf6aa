"""The steps of the decomposition, each of which leaves the work better known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from solver.asking import linear
from solver.certificate import Certificate, Certifier, Handy
from solver.compact_columns import NONE, Compact, Longs, owners
from solver.effort import LinearAnswer, Outcome
from solver.exclusive_rows import exclusive_gangs
from solver.first_plan import unproven
from solver.master import build_master
from solver.model import Model
from solver.pairs import Pairs
from solver.prices import Prices, blended
from solver.problem import Floats
from solver.relaxation import (
    Restricted,
    charges,
    prices_of,
    restrict,
    service_of,
    used_pairs,
    with_fines,
)
from solver.sampled_prices import MOST, sampled_prices
from solver.sampling import MANY, stakes_of
from solver.search import Planned, Search, held_alone
from solver.selection import joined
from solver.solution import Solution, SolverError
from solver.ways import Way, ways_in
from solver.work import Best, Work

#: Rounds of the relaxation that find the first prices; it has settled when fewer than this part
#: of its pairs is new: another round would lower its cost by hundredths of a percent.
_PRICE_ROUNDS = 4
_SETTLED = 0.03
#: Where a model has more entries, the relaxation after the first one is of few pairs; and where
#: many are left out, when each takes several times as long as the one before, it is the last.
_LARGE_ENTRIES = 500_000
#: Demands that are bound to each other are joined by their best way after the first round, where
#: they cost such a part of all: what is cheap for each of them may not be there for all.
_LARGE = 5e-3
#: Rounds of the master between two bounds; it has settled when a round lowers its cost by less
#: than this part.
_MASTER_ROUNDS = 6
_LEAST_FALL = 2e-4
#: Part of the best prices so far in those of the next bound: duals of few ways swing. Up to so
#: many demands, whose bound takes no time, those are tried as they are first.
_BLEND = 0.5
_SOON_BOUNDED = 60
#: Part of the gap, and of so much of the cost, that a bound may give away for not solving blocks.
#: Dear blocks are solved until the others fall short by so many times that, or so many are.
_UNSOLVED = 0.1
_WIDE = 0.02
_DEAR = 3.0
_MOST_DEAR = 48
#: What is overridden counts to so many digits of the most that one pair can override.
_OVERRIDE_DIGITS = 6
#: While prices are looked for, what is unmet is fined by so many times what serving it costs.
_MILD = 10.0
#: Part of a bound by which the order of a sum may change it.
_SUMMED = 1e-9


def know(work: Work, plan: Planned) -> None:
    """Add what a plan holds to the columns."""
    services = work.problem.services.demand
    work.columns.add_allocation(plan[0])
    work.columns.add_ways(ways_in(*plan, work.columns.blocks.models, services))


def adopt(work: Work, start: Solution, phase: str = "first plan") -> None:
    """Go on from a known plan where it is the best so far, and add what it holds to the columns.

    It is judged and reported, as of a `phase`, before columns are made.
    """
    is_best = judge(work, start, phase)
    know(work, (start.allocation, start.routes, start.unmet))
    if is_best and work.search is not None:
        know(work, work.search.decoded())  # as the model writes it down


def judge(work: Work, start: Solution, phase: str = "first plan") -> bool:
    """Go on from a known plan, and return True, where it keeps all rules and none is better."""
    plan = (start.allocation, start.routes, start.unmet)
    held, former = held_alone(work.problem, plan, work.engine), work.search
    is_best = held is not None and (former is None or rank(work, held) < rank(work, former))
    if is_best:
        work.search = held
    work.tell(phase)
    return is_best


def let_override(work: Work) -> None:
    """Go on among all plans, where they were those that override no first refusal."""
    former = work.search
    work.widen()
    if former is not None:
        allocation, routes, unmet = former.decoded()
        judge(work, unproven(work.problem, (allocation, routes, unmet), "first-plan"))


def is_huge(work: Work) -> bool:
    """True when no model of all demands is solved, however it is cut down."""
    return work.problem.demands.count > MOST


def first_prices(work: Work, meanwhile: Callable[[Prices], None] | None = None) -> Prices:
    """Relax over a growing choice of pairs until the duals ask for no new ones.

    Where demands are very many, a sample of them stands in for all.

    Args:
        work: gets the prices, and pairs that are cheap at these.
        meanwhile: called with the prices so far while an engine works on the next ones; not with
            the first ones, nor with those of few pairs.

    Raises:
        SolverError: the engine failed.
    """
    if work.problem.demands.count > MANY:
        return sampled_prices(work)
    value, few = np.inf, None
    good: Prices | None = None
    for number in range(_PRICE_ROUNDS):
        work.check_time()
        is_of_few, pairs = few is not None, work.columns.pairs if few is None else few
        ahead = partial(meanwhile, good) if meanwhile and good else lambda: None
        restricted, model, answer, is_broken = _relaxed(work, pairs, ahead)
        prices = prices_of(restricted, answer, work.service)
        good = None if number == 0 or is_of_few else prices
        work.stake = _stakes(work, restricted.compact, model, prices, answer.x)
        before = work.columns.pairs.count
        work.prices = prices
        work.entries = len(model.value)
        cheap = [used_pairs(restricted, answer), work.columns.grow(prices)]
        if number == 0:
            ways = ways_of_bound(work, prices, _LARGE * float(work.stake.sum()))
            work.columns.add_ways(ways)
            cheap += work.columns.pairs_in(ways)
        # Hardly any of what was cheap without prices is used at the first ones.
        is_large = work.entries > _LARGE_ENTRIES
        few = joined(work.problem, cheap) if number == 0 and is_large else None
        work.tell(f"prices {number + 1}")
        fell = value - answer.objective
        value = np.inf if is_broken else answer.objective
        has_settled = work.columns.pairs.count <= before * (1 + _SETTLED)
        has_settled |= fell <= _LEAST_FALL * abs(value)
        has_settled &= not is_broken
        if (has_settled and not is_of_few) or (is_large and work.leaves_many):
            break
    return prices


def _relaxed(
    work: Work, pairs: Pairs, meanwhile: Callable[[], None]
) -> tuple[Restricted, Model, LinearAnswer, bool]:
    """Relax a model of some pairs, with fines, and do something else `meanwhile`.

    True: what comes of it breaks rows that were left out.
    """
    restricted = restrict(work.flat, pairs, work.service, loose=True)
    compact, model = restricted.compact, with_fines(restricted, work.service, work.fines)
    with work.engine.meanwhile(linear(work.idle.without(compact, model))) as relaxed:
        meanwhile()
        answer = relaxed()
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        raise SolverError("the relaxation of the first prices has no solution")
    x = work.idle.completed(compact, model, answer.x)
    is_broken = work.idle.learn(compact, model, x, answer.dual)
    return restricted, model, answer, is_broken


def _stakes(work: Work, compact: Compact, model: Model, prices: Prices, x: Floats) -> Floats:
    """float64[D], what each demand's own columns cost, with the price of what they take.

    The price counts up to what serving as much costs where it is dear: where not everybody can be
    served, prices come from fines, and fines must not come from these.
    """
    owner = owners(compact)
    own = owner != NONE
    own[compact.unmet] = False
    demands = compact.problem.demands.count

    def total(cost: Floats) -> Floats:
        found = np.bincount(owner[own], weights=(cost * x)[own], minlength=demands)
        return np.maximum(found, 0.0).astype(np.float64)

    plain = total(model.cost)
    charged = total(model.cost + charges(compact, model, prices))
    return np.maximum(plain, np.minimum(charged, work.columns.dear))


def first_ways(work: Work, prices: Prices) -> None:
    """Find ways of the dear blocks at `prices`, and note the bound of relaxations alone."""
    work.dear = dear_blocks(work, prices)
    certify(work, prices, slack=np.inf)
    _ways_of(work, prices)


def _ways_of(work: Work, prices: Prices) -> None:
    """Add the best ways of the dear blocks at `prices`."""
    gap = slack_of(work) / max(len(work.columns.blocks.models), 1)
    ways = certifier_of(work).ways_at(prices, work.dear, work.check_time, gap=gap)
    work.columns.add_ways(ways)


def ways_of_bound(work: Work, prices: Prices, least: float = 0.0) -> list[Way]:
    """Return the best ways found at `prices` of demands that are bound to each other.

    Of many such blocks, of those that cost most and those with gangs that are `alone`, which would
    choose where the others cannot follow; of none that cost less than `least`.
    """
    stake, alone = work.stake, exclusive_gangs(work.problem)
    blocks = [block for block in work.columns.blocks.models if len(block) > 1]
    blocks = [block for block in blocks if stake[block].sum() >= least]
    blocks.sort(
        key=lambda block: (alone.keys().isdisjoint(block.tolist()), -float(stake[block].sum()))
    )
    gap = slack_of(work) / max(len(blocks), 1)
    return certifier_of(work).ways_at(prices, blocks[:_MOST_DEAR], work.check_time, gap=gap)


def dear_blocks(work: Work, prices: Prices) -> list[Longs]:
    """Return the few blocks whose relaxations are far below the ways known of them.

    The others together are no farther than the slack of the bound, several times over.
    """
    models = work.columns.blocks.models
    short = certifier_of(work).falls_short(prices, work.columns.ways, work.check_time)
    short = np.where(np.isfinite(short), short, work.fines.max(initial=0.0))  # no way is known
    order = np.argsort(-short, kind="stable")
    left = short.sum() - np.cumsum(short[order]) + short[order]
    return [models[one] for one in order[left > _DEAR * slack_of(work)][:_MOST_DEAR]]


def slack_of(work: Work) -> float:
    """Return what a bound may give away for blocks that are not solved, in cost."""
    if not np.isfinite(work.cost):
        return 0.0
    gap = max(work.limits.gap * work.cost, work.cost - max(work.bound, 0.0))
    return _UNSOLVED * min(gap, _WIDE * work.cost)


def certifier_of(work: Work) -> Certifier:
    """Return what bounds at the level of service, made when it is first asked for."""
    if work.certifier is None:
        work.certifier = Certifier(work.flat, work.service, work.engine)
    return work.certifier


def certify(
    work: Work,
    prices: Prices,
    *,
    blend: float = 0.0,
    check: Callable[[], None] | None = None,
    slack: float | None = None,
    beyond: float = 0.0,
    handy: Handy | None = None,
) -> None:
    """Bound at `prices`, or between them and the best so far: a part `blend` of those.

    When the clock runs out, a bound comes of what has been solved by then.

    Args:
        work: gets the bound, where it is better.
        prices: of shared rows.
        blend: part of the best prices so far.
        check: called between blocks, in place of the clock of the work; it may raise, and then no
            bound comes of it.
        slack: what may be given away for blocks that are not solved; None: by the gap.
        beyond: what bounding some together will add to it.
        handy: as `Certifier.certify` says.
    """
    if blend and work.best is not None:
        prices = blended(prices, work.best.prices, blend)
    work.check_time()
    certificate = certifier_of(work).certify(
        prices,
        check or (lambda: None),
        ways=work.columns.ways,
        slack=slack_of(work) if slack is None else slack,
        enough=_rounded_up(work.bound_asked(prices) + work.credit) - beyond,
        handy=handy,
        is_late=work.is_late,
    )
    work.columns.add_ways(certificate.ways)
    bound = certificate.bound - work.credit
    if bound > work.bound and np.isfinite(bound):
        work.best = Best(bound=bound, prices=prices, certificate=certificate)
    elif work.best is not None and _is_closer(certificate, prices, work.best):
        work.best = replace(work.best, certificate=certificate, joint=False)
    work.tell("bound")


def bound_again(work: Work) -> None:
    """Bound at better prices, or between them and the best so far."""
    prices, before = better_prices(work), work.bound
    if work.problem.demands.count <= _SOON_BOUNDED:
        certify(work, prices)
    if work.bound <= before:
        certify(work, prices, blend=_BLEND)


def _rounded_up(bound: float) -> float:
    """Return a bound that is `bound` however its sum is rounded."""
    return bound + _SUMMED * abs(bound)


def _is_closer(certificate: Certificate, prices: Prices, best: Best) -> bool:
    """True when there is more to be had of it, together, than of the best so far."""
    return prices is best.prices and certificate.bound > best.certificate.bound


def rank(work: Work, search: Search) -> tuple[float, ...]:
    """Return what makes a plan better: unmet by priority, what is overridden, cost; all less."""
    demands = work.problem.demands
    lost = demands.weight * search.unmet
    levels = [lost[demands.priority == one].sum() for one in np.unique(demands.priority)[::-1]]
    served = (round(float(one), 3) for one in levels)
    return (*served, _overridden(search), search.incumbent.cost)


def _overridden(search: Search) -> float:
    """What a plan overrides, in as many digits as an engine can tell."""
    scale = search.compact.override_scale
    return round(search.overridden * scale, _OVERRIDE_DIGITS - math.ceil(math.log10(scale)))


def level_service(work: Work) -> None:
    """Hold bounds and prices to what the plan serves."""
    if work.search is None:
        return
    if work.best is not None and work.certifier is not None:
        work.spare = (work.certifier, work.best)
    work.service = service_of(work.flat, work.search.unmet, work.service.forced)
    work.certifier = None
    work.best = None


def better_prices(work: Work, rounds: int = _MASTER_ROUNDS) -> Prices:
    """Duals of a master, which mind that ways are whole.

    Between rounds the dear blocks find new ways; the others take part by their pairs, relaxed: it
    takes many ways of many small blocks before their duals settle. Nothing is proven here.
    """
    before = np.inf
    for number in range(rounds):
        work.check_time()
        prices, value = _master_prices(work, work.dear)
        work.columns.grow(prices)
        if number == rounds - 1 or before - value <= _LEAST_FALL * abs(value):
            break
        before, known = value, len(work.columns.ways)
        _ways_of(work, prices)
        if len(work.columns.ways) == known:
            break
    return prices


def _master_prices(work: Work, dear: Sequence[Longs]) -> tuple[Prices, float]:
    """Prices of the relaxed master, and its cost."""
    restricted = restrict(work.flat, work.columns.pairs, work.service, loose=True)
    dearest = stakes_of(work.flat, restricted.compact.pairs, dearest=True)
    stake = np.maximum(work.stake, np.maximum(dearest, 1.0))
    mild = np.minimum(work.fines, _MILD * stake)
    model = with_fines(restricted, work.service, mild)
    first = {int(block[0]) for block in dear}
    ways = [way for way in work.columns.ways if int(way.demands[0]) in first]
    some = work.idle.without(restricted.compact, model)
    master = build_master(restricted.compact, some, dear, ways)
    answer = work.engine.solve_linear(master.model)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        raise SolverError("the relaxation of the master has no solution")
    work.tell("master")
    dual = master.duals(answer.dual, len(model.row_low))
    x = work.idle.completed(restricted.compact, model, master.point(answer.x))
    work.idle.learn(restricted.compact, model, x, dual)
    prices = prices_of(restricted, replace(answer, dual=dual), work.service)
    return prices, answer.objective
