"""Points between others: whatever is left out, a mix of what stays is worth the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.effort import Outcome
from solver.mixtures import between_others
from solver.model import Model
from solver.problem import Floats
from tests.solver.random_problems import bounded

#: A square, its middle, a point on its edge and one outside it.
SQUARE = np.array([[0, 0], [4, 0], [4, 4], [0, 4], [2, 2], [2, 0], [5, 2]], np.float64)


def embedded(plane: Floats) -> Floats:
    """Return points of a plane as points of four parts, one of them the same of all."""
    one, other = plane.T
    return np.column_stack([1000 + one, np.full(len(plane), 7.0), other, 2 * one - 3 * other])


def kept(points: Floats, high: Floats, most: float = 1.0) -> list[int]:
    """Which points stay."""
    return sorted(set(range(len(points))) - set(between_others(points, high, most).tolist()))


def test_the_corners_of_a_plane_stay() -> None:
    assert kept(embedded(SQUARE), np.ones(7)) == [0, 1, 2, 3, 6]
    assert kept(embedded(SQUARE[:6]), np.ones(6)) == [0, 1, 2, 3]


def test_what_there_is_not_enough_of_stays_and_takes_no_place() -> None:
    """Without the corners below and at 4, 4 the point on the edge is one itself."""
    high = np.ones(7)
    high[2] = 0.9
    assert kept(embedded(SQUARE), high) == [0, 1, 2, 3, 6]
    high[:2] = 0.9
    assert kept(embedded(SQUARE), high) == [0, 1, 2, 3, 5, 6]


def test_points_that_fill_more_than_a_plane_stay() -> None:
    points = embedded(SQUARE)
    points[4, 1] += 0.1
    assert kept(points, np.ones(7)) == list(range(7))


def test_on_a_line_enough_of_both_ends_stays() -> None:
    points = np.column_stack([np.arange(6.0), 3 * np.arange(6.0) + 1])
    assert kept(points, np.ones(6)) == [0, 5]
    assert kept(points, np.full(6, 0.5)) == [0, 1, 4, 5]
    assert kept(points, np.ones(6), most=np.inf) == list(range(6))


@pytest.mark.parametrize("count", [1, 2])
def test_one_or_two_are_between_nothing(count: int) -> None:
    assert kept(embedded(SQUARE[:count]), np.ones(count)) == list(range(count))


def test_the_same_several_times_is_needed_once_at_a_corner_and_at_both_ends_of_a_line() -> None:
    assert len(kept(np.ones((4, 2)), np.ones(4))) == 2
    assert len(kept(embedded(SQUARE[[0, 0, 1, 2, 2]]), np.ones(5))) == 3


@pytest.mark.parametrize(("bend", "cost"), [(3e-9, 0.9), (1e-8, 0.99), (1e-7, 0.999), (1e-3, 0.9)])
def test_what_lies_beyond_a_sharp_corner_stays(bend: float, cost: float) -> None:
    """It lies outside by next to nothing, but far along the hull."""
    costs = np.array([1, 1.5, 2, 1.25, cost])
    points = np.column_stack([costs, 2 * costs * [1, 1 + bend, 1, 1, 1]])
    assert 4 in kept(points, np.array([1, 1, 1, 1, 0.5]))


def test_what_lies_beyond_a_thin_upright_hull_stays() -> None:
    """Of what lies far to its sides there is little."""
    thin = np.array([[2, 0], [2, 1], [2 + 1e-8, 0.5], [2, 1.5], [0, 0], [5, 1], [2, 0.5]])
    high = np.array([1.0] * 3 + [0.5] * 4)
    assert kept(thin, high) == list(range(6))


def test_beside_a_steep_edge_what_is_outside_stays() -> None:
    """Above, below and beside two corners of the same first part."""
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4]], np.float64)
    outside = np.array([[4, -1], [4, 5], [0, -1], [0, 5], [5, 0], [-1, 2]], np.float64)
    inside = np.array([[4, 1], [0, 3]], np.float64)
    high = np.array([1.0] * 4 + [0.5] * 8)
    assert kept(np.vstack([square, outside, inside]), high) == list(range(10))


def is_mix(point: Floats, others: Floats, high: Floats, engine: Engine) -> bool:
    """Whether an engine finds parts of others, no more than there is, that come to a point."""
    count, parts = others.shape
    shift = others - point
    scale = np.maximum(np.abs(shift).max(axis=0), 1e-9)
    rows = np.vstack([np.ones(count), (shift / scale).T])
    answer = engine.solve_linear(
        Model(
            cost=np.zeros(count),
            low=np.zeros(count),
            high=high,
            integral=np.zeros(count, np.bool_),
            row=np.repeat(np.arange(parts + 1), count),
            column=np.tile(np.arange(count), parts + 1),
            value=rows.ravel(),
            row_low=np.array([1.0, *[-1e-7] * parts]),
            row_high=np.array([1.0, *[1e-7] * parts]),
        )
    )
    return answer is not None and answer.outcome is Outcome.OPTIMAL


@bounded(40)
@given(
    plane=st.lists(
        st.tuples(st.integers(-9, 9), st.floats(-5, 5, allow_subnormal=False)),
        min_size=1,
        max_size=14,
    ),
    enough=st.integers(0, 2**14 - 1),
)
def test_whatever_is_left_out_is_a_mix_of_what_stays(
    engine: Engine, plane: list[tuple[int, float]], enough: int
) -> None:
    """An engine mixes it again."""
    points = embedded(np.array(plane, np.float64))
    high = np.where([enough >> bit & 1 for bit in range(len(points))], 1.0, 0.6)
    gone = between_others(points, high, 1.0)
    stays = np.setdiff1d(np.arange(len(points)), gone)
    for one in gone.tolist():
        assert is_mix(points[one], points[stays], high[stays], engine)
