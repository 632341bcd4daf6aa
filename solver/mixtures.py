"""Points in place of which others can always be mixed: on a line, or in a plane.

A column of a model is a point: what it costs, and what it is in every row. A mix of columns costs
and is in every row what the mix of their points is, so a column between others is not needed where
these have room for everything that may be held of all together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from solver.problem import Bools, Floats

Longs = NDArray[np.int64]

#: Part of what points are by which roundings miss a line or a plane.
_ROUNDING = 1e-9


def between_others(points: Floats, high: Floats, most: float) -> Longs:
    """int64[.]: points, on one line or in one plane, that lie between enough of others.

    Args:
        points: float64[n, K], what each column costs and is in every row.
        high: float64[n], what there is of each at most.
        most: what there is of all together; inf: nothing is enough.
    """
    if not np.isfinite(most) or len(points) < 3:
        return np.empty(0, np.int64)
    size = np.maximum(np.abs(points).max(axis=0), _ROUNDING)
    scaled = (points - points[0]) / size
    along = scaled[:, np.argmax(np.ptp(scaled, axis=0))]
    missed = np.abs(_missed(scaled, along[:, None]))
    if (missed <= _ROUNDING).all():
        return _on_line(along, high, most)
    across = scaled[:, np.argmax(missed.max(axis=0))]
    plane = np.column_stack([along, across])
    if (np.abs(_missed(scaled, plane)) <= _ROUNDING).all():
        return _in_plane(plane, high >= most)
    return np.empty(0, np.int64)


def _missed(points: Floats, along: Floats) -> Floats:
    """float64[n, K]: how far points are from what follows from a part or two of each, [n, .]."""
    known = np.column_stack([np.ones(len(along)), along])
    factors = np.linalg.lstsq(known, points, rcond=None)[0]
    return np.asarray(points - known @ factors, np.float64)


def _on_line(along: Floats, high: Floats, most: float) -> Longs:
    """int64[.]: points with enough before them, and enough behind."""
    order = np.argsort(along, kind="stable")
    each = np.minimum(high[order], most)
    ahead = np.append(0.0, np.cumsum(each)[:-1])
    behind = np.append(np.cumsum(each[::-1])[::-1][1:], 0.0)
    return order[(ahead >= most) & (behind >= most)]


def _in_plane(points: Floats, enough: Bools) -> Longs:
    """int64[.]: points, float64[n, 2], within the hull of those of which there is enough.

    What lies outside by a rounding stays: at a sharp corner, that may be far along the hull.
    """
    mirrored = points * [1.0, -1.0]
    below, above = _chain(points, enough), _chain(mirrored, enough)
    inside = _is_over(points, below) & _is_over(mirrored, above)
    inside[below] = inside[above] = False
    return np.flatnonzero(inside)


def _chain(points: Floats, enough: Bools) -> Longs:
    """int64[.]: corners of the lower half of a convex hull, from the left to the right.

    A monotone chain (A. M. Andrew, "Another efficient algorithm for convex hulls in two
    dimensions", Information Processing Letters 9, 1979, doi:10.1016/0020-0190(79)90072-3).
    """
    some = np.flatnonzero(enough)
    order = some[np.lexsort((points[some, 1], points[some, 0]))]
    order = order[np.unique(points[order, 0], return_index=True)[1]]  # the lowest of each place
    x, y = points.T.tolist()
    found: list[int] = []
    for one in order.tolist():
        while len(found) > 1:
            first, middle = found[-2:]
            rise = (x[middle] - x[first]) * (y[one] - y[first])
            if rise > (y[middle] - y[first]) * (x[one] - x[first]):
                break
            found.pop()
        found.append(one)
    return np.array(found, np.int64)


def _is_over(points: Floats, chain: Longs) -> Bools:
    """bool[n]: points on or over the lower half of a hull; none where that is a single corner."""
    if len(chain) < 2:
        return np.zeros(len(points), np.bool_)
    corner, x = points[chain], points[:, 0]
    at = np.clip(np.searchsorted(corner[:, 0], x, side="right") - 1, 0, len(chain) - 2)
    edge, way = (corner[1:] - corner[:-1])[at], points - corner[at]
    is_over = edge[:, 0] * way[:, 1] >= edge[:, 1] * way[:, 0]
    return np.asarray(is_over & (x >= corner[0, 0]) & (x <= corner[-1, 0]), np.bool_)
