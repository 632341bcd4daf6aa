"""What one service asks for and what it may use, as short arrays for arithmetic on it.

The rules are those of `solver.service_rows`, for a service that is served whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Floats, Level, Problem
from solver.remainder import Remainder
from solver.service_pairs import home_of, unit_costs
from solver.service_rows import LoadClasses, load_classes
from solver.stations import has_sizes
from solver.tier_steps import has_class

Longs = NDArray[np.int64]

#: No more than so many times the smallest units that carry all load are ever held.
_MANY = 3.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One service on what is left; Q pairs, sorted by place; H places, C point classes, S scopes.

    Attributes:
        pairs: its pairs.
        service: its row.
        classes: its loads, as they see the places.
        load: float64[C]; whole: float, their sum.
        at: int64[Q], index of the place; first: int64[H], where the pairs of each place begin.
        amount, cost: float64[Q], what one unit carries and costs.
        move: float64[H], what a place costs once it has a unit.
        free: float64[C, H], 1 where load may go whatever the share of far load.
        far: float64[C, H], 1 where load may go as far load.
        budget: float64[C], most far load of each class; float64[1], of all together; empty: no
            far load, or as much as there is.
        room: float, most load of one place.
        least: places that must have a unit.
        risky: float64[Q]: part of the units' load by which a unit worsens (+) or eases (-) the
            share at risk; all 0 where nothing limits it.
        near: float64[C, H], what counts once a scope is lost.
        lost: bool[Q, S], whether a pair is lost with a scope; S = 0: nothing must be outlived.
        needed: load that must still be routable then.
        most: float64[Q], units left of each pair by itself, no more than carry everything.
        limits: float64[R, Q], weights in the limits that are left; high: float64[R].
        memo: what was worked out already, for sets of places and of usable pairs.
    """

    pairs: Pairs
    service: int
    classes: LoadClasses
    load: Floats
    whole: float
    at: Longs
    first: Longs
    amount: Floats
    cost: Floats
    move: Floats
    free: Floats
    far: Floats
    budget: Floats
    room: float
    least: int
    risky: Floats
    near: Floats
    lost: Bools
    needed: float
    most: Floats
    limits: Floats
    high: Floats
    memo: dict[bytes, object]

    @cached_property
    def at_risk(self) -> bool:
        """Whether the share at risk has a limit that binds."""
        return bool(self.risky.any())

    @cached_property
    def worsens(self) -> Bools:
        """bool[Q], pairs whose units make the share at risk worse."""
        return self.risky > 0

    @cached_property
    def counts(self) -> Bools:
        """bool[R, Q], whether a limit counts a pair."""
        return self.limits > 0

    @cached_property
    def never(self) -> Floats:
        """float64[Q], the price of what cannot be had: inf."""
        return np.full(len(self.at), np.inf)

    @cached_property
    def moves(self) -> bool:
        """Whether places cost something by themselves."""
        return bool(self.move.any())


def _is_beyond(problem: Problem, demand: int, service: int) -> bool:
    """True where loads have sizes, moves cost by volume, or leaving a home costs."""
    by_rule = has_sizes(problem, service) or has_class(problem, demand)
    return by_rule or home_of(problem, demand) is not None


def asked_of(problem: Problem, left: Remainder, pairs: Pairs) -> Asked | None:
    """Return what a service asks for; None where a rule is beyond this arithmetic.

    Args:
        problem: what is asked; its rows over the whole plan are not minded.
        left: what is left.
        pairs: the pairs of one service that are admitted and usable; at least one.
    """
    demand = int(pairs.demand[0])
    service = int(left.service_of[demand])
    if _is_beyond(problem, demand, service):
        return None
    pairs, starts, at = _by_place(problem, pairs)
    classes = load_classes(problem, service, problem.supply.place[pairs.supply[starts]])
    whole, near = float(classes.load.sum()), classes.near.astype(np.float64)
    free, far, budget = _reach(problem, service, classes, near)
    lost = _lost(problem, left, service, pairs)
    share = float(problem.demands.risky_share[demand])
    has_limit = share < 1 and bool(pairs.risky.any())
    many = _MANY * (math.ceil(whole / float(pairs.amount.min())) + 3)
    limits, high = _limits(left, pairs, many)
    return Asked(
        pairs=pairs,
        service=service,
        classes=classes,
        load=classes.load,
        whole=whole,
        at=at,
        first=starts,
        amount=pairs.amount,
        cost=np.maximum(unit_costs(pairs), 0.0),
        move=np.maximum(pairs.move[starts], 0.0),
        free=free,
        far=far,
        budget=budget,
        room=min(float(problem.services.most_share[service]), 1.0) * whole,
        least=max(int(problem.services.least_places[service]), 1),
        risky=pairs.amount * (pairs.risky - share) if has_limit else np.zeros(pairs.count),
        near=near,
        lost=lost,
        needed=float(problem.services.survive_share[service]) * whole,
        most=_most(left, pairs, whole, is_mixed=has_limit and share > 0),
        limits=limits,
        high=high,
        memo={},
    )


