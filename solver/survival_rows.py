"""Rows by which a service survives the loss of any one scope.

After the loss of scope s what is left may be re-routed freely, near only. By the max-flow
min-cut theorem (L. R. Ford, D. R. Fulkerson, "Maximal flow through a network", Canad. J. Math. 8,
1956, doi:10.4153/CJM-1956-045-5) the load that can be routed is the least, over all sets T of
point classes, of

    load of the classes outside T + load carried at places near to a class of T.

So every T gives one row per scope and no flow needs a column of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from solver.grouped import alike
from solver.model import ModelBuilder
from solver.problem import Bools, Floats

Longs = NDArray[np.int64]

#: Sets of classes are enumerated up to this many classes; above it flows get columns.
MOST_CLASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What a service's pairs carry, and for whom; Q pairs, C point classes.

    Attributes:
        units: int64[Q], columns of units held.
        amount: float64[Q], load one unit carries.
        near: bool[C, Q], whether a pair's place is near to a class.
        load: float64[C].
        lost: bool[S, Q], the pairs lost together, as `losses` gives them.
        needed: load that must still be routable.
    """

    units: Longs
    amount: Floats
    near: Bools
    load: Floats
    lost: Bools
    needed: float


def merged(near: Bools, load: Floats, most: int | None = None) -> tuple[Bools, Floats]:
    """Merge classes that are near to the same places; then, where `most` says so, more of them.

    Merged classes are near to wherever one of them is: beyond those that are alike, what is
    left after a loss then carries too much, which is for bounds alone.

    Args:
        near: bool[C, Q].
        load: float64[C].
        most: number of classes to come down to; None: only those that are alike are merged.

    Returns:
        The same of what is merged.
    """
    first, group = alike(near)
    near = near[first]
    load = np.bincount(group, weights=load, minlength=len(near)).astype(np.float64)
    while most is not None and len(load) > most:
        seen = near.astype(np.float64)
        more = seen.sum(axis=1)[None, :] - seen @ seen.T  # what i would be near to beside its own
        price = (more * load[:, None]) + (more * load[:, None]).T
        np.fill_diagonal(price, np.inf)
        one, other = np.unravel_index(int(price.argmin()), price.shape)
        near[one] |= near[other]
        load[one] += load[other]
        near, load = np.delete(near, other, axis=0), np.delete(load, other)
    return np.asarray(near, np.bool_), load


def losses(touched: tuple[Longs, Longs], pairs: int) -> Bools:
    """Return bool[S, Q], what is lost with each scope; scopes within another one are left out.

    Args:
        touched: (index into the pairs, scope), as `solver.scopes.scopes_touched` gives them.
        pairs: number of pairs Q.
    """
    index, scope = touched
    names, where = np.unique(scope, return_inverse=True)
    lost = np.zeros((len(names), pairs), np.bool_)
    lost[where, index] = True
    lost = lost[alike(lost)[0]]
    seen = lost.astype(np.float32)
    size = seen.sum(axis=1)
    within = (seen @ seen.T == size[:, None]) & (size[:, None] < size)
    return np.asarray(lost[~within.any(axis=1)], np.bool_)


def add_cut_rows(builder: ModelBuilder, carried: Carried, *, placed: int) -> None:
    """Add one row per set of classes and loss.

    carried near T - carried near T and lost >= (needed - load outside T) x placed.

    Args:
        builder: the model to grow.
        carried: the service's pairs and classes.
        placed: column of "has a unit at all".
    """
    units, amount = carried.units, carried.amount
    for reached, right in cuts(carried):
        total = int(builder.add(np.zeros(1), high=np.inf, integral=False)[0])
        row = int(builder.rows(1, low=0.0, high=0.0)[0])
        builder.entries(row, units[reached], amount[reached])
        builder.entries(row, total, -1.0)
        gone = carried.lost & reached
        some = gone.any(axis=1)
        gone = gone[some] if some.any() else gone[:1]  # no row says less than another one
        rows = builder.rows(len(gone), low=0.0, high=np.inf)
        builder.entries(rows, total, 1.0)
        builder.entries(rows, placed, -right)
        scope, pair = np.nonzero(gone)
        builder.entries(rows[scope], units[pair], -amount[pair])


def cuts(carried: Carried) -> list[tuple[Bools, float]]:
    """Return (bool[Q], load): what units near to a set of classes must carry after a loss.

    Of sets that are near to the same pairs, the one that needs most.
    """
    most: dict[bytes, tuple[Bools, float]] = {}
    for chosen in _sets(len(carried.load)):
        right = carried.needed - float(np.delete(carried.load, list(chosen)).sum())
        reached = np.asarray(carried.near[list(chosen)].any(axis=0), np.bool_)
        known = most.get(reached.tobytes())
        if right > 0 and (known is None or known[1] < right):
            most[reached.tobytes()] = reached, right
    return list(most.values())


def _sets(classes: int) -> list[tuple[int, ...]]:
    """Every set of classes but the empty one."""
    return [
        chosen for size in range(1, classes + 1) for chosen in combinations(range(classes), size)
    ]
