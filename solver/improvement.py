"""What to solve again: demands whose part of the plan costs more than their part of the bound.

At the prices of a bound, what the plan's columns of a demand cost less what the demand adds to the
bound is its *regret*: all regrets, and the price of what shared rows have left, are the gap.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.asking import Dialogue
from solver.blocks import Blocks
from solver.certificate import Certificate
from solver.compact_columns import NONE, Compact, Longs, owners
from solver.obstacles import Obstacles
from solver.prices import Prices
from solver.problem import Family, Floats
from solver.relaxation import charges
from solver.room import Room
from solver.search import Search, Step
from solver.solution import Allocation

#: Demands solved along with a seed. Services are not at first: several of them make a slow model.
_COMPANY = 8
#: When nothing came of it, so many others, services too.
_COMPANY_AGAIN = 4
#: Part of the times that company is sought only where a seed would be best, and pairs that are.
_AIMED = 0.5
_FEW_PAIRS = 3
#: Up to so many demands, all of them are a neighbourhood, too; branch-and-bound nodes for it.
FEW = 60
_NODES_FOR_ALL = 300
#: Companies that make room for a demand that is left out: none, some, many with services.
_ROOM_MAKERS = (0, _COMPANY, 16)
#: So many in a row that could not be served are enough.
_GIVE_UP = 6
#: How often room is made for all; not for those that could save less than this part of what one
#: could on average, and not again when it saves no more than this part of the cost.
_SETTLINGS = 4
_LITTLE = 0.05
_SAVED = 1e-3
#: That ends when so many demands in a row save less than this part of the cost.
_PATIENCE = 200
_SELDOM = 2e-4
#: Company is left out that makes a model of more columns: such models take a hundred times as long
#: as small ones and bring less, so they come later. A seed that has more by itself is tried less.
FEW_COLUMNS = 400
MANY_COLUMNS = 1_000
#: So many steps go on at a time for different demands, where there are more than so many of these.
_ABREAST = 6
_FEW_ABREAST = 200
#: A seed that nothing came of is tried less.
_TIRED = 0.3


@dataclass(frozen=True, slots=True)
class _Choice:
    """Whom a step is for, and int64[1], how often nothing came of its seed."""

    demands: Longs
    failed: Longs


class Improvement:
    """Picks neighbourhoods of one plan and solves them."""

    def __init__(
        self,
        *,
        search: Search,
        blocks: Blocks,
        unserved: Callable[[Floats], Floats],
        prices: Prices,
        certificate: Certificate | None,
        seed: int,
        ways: Mapping[int, Allocation],
    ) -> None:
        """Look at `search` with the prices of `certificate`.

        Args:
            search: the plan.
            blocks: which demands are solved together.
            unserved: unmet shares, float64[D] -> what leaving them is worth a step, float64[D].
            prices: of the certificate.
            certificate: the bound; None: not known yet, only what is unmet is worth a step.
            seed: of the choice.
            ways: what services would take at the prices, by demand.
        """
        self._search = search
        self._unserved = unserved
        compact = search.compact
        demands = compact.problem.demands.count
        self._least = np.full(demands, np.inf) if certificate is None else certificate.least
        solved = () if certificate is None else certificate.ways
        self._wanted = {int(way.demands[0]): way.allocation.supply for way in solved}
        self._block = blocks.first_of(demands)
        self._owner = owners(compact)
        self._charged = search.incumbent.model.cost
        self._charged = self._charged + charges(compact, search.incumbent.model, prices)
        self._scarce = (prices.capacity > 0) | _limited(compact, prices)
        self._random = np.random.default_rng(seed)
        self._failed = np.zeros(demands, np.int64)
        self._price = prices.capacity
        self._failed_at = np.zeros(len(self._price), np.int64)
        own = self._block[self._owner[self._owner != NONE]]
        self._size = np.bincount(own, minlength=demands)
        self._most_columns = FEW_COLUMNS
        self._obstacles = Obstacles(compact, search.incumbent)
        self._room = Room(search.incumbent, compact, self._charged, ways)

    def _costs(self) -> Floats:
        """float64[D], what each demand costs at the prices."""
        own = self._owner != NONE
        cost = self._charged[own] * self._search.incumbent.x[own]
        each = np.bincount(self._owner[own], weights=cost, minlength=len(self._block))
        return each.astype(np.float64)

    def regrets(self) -> Floats:
        """float64[D], by the first demand of each block."""
        demands = len(self._block)
        total = np.bincount(self._block, weights=self._costs(), minlength=demands)
        over = np.maximum(total - self._least, 0.0)
        over[~np.isfinite(over)] = 0.0
        missed = np.bincount(
            self._block, weights=self._unserved(self._search.unmet), minlength=demands
        )
        return np.asarray(over + missed, np.float64)

    def repair(self, check: Callable[[], None]) -> None:
        """Serve what is unmet out of what is left, the dearest to leave first.

        Where one after another cannot be served, the rest is not tried.
        """
        missed, failed = self._unserved(self._search.unmet), 0
        for demand in np.argsort(-missed, kind="stable"):
            if missed[demand] <= 0 or failed == _GIVE_UP:
                break
            check()
            seed = int(self._block[demand])
            self._make_room(int(demand), self._worths())
            for size in _ROOM_MAKERS:
                if self._unserved(self._search.unmet)[demand] > 0:
                    others = self._company(seed, missed, size, services=size > _COMPANY)
                    self._search.step(self._whole(others))
            failed = failed + 1 if self._unserved(self._search.unmet)[demand] > 0 else 0

    def settle(self, is_good: Callable[[], bool], check: Callable[[], None]) -> None:
        """Make room for those that could save most, again while that saves enough.

        First for those whose models are small: many are solved in the time of one large one.
        """
        for _ in range(_SETTLINGS):
            before = self._search.incumbent.cost
            regret, worth = self.regrets(), self._worths()
            least, last = _LITTLE * float(regret.sum()) / len(regret), before
            order = np.argsort(-regret * self._ease(), kind="stable")
            for number, seed in enumerate(order[regret[order] > least], start=1):
                if is_good():
                    break
                check()
                self._make_room(int(seed), worth)
                if number % _PATIENCE == 0:
                    now = self._search.incumbent.cost
                    if last - now <= _SELDOM * now:
                        return
                    last = now
            if before - self._search.incumbent.cost <= _SAVED * before:
                return

    def _make_room(self, demand: int, worth: Floats) -> None:
        """Solve for a demand and holders of what suits it, where that seems to be worth it.

        `worth`: float64[D], as `_worths` says; it is kept up to date.
        """
        company = self._room.company(demand, worth)
        if company is None:
            return
        some = self._whole(company)
        if self._search.step(some):
            column = self._search.incumbent.columns_of(some)
            cost = self._charged[column] * self._search.incumbent.x[column]
            each = np.bincount(self._owner[column], weights=cost, minlength=len(worth))
            worth[some] = (each + self._unserved(self._search.unmet))[some]

    def _worths(self) -> Floats:
        """float64[D], what each demand costs at the prices, and what it leaves is worth."""
        return self._costs() + self._unserved(self._search.unmet)

    def solve_all(self, check: Callable[[], None]) -> None:
        """Solve for every demand at once; for few demands only."""
        check()
        if len(self._block) <= FEW:
            self._search.step(np.arange(len(self._block)), nodes=_NODES_FOR_ALL)

    def improve(
        self,
        steps: int,
        is_good: Callable[[], bool],
        check: Callable[[], None],
        *,
        most_columns: int = FEW_COLUMNS,
    ) -> None:
        """Solve up to `steps` neighbourhoods again, with company up to `most_columns` in all."""
        self._most_columns = most_columns
        ahead = _ABREAST if len(self._block) > _FEW_ABREAST else 1
        chosen: deque[_Choice] = deque()

        def tries() -> Iterator[Dialogue[Step]]:
            for _ in range(steps):
                choice = None if is_good() else self._chosen(chosen)
                if choice is None:
                    return
                check()
                chosen.append(choice)
                yield self._search.trying(choice.demands)

        for step in self._search.steps(tries(), ahead=ahead):
            before, choice = self._search.incumbent.cost, chosen[0]
            taken = self._search.take(step)
            if not taken or self._search.incumbent.cost > before * (1 - 1e-6):
                choice.failed[:] += 1
            chosen.popleft()

    def _chosen(self, others: Iterable[_Choice]) -> _Choice | None:
        """Choose a seed and its company, none of `others`; None: nothing can be saved."""
        busy = np.zeros(len(self._block), np.bool_)
        for other in others:
            busy[other.demands] = True
        regret = np.where(busy, 0.0, self.regrets() * self._ease() * _TIRED**self._failed)
        idle = self._idle() * _TIRED**self._failed_at
        total = float(regret.sum() + idle.sum())
        if total <= 0:
            return None
        weight = np.concatenate([regret, idle]) / total
        seed = int(self._random.choice(len(weight), p=weight))
        if seed < len(regret):
            failed, company = self._failed[seed : seed + 1], self._partners(seed, regret)
        else:
            supply = seed - len(regret)
            failed, company = self._failed_at[supply : supply + 1], self._takers(supply)
        free = company[~busy[self._block[company]]]
        return _Choice(self._whole(self._few(free)), failed)

    def _ease(self) -> Floats:
        """float64[D], how readily a seed is tried: less where its model is large."""
        part = np.minimum(1.0, self._most_columns / np.maximum(self._size, 1))
        return np.asarray(part**2, np.float64)

    def _idle(self) -> Floats:
        """float64[O], the price of what is not taken of each supply."""
        incumbent, row = self._search.incumbent, self._search.compact.rows["capacity"]
        known = np.flatnonzero((row != NONE) & (self._price > 0))
        left = incumbent.model.row_high[row[known]] - incumbent.activity[row[known]]
        idle = np.zeros(len(row))
        idle[known] = np.maximum(left, 0.0) * self._price[known]
        return idle

    def _partners(self, seed: int, regret: Floats) -> Longs:
        """The seed and others that hold what it wants; services too once it has been tried."""
        failed = int(self._failed[seed])
        if failed == 1:
            for _, wanted in self._room.wishes(seed, float(self._costs()[seed]))[:1]:
                obstacles = self._obstacles.of(seed, wanted, regret[self._block])
                if len(obstacles):
                    return np.concatenate([[seed], obstacles]).astype(np.int64)
        size = _COMPANY_AGAIN if failed else _COMPANY
        return self._company(seed, regret, size, services=failed > 0)

    def _takers(self, supply: int) -> Longs:
        """Gangs and batches that a supply suits best, and some that hold it."""
        compact = self._search.compact
        pair = np.flatnonzero(compact.pairs.supply == supply)
        pair = pair[compact.problem.demands.family[compact.pairs.demand[pair]] != Family.SERVICE]
        demand, main = compact.pairs.demand[pair], compact.main[pair]
        over = self._charged[main] - self._least[self._block[demand]]
        holds = self._search.incumbent.x[main] > 0
        suited = np.unique(demand[~holds][np.argsort(over[~holds], kind="stable")][: 2 * _COMPANY])
        parts = [
            self._random.choice(some, size=min(size, len(some)), replace=False)
            for some, size in ((suited, _COMPANY), (np.unique(demand[holds]), _COMPANY_AGAIN))
            if len(some)
        ]
        return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)

    def _few(self, demands: Longs) -> Longs:
        """The first of some demands, and those that follow until a model would be large."""
        block = self._block[demands]
        first = np.sort(np.unique(block, return_index=True)[1])
        total = np.cumsum(self._size[block[first]])
        kept = block[first[(total <= self._most_columns) | (np.arange(len(first)) == 0)]]
        return demands[np.isin(block, kept)]

    def _whole(self, demands: Longs) -> Longs:
        """Add the rest of the demands' blocks."""
        return np.flatnonzero(np.isin(self._block, self._block[demands]))

    def _company(self, seed: int, regret: Floats, size: int, *, services: bool) -> Longs:
        """The seed, and up to `size` others that hold scarce supplies which it could use."""
        compact = self._search.compact
        supply, demand = compact.pairs.supply, compact.pairs.demand
        own = self._block[demand] == seed
        scarce = self._scarce[supply] | (
            services & np.isfinite(compact.problem.supply.capacity)[supply]
        )
        wanted = np.unique(supply[own & scarce])
        if self._random.random() < _AIMED:
            wanted = self._best_of(seed, np.flatnonzero(own), wanted)
        held = self._search.incumbent.x[compact.main] > 0
        users = np.setdiff1d(np.unique(demand[np.isin(supply, wanted) & held]), [seed])
        if not services:
            users = users[compact.problem.demands.family[users] != Family.SERVICE]
        if not len(users) or not size:
            return np.array([seed])
        weight = 1 + regret[users]
        size = min(size, len(users))
        chosen = self._random.choice(users, size=size, replace=False, p=weight / weight.sum())
        return np.concatenate([[seed], chosen]).astype(np.int64)

    def _best_of(self, seed: int, pairs: Longs, wanted: Longs) -> Longs:
        """Of `wanted` what the way of the bound uses, or the cheapest pairs at its prices."""
        if seed in self._wanted:
            best = self._wanted[seed]
        else:
            compact = self._search.compact
            other = pairs[self._search.incumbent.x[compact.main[pairs]] <= 0]
            cost = self._charged[compact.main[other]]
            best = compact.pairs.supply[other[np.argsort(cost, kind="stable")[:_FEW_PAIRS]]]
        found = np.intersect1d(best, wanted)
        return found if len(found) else wanted


def _limited(compact: Compact, prices: Prices) -> NDArray[np.bool_]:
    """bool[O]: supplies that a limit with a price counts."""
    limits = compact.problem.limits
    row = np.repeat(np.arange(limits.count), np.diff(limits.start))
    found = np.zeros(compact.problem.supply.count, np.bool_)
    found[limits.supply[prices.limit[row] > 0]] = True
    return found
