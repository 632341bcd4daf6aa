"""A lower bound that holds, at any prices: every demand by itself, exactly or from below.

    bound = sum over blocks of min (priced cost + price of what the block leaves unmet)
            - what the shared rows are worth - sum over levels of price x unmet weight

Gangs and batches are priced by formula, everything else by a small model whose engine proves its
own bound; that bound enters, never the value of a plan a heuristic found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from solver.alone_costs import Alone, AloneCosts
from solver.asking import Engine
from solver.block_bounds import BlockBounds
from solver.block_dialogues import Solved
from solver.blocks import Longs, blocks_of
from solver.joint_bounds import JointBounds
from solver.less_served import most_saved, unknown
from solver.pairs import most_units
from solver.prices import Prices, priced, worth
from solver.problem import Floats, Problem
from solver.relaxation import Service, service_of
from solver.way_costs import known_costs
from solver.ways import Way

#: Ways are looked for at hand until the others are so much of the slack above their relaxations.
_HANDY = 0.5


#: A good way of a block, from a priced problem and the block, without an engine; None: none found.
Handy = Callable[[Problem, Longs], Way | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A bound with what it is made of.

    Attributes:
        bound: lower bound on cost (with what `Stay.unbilled` weighs) at the level of service.
        least: float64[D], what each demand adds to it (a block's first demand adds the block).
        ways: the best way found of the other blocks that were solved; shares may be left out.
        short: how far the blocks that were only relaxed may be below what they cost, in all.
        relaxed: float64[D], as `least`, by relaxations alone and without what is unmet.
        saved: float64[D], of that by leaving all of a demand, at most.
    """

    bound: float
    least: Floats
    ways: tuple[Way, ...]
    short: float
    relaxed: Floats
    saved: Floats


