"""Rounded rows over whole units."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.covers import Covers, covers_of, joined, rounded, whole_multiples
from tests.solver.random_problems import bounded


def one_cover(weight: list[float], need: float, slack: float = 1.0) -> Covers:
    return Covers(np.array([weight]), np.array([need]), np.array([slack]))


def test_a_load_of_a_little_more_than_one_unit_needs_two() -> None:
    """19 of units of 10: the relaxation would take 1.9 of them."""
    row = rounded(one_cover([10.0], 19.0), np.array([1.0]))
    assert (row.weight.tolist(), row.need.tolist()) == ([[1.0]], [2.0])


def test_what_is_left_unmet_counts_for_its_part() -> None:
    """9 of the 19 unmet leave 10, which one unit carries: 1 + 9 x slack is 2."""
    row = rounded(one_cover([10.0], 19.0), np.array([1.0]))
    assert 1 + 9 * row.slack[0] == pytest.approx(2.0)


def test_a_need_of_whole_units_stays_as_it_is() -> None:
    """20 of units of 10 and 5 is two of the one or four of the other."""
    row = rounded(one_cover([10.0, 5.0], 20.0), np.array([1.0, 0.5]))
    assert (row.weight / row.need).tolist() == [[0.5, 0.25]]


def test_of_two_covers_each_has_its_row() -> None:
    """A unit that carries more than all counts for all."""
    both = joined([one_cover([30.0, 10.0], 15.0), one_cover([0.0, 10.0], 4.0)], 2)
    rows = rounded(both, np.array([9.0, 2.0]))
    assert rows.weight.tolist() == [[2.0, 1.0], [0.0, 1.0]]
    assert rows.need.tolist() == [2.0, 1.0]


def test_nothing_is_rounded_to_nothing() -> None:
    """Covers that need nothing or that no unit serves are none."""
    none = covers_of(np.array([[1.0, 2.0], [0.0, 0.0]]), np.array([0.0, 3.0]), 1.0)
    assert rounded(none, np.ones(2)).count == 0


@st.composite
def random_covers(draw: st.DrawFn) -> tuple[Covers, np.ndarray]:
    """Draw a cover of up to three units, and what the units cost."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = int(random.integers(1, 4))
    pick = random.choice((0.0, 0.7, 1.0, 2.5, 3.0, 4.1, 9.0), size)
    weight = np.where(random.random(size) < 0.5, pick, random.uniform(0, 6, size)) + 1e-3
    need = float(random.choice((1.0, 5.0, 7.5, random.uniform(0.1, 12.0))))
    return one_cover(weight.tolist(), need, need), random.integers(0, 5, size).astype(float)


@bounded(300)
@given(random_covers())
def test_whole_units_that_serve_a_cover_keep_its_rows(drawn: tuple[Covers, np.ndarray]) -> None:
    """With what is just left unmet by them, in every plan of up to seven units of each."""
    cover, cost = drawn
    row = rounded(cover, cost)
    multiples, needs = whole_multiples(cover.weight[0], float(cover.need[0]), cost)
    for held in product(range(8), repeat=len(cost)):
        carried = cover.weight[0] @ np.array(held)
        unmet = max(0.0, 1 - float(carried / cover.need[0]))
        assert (row.weight @ np.array(held) + row.slack * unmet >= row.need - 1e-6).all()
        if unmet == 0:
            assert (multiples @ np.array(held) >= needs).all()
