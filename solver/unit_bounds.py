"""What a bound gains where scarce supplies are shared out in whole units.

A price sells every unit of a supply to everybody for the same, and half a unit to each of two who
want one. Let F be some supplies, C_s their units and w_s their prices, least_k what block k costs
at all prices, and v_k(n) what it costs where those of F are free and it holds at most n_s of each.
Plans hold no more than C_s, so what they cost is at least the rest of the bound and the least sum
of v_k(n_k) over whole n_k >= 0 with sum_k n_ks <= C_s.

Two things are known of v_k. At prices, v_k(n) >= least_k - sum_s w_s n_s. And with

    a_ks(n) = least_k - v_k where s is held to n units and all others of F are not,

v_k(n) >= least_k - a_ks(n_s) for each s. Where a >= 0 both together are

    v_k(n) >= least_k - sum_s min(w_s n_s, a_ks(n_s))

because either no a is the smaller one, and this is the first, or the sum is at least that a. It
stays so where one a is below 0: a block keeps such an a for one supply, the same one in all that
follows, and its others are raised to 0. This parts by supply:

    bound + sum_s (w_s C_s - most over whole n_k, sum n_k <= C_s, of sum_k min(w_s n_k, a_ks(n_k)))

A knapsack for each supply, by dynamic programming. Nobody knows all a: each is asked for with n =
C_s, and then where the best way to share out so far counts on a price alone.

Two blocks may be known to cost more together (`solver.apart_bounds`). Where one of them may use F,
what both cost is as above with what they gain added to its least, and to its a. Where both may, it
is not known how they share F, and the gain does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from solver.apart_bounds import Gain
from solver.block_bounds import BlockBounds
from solver.blocks import Blocks, Longs
from solver.child import EngineProcess
from solver.exclusive import exclusive_costs
from solver.exclusive_rows import counted_whole, neighbours
from solver.lone_bounds import lone_bound
from solver.prices import Prices, priced
from solver.problem import Bools, Family, Floats, Level, Problem
from solver.selection import pairs_of
from solver.ways import Way

#: Supplies of more units are not shared out, nor those that more blocks could use, or more blocks
#: that have models: each is asked what units are worth to it.
_MOST_UNITS = 64
_MOST_USERS = 150
_MOST_MODELS = 24
#: Of more demands, supplies are wanted by too many, and one of them matters little; so many models
#: are solved in all.
_MOST_DEMANDS = 1_000
_MOST_SOLVED = 250
#: So many supplies are tried, and one joins the others if that brings such a part of what is
#: missing. A block whose bound stays farther than that below the best way found is not asked
#: again: such bounds say nothing, and take long.
_TRIED = 6
_LITTLE = 0.02
#: Supplies about which plan and bound differ by no more than such a part of it are not tried.
_MATTERS = 0.02
#: Who is asked so often what units are worth, while one supply is shared out; what is known by
#: then counts.
_ASKED = 300
#: Part of a block's cost by which roundings may have raised a bound of it.
_ROUNDING = 1e-7


@dataclass(slots=True)
class UnitBounds:
    """Shares out supplies of a problem at prices.

    Attributes:
        problem: with flat moves.
        blocks: how it parts.
        forced: float64[D], share that stays unmet of each even alone.
        engine: solves the models of blocks.
        most: float64[O], as `most_units` says.
        exclusive: gangs that share a scope with nobody, in blocks with models too, and its level.
        prices: of shared rows; nothing has a price to be left unmet.
        least: float64[D], what each block costs at them, by its first demand.
        check: called between blocks; may raise to end it.
        ways: of blocks that have models, with some supplies free and one held to some units, as
            far as their models see that.
    """

    problem: Problem
    blocks: Blocks
    forced: Floats
    engine: EngineProcess
    most: Floats
    exclusive: Mapping[int, Level]
    prices: Prices
    least: Floats
    check: Callable[[], None]
    ways: list[Way] = field(default_factory=list)
    _modelled: dict[int, Longs] = field(init=False)
    _saved: dict[tuple[int, int, int, tuple[int, ...]], float] = field(default_factory=dict)
    _held: dict[tuple[int, int, tuple[int, ...]], _Held] = field(default_factory=dict)
    _solved: int = 0
    _hard: set[int] = field(default_factory=set)
    _little: float = np.inf
    _users: dict[int, list[int]] = field(default_factory=dict)
    _beside: dict[int, tuple[Longs, Longs, Longs]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Find blocks with models by their first demands."""
        self._modelled = {int(block[0]): block for block in self.blocks.models}

    def raised(self, supplies: Sequence[int], enough: float, gains: Sequence[Gain] = ()) -> float:
        """Return what the bound gains.

        Args:
            supplies: most promising first; others than a few are not looked at.
            enough: what does.
            gains: of pairs of blocks, no block in two; part of what is returned.
        """
        self._little = _LITTLE * enough
        suited = self._suited(supplies)
        counted = self._counted(gains, suited)
        enough -= counted
        alone = {one: self._gain([one], one) for one in suited}
        order = sorted(alone, key=lambda one: (-alone[one], one))
        chosen: list[int] = []
        best = 0.0
        for one in order:
            if best >= enough or alone[one] <= self._little:
                break
            total = sum(self._gain([*chosen, one], other) for other in [*chosen, one])
            if total > best + self._little:
                chosen, best = [*chosen, one], total
        return counted + best

    def _counted(self, gains: Sequence[Gain], supplies: Sequence[int]) -> float:
        """Add what pairs gain to what their members cost, where not both may use `supplies`."""
        users = set[int]().union(*(self._users_of(one) for one in supplies))
        counted = 0.0
        for pair in gains:
            mine = [one for one in pair.members if one in users]
            if len(mine) <= 1:
                self.least[(mine or list(pair.members))[0]] += pair.gain
                counted += pair.gain
        return counted

    def _suited(self, supplies: Sequence[int]) -> list[int]:
        """The first few supplies that can be shared out."""
        found: list[int] = []
        amount = self.problem.demands.mode_amount[self._modes_of_gangs()]
        if (amount != np.rint(amount)).any() or self.problem.demands.count > _MOST_DEMANDS:
            return found  # units would not be whole, or it takes too long
        for one in supplies:
            units, price = self.problem.supply.capacity[one], self.prices.capacity[one]
            if not 0 < units <= _MOST_UNITS or units != np.rint(units) or price <= 0:
                continue
            users = self._users_of(one)
            if (
                len(users) <= _MOST_USERS
                and len(self._modelled.keys() & set(users)) <= _MOST_MODELS
            ):
                found.append(one)
            if len(found) == _TRIED:
                break
        return found

    def _modes_of_gangs(self) -> Bools:
        """bool[M]."""
        demands = self.problem.demands
        return np.repeat(demands.family == Family.GANG, np.diff(demands.mode_start))

    def _users_of(self, supply: int) -> list[int]:
        """Blocks, by their first demands, some demand of which may use a supply."""
        if supply not in self._users:
            problem, first = self.problem, self.blocks.first_of(self.problem.demands.count)
            at = np.flatnonzero(problem.eligible == supply)
            signature = np.searchsorted(problem.eligible_start, at, side="right") - 1
            mode = np.flatnonzero(np.isin(problem.demands.mode_signature, signature))
            demand = np.searchsorted(problem.demands.mode_start, mode, side="right") - 1
            gangs = self.exclusive.items()
            beside = [one for one, level in gangs if self._near(one, level, supply).any()]
            demand = np.concatenate([demand, beside]).astype(np.int64)
            demand = demand[self.forced[demand] < 1]  # what nothing serves takes nothing
            self._users[supply] = np.unique(first[demand]).tolist()
        return self._users[supply]

    def _near(self, gang: int, level: Level, supply: int) -> Bools:
        """bool[P]: pairs of an exclusive gang where it takes all of a supply."""
        if gang not in self._beside:
            own = pairs_of(self.problem, gang, self.most).supply
            index, other = neighbours(self.problem, own, level)
            whole = counted_whole(self.problem, level)[other]
            self._beside[gang] = np.arange(len(own)), index[whole], other[whole]
        every, index, other = self._beside[gang]
        return np.isin(every, index[other == supply])

    def _gain(self, chosen: Sequence[int], supply: int) -> float:
        """What sharing out one of the `chosen` supplies brings, if all others are free."""
        units, price = int(self.problem.supply.capacity[supply]), self.prices.capacity[supply]
        users = self._users_of(supply)
        worth = np.tile(price * np.arange(units + 1.0), (len(users), 1))
        known = np.zeros(worth.shape, np.bool_)
        asked = [(row, units) for row in range(len(users))]
        total = price * units  # as long as nobody was asked, all might be worth the price
        most = _ASKED + len(users)
        while asked and known.sum() < most:
            for row, held in asked:
                self.check()
                known[row, held] = True
                saved = self._saved_by(users[row], supply, held, chosen)
                worth[row, : held + 1] = np.minimum(worth[row, : held + 1], saved)
            total, share = shared_out(worth)
            wants = worth.max(axis=1) > 0
            asked = [(row, held) for row, held in enumerate(share.tolist()) if wants[row]]
            asked = [(row, held) for row, held in asked if not known[row, held]]
        return max(float(price * units - total), 0.0)

    def _saved_by(self, block: int, supply: int, held: int, chosen: Sequence[int]) -> float:
        """a_ks: what a block saves by at most so many units of a supply, for nothing."""
        free = tuple(one for one in chosen if block in self._users_of(one))
        key = (block, supply, held, tuple(sorted(free)))
        if key not in self._saved:
            if self._solved >= _MOST_SOLVED or block in self._hard:
                return np.inf  # not known
            least = float(self.least[block])
            cost = self._cost(block, supply, held, key[-1])
            self._saved[key] = least - cost + _ROUNDING * max(1.0, abs(least))
        saved = self._saved[key]
        return saved if free[0] == supply else max(saved, 0.0)

    def _cost(self, block: int, supply: int, held: int, free: tuple[int, ...]) -> float:
        """v_k, from below: one supply held to so many units, no price for what is `free`."""
        key = (supply, held, free)
        if key not in self._held:
            self._held[key] = _Held.of(self, supply, held, free)
        some = self._held[key]
        if block in self._modelled:
            self._solved += 1
            members = self._modelled[block]
            found = some.models.solved(some.problem, some.prices, members, 0.0, proof=False)
            if found.way is not None:
                self.ways.append(found.way)
            if found.above > self._little:
                self._hard.add(block)
            return found.bound
        if block in self.exclusive:
            return self._cost_of_exclusive(some.prices, block, supply, held)
        pairs = pairs_of(some.problem, block, some.most)
        return lone_bound(some.problem, pairs, some.most, np.inf).cost

    def _cost_of_exclusive(self, prices: Prices, gang: int, supply: int, held: int) -> float:
        """v_k of a gang that takes all of a supply where it stands beside it."""
        level, pairs = self.exclusive[gang], pairs_of(self.problem, gang, self.most)
        cost = exclusive_costs(self.problem, prices, pairs, level, self.most)
        if held < self.problem.supply.capacity[supply]:
            cost = cost[~self._near(gang, level, supply)]
        return float(cost.min(initial=np.inf))


