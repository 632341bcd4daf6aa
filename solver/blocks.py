"""How demands part once shared rows are priced: which stand alone, which belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools, Family, Problem

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Demands by what it takes to find the best way to serve them at given prices.

    Attributes:
        plain: int64[.], gangs and batches whose best way is their cheapest single pair.
        lone: int64[.], gangs and batches that have a home, a capped part at risk or owned units
            to mix in: still a formula, but over their own pairs.
        models: services, and demands bound to each other, int64[.] each: a model a block.
    """

    plain: Longs
    lone: Longs
    models: tuple[Longs, ...]

    def first_of(self, demands: int) -> Longs:
        """Return int64[D], the first demand of the block of each of so many."""
        found = np.arange(demands)
        for block in self.models:
            found[block] = block[0]
        return found


def blocks_of(problem: Problem) -> Blocks:
    """Part the demands of `problem` into blocks; rules that would join most of them are left out.

    Demands that read of each other or must stand together share a block. Demands that must
    stand apart do not: leaving that rule out of a bound keeps it a bound.
    """
    demands = problem.demands
    root = _joined(problem)
    size = np.bincount(root, minlength=demands.count)
    bound = size[root] > 1
    is_service = demands.family == Family.SERVICE
    together = {one for rule in problem.together for one in rule.demands}
    alone_ruled = np.zeros(demands.count, np.bool_)
    alone_ruled[sorted(together)] = True
    modelled = is_service | bound | (alone_ruled & (demands.family == Family.BATCH))
    own = ~modelled & _needs_own_pairs(problem)
    models = [np.flatnonzero(root == one) for one in np.unique(root[modelled])]
    return Blocks(
        plain=np.flatnonzero(~modelled & ~own),
        lone=np.flatnonzero(own),
        models=tuple(models),
    )


def _needs_own_pairs(problem: Problem) -> Bools:
    demands = problem.demands
    share = demands.risky_share
    own = (demands.family == Family.BATCH) & (share > 0) & (share < 1)
    own |= (demands.family == Family.GANG) & _may_own(problem)
    if problem.stay is not None:
        own[problem.stay.demand] = True
    return np.asarray(own, np.bool_)


def _may_own(problem: Problem) -> Bools:
    """bool[D]: some mode of the demand may use an owned supply."""
    demands, stock = problem.demands, problem.supply
    signatures = np.arange(len(problem.eligible_start) - 1)
    signature = np.repeat(signatures, np.diff(problem.eligible_start))
    owned = stock.owned[problem.eligible]
    kinds = max(int(stock.kind.max(initial=0)), int(demands.mode_kind.max(initial=0))) + 2
    seen = np.unique(signature[owned] * kinds + stock.kind[problem.eligible[owned]] + 1)
    mode = np.isin(demands.mode_signature.astype(np.int64) * kinds + demands.mode_kind + 1, seen)
    found = np.zeros(demands.count, np.bool_)
    found[np.repeat(np.arange(demands.count), np.diff(demands.mode_start))[mode]] = True
    return found


def _joined(problem: Problem) -> Longs:
    """int64[D]: the least demand of the block of each demand."""
    root = np.arange(problem.demands.count, dtype=np.int64)
    pairs = [(rule.demands[0], other) for rule in problem.together for other in rule.demands[1:]]
    if problem.reads is not None:
        ends = (problem.reads.reader.tolist(), problem.reads.source.tolist())
        pairs += list(zip(*ends, strict=True))
    for one, other in pairs:
        low, high = sorted((_root(root, one), _root(root, other)))
        root[high] = low
    return np.array([_root(root, one) for one in range(len(root))], np.int64)


def _root(root: Longs, one: int) -> int:
    while root[one] != one:
        root[one] = root[root[one]]
        one = int(root[one])
    return one
