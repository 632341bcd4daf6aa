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
    """

    units: Longs
    amount: Floats
    near: Bools
    load: Floats


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
    near, group = np.unique(near, axis=0, return_inverse=True)
    load = np.bincount(group.reshape(-1), weights=load, minlength=len(near)).astype(np.float64)
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


def add_cut_rows(
    builder: ModelBuilder,
    carried: Carried,
    *,
    touched: tuple[Longs, Longs],
    needed: float,
    placed: int,
) -> None:
    """Add one row per set of classes and scope.

    carried near T - carried near T inside s >= (needed - load outside T) x placed.

    Args:
        builder: the model to grow.
        carried: the service's pairs and classes.
        touched: (index into the pairs, scope), as `solver.scopes.scopes_touched` gives them.
        needed: load that must still be routable.
        placed: column of "has a unit at all".
    """
    index, scope = touched
    names, where = np.unique(scope, return_inverse=True)
    units, amount = carried.units, carried.amount
    for chosen in _sets(len(carried.load)):
        right = needed - float(np.delete(carried.load, list(chosen)).sum())
        if right <= 0:
            continue
        reached = np.asarray(carried.near[list(chosen)].any(axis=0), dtype=np.bool_)
        total = int(builder.add(np.zeros(1), high=np.inf, integral=False)[0])
        row = int(builder.rows(1, low=0.0, high=0.0)[0])
        builder.entries(row, units[reached], amount[reached])
        builder.entries(row, total, -1.0)
        rows = builder.rows(len(names), low=0.0, high=np.inf)
        builder.entries(rows, total, 1.0)
        builder.entries(rows, placed, -right)
        lost = reached[index]
        builder.entries(rows[where[lost]], units[index[lost]], -amount[index[lost]])


def _sets(classes: int) -> list[tuple[int, ...]]:
    """Every set of classes but the empty one."""
    return [
        chosen for size in range(1, classes + 1) for chosen in combinations(range(classes), size)
    ]
