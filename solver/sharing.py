"""Units of a few supplies, shared out among blocks by what they are worth at most to each.

What n units are worth to a block, so many of each supply, is known from above: never more than a
larger holding is worth. The most that sharing them out can bring is a knapsack with a side for
each supply, by one block after another (R. Bellman, "Dynamic Programming", 1957). What is worked
out for the first blocks stays while nothing more is learned of them, so those learned of last come
last.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools, Floats

Longs = NDArray[np.int64]


class Sharing:
    """Shares out units; what they are worth at most may become less.

    Attributes:
        worth: float64[K, C_1 + 1, ..., C_S + 1], what n_1, ..., n_S units are worth at most to
            each of K blocks, where C_s are there of supply s.
    """

    def __init__(self, worth: Floats) -> None:
        """Begin with what is known: `worth`, which will be changed."""
        self.worth = worth
        self._order = list(range(len(worth)))
        self._best: list[Floats] = [np.zeros(worth.shape[1:])]
        self._taken: list[Longs] = []

    def learn(self, block: int, held: Sequence[int], worth: float) -> None:
        """Note what holding so many units of each supply, or fewer, is worth at most."""
        box = self.worth[block][tuple(slice(0, units + 1) for units in held)]
        if (box > worth).any():
            np.minimum(box, worth, out=box)
            at = self._order.index(block)
            del self._best[at + 1 :], self._taken[at:]
            self._order.append(self._order.pop(at))

    def wants(self, block: int) -> bool:
        """True when some units could be worth something to a block."""
        return bool(self.worth[block].max() > 0)

    def most(self) -> tuple[float, Longs]:
        """Return what all units are worth at most, and int64[K, S], who gets how many of each."""
        for block in self._order[len(self._taken) :]:
            best, taken = _with_one_more(self._best[-1], self.worth[block])
            self._best.append(best)
            self._taken.append(taken)
        left = np.array(self.worth.shape[1:]) - 1
        share = np.zeros((len(self.worth), len(left)), np.int64)
        for block, taken in zip(self._order[::-1], self._taken[::-1], strict=True):
            share[block] = np.unravel_index(int(taken[tuple(left)]), taken.shape)
            left -= share[block]
        return float(self._best[-1].flat[-1]), share


def _with_one_more(best: Floats, worth: Floats) -> tuple[Floats, Longs]:
    """What units are worth with one block more, and what it takes of them, as a flat index.

    `best`: float64[C_1 + 1, ...], what so many units are worth without it.
    """
    found, taken = np.full(best.shape, -np.inf), np.zeros(best.shape, np.int64)
    for flat in np.flatnonzero(_pays(worth)).tolist():
        held = np.unravel_index(flat, worth.shape)
        to = tuple(slice(int(units), None) for units in held)
        of = tuple(
            slice(0, size - int(units)) for units, size in zip(held, best.shape, strict=True)
        )
        value = best[of] + worth[held]
        is_better = value > found[to]
        found[to][is_better] = value[is_better]
        taken[to][is_better] = flat
    return found, taken


def _pays(worth: Floats) -> Bools:
    """bool[C_1 + 1, ...]: holdings worth more than with a unit less of any supply."""
    pays = np.ones(worth.shape, np.bool_)
    for axis in range(worth.ndim):
        along = np.moveaxis(worth, axis, 0)
        np.moveaxis(pays, axis, 0)[1:] &= along[1:] > along[:-1]
    return pays
