"""Drop pairs that no best plan of a pipeline needs.

A pair p of a demand at place g gives way to a pair q of the same demand at place h when q is
free for the taking and, whatever the neighbours in the pipeline do, p costs no less:

    cost(p) - cost(q) + sum over reads of amount x min over f (cost[g, f] - cost[h, f]) >= 0

with f over the places the neighbour may still use (the criterion of dead-end elimination).
Only pairs whose leaving disturbs no other rule give way, and only supplies that could serve
every demand at once are taken: capacity, limits and rules on scopes stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from solver.pairs import Pairs, most_units
from solver.problem import Bools, Family, Floats, Problem, Reads
from solver.tier_steps import has_class

Longs = NDArray[np.int64]

#: Parts of a problem whose effect on an exchange is judged here; any other part forbids it.
_JUDGED = frozenset(
    {
        "period_h",
        "supply",
        "demands",
        "services",
        "limits",
        "accounts",
        "owner_of_place",
        "eligible_start",
        "eligible",
        "apart",
        "together",
        "tiers",
        "reads",
        "labels",
    }
)


def without_dominated(problem: Problem, pairs: Pairs) -> Pairs:
    """Return `pairs` without those that a best plan does not need."""
    reads = problem.reads
    if reads is None or not _exchange_is_known(problem):
        return pairs
    view = _View.of(problem, reads, pairs)
    waiting = set(view.rows)
    while waiting:
        demand = min(waiting)
        waiting.remove(demand)
        if view.thin_out(demand):
            waiting |= view.neighbours(demand)
    return pairs.keep(view.kept)


def _exchange_is_known(problem: Problem) -> bool:
    """True when nothing in the problem speaks of pairs in a way not judged here."""
    if problem.is_coupled or (problem.accounts.factor < 0).any():
        return False
    others = [one for one in fields(problem) if one.name not in _JUDGED]
    return all(_is_default(getattr(problem, one.name), one.default) for one in others)


def _is_default(value: object, default: object) -> bool:
    return default is not MISSING and (value is default or value == default)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neighbour:
    """The other end of a read: demand, amount, and whether it reads (else it is read)."""

    demand: int
    amount: float
    reads: bool


@dataclass(slots=True, kw_only=True)
class _View:
    """The pipeline with the pairs still kept.

    Attributes:
        rows: demand of a pipeline -> its pairs.
        kept: bool[P].
        cost: float64[P], at least what the pair costs by itself.
        place: int64[P].
        gives, takes: bool[P], may give way; free for the taking.
        between: float64[G, G], cost of one unit from place to place.
        links: demand -> other ends of its reads.
        served: demands that every best plan serves in full.
    """

    rows: dict[int, Longs]
    kept: Bools
    cost: Floats
    place: Longs
    gives: Bools
    takes: Bools
    between: Floats
    links: dict[int, list[_Neighbour]]
    served: frozenset[int]

    @classmethod
    def of(cls, problem: Problem, reads: Reads, pairs: Pairs) -> _View:
        """Return the view of the whole pipeline, nothing dropped yet."""
        first = pairs.first_of_demand(problem.demands.count)
        demands = np.union1d(reads.reader, reads.source).tolist()
        between = reads.cost[np.ix_(reads.class_of_place, reads.class_of_place)].copy()
        np.fill_diagonal(between, 0.0)
        free = _free_demands(problem, pairs)
        takes = free & _is_plentiful(problem, pairs)
        rows = {demand: np.arange(first[demand], first[demand + 1]) for demand in demands}
        return cls(
            rows=rows,
            kept=np.ones(pairs.count, np.bool_),
            cost=pairs.compute + pairs.extra + pairs.move,
            place=problem.supply.place[pairs.supply].astype(np.int64),
            gives=free & _leaves_nothing(problem, pairs),
            takes=takes,
            between=between,
            links=_links(reads),
            served=_surely_served(
                problem, reads, {one: bool(takes[own].any()) for one, own in rows.items()}
            ),
        )

    def neighbours(self, demand: int) -> set[int]:
        """Return the other ends of the reads of `demand`."""
        return {link.demand for link in self.links[demand]}

    def thin_out(self, demand: int) -> bool:
        """Drop what is dominated among the pairs of `demand`; True when anything was."""
        rows = self.rows[demand][self.kept[self.rows[demand]]]
        taking = rows[self.takes[rows]]
        if not len(taking) or not self.gives[rows].any():
            return False
        best = self._cheapest_of_each_place(taking)
        places, at = np.unique(self.place[rows], return_inverse=True)
        saved = self._least_saved(demand, places, self.place[best])
        with np.errstate(invalid="ignore"):
            margin = self.cost[rows][:, None] - self.cost[best][None, :] + saved[at]
        earlier = best[None, :] < rows[:, None]
        beaten = (margin > 0) | ((margin == 0) & earlier)
        gone = rows[self.gives[rows] & beaten.any(axis=1)]
        self.kept[gone] = False
        return bool(len(gone))

    def _cheapest_of_each_place(self, rows: Longs) -> Longs:
        order = np.lexsort((rows, self.cost[rows], self.place[rows]))
        ordered = rows[order]
        _, first = np.unique(self.place[ordered], return_index=True)
        return ordered[first]

    def _least_saved(self, demand: int, here: Longs, there: Longs) -> Floats:
        """float64[here, there]: least by which moves get cheaper from here to there."""
        saved = np.zeros((len(here), len(there)))
        for link in self.links[demand]:
            rows = self.rows[link.demand]
            far = np.unique(self.place[rows[self.kept[rows]]])
            table = self.between if link.reads else self.between.T
            one, other = table[np.ix_(here, far)], table[np.ix_(there, far)]
            least = _least_difference(one, other)
            if link.reads and link.demand not in self.served:
                least = np.minimum(least, 0.0)
            saved += link.amount * least
        return saved


def _least_difference(one: Floats, other: Floats) -> Floats:
    """float64[A, B]: min over f of one[a, f] - other[b, f]; no f at all: 0."""
    if not one.shape[1]:
        return np.zeros((len(one), len(other)))
    with np.errstate(invalid="ignore"):
        difference = one[:, None, :] - other[None, :, :]
    return np.asarray(np.where(np.isnan(difference), np.inf, difference).min(axis=2))


def _links(reads: Reads) -> dict[int, list[_Neighbour]]:
    links: dict[int, list[_Neighbour]] = {}
    ends = zip(reads.reader.tolist(), reads.source.tolist(), reads.amount.tolist(), strict=True)
    for reader, source, amount in ends:
        away = _Neighbour(demand=reader, amount=amount, reads=True)
        links.setdefault(source, []).append(away)
        back = _Neighbour(demand=source, amount=amount, reads=False)
        links.setdefault(reader, []).append(back)
    return links


def _surely_served(
    problem: Problem, reads: Reads, has_taking: Mapping[int, bool]
) -> frozenset[int]:
    """Demands with a supply for the taking, like everything they build on."""
    if not np.isfinite(reads.cost).all():
        return frozenset()
    weight = problem.demands.weight
    served = {demand for demand, found in has_taking.items() if found and weight[demand] > 0}
    ends = list(zip(reads.reader.tolist(), reads.source.tolist(), strict=True))
    while True:
        lost = {reader for reader, source in ends if reader in served and source not in served}
        if not lost:
            return frozenset(served)
        served -= lost


def _free_demands(problem: Problem, pairs: Pairs) -> Bools:
    """bool[P]: no rule on scopes or volume speaks of the pair's demand."""
    bound: set[int] = {one for rule in problem.together for one in rule.demands}
    bound |= {one for rule in problem.apart for group in rule.groups for one in group}
    bound |= {one for one in range(problem.demands.count) if has_class(problem, one)}
    return ~np.isin(pairs.demand, sorted(bound))


