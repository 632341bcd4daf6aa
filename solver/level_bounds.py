"""What no plan can serve more of, priority by priority.

Without costs, what stays unmet of a priority is an objective like any other: at any prices of what
demands share, blocks say from below how much of it must be left by plans that leave no more of the
priorities above than one does (`solver.certificate`). The prices come from the relaxation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Engine
from solver.blocks import blocks_of
from solver.certificate import Certifier
from solver.effort import Outcome
from solver.pairs import Pairs
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.relaxation import Service, prices_of, restrict, service_of, used_pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """The relaxation of one priority.

    Attributes:
        prices: of what demands share, in weight left unmet.
        value: of the weight that stays unmet, over the pairs it was asked for; proves nothing.
        used: pairs that it holds some of.
        unmet: float64[D], shares that it leaves of the priority.
    """

    prices: Prices
    value: float
    used: Pairs
    unmet: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelBound:
    """What every plan leaves of a priority.

    Attributes:
        value: weight, of plans that leave no more of the priorities above than `service` says.
        service: what is left of those.
        worth: float64[L], weight that less of it needs to be left for each weight more of those.
    """

    value: float
    service: Service
    worth: Floats

    def at(self, problem: Problem, unmet: Floats) -> float:
        """Return what plans leave that leave no more above than one with `unmet`, float64[D]."""
        own = service_of(problem, unmet, self.service.forced)
        if (self.service.hard & ~own.hard).any():
            return 0.0
        return max(self.value - float(self.worth @ (own.unmet - self.service.unmet)), 0.0)


class LevelBounds:
    """Bounds what stays unmet of each priority, at the service of a plan above it."""

    def __init__(self, free: Problem, forced: Floats, engine: Engine) -> None:
        """Look at a problem without costs (`solver.costless`, flat moves).

        Args:
            free: what is asked.
            forced: float64[D], share of each demand that stays unmet in every plan.
            engine: solves the models.
        """
        self._free, self._forced, self._engine = free, forced, engine
        self._blocks = blocks_of(free)

    def relaxed(self, pairs: Pairs, row: int, unmet: Floats) -> Relaxed | None:
        """Relax a priority over some pairs; None: it has no solution over these.

        Args:
            pairs: known ones.
            row: priority, counted from the highest.
            unmet: float64[D], of the plan that says what may be left of the priorities above.
        """
        service = self._service(row, unmet, np.inf)
        level = service.level_of(self._free)
        first = self._blocks.first_of(len(level))
        ahead = np.isin(first, first[level <= row])
        # Who comes later takes nothing.
        restricted = restrict(self._free, pairs.keep(ahead[pairs.demand]), service, loose=True)
        model, member = restricted.model, np.flatnonzero(level == row)
        model.cost[restricted.compact.unmet[member]] += self._free.demands.weight[member]
        answer = self._engine.solve_linear(model)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return None
        prices = prices_of(restricted, answer, service)
        worth = np.where(level == row, self._free.demands.weight, prices.unmet)
        return Relaxed(
            prices=replace(prices, unmet=worth),
            value=answer.objective,
            used=used_pairs(restricted, answer),
            unmet=np.where(level == row, answer.x[restricted.compact.unmet], 0.0),
        )

    def bound(
        self, relaxed: Relaxed, row: int, unmet: Floats, check: Callable[[], None]
    ) -> LevelBound:
        """Bound how much weight of a priority every plan leaves that serves as much above it.

        Arguments as for `relaxed`, which says at what prices; `check` is called between models
        and may raise.

        Raises:
            SolverError: the engine failed.
        """
        service = self._service(row, unmet, 0.0)
        certifier = Certifier(self._free, service, self._engine)
        found = certifier.certify(relaxed.prices, check, slack=np.inf)
        worth = certifier.per_weight(relaxed.prices)
        worth[row:] = 0.0
        return LevelBound(value=found.bound, service=service, worth=worth)

    def _service(self, row: int, unmet: Floats, below: float) -> Service:
        """As much as a plan serves of what is above; `below`: what may be left of the others."""
        own = service_of(self._free, unmet, self._forced)
        above = np.arange(len(own.priority)) < row
        return replace(own, unmet=np.where(above, own.unmet, below), hard=own.hard & above)
