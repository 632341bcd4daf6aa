"""Prices of shared rows from the linear relaxation of a restricted model.

The relaxation over few pairs per demand is small; its duals are prices at which other pairs can be
judged, and pairs that are cheap at these prices join it. Nothing is proven here: any prices make
a bound (`solver.certificate`), these make a good one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.compact import build_compact
from solver.compact_columns import NONE, Compact, Longs
from solver.effort import LinearAnswer
from solver.model import Model, with_row
from solver.pairs import Pairs, with_coefficients
from solver.prices import Prices
from solver.problem import Bools, Floats, Problem

#: More of a demand unmet than this, beyond what must be, counts.
UNSERVED = 1e-6
#: Part of a level's value, and a weight, by which roundings may miss it; only prices come of it.
_SLACK = 1e-7
#: Less than this of a column is none of it.
_HELD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How much of each priority may stay unmet.

    Attributes:
        priority: int32[L], from the highest.
        unmet: float64[L], the weight that may stay unmet.
        forced: float64[D], share of each demand that stays unmet even when it is alone.
        hard: bool[L], no more stays unmet than that.
    """

    priority: np.ndarray
    unmet: Floats
    forced: Floats
    hard: Bools

    def level_of(self, problem: Problem) -> Longs:
        """Return int64[D], the level of each demand."""
        ascending = self.priority[::-1]
        at = np.searchsorted(ascending, problem.demands.priority)
        return np.asarray(len(ascending) - 1 - at, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restricted:
    """A compact model over some pairs, held to a level of service.

    Attributes:
        compact: where columns and rows stand.
        model: with the rows of the levels.
        level_row: int64[L], their rows; `NONE` where the level is hard.
    """

    compact: Compact
    model: Model
    level_row: Longs


def service_of(problem: Problem, unmet: Floats, forced: Floats) -> Service:
    """Return the level of service of a plan that leaves `unmet`, float64[D]."""
    demands = problem.demands
    priority = np.unique(demands.priority)[::-1]
    lost = demands.weight * unmet
    least = demands.weight * forced
    value = np.array([lost[demands.priority == one].sum() for one in priority])
    floor = np.array([least[demands.priority == one].sum() for one in priority])
    more = unmet > forced + UNSERVED
    hard = np.array([not more[demands.priority == one].any() for one in priority], np.bool_)
    return Service(priority=priority, unmet=np.where(hard, floor, value), forced=forced, hard=hard)


def restrict(
    problem: Problem, pairs: Pairs, service: Service, *, loose: bool = False
) -> Restricted:
    """Build the compact model over `pairs`, held to `service`; `loose` as `build_compact` says.

    Pairs cost what they cost in `problem`, whatever they say: those of a problem with classes of
    moves move for free by themselves, those of its flat one do not.
    """
    own = with_coefficients(problem, pairs.demand, pairs.mode, pairs.supply)
    compact = build_compact(problem, own, loose=loose)
    model = compact.builder.build()
    level_row = np.full(len(service.priority), NONE, np.int64)
    level = service.level_of(problem)
    hard = service.hard[level]
    model.high[compact.unmet[hard]] = service.forced[hard]
    weight = problem.demands.weight
    for row in np.flatnonzero(~service.hard).tolist():
        member = np.flatnonzero(level == row)
        high = service.unmet[row] * (1 + _SLACK) + _SLACK
        level_row[row] = len(model.row_low)
        model = with_row(model, compact.unmet[member], weight[member], high=high)
    return Restricted(compact=compact, model=model, level_row=level_row)


def with_fines(restricted: Restricted, service: Service, fines: Floats) -> Model:
    """Let what must be served stay unmet, at a fine, so that few columns are no dead end.

    Args:
        restricted: held to `service`; its model is changed.
        service: the level of service.
        fines: float64[D].
    """
    compact, model = restricted.compact, restricted.model
    hard = service.hard[service.level_of(compact.problem)]
    model.high[compact.unmet[hard]] = 1.0
    model.cost[compact.unmet[hard]] += fines[hard]
    return model


def prices_of(
    restricted: Restricted,
    answer: LinearAnswer,
    service: Service,
    *,
    whole: Problem | None = None,
) -> Prices:
    """Read the duals of the relaxation as prices; `whole`: of which its demands are a part."""
    compact, problem = restricted.compact, restricted.compact.problem
    charge = np.abs(answer.dual)
    demands = (whole or problem).demands
    level = service.level_of(whole or problem)
    worth = np.where(service.hard, np.inf, _on(charge, restricted.level_row))
    return Prices(
        capacity=_on(charge, compact.rows["capacity"]),
        limit=_on(charge, compact.rows["limit"]),
        low=np.minimum(_on(charge, compact.rows["low"]), problem.accounts.slack_cost),
        high=_on(charge, compact.rows["high"]),
        share=_shares(compact, charge),
        cost=_one(charge, compact, "cost") * compact.cost_scale,
        moves=_one(charge, compact, "moves"),
        coverage=_on(charge, compact.rows["coverage"]),
        unmet=worth[level] * demands.weight,
    )


def used_pairs(restricted: Restricted, answer: LinearAnswer) -> Pairs:
    """Return the pairs that a relaxation holds some of.

    Over these and those that are cheap at its duals the next one costs no more, and is smaller
    than over all that have ever been cheap: on a thousand demands, it takes a quarter of the time.
    """
    compact = restricted.compact
    return compact.pairs.keep(answer.x[compact.main] > _HELD)


def charges(compact: Compact, model: Model, prices: Prices) -> Floats:
    """Return float64[N], what `prices` charge the columns for what they take of shared rows."""
    price = row_prices(compact, prices, len(model.row_low))
    return np.bincount(
        model.column, weights=model.value * price[model.row], minlength=len(model.cost)
    ).astype(np.float64)


def row_prices(compact: Compact, prices: Prices, rows: int) -> Floats:
    """Return float64[K], what `prices` say of the rows of a restricted model."""
    price = np.zeros(rows)
    for name, charge in (
        ("capacity", prices.capacity),
        ("limit", prices.limit),
        ("low", -prices.low),
        ("high", prices.high),
    ):
        row = compact.rows[name]
        known = row != NONE
        price[row[known]] = charge[known]
    for share, charge in zip(compact.share_caps, prices.share, strict=True):
        price[share.rows] = charge[share.scopes]
    return price


def _on(charge: Floats, row: Longs) -> Floats:
    return np.where(row == NONE, 0.0, charge[row]) if len(charge) else np.zeros(len(row))


def _one(charge: Floats, compact: Compact, name: str) -> float:
    row = compact.rows.get(name)
    return 0.0 if row is None else float(charge[row[0]])


def _shares(compact: Compact, charge: Floats) -> tuple[Floats, ...]:
    found = []
    for cap, rows in zip(compact.problem.shares, compact.share_caps, strict=True):
        price = np.zeros(int(cap.scope.max(initial=-1)) + 1)
        price[rows.scopes] = charge[rows.rows]
        found.append(price)
    return tuple(found)
