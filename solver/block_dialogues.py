"""What is asked about single blocks at prices: their relaxation, or a bound and a way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.asking import Dialogue, integer, linear
from solver.block_models import BlockModels
from solver.blocks import Longs
from solver.compact_columns import NONE, Compact, owners
from solver.effort import Effort, Outcome
from solver.less_served import Partly, partly_of
from solver.pairs import Pairs
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.selection import joined
from solver.slices import Slice
from solver.ways import Way, way_of

#: Part of a relaxation's cost by which roundings of the engine may have raised it.
_RELAXED_ROUNDING = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Solved:
    """What is known of a block at some prices.

    Attributes:
        bound: of its cost.
        way: the best way found; None: none, or it was only relaxed.
        above: how far the engine's best point is above `bound`; inf: it has none.
        gap: asked for when it was solved; inf: it was relaxed.
        nodes: allowed for it.
        pairs: how many its model is of; 0: there was no time for one.
        partly: what its relaxation says of leaving more unmet; None: it has none.
    """

    bound: float
    way: Way | None
    above: float = np.inf
    gap: float = np.inf
    nodes: int = 0
    pairs: int = 0
    partly: Partly | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fresh:
    """A block at prices: its pairs, and the price of what it leaves unmet."""

    block: Longs
    pairs: Pairs
    unmet: Floats


class BlockDialogues:
    """Asks about the blocks of a problem."""

    def __init__(self, models: BlockModels) -> None:
        """Ask by means of `models`."""
        self._models = models

    def relaxing_together(
        self, problem: Problem, fresh: Sequence[Fresh]
    ) -> Dialogue[list[Solved] | None]:
        """Relax services that have nothing in common; None: not all have a bound.

        One model of many costs much less to build than one of each.
        """
        members = np.concatenate([one.block for one in fresh])
        order = np.argsort(members)
        chosen, unmet = members[order], np.concatenate([one.unmet for one in fresh])[order]
        pairs = joined(problem, [one.pairs for one in fresh])
        compact, model = self._models.services(problem, chosen, pairs, unmet)
        owner = owners(compact)
        if (owner == NONE).any():
            return None
        answer = yield from linear(model, presolve=False)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return None
        cost = np.bincount(owner, weights=model.cost * answer.x, minlength=len(chosen))
        bound = cost - _RELAXED_ROUNDING * np.maximum(1.0, np.abs(cost))
        partly = partly_of(compact, model, answer, bound, unmet)
        return [
            Solved(bound=float(bound[row]), way=None, partly=partly[row])
            for row in np.argsort(order).tolist()
        ]

    def relaxing(
        self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs
    ) -> Dialogue[Solved | None]:
        """Relax a block; None: the relaxation has no solution."""
        compact, model, _ = self._models.model(problem, prices, block, pairs)
        answer = yield from linear(model, presolve=False)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return None
        bound = answer.objective - _RELAXED_ROUNDING * max(1.0, abs(answer.objective))
        partly = partly_of(
            compact, model, answer, np.array([bound]), prices.unmet[block], together=True
        )
        return Solved(bound=bound, way=None, partly=partly[0])

    def solving(
        self, problem: Problem, prices: Prices, own: tuple[Longs, Pairs], effort: Effort
    ) -> Dialogue[Solved | None]:
        """Solve a block over its `own` pairs; None: one demand, more of which stays unmet."""
        block, pairs = own
        compact, model, part = self._models.model(problem, prices, block, pairs)
        answer = yield from integer(model, effort)
        if answer.outcome is Outcome.INFEASIBLE and len(block) == 1:
            return None
        if answer.outcome is Outcome.INFEASIBLE:
            # Not all can be served together; which are left is not known: any, free of charge.
            model.high[compact.unmet] = 1.0
            answer = yield from integer(model, effort)
        bound, above = answer.bound, answer.objective - answer.bound
        if len(answer.x) and any(one.is_loose for one in compact.services.values()):
            used = pairs.keep(answer.x[compact.main] > 0)
            compact, model, part = self._models.model(problem, prices, block, used, loose=False)
            answer = yield from integer(model, effort)
        way = _way(compact, answer.x, part)
        nodes = effort.nodes or 0
        return Solved(
            bound=bound, way=way, above=above, gap=effort.gap, nodes=nodes, pairs=pairs.count
        )


def _way(compact: Compact, x: Floats, part: Slice) -> Way | None:
    return way_of(compact, x, part) if len(x) else None
