"""A lower bound that holds, at any prices: every demand by itself, exactly or from below.

    bound = sum over blocks of min (priced cost + price of what the block leaves unmet)
            - what the shared rows are worth - sum over levels of price x unmet weight

Gangs and batches are priced by formula, everything else by a small model whose engine proves its
own bound; that bound enters, never the value of a plan a heuristic found.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.blocks import Blocks, Longs, blocks_of
from solver.child import EngineProcess
from solver.compact import build_compact
from solver.compact_columns import Compact
from solver.effort import Effort, Outcome
from solver.lone_bounds import lone_cost, most_share, whole_costs, worth_having
from solver.model import Model
from solver.pairs import Pairs, most_units
from solver.prices import Prices, priced, worth
from solver.pricing import Choices, Pricer
from solver.problem import Family, Floats, Limits, Problem
from solver.relaxation import Service
from solver.selection import joined, pairs_of
from solver.service_pairs import needed
from solver.slices import Slice, slice_demands, slice_pairs
from solver.ways import Way, way_of

#: Gap to which the models of single blocks are solved.
BLOCK_GAP = 2e-3
_BLOCK_NODES = 2000
#: A demand that cannot be served whole leaves at least this share of it.
_LEAST_FORCED = 1e-6
#: Part of a cost, or of 1, that roundings of the engine may be worth in that model.
_ROUNDING = 1e-5
#: Nodes of the model of all gangs and batches.
_JOINT_NODES = 300
#: Above so many pairs that model is not worth its time.
_JOINT_PAIRS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A bound with what it is made of.

    Attributes:
        bound: lower bound on cost (with what `Stay.unbilled` weighs) at the level of service.
        least: float64[D], what each demand adds to it (a block's first demand adds the block).
        choices: the best pair of each plain demand.
        ways: the best way found of every other block; shares may be left out of it.
    """

    bound: float
    least: Floats
    choices: Choices
    ways: tuple[Way, ...]


