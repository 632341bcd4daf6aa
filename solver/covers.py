"""Rows over whole units, rounded up: what parts of units would get past.

A *cover* is what some loads need of the units that may serve them, in whole units n >= 0:

    sum of weight x n + slack x u >= need           u >= 0, what is left unmet

Divided by any a > 0 and rounded it says more (mixed-integer rounding: G. L. Nemhauser, L. A.
Wolsey, "A recursive procedure to generate all cuts for 0-1 mixed integer programs", Mathematical
Programming 46, 1990, doi:10.1007/BF01585752). With f in (0, 1] what need / a is above a whole
number,

    sum of (whole part of weight / a + min(rest of weight / a, f) / f) x n + slack / (a f) x u
        >= need / a, rounded up

Which a are tried and which row is kept depends on costs; that the rows hold does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.problem import Bools, Floats

#: Weights of so many of the cheapest units are tried as divisors.
_DIVISORS = 6
#: Part in which a row is mixed with its cover when its worth is judged.
_MIXED = 0.3
#: Needs and weights are as good as whole multiples of a divisor when they are nearer than this.
_EVEN = 1e-9
#: Rests below this are noise.
_NOISE = 1e-11
#: What is above a whole number by less than this makes no row: a unit more for almost nothing.
_LEAST_REST = 1e-4
#: Rows with larger numbers than this are left out.
_LARGEST = 1e3
#: Units cost at least this part of the dearest one, when rows are compared.
_LEAST_COST = 1e-6


@dataclass(frozen=True, slots=True)
class Covers:
    """N covers by Q pairs.

    Attributes:
        weight: float64[N, Q], >= 0.
        need: float64[N], > 0.
        slack: float64[N], of the unmet share; 0: what is needed is needed once anything is placed.
    """

    weight: Floats
    need: Floats
    slack: Floats

    @property
    def count(self) -> int:
        """Number of covers N."""
        return len(self.need)

    def keep(self, kept: Bools) -> Covers:
        """Return the covers that `kept`, bool[N], says."""
        return Covers(self.weight[kept], self.need[kept], self.slack[kept])


def covers_of(weight: Floats, need: Floats, slack: float) -> Covers:
    """Return covers, without those that need nothing or that no unit serves."""
    kept = (need > _EVEN * need.max(initial=0.0)) & (weight > 0).any(axis=1)
    return Covers(weight, need, np.full(len(need), slack)).keep(kept)


def joined(covers: list[Covers], pairs: int) -> Covers:
    """Return all covers of a list; pairs: Q, as the list may be empty."""
    return Covers(
        np.concatenate([np.empty((0, pairs)), *(one.weight for one in covers)]),
        np.concatenate([np.empty(0), *(one.need for one in covers)]),
        np.concatenate([np.empty(0), *(one.slack for one in covers)]),
    )


def cost_of_one(weight: Floats, cost: Floats) -> Floats:
    """Return float64[...], the least cost of weighing 1, over the last axis of `weight`."""
    with np.errstate(divide="ignore"):
        return np.asarray(1.0 / (weight / _above_zero(cost)).max(axis=-1, initial=0.0))


def rounded(covers: Covers, cost: Floats) -> Covers:
    """Return the rounded row of each cover that does most for what it costs at least.

    Args:
        covers: N of them.
        cost: float64[Q], of a unit.

    Returns:
        at most N; none of a cover whose rows do nothing for it.
    """
    if not covers.count:
        return covers
    need = covers.need[:, None]
    weight = np.minimum(covers.weight, need)  # one unit that carries all is enough
    by = _divisors(weight, cost)
    right = np.ceil(need / by - _EVEN)
    above = need / by - (right - 1)
    times = weight[:, None, :] / by[:, :, None]
    whole = np.floor(times + _EVEN)
    rest = np.where(times - whole > _NOISE, times - whole, 0.0)
    rows = whole + np.minimum(rest / above[:, :, None], 1.0)
    parts = rows / right[:, :, None]
    alone = cost_of_one(weight / need, cost)[:, None]
    mixed = _MIXED * parts + (1 - _MIXED) * (weight / need)[:, None, :]
    worth = np.maximum(cost_of_one(parts, cost), cost_of_one(mixed, cost)) / alone
    slack = covers.slack[:, None] / (by * above)
    bad = (above < _LEAST_REST) | (right > _LARGEST) | (slack > _LARGEST)
    worth[bad] = 0.0
    best = worth.argmax(axis=1)
    every = np.arange(covers.count)
    kept = worth[every, best] >= 1 - _EVEN
    return Covers(rows[every, best], right[every, best], slack[every, best]).keep(kept)


def whole_multiples(weight: Floats, need: float, cost: Floats) -> tuple[Floats, Floats]:
    """Return weights and needs of one cover in multiples of some divisors, all rounded up.

    Args:
        weight: float64[Q], some > 0.
        need: > 0.
        cost: float64[Q], of a unit.

    Returns:
        float64[A, Q] and float64[A], whole numbers.
    """
    weight = np.minimum(weight, need)
    by = np.unique(_divisors(weight[None], cost)[0])
    return np.ceil(weight / by[:, None] - _EVEN), np.ceil(need / by - _EVEN)


def _above_zero(cost: Floats) -> Floats:
    dearest = float(cost.max(initial=0.0))
    return np.maximum(cost, _LEAST_COST * dearest) if dearest > 0 else np.ones_like(cost)


def _divisors(weight: Floats, cost: Floats) -> Floats:
    """float64[N, A]: different weights of the units that weigh most for their cost."""
    ratio = weight / _above_zero(cost)
    every = np.arange(len(weight))
    found = []
    for _ in range(_DIVISORS):
        by = weight[every, ratio.argmax(axis=1)]
        found.append(by)
        ratio = np.where(weight == by[:, None], 0.0, ratio)
    by = np.stack(found, axis=1)
    return np.where(by > 0, by, by[:, :1])
