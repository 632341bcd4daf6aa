"""What blocks cost at least that hold some units of a few supplies for nothing, at prices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Dialogue, Engine
from solver.block_bounds import BlockBounds, Found
from solver.blocks import Blocks, Longs
from solver.exclusive import exclusive_costs
from solver.exclusive_rows import counted_whole, neighbours
from solver.lone_bounds import lone_bound
from solver.prices import Prices, priced
from solver.problem import Bools, Floats, Level, Problem
from solver.selection import pairs_of
from solver.ways import Way

#: So many units of each of some supplies, of those alone that a block may use.
Units = tuple[tuple[int, int], ...]
#: So many models are solved in all, at the same prices.
_MOST_SOLVED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """Who may hold what, at which prices.

    Attributes:
        problem: with flat moves.
        blocks: how it parts.
        forced: float64[D], share that stays unmet of each even alone.
        most: float64[O], as `most_units` says.
        exclusive: gangs that share a scope with nobody, in blocks with models too, and its level.
        prices: of shared rows; those of what stays unmet are endless.
    """

    problem: Problem
    blocks: Blocks
    forced: Floats
    most: Floats
    exclusive: Mapping[int, Level]
    prices: Prices


class HeldCosts:
    """Asks blocks what they cost, and remembers what they said.

    Attributes:
        stock: who may hold what.
        ways: of blocks that have models, with what they may hold. Those of several demands with
            services among them see no capacities, so they may hold more; some leave shares unmet.
    """

    def __init__(self, stock: Stock, engine: Engine) -> None:
        """Ask nobody yet; the engine solves models of blocks."""
        self.ways: dict[tuple[int, Units], Way] = {}
        self.stock, self._engine = stock, engine
        self._modelled = {int(block[0]): block for block in stock.blocks.models}
        self._known: dict[tuple[int, Units], float] = {}
        self._held: dict[Units, _Held] = {}
        self._users: dict[int, list[int]] = {}
        self._beside: dict[int, tuple[Longs, Longs, Longs]] = {}
        self._solved = 0
        self._above: dict[int, float] = {}

    def forget_models(self) -> None:
        """Keep what was said, and not the problems that were asked about: each takes memory."""
        self._held.clear()

    def users_of(self, supply: int) -> list[int]:
        """Blocks, by their first demands, some demand of which may use a supply."""
        if supply not in self._users:
            self._users[supply] = self._found_users_of(supply)
        return self._users[supply]

    def models_of(self, supply: int) -> int:
        """How many of its users have models."""
        return len(self._modelled.keys() & set(self.users_of(supply)))

    def own(self, block: int, supplies: Sequence[int], held: Sequence[int]) -> Units:
        """What a block holds of the supplies that it may use."""
        both = zip(supplies, held, strict=True)
        return tuple((one, units) for one, units in both if block in self.users_of(one))

    def cost(self, block: int, held: Units, close: float) -> float:
        """What a block costs at least that holds at most so many units, for nothing.

        Args:
            block: its first demand.
            held: as `own` returns.
            close: a block whose bound stays farther than that below the best way found is not
                asked again: such bounds say nothing, and take long.

        Returns:
            -inf: it is not asked.

        Raises:
            SolverError: the engine failed.
        """
        if (block, held) not in self._known:
            if self._solved >= _MOST_SOLVED or self._above.get(block, 0.0) > close:
                return -np.inf
            self._known[block, held] = self._asked(block, held)
        return self._known[block, held]

    def learn(
        self, asked: Sequence[tuple[int, Units]], close: float, check: Callable[[], None]
    ) -> None:
        """Ask different blocks that have models at a time, so that `cost` knows what they say.

        Args:
            asked: blocks and what they hold.
            close: as `cost` says.
            check: called between blocks; may raise to end it.

        Raises:
            SolverError: the engine failed.
        """
        fresh = [
            (block, held)
            for block, held in dict.fromkeys(asked)
            if block in self._modelled
            and (block, held) not in self._known
            and self._above.get(block, 0.0) <= close
        ][: max(_MOST_SOLVED - self._solved, 0)]
        solving = (self._solving(block, held) for block, held in fresh)
        for (block, held), found in zip(fresh, self._engine.each(solving), strict=True):
            self._known[block, held] = self._noted(block, held, found)
            check()

    def _with(self, held: Units) -> _Held:
        if held not in self._held:
            self._held[held] = _Held.of(self.stock, held, self._engine)
        return self._held[held]

    def _solving(self, block: int, held: Units) -> Dialogue[Found]:
        """Solve a block that has a model, with what it holds."""
        some, members = self._with(held), self._modelled[block]
        return (
            yield from some.models.solving(some.problem, some.prices, members, 0.0, proof=False)
        )

    def _noted(self, block: int, held: Units, found: Found) -> float:
        """Note what was found of a block that has a model; its cost at least."""
        self._solved += 1
        some = self._with(held)
        solved = some.models.learned(some.problem, some.prices, found)
        if solved.way is not None:
            self.ways[block, held] = solved.way
        self._above[block] = max(solved.above, self._above.get(block, 0.0))
        return solved.bound

    def _asked(self, block: int, held: Units) -> float:
        if block in self._modelled:
            return self._noted(block, held, self._engine.run(self._solving(block, held)))
        some = self._with(held)
        if block in self.stock.exclusive:
            return self._cost_of_exclusive(some.prices, block, held)
        pairs = pairs_of(some.problem, block, some.most)
        return lone_bound(some.problem, pairs, some.most, np.inf).cost

    def _cost_of_exclusive(self, prices: Prices, gang: int, held: Units) -> float:
        """That of a gang that takes all of a supply where it stands beside it."""
        stock, level = self.stock, self.stock.exclusive[gang]
        pairs = pairs_of(stock.problem, gang, stock.most)
        cost = exclusive_costs(stock.problem, prices, pairs, level, stock.most)
        for supply, units in held:
            if units < stock.problem.supply.capacity[supply]:
                cost[self._near(gang, level, supply)] = np.inf
        return float(cost.min(initial=np.inf))

    def _found_users_of(self, supply: int) -> list[int]:
        problem = self.stock.problem
        first = self.stock.blocks.first_of(problem.demands.count)
        at = np.flatnonzero(problem.eligible == supply)
        signature = np.searchsorted(problem.eligible_start, at, side="right") - 1
        mode = np.flatnonzero(np.isin(problem.demands.mode_signature, signature))
        demand = np.searchsorted(problem.demands.mode_start, mode, side="right") - 1
        gangs = self.stock.exclusive.items()
        beside = [one for one, level in gangs if self._near(one, level, supply).any()]
        demand = np.concatenate([demand, beside]).astype(np.int64)
        demand = demand[self.stock.forced[demand] < 1]  # what nothing serves takes nothing
        return list(map(int, np.unique(first[demand])))

    def _near(self, gang: int, level: Level, supply: int) -> Bools:
        """bool[P]: pairs of an exclusive gang where it takes all of a supply."""
        problem = self.stock.problem
        if gang not in self._beside:
            own = pairs_of(problem, gang, self.stock.most).supply
            index, other = neighbours(problem, own, level)
            whole = counted_whole(problem, level)[other]
            self._beside[gang] = np.arange(len(own)), index[whole], other[whole]
        every, index, other = self._beside[gang]
        return np.isin(every, index[other == supply])


@dataclass(frozen=True, slots=True)
class _Held:
    """A problem with some supplies that are free, each held to some units.

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
    def of(cls, stock: Stock, held: Units, engine: Engine) -> _Held:
        """Hold supplies of a problem to so many units, and let them be free."""
        free = [supply for supply, _ in held]
        units = np.array([units for _, units in held], np.float64)
        supply, most = stock.problem.supply, stock.most.copy()
        charge, capacity = stock.prices.capacity.copy(), supply.capacity.copy()
        charge[free], capacity[free] = 0.0, units
        most[free] = np.minimum(most[free], units)
        prices = replace(stock.prices, capacity=charge)
        problem = replace(stock.problem, supply=replace(supply, capacity=capacity))
        models = BlockBounds(problem, stock.forced.copy(), engine)
        return cls(priced(problem, prices), prices, most, models)
