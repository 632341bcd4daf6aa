"""Groups of rows of short arrays, faster than `numpy.unique` along an axis finds them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools

Longs = NDArray[np.int64]


def distinct(first: Longs, second: Longs) -> tuple[Longs, Longs, Longs]:
    """Return the different pairs of `first` and `second` (>= 0), int64[N], in order.

    Returns:
        int64[U] twice, the pairs by first, then second; int64[N], the pair that each row is.
    """
    width = int(second.max(initial=0)) + 1
    key, at = np.unique(first * width + second, return_inverse=True)
    return key // width, key % width, at


def alike(rows: Bools) -> tuple[Longs, Longs]:
    """Group equal rows of bool[N, B]; groups in order of their rows, False before True.

    Returns:
        int64[U], the first row of each group; int64[N], the group of each row.
    """
    width, data = rows.shape[1], rows.tobytes()
    keys = [data[row * width : (row + 1) * width] for row in range(len(rows))]
    first: dict[bytes, int] = {}
    for row, key in enumerate(keys):
        first.setdefault(key, row)
    names = sorted(first)
    number = {key: index for index, key in enumerate(names)}
    group = np.fromiter((number[key] for key in keys), np.int64, len(keys))
    return np.fromiter((first[key] for key in names), np.int64, len(names)), group


def ranges(first: Longs, size: Longs) -> Longs:
    """Return first, first + 1, ..., `size` numbers of each, one after the other."""
    return np.repeat(first - np.cumsum(size) + size, size) + np.arange(size.sum())