class Certifier:
    """Bounds one problem at different prices.

    Models of blocks are solved again only where a price that they see has changed.
    """

    def __init__(self, problem: Problem, service: Service, engine: EngineProcess) -> None:
        """Part `problem` (flat moves, see `solver.tier_bounds`) into blocks."""
        self._problem = problem
        self._service = service
        self._engine = engine
        self._blocks = blocks_of(problem)
        self._pricer = Pricer.of(problem, self._blocks.plain)
        self._most = most_units(problem)
        self._known: dict[int, tuple[bytes, _Solved]] = {}
        self.gap = BLOCK_GAP

    @property
    def blocks(self) -> Blocks:
        """How the demands part."""
        return self._blocks

    @property
    def forced(self) -> Floats:
        """float64[D], share of each demand that stays unmet even alone, as far as known."""
        return self._service.forced

    def certify(self, prices: Prices, check: Callable[[], None]) -> Certificate:
        """Return the bound at `prices`.

        Args:
            prices: of shared rows, and of what stays unmet.
            check: called between blocks; may raise to end the search.

        Raises:
            SolverError: the engine failed on a block.
        """
        problem = priced(self._problem, prices)
        least = np.zeros(problem.demands.count)
        choices = self._pricer.cheapest(problem, 1)
        least[self._blocks.plain] = np.inf
        first, at = np.unique(choices.demand, return_index=True)
        least[first] = choices.cost[at]
        for demand in self._blocks.lone.tolist():
            least[demand] = lone_cost(problem, pairs_of(problem, demand, self._most), self._most)
        single = np.concatenate([self._blocks.plain, self._blocks.lone]).astype(np.int64)
        least[single] = np.minimum(least[single], prices.unmet[single])
        lost = single[self._service.forced[single] >= 1]
        least[lost] = np.where(np.isfinite(prices.unmet[lost]), prices.unmet[lost], 0.0)
        ways = []
        for block in self._blocks.models:
            check()
            ways.append(self._block(problem, prices, block, least))
        return Certificate(
            bound=float(least.sum()) - worth(self._problem, prices) - self._levels(prices),
            least=least,
            choices=choices,
            ways=tuple(one for one in ways if one is not None),
        )

    def jointly(self, prices: Prices, certificate: Certificate, within: float) -> float:
        """Return the bound with all gangs and batches as one block, their capacities kept.

        What is indivisible and wants the same few units is bounded together. No pair serves more
        than it does in some plan better than `within` above the bound: the bound holds for
        plans that are.

        Args:
            prices: of `certificate`.
            certificate: the bound to improve.
            within: how far above the bound plans matter, > 0.

        Raises:
            SolverError: the engine failed.
        """
        problem = priced(self._problem, prices)
        members = np.sort(np.concatenate([self._blocks.plain, self._blocks.lone]))
        members = members[certificate.least[members] < np.inf]
        parts = [pairs_of(problem, int(demand), self._most) for demand in members]
        share = np.concatenate(
            [
                np.empty(0),
                *(
                    most_share(
                        whole_costs(problem, own, self._most), certificate.least[demand], within
                    )
                    for demand, own in zip(members.tolist(), parts, strict=True)
                ),
            ]
        )
        pairs, share = worth_having(problem, joined(problem, parts), share)
        if pairs.count > _JOINT_PAIRS:
            return certificate.bound
        part = slice_demands(problem, members)
        compact = build_compact(part.problem, slice_pairs(pairs, part))
        model = self._priced_unmet(compact, members, prices.unmet[members])
        model.high[compact.main] = np.minimum(model.high[compact.main], share)
        answer = self._engine.solve_integer(model, Effort(gap=BLOCK_GAP / 2, nodes=_JOINT_NODES))
        apart = float(certificate.least[members].sum())
        more = min(answer.bound - apart, within) - _ROUNDING * max(1.0, abs(apart))
        return certificate.bound + max(0.0, more)

    def ways_so_far(self) -> list[Way]:
        """Return the ways of the blocks solved last, a bound of all of which may not be known."""
        return [known.way for _, known in self._known.values() if known.way is not None]

    def ways_at(
        self, prices: Prices, blocks: Sequence[Longs], check: Callable[[], None]
    ) -> list[Way]:
        """Return the best ways found of some blocks that have models; nothing is proven.

        Raises:
            SolverError: the engine failed on a block.
        """
        problem, found = priced(self._problem, prices), []
        for block in blocks:
            check()
            way = self._block(problem, prices, block, np.zeros(problem.demands.count))
            if way is not None:
                found.append(way)
        return found

    def _levels(self, prices: Prices) -> float:
        """Price x unmet weight of the levels that may leave something."""
        level = self._service.level_of(self._problem)
        weight = self._problem.demands.weight
        total = 0.0
        for row in np.flatnonzero(~self._service.hard).tolist():
            member = np.flatnonzero((level == row) & (weight > 0))
            per_weight = float((prices.unmet[member] / weight[member]).max(initial=0.0))
            total += per_weight * float(self._service.unmet[row])
        return total

    def _block(self, problem: Problem, prices: Prices, block: Longs, least: Floats) -> Way | None:
        """Add a block to `least`; return the best way found."""
        pairs = joined(problem, [self._needed(problem, int(one)) for one in block])
        unmet = prices.unmet[block]
        seen = (pairs.supply, pairs.compute, pairs.extra, pairs.unit_cost, pairs.move, unmet)
        key = b"".join(one.tobytes() for one in (*seen, np.array([self.gap])))
        known = self._known.get(int(block[0]))
        if known is None or known[0] != key:
            known = (key, self._solved(problem, block, pairs, unmet))
            self._known[int(block[0])] = known
        least[block] = 0.0
        least[block[0]] = known[1].bound
        return known[1].way

    def _needed(self, problem: Problem, demand: int) -> Pairs:
        pairs = pairs_of(problem, demand, self._most)
        row = np.flatnonzero(problem.services.demand == demand)
        return pairs.keep(needed(problem, pairs, int(row[0]))) if len(row) else pairs

    def _solved(self, problem: Problem, block: Longs, pairs: Pairs, unmet: Floats) -> _Solved:
        part = slice_demands(_unbounded(problem, block), block)
        own = slice_pairs(pairs, part)
        compact = build_compact(part.problem, own, loose=True)
        model = self._priced_unmet(compact, block, unmet)
        answer = self._engine.solve_integer(model, Effort(gap=self.gap, nodes=_BLOCK_NODES))
        if answer.outcome is Outcome.INFEASIBLE and len(block) == 1:
            self._force(model, compact.unmet, block)
            return self._solved(problem, block, pairs, unmet)
        if answer.outcome is Outcome.INFEASIBLE:
            # Not all can be served together; which are left is not known: any, free of charge.
            model.high[compact.unmet] = 1.0
            answer = self._engine.solve_integer(model, Effort(gap=self.gap, nodes=_BLOCK_NODES))
        if len(answer.x) and any(one.is_loose for one in compact.services.values()):
            used = own.keep(answer.x[compact.main] > 0)
            compact = build_compact(part.problem, used)
            model = self._priced_unmet(compact, block, unmet)
            whole = self._engine.solve_integer(model, Effort(gap=self.gap, nodes=_BLOCK_NODES))
            return _Solved(bound=answer.bound, way=_way(compact, whole.x, part))
        return _Solved(bound=answer.bound, way=_way(compact, answer.x, part))

    def _priced_unmet(self, compact: Compact, block: Longs, unmet: Floats) -> Model:
        """Return the model of a block, what it leaves unmet priced or held to what must be."""
        model = compact.builder.build()
        soft = np.isfinite(unmet)
        model.cost[compact.unmet[soft]] += unmet[soft]
        model.high[compact.unmet[~soft]] = self._service.forced[block[~soft]]
        return model

    def _force(self, model: Model, column: Longs, block: Longs) -> None:
        """Note what stays unmet of a demand even when it has everything to itself."""
        cost = np.zeros(len(model.cost))
        cost[column] = 1.0
        high = model.high.copy()
        high[column] = 1.0
        answer = self._engine.solve_integer(
            replace(model, cost=cost, high=high), Effort(gap=0.0, nodes=_BLOCK_NODES)
        )
        share = min(max(answer.bound, _LEAST_FORCED), 1.0)
        self._service.forced[block] = share


@dataclass(frozen=True, slots=True, kw_only=True)
class _Solved:
    """The bound of a block, and the best way found for it."""

    bound: float
    way: Way | None


def _way(compact: Compact, x: Floats, part: Slice) -> Way | None:
    return way_of(compact, x, part) if len(x) else None


def _unbounded(problem: Problem, block: Longs) -> Problem:
    """Return `problem` without capacities and limits: their prices stand in for them.

    What is owned stays few, unless services are among them (whose pairs were chosen without
    looking at capacities): a gang may mix it in, and not have all of its units there.
    """
    none = np.empty(0)
    limits = Limits(
        start=np.zeros(1, np.int64), supply=np.empty(0, np.int32), weight=none, high=none
    )
    few = problem.supply.owned & (problem.demands.family[block] != Family.SERVICE).all()
    capacity = np.where(few, problem.supply.capacity, np.inf)
    supply = replace(problem.supply, capacity=capacity)
    return replace(problem, supply=supply, limits=limits)