def _by_place(problem: Problem, pairs: Pairs) -> tuple[Pairs, Longs, Longs]:
    """The pairs by place; int64[H], where each place begins; int64[P], the place of each pair."""
    place = problem.supply.place[pairs.supply]
    if (place[1:] < place[:-1]).any():  # many are listed by place
        order = place.argsort(kind="stable")
        place, pairs = place[order], pairs.rows(order)
    begins = np.ones(len(place), np.bool_)
    np.not_equal(place[1:], place[:-1], out=begins[1:])
    return pairs, begins.nonzero()[0], begins.cumsum() - 1


def _most(left: Remainder, pairs: Pairs, whole: float, *, is_mixed: bool) -> Floats:
    """`Asked.most`: what carries all is enough, unless safe units make room for some at risk."""
    there = left.most[pairs.supply]
    if is_mixed:
        return there
    return np.asarray(np.minimum(there, np.ceil(whole / pairs.amount - 1e-9)), np.float64)


def _reach(
    problem: Problem, service: int, classes: LoadClasses, near: Floats
) -> tuple[Floats, Floats, Floats]:
    """`Asked.free`, `Asked.far` and `Asked.budget`."""
    share = float(problem.services.far_share[service])
    none = np.empty(0)
    if share <= 0:
        return near, np.zeros(near.shape), none
    allowed = classes.allowed.astype(np.float64)
    far = allowed - near
    if share >= 1 or not far.any():
        return allowed, np.zeros(near.shape), none
    if problem.services.each_point[service]:
        return near, far, share * classes.load
    return near, far, np.array([share * float(classes.load.sum())])


def _lost(problem: Problem, left: Remainder, service: int, pairs: Pairs) -> Bools:
    level = int(problem.services.survive_level[service])
    if level == NO_ROW:
        return np.zeros((pairs.count, 0), np.bool_)
    index, scope = left.touched(Level(level), pairs.supply)
    names, where = np.unique(scope, return_inverse=True)
    lost = np.zeros((pairs.count, len(names)), np.bool_)
    lost[index, where] = True
    return lost


def _limits(left: Remainder, pairs: Pairs, many: float) -> tuple[Floats, Floats]:
    """Weights of the pairs in the limits, float64[R, Q], and what is left of these, float64[R].

    A supply with several pairs is a limit too. Limits with room for `many` of their heaviest
    units are left out; whoever answers looks at all of them (`keeps_limits`).
    """
    pair, row, weight = left.limits_among(pairs.supply)
    ordered = np.sort(pairs.supply)
    repeated = ordered[1:][ordered[1:] == ordered[:-1]]
    tight = left.high[row] < many * weight
    if not tight.any() and not len(repeated):
        return np.zeros((0, pairs.count)), np.zeros(0)
    is_tight = np.zeros(len(left.high), np.bool_)
    is_tight[row[tight]] = True
    rows, own = is_tight.nonzero()[0], is_tight[row].nonzero()[0]
    shared = np.unique(repeated[left.capacity[repeated] < many]) if len(repeated) else repeated
    weights = np.zeros((len(rows) + len(shared), pairs.count))
    np.add.at(weights, (rows.searchsorted(row[own]), pair[own]), weight[own])
    for number, one in enumerate(shared.tolist()):
        weights[len(rows) + number, pairs.supply == one] = 1.0
    high = np.concatenate([left.high[rows], left.capacity[shared]])
    return weights, np.maximum(high, 0.0)


def keeps_limits(left: Remainder, pairs: Pairs, units: Floats) -> bool:
    """Return whether `units`, float64[Q], of pairs keep the capacities and limits left."""
    held: dict[int, float] = {}
    total: dict[int, float] = {}
    used = units.nonzero()[0]
    for supply, count in zip(pairs.supply[used].tolist(), units[used].tolist(), strict=True):
        held[supply] = held.get(supply, 0.0) + count
        for row, weight in zip(*left.limits_of(supply), strict=True):
            total[row] = total.get(row, 0.0) + weight * count
    fits = all(count <= left.capacity[supply] + 1e-9 for supply, count in held.items())
    return fits and all(
        weight <= left.high[row] * (1 + 1e-12) + 1e-9 for row, weight in total.items()
    )