class Certifier:
    """Bounds one problem at different prices.

    Attributes:
        joint: what a bound gains where some blocks are bounded together.
    """

    def __init__(self, problem: Problem, service: Service, engine: Engine) -> None:
        """Part `problem` (flat moves, see `solver.tier_bounds`) into blocks."""
        self._problem = problem
        self._service = service
        self._blocks = blocks_of(problem)
        self._most = most_units(problem)
        self._alone = AloneCosts(problem, self._blocks, self._most, service.forced)
        self._models = BlockBounds(problem, service.forced, engine)
        self.joint = JointBounds(
            problem, self._blocks, service.forced, engine, self._models, self._alone.exclusive
        )

    def certify(
        self,
        prices: Prices,
        check: Callable[[], None],
        *,
        ways: Sequence[Way] = (),
        slack: float = 0.0,
        enough: float = np.inf,
        handy: Handy | None = None,
        is_late: Callable[[], bool] = lambda: False,
    ) -> Certificate:
        """Return the bound at `prices`.

        Blocks that have models are relaxed first. Those are solved whose relaxation is farthest
        below the best way that is known, for the size of their models, until all others together
        are not `slack` away.

        Args:
            prices: of shared rows, and of what stays unmet.
            check: called between blocks; may raise to end the search.
            ways: known ways of blocks.
            slack: what the bound may give away for not solving blocks, and as much again for
                solving the others no nearer.
            enough: a bound that does.
            handy: finds ways of blocks, which may spare solving them.
            is_late: True ends the solving of models; a bound comes of what there is by then.

        Raises:
            SolverError: the engine failed on a block.
        """
        problem = priced(self._problem, prices)
        blocks = self._blocks.models
        solved = self._models.relaxed(problem, prices, blocks, check, is_late=is_late)
        cost = known_costs(problem, prices, blocks, ways)
        floor = np.array([one.bound for one in solved])
        found: list[Way] = []
        if handy is not None:
            found, cost = self._found(problem, prices, (cost, floor), handy, _HANDY * slack)
        above = np.maximum(cost - floor, 0.0)
        alone = self._alone.at(problem, prices)
        bound = self._of_parts(prices, alone, solved, [], above).bound
        self._solve_far(
            problem, prices, solved, above, slack, lambda more: bound + more >= enough or is_late()
        )
        found += [one.way for one in solved if one.way is not None]
        return self._of_parts(prices, alone, solved, found, above)

    def _solve_far(
        self,
        problem: Problem,
        prices: Prices,
        solved: list[Solved],
        above: Floats,
        slack: float,
        is_done: Callable[[float], bool],
    ) -> None:
        """Solve blocks whose relaxations are farthest below their ways, and note it in place.

        Args:
            problem: priced.
            prices: of what stays unmet.
            solved: what is known of each block, B.
            above: float64[B], how far each may be below what it costs.
            slack: as `certify` says.
            is_done: whether the bound has gained enough by now, or time is over.
        """
        far = farthest(above, [one.pairs for one in solved], slack)
        gained, gap = 0.0, slack / max(len(solved), 1)
        if is_done(gained):
            return
        blocks = (self._blocks.models[row] for row in far)
        each = self._models.solved_each(problem, prices, blocks, gap)
        for row, one in zip(far, each, strict=False):
            gained += one.bound - solved[row].bound
            solved[row], above[row] = one, 0.0
            if is_done(gained):
                break

    def _of_parts(
        self,
        prices: Prices,
        alone: Alone,
        solved: Sequence[Solved],
        ways: Sequence[Way],
        above: Floats,
    ) -> Certificate:
        """Add up what is known of gangs and batches, and of blocks.

        Args:
            prices: of shared rows, and of what stays unmet.
            alone: what gangs and batches cost.
            solved: of each block that has a model, B.
            ways: of such blocks.
            above: float64[B], how far each may be below what it costs.
        """
        least = alone.either.copy()
        relaxed = np.where(np.isfinite(alone.cost), alone.cost, 0.0)
        saved = np.where(np.isfinite(alone.dearest), alone.dearest, 0.0)
        for block, one in zip(self._blocks.models, solved, strict=True):
            least[block] = relaxed[block] = 0.0
            least[block[0]] = one.bound
            partly = one.partly or unknown(len(block))
            relaxed[block[0]], saved[block] = partly.cost, partly.saved
        return Certificate(
            bound=float(least.sum()) - worth(self._problem, prices) - self._levels(prices),
            least=least,
            ways=tuple(ways),
            short=float(above.sum()),
            relaxed=relaxed,
            saved=saved,
        )

    def _found(
        self,
        problem: Problem,
        prices: Prices,
        known: tuple[Floats, Floats],
        handy: Handy,
        least: float,
    ) -> tuple[list[Way], Floats]:
        """Find ways of blocks where a way may be dear, but for some together `least` dear.

        `known`: float64[B] twice, costs of known ways and bounds. Returns float64[B], costs, too.
        """
        cost, blocks, found = known[0].copy(), self._blocks.models, []
        above = np.maximum(cost - known[1], 0.0)
        order = np.argsort(-above, kind="stable")
        left = np.cumsum(above[order][::-1])[::-1]
        for row in order[left > least].tolist():
            way = handy(problem, blocks[row])
            if way is not None:
                found.append(way)
                cost[row] = min(cost[row], known_costs(problem, prices, [blocks[row]], [way])[0])
        return found, cost

    def serving_less(self, prices: Prices, certificate: Certificate, unmet: Floats) -> float:
        """Return a bound for plans that serve as much as one that leaves `unmet`, float64[D].

        It comes of a bound for serving more, and of no model (`solver.less_served`).

        Args:
            prices: of `certificate`.
            certificate: the bound for serving more, or for anything else.
            unmet: shares.
        """
        forced, service = self._service.forced, self._service
        own = service_of(self._problem, unmet, forced)
        kept = (own.hard & service.hard)[own.level_of(self._problem)]
        alike = kept.copy()  # all of a block
        for block in self._blocks.models:
            alike[block] = kept[block].all()
        value = float(np.where(alike, certificate.least, certificate.relaxed).sum())
        saved = np.where(alike, 0.0, certificate.saved)
        less = most_saved(self._problem, saved, forced, ~kept, unmet)
        return value - less - worth(self._problem, prices)

    def falls_short(
        self, prices: Prices, ways: Sequence[Way], check: Callable[[], None]
    ) -> Floats:
        """Return float64[B], how far the relaxation of each block is below its best known way."""
        problem = priced(self._problem, prices)
        solved = self._models.relaxed(problem, prices, self._blocks.models, check)
        cost = known_costs(problem, prices, self._blocks.models, ways)
        return np.maximum(cost - [one.bound for one in solved], 0.0)

    def ways_so_far(self) -> list[Way]:
        """Return the ways of the blocks solved last, a bound of all of which may not be known."""
        return self._models.ways()

    def ways_at(
        self, prices: Prices, blocks: Sequence[Longs], check: Callable[[], None], *, gap: float
    ) -> list[Way]:
        """Return the best ways found of some blocks that have models; nothing is proven.

        Args:
            prices: of shared rows, and of what stays unmet.
            blocks: demands of each.
            check: called between blocks; may raise to end the search.
            gap: in cost, that is good enough for one of them.

        Raises:
            SolverError: the engine failed on a block.
        """
        problem, found = priced(self._problem, prices), []
        for one in self._models.solved_each(problem, prices, blocks, gap, proof=False):
            check()
            if one.way is not None:
                found.append(one.way)
        return found

    def loosened(self, prices: Prices, unmet: Floats) -> float:
        """Return how much less a bound at `prices` says of plans that leave `unmet`, float64[D].

        More weight of a priority costs its price (a Lagrangian value falls by it); inf where more
        of one stays unmet that was not to leave any. Less than 0 where less stays unmet.
        """
        service = self._service
        own = service_of(self._problem, unmet, service.forced)
        if (service.hard & ~own.hard).any():
            return np.inf
        return float(self.per_weight(prices) @ (own.unmet - service.unmet))

    def _levels(self, prices: Prices) -> float:
        """Price x unmet weight of the levels that may leave something."""
        return float(self.per_weight(prices) @ self._service.unmet)

    def per_weight(self, prices: Prices) -> Floats:
        """Return float64[L], price of a unit of weight; 0 of levels that may leave nothing."""
        level = self._service.level_of(self._problem)
        weight = self._problem.demands.weight
        each = np.zeros(len(self._service.priority))
        some = (weight > 0) & ~self._service.hard[level]
        np.maximum.at(each, level[some], prices.unmet[some] / weight[some])
        return each


def farthest(above: Floats, pairs: Sequence[int], slack: float) -> list[int]:
    """Return blocks, the farthest for their size first, until all others are near enough together.

    A model of many pairs takes longer: of two that are as far the smaller comes first.

    Args:
        above: float64[B], how far each is; none of those that are returned will be.
        pairs: of their models, B.
        slack: how far those that are not returned may be, together.
    """
    size, left = np.maximum(np.array(pairs, np.float64), 1.0), above.copy()
    found: list[int] = []
    for row in np.lexsort((size, -above / size)).tolist():
        if left.sum() <= slack:
            break
        left[row] = 0.0
        found.append(row)
    return found
