"""Prices of what demands share: they stand in for shared rows, so that demands part.

Charging every unit and hour what the rows over the whole plan would charge, less what the rows
are worth in all, gives a lower bound on the cost of every plan that keeps the rows, at any
prices >= 0 (Lagrangian relaxation; A. M. Geoffrion, "Lagrangean relaxation for integer
programming", Math. Programming Study 2, 1974, doi:10.1007/BFb0120690).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.problem import NO_ROW, Accounts, Floats, Measure, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What one more of each shared row's own unit would save, all >= 0.

    Attributes:
        capacity: float64[O], of a unit of supply.
        limit: float64[R], of a unit of a limit.
        low, high: float64[A], of a unit of an account's two ends.
        share: per cap of `Problem.shares`, float64[scopes]: of a unit of m(scope) allowed.
        cost: of a unit of `Problem.most_cost`.
        moves: of one more move.
        coverage: float64[H], of a unit of a pool of `Problem.coverage`.
        unmet: float64[D], of the unmet share of a demand: what serving all of it is worth.
    """

    capacity: Floats
    limit: Floats
    low: Floats
    high: Floats
    share: tuple[Floats, ...]
    cost: float
    moves: float
    coverage: Floats
    unmet: Floats


def no_prices(problem: Problem) -> Prices:
    """Return prices of nothing: every demand may do what is cheapest for itself."""
    accounts = problem.accounts.count
    return Prices(
        capacity=np.zeros(problem.supply.count),
        limit=np.zeros(problem.limits.count),
        low=np.zeros(accounts),
        high=np.zeros(accounts),
        share=tuple(np.zeros(_scopes(cap.scope)) for cap in problem.shares),
        cost=0.0,
        moves=0.0,
        coverage=np.zeros(0 if problem.coverage is None else problem.coverage.count),
        unmet=np.zeros(problem.demands.count),
    )


def blended(one: Prices, other: Prices, weight: float) -> Prices:
    """Return (1 - weight) x one + weight x other."""

    def mixed(first: Floats, second: Floats) -> Floats:
        return np.asarray((1 - weight) * first + weight * second)

    return Prices(
        capacity=mixed(one.capacity, other.capacity),
        limit=mixed(one.limit, other.limit),
        low=mixed(one.low, other.low),
        high=mixed(one.high, other.high),
        share=tuple(mixed(*pair) for pair in zip(one.share, other.share, strict=True)),
        cost=(1 - weight) * one.cost + weight * other.cost,
        moves=(1 - weight) * one.moves + weight * other.moves,
        coverage=mixed(one.coverage, other.coverage),
        unmet=mixed(one.unmet, other.unmet),
    )


def priced(problem: Problem, prices: Prices) -> Problem:
    """Return `problem` with supplies that cost what `prices` charge, its shared rows gone.

    Compute costs scale by 1 + cost + what accounts and caps charge by cost; other measures add
    to the hour. What moves weigh beyond their cost is part of it. Capacities and limits stay, as
    bounds of single pairs.
    """
    stock, demands = problem.supply, problem.demands
    scale, per_hour = _measured_prices(problem, prices)
    factor = 1.0 + prices.cost + scale
    per_unit = prices.capacity + _limit_prices(problem, prices)
    supply = replace(
        stock,
        hour_cost=stock.hour_cost * factor + per_hour - _most_saved(problem, prices),
        unit_cost=stock.unit_cost * factor + per_unit,
        hour_extra=None if stock.hour_extra is None else stock.hour_extra * (1 + prices.cost),
    )
    stay = problem.stay
    if stay is not None:
        moved = stay.cost * (1 + prices.cost) + prices.moves + stay.unbilled
        stay = replace(stay, cost=moved, most=np.inf, unbilled=0.0)
    return replace(
        problem,
        supply=supply,
        demands=replace(demands, move_cost=demands.move_cost * (1 + prices.cost)),
        accounts=Accounts.none(stock.count),
        shares=(),
        most_cost=np.inf,
        stay=stay,
        coverage=None,
    )


def worth(problem: Problem, prices: Prices) -> float:
    """Return what the shared rows are worth at `prices`: to be taken off the priced costs."""
    value = 0.0
    for price, high in (
        (prices.capacity, problem.supply.capacity),
        (prices.limit, problem.limits.high),
        (prices.high, problem.accounts.high),
        (-prices.low, problem.accounts.low),
        (np.array([prices.cost]), np.array([problem.most_cost])),
        (np.array([prices.moves]), np.array([_most_moves(problem)])),
        (prices.coverage, np.empty(0) if problem.coverage is None else problem.coverage.high),
    ):
        charged = price != 0
        value += float(price[charged] @ high[charged])
    return value


def _most_moves(problem: Problem) -> float:
    return np.inf if problem.stay is None else problem.stay.most


def _most_saved(problem: Problem, prices: Prices) -> Floats:
    """float64[O]: the most that a used hour can save, what it takes from its pool paid for.

    An hour is paid for at most once; accounts of cost lose what is saved, so it counts by what
    they charge: max over pools of (saved x (1 + cost + charge) - price x rate), at least 0.
    """
    coverage, stock = problem.coverage, problem.supply
    best = np.zeros(stock.count)
    if coverage is None:
        return best
    accounts = problem.accounts
    charge = np.zeros(stock.count)
    for row in np.flatnonzero(accounts.measure == Measure.COST).tolist():
        charge += accounts.factor[row] * (prices.high[row] - prices.low[row])
    pool = np.repeat(np.arange(coverage.count), np.diff(coverage.start))
    worth_each = coverage.saved * (1 + prices.cost + charge[coverage.supply])
    np.maximum.at(best, coverage.supply, worth_each - prices.coverage[pool] * coverage.rate)
    return best


def _measured_prices(problem: Problem, prices: Prices) -> tuple[Floats, Floats]:
    """float64[O] twice: share added to compute cost, price added to an hour."""
    stock, accounts = problem.supply, problem.accounts
    scale, per_hour = np.zeros(stock.count), np.zeros(stock.count)
    for row in np.flatnonzero((prices.low != 0) | (prices.high != 0)).tolist():
        charge = accounts.factor[row] * (prices.high[row] - prices.low[row])
        _charge(problem, Measure(accounts.measure[row]), charge, scale, per_hour)
    for cap, price in zip(problem.shares, prices.share, strict=True):
        if price.any():
            known = cap.scope != NO_ROW
            charge = np.full(stock.count, -cap.most * float(price.sum()))
            charge[known] += price[cap.scope[known]]
            _charge(problem, cap.measure, charge, scale, per_hour)
    return scale, per_hour


def _charge(
    problem: Problem, measure: Measure, charge: Floats, scale: Floats, per_hour: Floats
) -> None:
    """Add what a charge per unit of a measure, float64[O], makes of costs and hours."""
    stock = problem.supply
    if measure in {Measure.COST, Measure.VALUE}:
        scale += charge
    if measure is Measure.VALUE:
        per_hour += charge * stock.hour_value
    elif measure is Measure.SIZE:
        per_hour += charge * stock.size
    elif measure is Measure.HOURS:
        per_hour += charge


def _limit_prices(problem: Problem, prices: Prices) -> Floats:
    """float64[O]: what all limits charge for one unit of a supply."""
    limits = problem.limits
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    charge = limits.weight * prices.limit[row]
    total = np.bincount(limits.supply, weights=charge, minlength=problem.supply.count)
    return np.asarray(total, np.float64)


def _scopes(scope: np.ndarray) -> int:
    return int(scope.max(initial=-1)) + 1
