"""First refusals: which pairs override one, and columns that add up how much is overridden."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE, Compact
from solver.model import ModelBuilder
from solver.pairs import Listing, Pairs, may_ever_run, most_units, with_coefficients
from solver.preferences import Refusals
from solver.problem import NO_ROW, Bools, Family, Floats, Ints, Problem
from solver.solution import Allocation

#: Part of a price by which two may differ and still be alike.
ALIKE = 1e-6


def least_prices(problem: Problem) -> tuple[Floats, Ints]:
    """Return float64[R], int32[R]: the least price of a unit of work with the owner, and where.

    Over every pair of the demand with the owner's supplies, capacity and limits ignored, owned
    supplies left out; inf and `NO_ROW` where the owner has nothing to offer.
    """
    rules = problem.refusals
    if rules is None:
        return np.empty(0), np.empty(0, np.int32)
    found = [
        _least(problem, rules, int(demand), int(owner))
        for demand, owner in zip(rules.demand, rules.owner, strict=True)
    ]
    return np.array([one[0] for one in found]), np.array([one[1] for one in found], np.int32)


def refused_work(problem: Problem) -> Floats:
    """Return float64[R]: a price of a unit of work at or above which elsewhere overrides."""
    rules = problem.refusals
    return np.empty(0) if rules is None else least_prices(problem)[0] * rules.kept


def _least(problem: Problem, rules: Refusals, demand: int, owner: int) -> tuple[float, int]:
    modes = np.array(problem.modes_of(demand), np.int32)
    lists = [problem.supplies_of(int(mode)) for mode in modes]
    mode = np.repeat(modes, [len(one) for one in lists])
    supply = np.concatenate([np.empty(0, np.int32), *lists]).astype(np.int32)
    pairs = with_coefficients(problem, np.full(len(mode), demand, np.int32), mode, supply)
    offered = (_owner(problem, supply) == owner) & ~problem.supply.owned[supply]
    pairs = pairs.keep(offered & may_ever_run(problem, pairs))
    if not pairs.count:
        return np.inf, NO_ROW
    prices = work_price(problem, rules, pairs)
    cheapest = int(np.argmin(prices))
    return float(prices[cheapest]), int(pairs.supply[cheapest])


def _owner(problem: Problem, supply: Ints) -> Ints:
    return problem.owner_of_place[problem.supply.place[supply]]


def work_price(problem: Problem, rules: Refusals, pairs: Pairs) -> Floats:
    """Return float64[P], the price of a unit of work: gang and batch: all of it; service: load."""
    return _work_hours(problem, pairs) * rules.hour_price[pairs.supply]


def _work_hours(problem: Problem, pairs: Pairs) -> Floats:
    """float64[P]: unit-hours of a unit of work, spoilage included."""
    demands = problem.demands
    row = demands.spoilage_row[pairs.demand]
    spoilage = demands.spoilage[row, problem.supply.risk[pairs.supply]]
    hours = demands.mode_hours[pairs.mode]
    with np.errstate(divide="ignore", invalid="ignore"):
        gang, service = pairs.amount * hours * spoilage, hours / pairs.amount
    family = pairs.family
    return np.where(
        family == Family.GANG, gang, np.where(family == Family.SERVICE, service, pairs.amount)
    )


def overriding(problem: Problem, pairs: Pairs, index: int, refused: float) -> Bools:
    """Return bool[P]: the pairs that override rule `index`; `refused` as `refused_work` says."""
    rules = problem.refusals
    if rules is None or not np.isfinite(refused):
        return np.zeros(pairs.count, np.bool_)
    mine = pairs.demand == rules.demand[index]
    elsewhere = _owner(problem, pairs.supply) != rules.owner[index]
    dear = work_price(problem, rules, pairs) >= refused * (1 - ALIKE)
    return np.asarray(mine & elsewhere & dear & ~problem.supply.owned[pairs.supply], np.bool_)


def without_overrides(problem: Problem) -> Problem | None:
    """Return the problem of those plans that override nothing, or None.

    A plan of it that serves whatever can be served is better than all that override something, so
    a bound of it holds for what is asked. None: there are no rules, one is of a service, which
    may then not be served at all, or a demand would have nothing left.
    """
    rules = problem.refusals
    if rules is None or (problem.demands.family[rules.demand] == Family.SERVICE).any():
        return None
    rows = np.split(problem.eligible, problem.eligible_start[1:-1])
    signature = problem.demands.mode_signature.copy()
    for index, refused in enumerate(refused_work(problem)):
        for mode in problem.modes_of(int(rules.demand[index])):
            own = rows[signature[mode]]
            own = own[problem.supply.kind[own] == problem.demands.mode_kind[mode]]
            kept = ~overriding(problem, _of_mode(problem, index, mode, own), index, float(refused))
            if not kept.all():
                signature[mode] = len(rows)
                rows.append(own[kept])
    size = np.array([len(one) for one in rows])
    found = replace(
        problem,
        demands=replace(problem.demands, mode_signature=signature),
        eligible=np.concatenate(rows),
        eligible_start=np.append(0, np.cumsum(size)),
        refusals=None,
    )
    own = np.unique(rules.demand).astype(np.int64)
    left = Listing.of(found).pairs(found, own, most_units(found)).demand
    return found if np.isin(own, left).all() else None


def _of_mode(problem: Problem, index: int, mode: int, supply: Ints) -> Pairs:
    rules = problem.refusals
    demand = rules.demand[index] if rules is not None else NO_ROW
    alike = np.ones(len(supply), np.int32)
    return with_coefficients(problem, demand * alike, mode * alike, supply)


def overriding_demands(problem: Problem, allocation: Allocation) -> Ints:
    """Return int32[.], demands of which an allocation holds what overrides a rule."""
    rows = (allocation.demand, allocation.mode, allocation.supply)
    pairs = with_coefficients(problem, *rows)
    found = np.zeros(pairs.count, np.bool_)
    for index, refused in enumerate(refused_work(problem)):
        found |= overriding(problem, pairs, index, float(refused))
    return np.unique(pairs.demand[found])


def add_overrides(compact: Compact) -> None:
    """Add v_r, at no cost: scale x v_r = sum over overriding pairs of unit-hours x hour size."""
    problem, pairs = compact.problem, compact.pairs
    rules = problem.refusals
    if rules is None:
        return
    size = _column_size(problem, pairs, rules)
    compact.override_scale = max(float(size.max(initial=0.0)), 1.0)
    scaled = size / compact.override_scale
    builder = compact.builder
    compact.overrides = builder.add(np.zeros(rules.count), high=np.inf, integral=False)
    for index, refused in enumerate(refused_work(problem)):
        mask = overriding(problem, pairs, index, float(refused))
        row = int(builder.rows(1, low=0.0, high=0.0)[0])
        builder.entries(row, int(compact.overrides[index]), -1.0)
        builder.entries(row, compact.main[mask], scaled[mask])
        _less_mixed(compact, builder, row, mask, scaled)


def _less_mixed(
    compact: Compact, builder: ModelBuilder, row: int, mask: Bools, scaled: Floats
) -> None:
    """Units of a gang that stand on an owned supply instead override nothing."""
    mixing = np.flatnonzero(mask & (compact.mixed != NONE))
    value = -scaled[mixing] / compact.pairs.amount[mixing]
    builder.entries(row, compact.mixed[mixing], value)


def _column_size(problem: Problem, pairs: Pairs, rules: Refusals) -> Floats:
    """float64[P]: size x unit-hours of a pair's whole column unit."""
    hours = _work_hours(problem, pairs)
    held = problem.demands.mode_hours[pairs.mode]
    hours = np.where(pairs.family == Family.SERVICE, held, hours)
    return np.asarray(hours * rules.hour_size[pairs.supply], np.float64)


def overridden(problem: Problem, allocation: Allocation) -> float:
    """Return what an allocation overrides, over all rules, size x unit-hours."""
    rules = problem.refusals
    if rules is None:
        return 0.0
    rows = (allocation.demand, allocation.mode, allocation.supply)
    pairs = with_coefficients(problem, *rows)
    size = allocation.unit_hours * rules.hour_size[allocation.supply]
    return sum(
        float(size[overriding(problem, pairs, index, float(refused))].sum())
        for index, refused in enumerate(refused_work(problem))
    )
