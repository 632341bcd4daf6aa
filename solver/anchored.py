"""Prices near earlier ones: what had a price keeps about that, what had none may get one.

Between one day and the next a few offers change. At the old prices those that have become cheap
are wanted by everybody, and a bound at them is worth little; at prices of a new relaxation what
earlier searches knew of whole units is lost. So one relaxation sets new prices, but those of
capacities and limits stay within a band around the old ones (the boxes of R. E. Marsten, W. W.
Hogan, J. W. Blankenship, "The Boxstep method for large-scale optimization", Operations Research
23, 1975, doi:10.1287/opre.23.3.389). Nothing is proven here: any prices make a bound.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE
from solver.effort import Outcome
from solver.model import Model
from solver.prices import Prices, no_prices
from solver.problem import Floats, Problem
from solver.relaxation import prices_of, restrict, with_fines
from solver.solution import Allocation, SolverError
from solver.work import Work

#: A row is worth no more than so many times what everything costs.
_MOST = 10.0
#: A price moves by up to so much of what a unit costs in the whole period, and of itself.
_OF_COST = 0.005
_OF_PRICE = 0.05


def usable(problem: Problem, prices: Prices, cost: float) -> Prices:
    """Return what may be used of `prices` that somebody wrote down: of capacities and limits.

    Left out are those that are not finite or below 0, of rows without an end, and of rows that
    would be worth many times what everything costs.

    Args:
        problem: what is asked.
        prices: of its rows.
        cost: about what everything costs.
    """
    most = _MOST * max(cost, 1.0)
    return replace(
        no_prices(problem),
        capacity=_within(prices.capacity, problem.supply.capacity, most),
        limit=_within(prices.limit, problem.limits.high, most),
    )


def _within(price: Floats, high: Floats, most: float) -> Floats:
    """float64[n]: `price` where it is one of a row that ends at `high`, worth up to `most`."""
    with np.errstate(invalid="ignore", over="ignore"):
        good = np.isfinite(price) & np.isfinite(high) & (price > 0) & (price * high <= most)
    return np.where(good & (price <= most), price, 0.0)


def anchored(work: Work, earlier: Prices) -> Prices:
    """Return prices of all shared rows, those of capacities and limits near `earlier` ones.

    Args:
        work: with pairs that are cheap at `earlier`, and with what leaving demands unmet is fined.
        earlier: usable ones.

    Raises:
        SolverError: the relaxation has no solution.
    """
    problem = work.flat
    restricted = restrict(problem, work.columns.pairs, work.service, loose=True)
    model = with_fines(restricted, work.service, work.fines)
    stock, rows = problem.supply, restricted.compact.rows
    whole = stock.unit_cost + problem.period_h * (stock.hour_cost + stock.extra)
    bands = (
        (rows["capacity"], earlier.capacity, np.maximum(_OF_COST * whole, 0.0)),
        (rows["limit"], earlier.limit, _OF_PRICE * earlier.limit),
    )
    for row, price, band in bands:
        known = (row != NONE) & (price > 0)
        model = _held_near(model, row[known], price[known], band[known])
    answer = work.engine.solve_linear(model, presolve=False)
    if answer is None or answer.outcome is not Outcome.OPTIMAL:
        raise SolverError("the relaxation near earlier prices has no solution")
    return prices_of(restricted, answer, work.service)


def _held_near(model: Model, row: np.ndarray, price: Floats, band: Floats) -> Model:
    """Hold the prices of rows with an upper end near some: more of a row is sold, or it is bought.

    Args:
        model: a relaxation.
        row: int64[n], its rows.
        price: float64[n], > 0.
        band: float64[n], >= 0, how far from it.
    """
    low = np.maximum(price - band, 0.0)
    given = low > 0
    column = len(model.cost) + np.arange(len(row) + int(given.sum()))
    cost = np.concatenate([price + band, -low[given]])
    return replace(
        model,
        cost=np.concatenate([model.cost, cost]),
        low=np.concatenate([model.low, np.zeros(len(cost))]),
        high=np.concatenate([model.high, np.full(len(cost), np.inf)]),
        integral=np.concatenate([model.integral, np.zeros(len(cost), np.bool_)]),
        row=np.concatenate([model.row, row, row[given]]),
        column=np.concatenate([model.column, column]),
        value=np.concatenate([model.value, np.full(len(row), -1.0), np.ones(int(given.sum()))]),
    )


def stakes_in(problem: Problem, allocation: Allocation) -> Floats:
    """Return float64[D], what units and hours of each demand cost in an allocation."""
    stock, supply = problem.supply, allocation.supply
    cost = allocation.units * stock.unit_cost[supply]
    cost = cost + allocation.unit_hours * (stock.hour_cost + stock.extra)[supply]
    count = problem.demands.count
    return np.bincount(allocation.demand, weights=cost, minlength=count).astype(np.float64)
