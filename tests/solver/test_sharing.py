"""Units shared out by what they are worth: as trying all ways says, whatever is learned when."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from solver.problem import Floats
from solver.sharing import Sharing

SIZES = st.lists(st.integers(0, 3), min_size=1, max_size=3)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(count: int, units: list[int], seed: int) -> Floats:
    """What units are worth to each, some of it endlessly bad."""
    random = np.random.default_rng(seed)
    worth = random.integers(-5, 20, (count, *(one + 1 for one in units))).astype(float)
    worth[random.random(worth.shape) < 0.1] = -np.inf
    return worth


def by_trying(worth: Floats, units: list[int]) -> float:
    """The most that units are worth, if nobody minds to hold more than is worth something."""
    states = list(np.ndindex(worth.shape[1:]))
    most = [
        {
            one: max(block[less] for less in states if np.all(np.less_equal(less, one)))
            for one in states
        }
        for block in worth
    ]
    return max(
        sum(block[one] for block, one in zip(most, held, strict=True))
        for held in product(states, repeat=len(worth))
        if np.all(np.sum(held, axis=0) <= units)
    )


@given(st.integers(1, 3), SIZES.filter(lambda units: sum(units) <= 5), SEEDS)
def test_units_go_where_they_are_worth_most(count: int, units: list[int], seed: int) -> None:
    """Of one supply or several; nobody gets more than there is."""
    worth = drawn(count, units, seed)
    most, share = Sharing(worth.copy()).most()
    assert most == by_trying(worth, units)
    assert share.shape == (count, len(units))
    assert (share.sum(axis=0) <= units).all()
    if np.isfinite(most):
        assert sum(worth[(row, *held)] for row, held in enumerate(share)) == most


@given(st.integers(1, 4), SIZES, SEEDS)
def test_what_is_learned_later_counts_as_if_it_had_been_known(
    count: int, units: list[int], seed: int
) -> None:
    """Learned one at a time, with the best way to share out asked for in between."""
    worth, random = drawn(count, units, seed), np.random.default_rng(seed)
    sharing = Sharing(worth.copy())
    for _ in range(6):
        sharing.most()
        block, limit = int(random.integers(count)), float(random.integers(-5, 10))
        held = [int(random.integers(one + 1)) for one in units]
        sharing.learn(block, held, limit)
        box = worth[block][tuple(slice(0, one + 1) for one in held)]
        np.minimum(box, limit, out=box)
        assert sharing.wants(block) == (worth[block].max() > 0)
        assert sharing.most()[0] == Sharing(worth.copy()).most()[0]
