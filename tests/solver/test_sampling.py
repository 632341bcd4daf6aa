"""Samples that stand in for very many demands, and what prices they give."""

from __future__ import annotations

import numpy as np
import pytest

from solver.asking import Engine
from solver.backend import solve_linear
from solver.blocks import blocks_of
from solver.decomposition import solve_decomposed
from solver.pairs import enumerate_pairs
from solver.problem import Level, Problem, Together
from solver.relaxation import prices_of, restrict, service_of
from solver.sampling import MANY, Sample, sample, stakes_of, weighed
from solver.slices import slice_pairs
from solver.solution import SearchLimits
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, Rules, like, problem


def drawn_of(one: Problem, size: int, offset: float = 0.5) -> Sample:
    stake = stakes_of(one, enumerate_pairs(one))
    return sample(one, blocks_of(one), stake, size=size, offset=offset)


def test_what_a_demand_is_at_stake_with_is_its_cheapest_pair() -> None:
    """A gang of 100 h, 2.5 units of a service, a batch of 150 h: at 2 an hour and not at 3."""
    one = problem([Row(cost=3), Row(cost=2)], [GANG, SERVICE, BATCH])
    assert stakes_of(one, enumerate_pairs(one)).tolist() == [200.0, 500.0, 300.0]


def test_dear_demands_come_in_once_and_cheap_ones_stand_in_for_many() -> None:
    """Of a gang of 1,000 units and 100 of one, the large one counts once, the rest for 100."""
    wants = [like(GANG, amount=1000.0), *[GANG] * 100]
    drawn = drawn_of(problem([Row(cost=1)], wants), 11)
    assert drawn.part.demand[0] == 0
    assert drawn.weight[0] == 1.0
    assert len(drawn.weight) == 11
    assert drawn.weight[1:].sum() == pytest.approx(100)


def test_another_offset_is_another_sample() -> None:
    """A tenth of 100 gangs that are alike, drawn from two offsets, has none in common."""
    one = problem([Row(cost=1)], [GANG] * 100)
    first, second = (drawn_of(one, 10, offset).part.demand for offset in (0.25, 0.75))
    assert len(first) == len(second) == 10
    assert not np.isin(first, second).any()


def test_demands_that_stand_together_are_drawn_together() -> None:
    """Of twenty pairs of gangs, each bound to one region, five come whole and count alike."""
    rules = tuple(
        Together(level=Level.PLACE, demands=(first, first + 1)) for first in range(0, 40, 2)
    )
    drawn = drawn_of(problem([Row(cost=1)], [GANG] * 40, Rules(together=rules)), 5)
    assert len(drawn.part.demand) == 10
    assert (drawn.part.demand[::2] + 1 == drawn.part.demand[1::2]).all()
    assert drawn.weight.tolist() == [4.0] * 10


def test_prices_of_a_sample_are_those_of_all() -> None:
    """40 gangs on 10 units at 1 an hour, the others at 5: a cheap unit is worth 400 to any."""
    one = problem([Row(cost=1, capacity=10), Row(cost=5)], [GANG] * 40)
    drawn = drawn_of(one, 8)
    part, none = drawn.part, np.zeros(8)
    service = service_of(part.problem, none, none)
    restricted = restrict(part.problem, slice_pairs(enumerate_pairs(one), part), service)
    answer = solve_linear(weighed(drawn, restricted.compact, restricted.model))
    assert answer.objective == pytest.approx(10 * 100 + 30 * 500)
    prices = prices_of(restricted, answer, service, whole=one)
    assert prices.capacity == pytest.approx([400.0, 0.0])
    assert prices.unmet.tolist() == [np.inf] * 40


def test_a_bound_from_samples_is_the_optimum_where_demands_are_alike() -> None:
    """More gangs than are looked at whole, 1,000 of them on cheap units: the rest pays 5."""
    count = MANY + 100
    one = problem([Row(cost=1, capacity=1000), Row(cost=5)], [GANG] * count)
    with Engine() as engine:
        found = solve_decomposed(one, SearchLimits(gap=1e-3), engine=engine)
    best = 1000 * 100 + (count - 1000) * 500
    assert found.cost == pytest.approx(best)
    assert found.bound == pytest.approx(best, rel=1e-6)
    assert not found.unmet.any()
