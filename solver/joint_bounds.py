"""What a bound gains where blocks that prices do not tell apart are bounded together.

Each block alone costs at least so much at prices, and the bound is their sum. Some together cost
more than that: gangs and batches that want the same few units, a few supplies shared out in whole
units, services that may not stand in one place. What different blocks gain adds up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from solver.apart_bounds import ApartBounds, Gain
from solver.asking import Engine
from solver.block_bounds import BlockBounds
from solver.block_models import priced_unmet
from solver.blocks import Blocks
from solver.compact import build_compact
from solver.compact_columns import Compact
from solver.effort import Effort
from solver.exclusive_rows import exclusive_gangs
from solver.held_costs import HeldCosts, Stock
from solver.model import Model
from solver.pairs import most_units
from solver.prices import Prices, priced, worth
from solver.problem import Floats, Level, Problem
from solver.rivals import Rivals, rivals_of
from solver.slices import slice_demands, slice_pairs
from solver.solution import Allocation
from solver.unit_bounds import UnitBounds
from solver.ways import Way
from solver.whole_bound import Whole, whole_of

#: Part of a cost, or of 1, that roundings of the engine may be worth in the model of gangs and
#: batches together; gap, nodes and most pairs of that model.
_ROUNDING = 1e-7
_JOINT_GAP = 1e-4
_JOINT_NODES = 300
_JOINT_PAIRS = 20_000
#: A model of everybody is tried up to so many demands and pairs; its gap.
_WHOLE_DEMANDS = 120
_WHOLE_PAIRS = 5_000
_WHOLE_GAP = 1e-3


class JointBounds:
    """Bounds some blocks of one problem together, at the prices of a bound of each alone."""

    def __init__(
        self,
        problem: Problem,
        blocks: Blocks,
        forced: Floats,
        engine: Engine,
        models: BlockBounds,
        exclusive: Mapping[int, Level],
    ) -> None:
        """Know how `problem` (flat moves) parts.

        Args:
            problem: what is asked.
            blocks: its blocks.
            forced: float64[D], share that stays unmet of each even alone; it may be changed.
            engine: runs the models.
            models: what is known of blocks that have models.
            exclusive: gangs by themselves that share a scope with nobody, and its level.
        """
        self._problem, self._blocks, self._forced = problem, blocks, forced
        self._engine, self._models, self._exclusive = engine, models, exclusive
        self._most = most_units(problem)
        self._apart: tuple[Prices, ApartBounds] | None = None
        self._held: HeldCosts | None = None

    def of_rivals(
        self, prices: Prices, least: Floats, within: float, enough: float | None = None
    ) -> float:
        """Return what gangs and batches gain as one block, capacities that have prices kept.

        What is indivisible and wants the same few units is bounded together.

        Args:
            prices: of the bound.
            least: float64[D], what each demand, or block by its first, adds to it.
            within: how far above the bound plans matter, > 0: what is gained holds for those.
            enough: how much gain does; less work is spent on it, it may be missed.

        Raises:
            SolverError: the engine failed.
        """
        members = np.setdiff1d(
            np.concatenate([self._blocks.plain, self._blocks.lone]), list(self._exclusive)
        )
        members = members[np.isfinite(least[members])]
        rivals = rivals_of(self._problem, prices, self._most, members, least, within)
        if not 0 < rivals.pairs.count <= _JOINT_PAIRS:
            return 0.0
        problem = priced(self._problem, prices)
        compact, model = self._model(problem, rivals)
        model.high[compact.main] = np.minimum(model.high[compact.main], rivals.share)
        apart = float(least[rivals.demand].sum())
        gap = _JOINT_GAP
        if enough is not None:
            gap = max(gap, (within - enough) / max(apart + within, 1.0))
        answer = self._engine.solve_integer(model, Effort(gap=gap, nodes=_JOINT_NODES))
        more = min(answer.bound - apart, within) - _ROUNDING * max(1.0, abs(apart))
        return max(0.0, more)

    def of_all(self, prices: Prices, least: Floats, within: float) -> float:
        """Return what everybody gains as one block who sees something scarce, if they are few.

        Args:
            prices: of the bound.
            least: float64[D], what each demand, or block by its first, adds to it.
            within: how far above the bound plans matter, > 0: what is gained holds for those.

        Raises:
            SolverError: the engine failed.
        """
        if self._problem.demands.count > _WHOLE_DEMANDS:
            return 0.0
        whole = whole_of(self._problem, prices, self._most, self._blocks, least, within)
        if not len(whole.demand) or whole.pairs.count > _WHOLE_PAIRS:
            return 0.0
        _, model = self._model(whole.problem, whole)
        answer = self._engine.solve_integer(model, Effort(gap=_WHOLE_GAP, nodes=_JOINT_NODES))
        apart = float(least[whole.demand].sum())
        free = worth(self._problem, prices) - worth(self._problem, whole.prices)
        rounding = _ROUNDING * max(1.0, abs(answer.bound), abs(float(least.sum()) - apart))
        return max(0.0, min(answer.bound - apart + free - rounding, within))

    def of_pairs(
        self,
        prices: Prices,
        least: Floats,
        regret: Floats,
        little: float,
        check: Callable[[], None],
    ) -> tuple[list[Gain], list[Way]]:
        """Return what pairs of services gain that may not stand in one scope, and ways found.

        Args:
            prices: of the bound.
            least: float64[D], what each demand, or block by its first, adds to it.
            regret: float64[D], what each costs in some plan beyond that.
            little: regret of a pair that is too little to look at.
            check: called between models; may raise to end it, and what is known stays.

        Raises:
            SolverError: the engine failed.
        """
        if self._apart is None or self._apart[0] is not prices:
            self._apart = (
                prices,
                ApartBounds(
                    problem=self._problem,
                    blocks=self._blocks,
                    forced=self._forced,
                    engine=self._engine,
                    models=self._models,
                    prices=prices,
                ),
            )
        pairs = self._apart[1]
        return pairs.gains(least, regret, little, check), pairs.ways

    def by_units(
        self,
        prices: Prices,
        least: Floats,
        enough: float,
        supplies: Sequence[int],
        plan: Allocation,
        check: Callable[[], None],
        gains: Sequence[Gain] = (),
    ) -> tuple[float, list[Way]]:
        """Return the gain with a few scarce supplies shared out in whole units, and ways found.

        Args:
            prices: of the bound; those of what stays unmet are endless.
            least: float64[D], what each demand, or block by its first, adds to it.
            enough: how much gain does.
            supplies: most promising first.
            plan: the plan so far.
            check: called between blocks; may raise to end the search.
            gains: of pairs, which are part of what is returned.

        Raises:
            SolverError: the engine failed on a block.
        """
        if not np.isfinite(least).all():
            return 0.0, []
        costs = self._costs_at(prices)
        more = UnitBounds(costs, least, plan, check).raised(supplies, enough, gains)
        costs.forget_models()
        return more, list(costs.ways.values())

    def _costs_at(self, prices: Prices) -> HeldCosts:
        """What blocks cost that hold some units; what was asked at the same prices is known."""
        held = self._held
        if (
            held is None
            or held.stock.prices is not prices
            or not np.array_equal(held.stock.forced, self._forced)
        ):
            stock = Stock(
                problem=self._problem,
                blocks=self._blocks,
                forced=self._forced.copy(),
                most=self._most,
                exclusive=exclusive_gangs(self._problem),
                prices=prices,
            )
            held = self._held = HeldCosts(stock, self._engine)
        return held

    def _model(self, problem: Problem, some: Rivals | Whole) -> tuple[Compact, Model]:
        """Model some demands of a priced problem; what they do elsewhere counts as unmet."""
        part = slice_demands(problem, some.demand)
        compact = build_compact(part.problem, slice_pairs(some.pairs, part), loose=True)
        return compact, priced_unmet(compact, some.elsewhere, self._forced[some.demand])
