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
#: So small a part of the width of all is none: three points on an edge need no corner between.
_FLAT = 1e-12


def between_others(points: Floats, high: Floats, most: float) -> Longs:
    """int64[.]: points, on one line or in one plane, that lie between enough of others.

    Args:
        points: float64[n, K], what each column costs and is in every row.
        high: float64[n], what there is of each at most.
        most: what there is of all together; inf: nothing is enough.
    """
    if not np.isfinite(most):
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
    """int64[.]: points, float64[n, 2], within the hull of those of which there is enough."""
    some = np.flatnonzero(enough)
    corner = some[_corners(points[some])] if len(some) else some
    if len(corner) < 3:
        return np.empty(0, np.int64)
    inside = np.ones(len(points), np.bool_)
    width = np.ptp(points[corner], axis=0).max()
    for one, other in zip(points[corner], points[np.roll(corner, -1)], strict=True):
        inside &= _left_of(one, other, points) >= -_ROUNDING * width * np.hypot(*(other - one))
    inside[corner] = False
    return np.flatnonzero(inside)


def _corners(points: Floats) -> Longs:
    """int64[.]: corners of the convex hull of float64[n, 2], counter-clockwise.

    Monotone chains (A. M. Andrew, "Another efficient algorithm for convex hulls in two
    dimensions", Information Processing Letters 9, 1979, doi:10.1016/0020-0190(79)90072-3).
    """
    order = np.lexsort((points[:, 1], points[:, 0]))
    flat = _FLAT * float(np.ptp(points, axis=0).max()) ** 2
    chains = (_chain(points, one.tolist(), flat)[:-1] for one in (order, order[::-1]))
    return np.concatenate([np.array(one, np.int64) for one in chains])


def _chain(points: Floats, order: list[int], flat: float) -> list[int]:
    """The corners of one half of the hull, from the first point in order to the last."""
    found: list[int] = []
    for one in order:
        while len(found) > 1 and _turn(*points[[*found[-2:], one]].tolist()) <= flat:
            found.pop()
        found.append(one)
    return found


def _turn(first: list[float], middle: list[float], last: list[float]) -> float:
    """More than 0 where the way from the first point over the middle to the last turns left."""
    return (middle[0] - first[0]) * (last[1] - first[1]) - (middle[1] - first[1]) * (
        last[0] - first[0]
    )


def _left_of(one: Floats, other: Floats, points: Floats) -> Floats:
    """float64[n]: how far points are to the left of an edge, times its length."""
    edge, way = other - one, points - one
    return np.asarray(edge[0] * way[:, 1] - edge[1] * way[:, 0], np.float64)
