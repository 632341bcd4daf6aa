"""Groups of rows, beside what `numpy.unique` along an axis says of them."""

from __future__ import annotations

import numpy as np
import pytest

from solver.grouped import alike, distinct, ranges


def test_distinct_pairs_come_in_order_with_the_pair_of_each_row() -> None:
    """As `numpy.unique` of the stacked columns, along the rows."""
    random = np.random.default_rng(5)
    first, second = random.integers(0, 9, (2, 200))
    expected, where = np.unique(np.stack([first, second], axis=1), axis=0, return_inverse=True)
    ones, others, at = distinct(first, second)
    assert np.array_equal(np.stack([ones, others], axis=1), expected)
    assert np.array_equal(at, where.ravel())


@pytest.mark.parametrize("width", [1, 7, 8, 9, 40])
def test_rows_alike_come_in_the_order_of_their_places(width: int) -> None:
    """As `numpy.unique` of the rows; rows that end in False are told from shorter ones."""
    random = np.random.default_rng(width)
    rows = random.random((60, width)) < 0.15
    expected, group = np.unique(rows, axis=0, return_inverse=True)
    first, found = alike(rows)
    assert np.array_equal(rows[first], expected)
    assert np.array_equal(found, group.ravel())
    assert np.array_equal(first, [np.flatnonzero(found == one)[0] for one in range(len(first))])


def test_rows_without_places_are_all_alike() -> None:
    """Nothing tells them apart; no row is no group."""
    first, group = alike(np.empty((3, 0), np.bool_))
    assert (first.tolist(), group.tolist()) == ([0], [0, 0, 0])
    assert alike(np.empty((0, 4), np.bool_))[0].tolist() == []


def test_ranges_follow_one_another() -> None:
    """A size of 0 gives nothing."""
    assert ranges(np.array([5, 0, 2]), np.array([2, 0, 3])).tolist() == [5, 6, 2, 3, 4]
    assert ranges(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []
