"""Bounds and ways of single blocks that have models, at prices: relaxed, or solved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np

from solver.asking import Dialogue, Engine
from solver.block_dialogues import BlockDialogues, Fresh, Solved
from solver.block_models import BlockModels, is_service
from solver.blocks import Longs
from solver.effort import Effort
from solver.less_served import by_its_units, unknown
from solver.model import Model
from solver.pairs import Pairs
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.ways import Way

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


@dataclass(frozen=True, slots=True)
class Found:
    """What a dialogue has found of a block.

    Attributes:
        own: the block and its pairs.
        effort: how far it was to be solved.
        known: what was known of it before; None: nothing.
        solved: what was found, or `known`; None: more of it has to stay unmet than was known.
    """

    own: tuple[Longs, Pairs]
    effort: Effort
    known: Solved | None
    solved: Solved | None


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
        self._asking = BlockDialogues(self._blocks)
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
        parts = _in_parts(problem, fresh)
        relaxing = (
            self._relaxing(problem, prices, some)
            for some in takewhile(lambda _: not is_late(), parts)
        )
        for some, found in zip(parts, self._engine.each(relaxing), strict=False):
            check()
            self._take(problem, prices, some, found, check, is_late)
            if is_late():
                break
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
    ) -> list[Fresh]:
        """The blocks that have no relaxation at these prices; `keys` gets those of all."""
        fresh = []
        some = [block for block in blocks if not self._is_relaxed(int(block[0]), keys)]
        for block, pairs in zip(some, self._blocks.pairs_of(problem, some), strict=True):
            check()
            keys[int(block[0])] = self._blocks.key(problem, prices, block, pairs)
            if not self._is_relaxed(int(block[0]), keys):
                fresh.append(Fresh(block=block, pairs=pairs, unmet=prices.unmet[block]))
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

    def _relaxing(
        self, problem: Problem, prices: Prices, some: Sequence[Fresh]
    ) -> Dialogue[list[Solved] | None]:
        """Relax some blocks in one model, which are services or one block; None: all by itself."""
        if is_service(problem, some[0].block):
            return (yield from self._asking.relaxing_together(problem, some))
        found = yield from self._asking.relaxing(problem, prices, some[0].block, some[0].pairs)
        return None if found is None else [found]

    def _take(
        self,
        problem: Problem,
        prices: Prices,
        some: Sequence[Fresh],
        found: Sequence[Solved] | None,
        check: Callable[[], None],
        is_late: Callable[[], bool],
    ) -> None:
        """Note what was found of some blocks; where nothing was, look at one after another."""
        for row, one in enumerate(some):
            if found is None:
                check()
                if is_late():
                    return
            solved = found[row] if found else self._relaxed(problem, prices, one.block, one.pairs)
            self._note(problem, prices, one, solved)

    def _least(self, problem: Problem, fresh: Fresh) -> Solved:
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

    def solved_each(
        self,
        problem: Problem,
        prices: Prices,
        blocks: Iterable[Longs],
        gap: float,
        *,
        proof: bool = True,
    ) -> Iterator[Solved]:
        """Yield the bound and the best way found of each block; several are solved at a time.

        Args:
            problem: priced.
            prices: of what stays unmet.
            blocks: demands of each; looked at when there is time for more.
            gap: in cost, that is good enough; a small part of what the block costs is, too.
            proof: a good bound is wanted, not only a way.

        Raises:
            SolverError: the engine failed.
        """
        solving = (self.solving(problem, prices, block, gap, proof=proof) for block in blocks)
        for found in self._engine.each(solving):
            yield self.learned(problem, prices, found)

    def solving(
        self, problem: Problem, prices: Prices, block: Longs, gap: float, *, proof: bool = True
    ) -> Dialogue[Found]:
        """Solve a block, if what is known will not do; `learned` says what that comes to."""
        pairs = self._blocks.pairs(problem, block)
        nodes = _nodes_for(pairs) if proof else _FEW_NODES
        known = self._recalled(int(block[0]), self._blocks.key(problem, prices, block, pairs))
        cost = 0.0 if known is None else known.bound
        relative = min(max(BLOCK_GAP, gap / max(cost, 1.0)), _WIDE)
        effort = Effort(gap=relative, nodes=nodes, restarts=False)
        if known is not None and _will_do(known, relative, nodes):
            return Found((block, pairs), effort, known, known)
        found = yield from self._asking.solving(problem, prices, (block, pairs), effort)
        return Found((block, pairs), effort, known, found)

    def learned(self, problem: Problem, prices: Prices, found: Found) -> Solved:
        """Remember what was found of a block, and return it; where it is nothing, say why.

        Args:
            problem: priced.
            prices: of what stays unmet.
            found: at these.

        Raises:
            SolverError: the engine failed.
        """
        solved, known, (block, pairs) = found.solved, found.known, found.own
        if solved is not None and solved is known:
            return solved
        if solved is None:
            solved = self._solved(problem, prices, found.own, found.effort)
        if known is not None:
            solved = replace(solved, partly=known.partly)
        # Its key is made anew: more may have to stay unmet.
        self._remember(int(block[0]), self._blocks.key(problem, prices, block, pairs), solved)
        return solved

    def _note(self, problem: Problem, prices: Prices, fresh: Fresh, relaxed: Solved) -> None:
        """Remember what a relaxation says, and what was solved before at the same prices.

        Its key is made anew: what has to stay unmet may have been found out since.
        """
        first = int(fresh.block[0])
        key = self._keys[2][first] = self._blocks.key(problem, prices, fresh.block, fresh.pairs)
        known = self._recalled(first, key)
        if known is not None and np.isfinite(known.gap):
            relaxed = replace(known, partly=relaxed.partly)
        self._remember(first, key, replace(relaxed, pairs=fresh.pairs.count))

    def _relaxed(self, problem: Problem, prices: Prices, block: Longs, pairs: Pairs) -> Solved:
        """The relaxation; where it has no solution, the model is solved to see why."""
        found = self._engine.run(self._asking.relaxing(problem, prices, block, pairs))
        return found or self._refused(problem, prices, block, pairs)

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
        """Solve a block over its `own` pairs; what has to stay unmet of one demand is noted."""
        while True:
            found = self._engine.run(self._asking.solving(problem, prices, own, effort))
            if found is not None:
                return found
            compact, model, _ = self._blocks.model(problem, prices, *own)
            self._force(model, compact.unmet, own[0])

    def _force(self, model: Model, column: Longs, block: Longs) -> None:
        """Note what stays unmet of a demand even when it has everything to itself."""
        cost = np.zeros(len(model.cost))
        cost[column] = 1.0
        high = model.high.copy()
        high[column] = 1.0
        whole = Effort(gap=0.0, nodes=_NODES)
        answer = self._engine.solve_integer(replace(model, cost=cost, high=high), whole)
        self._forced[block] = min(max(answer.bound, _LEAST_FORCED), 1.0)


def _in_parts(problem: Problem, fresh: Sequence[Fresh]) -> list[list[Fresh]]:
    """Blocks that are relaxed in one model: services, and others one by one."""
    together = [one for one in fresh if is_service(problem, one.block)]
    parts = [together[at : at + _TOGETHER] for at in range(0, len(together), _TOGETHER)]
    return parts + [[one] for one in fresh if not is_service(problem, one.block)]


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