def _leaves_nothing(problem: Problem, pairs: Pairs) -> Bools:
    """bool[P]: giving the pair up loses no credit of an account and no owned unit mixed in."""
    stock = problem.supply
    credited = (problem.accounts.factor > 0).any(axis=0)
    mixing = np.isin(stock.pool, np.unique(stock.pool[stock.owned]))
    return np.asarray(~(credited | mixing)[pairs.supply], np.bool_)


def _is_plentiful(problem: Problem, pairs: Pairs) -> Bools:
    """bool[P]: the pair's supply suffices for every demand at once, and no risk is capped."""
    share = problem.demands.risky_share[pairs.demand]
    allowed = ~pairs.risky | (share >= 1)
    is_batch = pairs.family == Family.BATCH
    hours = problem.demands.mode_hours[pairs.mode]
    units = np.where(is_batch, np.ceil(pairs.amount / hours), pairs.amount)
    is_service = pairs.family == Family.SERVICE
    units = np.where(is_service, np.inf, units)
    most = _most_wanted(problem, pairs, units)
    roomy = most <= most_units(problem)
    limits = problem.limits
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    with np.errstate(invalid="ignore"):
        load = np.bincount(row, limits.weight * most[limits.supply], minlength=limits.count)
    tight = ~(load <= limits.high)
    roomy[limits.supply[tight[row]]] = False
    return np.asarray(roomy[pairs.supply] & allowed & (pairs.unit_cost == 0), np.bool_)


def _most_wanted(problem: Problem, pairs: Pairs, units: Floats) -> Floats:
    """float64[O]: units held if every demand took as many of the supply as it ever would."""
    key = pairs.demand.astype(np.int64) * problem.supply.count + pairs.supply
    names, at = np.unique(key, return_inverse=True)
    most = np.zeros(len(names))
    np.add.at(most, at, units)
    held = np.bincount(names % problem.supply.count, most, minlength=problem.supply.count)
    return held.astype(np.float64)