@dataclass(frozen=True, slots=True)
class _Held:
    """A problem some of whose supplies are free and one of them held to some units.

    Attributes:
        problem: priced.
        prices: none of what is free.
        most: float64[O], as `most_units` says.
        models: bounds of its blocks.
    """

    problem: Problem
    prices: Prices
    most: Floats
    models: BlockBounds

    @classmethod
    def of(cls, bounds: UnitBounds, supply: int, held: int, free: tuple[int, ...]) -> _Held:
        """Hold one supply of a problem to so many units, and let some be free."""
        stock, most = bounds.problem.supply, bounds.most.copy()
        charge = bounds.prices.capacity.copy()
        charge[list(free)] = 0.0
        prices = replace(bounds.prices, capacity=charge)
        capacity = stock.capacity.copy()
        capacity[supply] = held
        most[supply] = min(most[supply], held)
        problem = replace(bounds.problem, supply=replace(stock, capacity=capacity))
        models = BlockBounds(problem, bounds.forced.copy(), bounds.engine)
        return cls(priced(problem, prices), prices, most, models)


def shared_out(worth: Floats) -> tuple[float, Longs]:
    """Return what units are worth at most that are shared out among some, and how many each gets.

    Args:
        worth: float64[K, C + 1], what n units are worth to each of K; C units are there.

    Returns:
        the most, and int64[K].
    """
    count, width = worth.shape
    left = np.arange(width)[:, None] - np.arange(width)[None, :]
    best, taken = np.zeros(width), np.zeros((count, width), np.int64)
    for row in range(count):
        both = np.where(left >= 0, best[left] + worth[row], -np.inf)
        taken[row] = both.argmax(axis=1)
        best = both.max(axis=1)
    share, units = np.zeros(count, np.int64), width - 1
    for row in range(count - 1, -1, -1):
        share[row] = taken[row, units]
        units -= share[row]
    return float(best[-1]), share


def contested(
    problem: Problem,
    prices: Prices,
    regret: Floats,
    holds: tuple[Longs, Longs],
    idle: Floats,
    enough: float,
) -> list[int]:
    """Return supplies with a price, those first about which a plan and a bound differ most.

    Args:
        problem: what is asked.
        prices: of the bound.
        regret: float64[D], what a plan's blocks cost at the prices beyond what they must, by
            first demand.
        holds: int64[n] blocks and int64[n] supplies, who holds or wants what.
        idle: float64[O], the price of what a plan leaves of each supply.
        enough: how much better a bound does; supplies that hardly matter for it are left out.
    """
    block, supply = np.unique(np.stack(holds, axis=1), axis=0).T
    scarce = prices.capacity > 0
    ends = np.where(scarce, prices.capacity * np.where(scarce, problem.supply.capacity, 0.0), 0.0)
    value = np.where(scarce, idle, 0.0)
    np.add.at(value, supply, np.minimum(regret[block], ends[supply]))
    order = np.argsort(-value, kind="stable")
    return [int(one) for one in order if value[one] > _MATTERS * enough]
