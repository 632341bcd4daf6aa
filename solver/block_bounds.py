"""Bounds and ways of single blocks that have models, at prices: relaxed, or solved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from solver.asking import Engine
from solver.block_models import BlockModels, is_service
from solver.blocks import Longs
from solver.compact_columns import NONE, Compact, owners
from solver.effort import Effort, Outcome
from solver.less_served import Partly, by_its_units, partly_of, unknown
from solver.model import Model
from solver.pairs import Pairs
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.selection import joined
from solver.slices import Slice
from solver.ways import Way, way_of

#: Gap to which the models of single blocks are solved, and a gap that is too wide; nodes for it:
#: least, most, and by pairs, as few of these make nodes cheap; where only a way is asked for.
BLOCK_GAP = 2e-3
_WIDE = 0.05
_NODES = 2000
_MOST_NODES = 20_000
_NODES_TIMES_PAIRS = 1_000_000
_FEW_NODES = 50
#: Services that are relaxed in one model.
_TOGETHER = 100
#: Prices at which what is known of a block is kept.
_REMEMBERED = 2
#: A demand that cannot be served whole leaves at least this share of it.
_LEAST_FORCED = 1e-6
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
class _Fresh:
    """A block at prices: its pairs, and the price of what it leaves unmet."""

    block: Longs
    pairs: Pairs
    unmet: Floats


class BlockBounds:
    """Bounds blocks, and remembers each block at the last few prices it saw.

    A search that has tried other prices goes back to the best ones.
    """

    def __init__(self, problem: Problem, forced: Floats, engine: Engine) -> None:
        """Bound blocks of `problem`, which has flat moves.

        Args:
            problem: what is asked.
            forced: float64[D], share that stays unmet of each even alone; grows as that is found.
            engine: solves the models.
        """
        self._forced = forced
        self._engine = engine
        self._blocks = BlockModels(problem, forced)
        self._known: dict[int, dict[bytes, Solved]] = {}  # the latest last
        self._keys: tuple[Prices | None, Floats, dict[int, bytes]] = (None, forced, {})

    def ways(self) -> list[Way]:
        """Return the ways of the blocks solved last."""
        last = [next(reversed(known.values())) for known in self._known.values()]
        return [one.way for one in last if one.way is not None]

    def relaxed(
        self,
        problem: Problem,
        prices: Prices,
        blocks: Sequence[Longs],
        check: Callable[[], None],
        *,
        is_late: Callable[[], bool] = lambda: False,
    ) -> list[Solved]:
        """Return what is known of each block, its relaxation at least.

        Args:
            problem: priced.
            prices: of what stays unmet.
            blocks: demands of each.
            check: called between models; may raise to end the search.
            is_late: True when no more models may be solved: of services that have none yet, only
                what their units cost and carry counts, and of other blocks nothing.

        Raises:
            SolverError: the engine failed.
        """
        keys = self._keys_at(prices)
        fresh = self._fresh_of(problem, prices, blocks, keys, check)
        together = [one for one in fresh if is_service(problem, one.block)]
        parts = [together[at : at + _TOGETHER] for at in range(0, len(together), _TOGETHER)]
        parts += [[one] for one in fresh if not is_service(problem, one.block)]
        for some in parts:
            check()
            if is_late():
                break
            self._relax(problem, prices, some, check, is_late)
        seen = {int(one.block[0]): one for one in fresh}
        return [
            self._recalled(int(block[0]), keys[int(block[0])])
            or self._least(problem, seen[int(block[0])])
            for block in blocks
        ]

    def _fresh_of(
        self,
        problem: Problem,
        prices: Prices,
        blocks: Sequence[Longs],
        keys: dict[int, bytes],
        check: Callable[[], None],
    ) -> list[_Fresh]:
        """The blocks that have no relaxation at these prices; `keys` gets those of all."""
        fresh = []
        some = [block for block in blocks if not self._is_relaxed(int(block[0]), keys)]
        for block, pairs in zip(some, self._blocks.pairs_of(problem, some), strict=True):
            check()
            keys[int(block[0])] = self._blocks.key(problem, prices, block, pairs)
            if not self._is_relaxed(int(block[0]), keys):
                fresh.append(_Fresh(block=block, pairs=pairs, unmet=prices.unmet[block]))
        return fresh

    def _keys_at(self, prices: Prices) -> dict[int, bytes]:
        """Keys of blocks at prices, as far as they were worked out; those of others are forgotten.

        To find the pairs of many blocks again takes longer than to relax them.
        """
        before, forced, keys = self._keys
        if before is not prices or not np.array_equal(forced, self._forced):
            keys = {}
            self._keys = (prices, self._forced.copy(), keys)
        return keys

    def _is_relaxed(self, block: int, keys: Mapping[int, bytes]) -> bool:
        """True when a block's relaxation is known at the prices of `keys`."""
        known = self._recalled(block, keys[block]) if block in keys else None
        return known is not None and known.partly is not None

    def _recalled(self, block: int, key: bytes) -> Solved | None:
        """What is known of a block at prices, which are now those it saw last."""
        known = self._known.get(block, {})
        if key in known:
            known[key] = known.pop(key)
        return known.get(key)

    def _remember(self, block: int, key: bytes, solved: Solved) -> None:
        """Keep what is known of a block, and forget what it was at the oldest prices."""
        known = self._known.setdefault(block, {})
        known.pop(key, None)
        known[key] = solved
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]

    def _relax(
        self,
        problem: Problem,
        prices: Prices,
        some: Sequence[_Fresh],
        check: Callable[[], None],
        is_late: Callable[[], bool],
    ) -> None:
        """Relax some blocks: services in one model if that has a solution, else one by one."""
        found = None
        if is_service(problem, some[0].block):
            found = self._relaxed_together(problem, some)
        for row, one in enumerate(some):
            if found is None:
                check()
                if is_late():
                    return
            solved = found[row] if found else self._relaxed(problem, prices, one.block, one.pairs)
            self._note(problem, prices, one, solved)

    def _least(self, problem: Problem, fresh: _Fresh) -> Solved:
        """What is known, very little, of a block for which there was no time."""
        stock, block = problem.supply, fresh.block
        is_paid = min(stock.hour_cost.min(initial=0.0), stock.unit_cost.min(initial=0.0)) < 0
        if is_paid or not is_service(problem, block):
            least = -np.inf if is_paid else 0.0
            return Solved(bound=least, way=None, partly=unknown(len(block), cost=least))
        partly = by_its_units(problem, fresh.pairs, _load_of(problem, int(block[0])))
        price = float(fresh.unmet[0])
        served = partly.cost * (1.0 - float(self._forced[block[0]]))
        return Solved(bound=min(served, price), way=None, partly=partly)

    def solved(
        self, problem: Problem, prices: Prices, block: Longs, gap: float, *, proof: bool = True
    ) -> Solved:
        """Return the bound and the best way found of a block.

        Args:
            problem: priced.
            prices: of what stays unmet.
            block: its demands.
            gap: in cost, that is good enough; a small part of what the block costs is, too.
            proof: a good bound is wanted, not only a way.

        Raises:
            SolverError: the engine failed.
        """
        pairs = self._blocks.pairs(problem, block)
        nodes = _nodes_for(pairs) if proof else _FEW_NODES
        key = self._blocks.key(problem, prices, block, pairs)
        known = self._recalled(int(block[0]), key)
        cost = 0.0 if known is None else known.bound
        relative = min(max(BLOCK_GAP, gap / max(cost, 1.0)), _WIDE)
        if known is not None and _will_do(known, relative, nodes):
            return known
        effort = Effort(gap=relative, nodes=nodes, restarts=False)
        found = self._solved(problem, prices, (block, pairs), effort)
        if known is not None:
            found = replace(found, partly=known.partly)
        key = self._blocks.key(problem, prices, block, pairs)  # more may have to stay unmet
        self._remember(int(block[0]), key, found)
        return found

    def _note(self, problem: Problem, prices: Prices, fresh: _Fresh, relaxed: Solved) -> None:
        """Remember what a relaxation says, and what was solved before at the same prices.

        Its key is made anew: what has to stay unmet may have been found out since.
        """
        first = int(fresh.block[0])
        key = self._keys[2][first] = self._blocks.key(problem, prices, fresh.block, fresh.pairs)
        known = self._recalled(first, key)
        if known is not None and np.isfinite(known.gap):
            relaxed = replace(known, partly=relaxed.partly)
        self._remember(first, key, replace(relaxed, pairs=fresh.pairs.count))

    def _relaxed_together(self, problem: Problem, fresh: Sequence[_Fresh]) -> list[Solved] | None:
        """Bounds of services that have nothing in common; None: not all have one.

        One model of many costs much less to build than one of each.
        """
        members = np.concatenate([one.block for one in fresh])
        order = np.argsort(members)
        chosen, unmet = members[order], np.concatenate([one.unmet for one in fresh])[order]
        pairs = joined(problem, [one.pairs for one in fresh])
        compact, model = self._blocks.services(problem, chosen, pairs, unmet)
        owner = owners(compact)
        if (owner == NONE).any():
            return None
        answer = self._engine.solve_linear(model, presolve=False)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return None
        cost = np.bincount(owner, weights=model.cost * answer.x, minlength=len(chosen))
        bound = cost - _RELAXED_ROUNDING * np.maximum(1.0, np.abs(cost))
        partly = partly_of(compact, model, answer, bound, unmet)
        return [
            Solved(bound=float(bound[row]), way=None, partly=partly[row])
            for row in np.argsort(order).tolist()
        ]

    def _relaxed(self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs) -> Solved:
        """The relaxation; where it has no solution, the model is solved to see why."""
        compact, model, _ = self._blocks.model(problem, prices, block, pairs)
        answer = self._engine.solve_linear(model, presolve=False)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return self._refused(problem, prices, block, pairs)
        bound = answer.objective - _RELAXED_ROUNDING * max(1.0, abs(answer.objective))
        partly = partly_of(
            compact, model, answer, np.array([bound]), prices.unmet[block], together=True
        )
        return Solved(bound=bound, way=None, partly=partly[0])

    def _refused(self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs) -> Solved:
        """A block whose relaxation has no solution: what must stay unmet of it is found out."""
        before = self._forced[block].copy()
        effort = Effort(gap=BLOCK_GAP, nodes=_NODES)
        found = self._solved(problem, prices, (block, pairs), effort)
        partly = None
        if (self._forced[block] > before).any():
            partly = self._relaxed(problem, prices, block, pairs).partly
        return replace(found, partly=partly or unknown(len(block)))

    def _solved(
        self, problem: Problem, prices: Prices, own: tuple[Longs, Pairs], effort: Effort
    ) -> Solved:
        """Solve a block over its `own` pairs, with the prices of what it leaves unmet."""
        block, pairs = own
        compact, model, part = self._blocks.model(problem, prices, block, pairs)
        answer = self._engine.solve_integer(model, effort)
        if answer.outcome is Outcome.INFEASIBLE and len(block) == 1:
            self._force(model, compact.unmet, block)
            return self._solved(problem, prices, own, effort)
        if answer.outcome is Outcome.INFEASIBLE:
            # Not all can be served together; which are left is not known: any, free of charge.
            model.high[compact.unmet] = 1.0
            answer = self._engine.solve_integer(model, effort)
        bound, above = answer.bound, answer.objective - answer.bound
        if len(answer.x) and any(one.is_loose for one in compact.services.values()):
            used = pairs.keep(answer.x[compact.main] > 0)
            compact, model, part = self._blocks.model(problem, prices, block, used, loose=False)
            answer = self._engine.solve_integer(model, effort)
        way = _way(compact, answer.x, part)
        nodes = effort.nodes or 0
        return Solved(
            bound=bound, way=way, above=above, gap=effort.gap, nodes=nodes, pairs=pairs.count
        )

    def _force(self, model: Model, column: Longs, block: Longs) -> None:
        """Note what stays unmet of a demand even when it has everything to itself."""
        cost = np.zeros(len(model.cost))
        cost[column] = 1.0
        high = model.high.copy()
        high[column] = 1.0
        whole = Effort(gap=0.0, nodes=_NODES)
        answer = self._engine.solve_integer(replace(model, cost=cost, high=high), whole)
        self._forced[block] = min(max(answer.bound, _LEAST_FORCED), 1.0)


def _will_do(known: Solved, gap: float, nodes: int) -> bool:
    """True when a block has been solved to a `gap` with `nodes`, or came so near before."""
    is_near = known.way is not None and known.above <= gap * max(known.bound, 1.0)
    return is_near or (known.gap <= gap and known.nodes >= nodes)


def _nodes_for(pairs: Pairs) -> int:
    return min(max(_NODES, _NODES_TIMES_PAIRS // max(pairs.count, 1)), _MOST_NODES)


def _load_of(problem: Problem, demand: int) -> float:
    services = problem.services
    row = int(np.flatnonzero(services.demand == demand)[0])
    return float(services.load[services.load_start[row] : services.load_start[row + 1]].sum())


def _way(compact: Compact, x: Floats, part: Slice) -> Way | None:
    return way_of(compact, x, part) if len(x) else None
