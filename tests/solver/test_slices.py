"""A part of a problem says of its demands what the whole says of them."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given

from solver.asking import Engine
from solver.compact import build_compact
from solver.pairs import enumerate_pairs
from solver.problem import Problem
from solver.slices import slice_demands, slice_pairs
from tests.solver.random_problems import Case, bounded, cases, exactly, ruled_cases
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem


def assert_same_model(one: Problem, other: Problem) -> None:
    first, second = build_compact(one).builder.build(), build_compact(other).builder.build()
    for part in fields(first):
        assert np.array_equal(getattr(first, part.name), getattr(second, part.name)), part.name


@bounded(40)
@given(cases())
def test_the_part_of_all_demands_is_the_whole(case: Case) -> None:
    """Its model is the same, entry by entry, first refusals aside."""
    whole = replace(case.problem, refusals=None)
    part = slice_demands(case.problem, np.arange(whole.demands.count))
    assert_same_model(whole, part.problem)


@bounded(40)
@given(ruled_cases())
def test_rules_stay_in_the_part_of_all_demands(case: Case) -> None:
    """Whatever rules there are."""
    whole = replace(case.problem, refusals=None)
    part = slice_demands(case.problem, np.arange(whole.demands.count))
    assert_same_model(whole, part.problem)


def test_parts_of_one_demand_add_up_where_nothing_is_shared(engine: Engine) -> None:
    """Three demands with room for all: their optima, each alone, are the optimum."""
    wants = [like(SERVICE, data=20.0), like(BATCH, priority=3), like(GANG, amount=2)]
    one = problem([Row(cost=2), Row(cost=1, place=1, kind=1)], wants)
    parts = [slice_demands(one, np.array([demand])) for demand in range(3)]
    alone = [exactly(part.problem, engine).cost for part in parts]
    assert sum(alone) == pytest.approx(exactly(one, engine).cost)
    assert alone == pytest.approx([320.0, 150.0, 200.0])


@bounded(40)
@given(cases(rules=False))
def test_pairs_of_a_part_are_those_of_the_whole(case: Case) -> None:
    """In the part's numbers, with the same coefficients; numbers lead back to the whole."""
    whole = enumerate_pairs(case.problem)
    for demand in range(case.problem.demands.count):
        part = slice_demands(case.problem, np.array([demand]))
        own, cut = enumerate_pairs(part.problem), slice_pairs(whole, part)
        for name in own.__slots__:
            assert np.array_equal(getattr(own, name), getattr(cut, name)), name
        assert np.array_equal(part.mode[own.mode], whole.mode[whole.demand == demand])
