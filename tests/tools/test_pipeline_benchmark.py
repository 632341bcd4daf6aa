"""The benchmark of pipelines measures what it says, and the model it compares with is right."""

from __future__ import annotations

import pytest

from benchmarks.pipelines import LEAST, MOST, Case, cases, naive_s, planned_s, regions_of, spec_of
from broker.candidates import find_candidates
from broker.scene import build_scene
from broker.snapshot import read_market


def test_cases_are_of_the_sizes_they_claim() -> None:
    """500 stages without reads, a chain of 100, and 50 stages with 80 reads of earlier ones."""
    sizes = [(case.stages, len(set(case.reads))) for case in cases()]
    assert sizes == [(500, 0), (100, 99), (50, 80)]
    assert all(source < reader for case in cases() for reader, source in case.reads)


def test_pairs_of_candidates_find_the_same_optimum() -> None:
    """Six stages, each of 35 to 75 candidates, cost the same by places and by pairs."""
    market = read_market(["embedded"])
    case = Case(name="small", stages=6, reads=((1, 0), (2, 1), (3, 1), (4, 2), (4, 3), (5, 0)))
    spec = spec_of(case, regions_of(market))
    counts = [int(one.admitted.sum()) for one in find_candidates(build_scene(spec, market))]
    assert LEAST <= min(counts) <= max(counts) <= MOST
    assert planned_s(spec, market)[1] == pytest.approx(naive_s(spec, market)[1], rel=0.005)
