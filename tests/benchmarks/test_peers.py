"""Pipelines: the textbook model and the plan cost the same."""

from __future__ import annotations

import pytest

from benchmarks.peers import Family, ours, pipeline, textbook


@pytest.mark.parametrize(
    "family",
    [Family(tasks=4, edges=0), Family(tasks=4, edges=3, is_chain=True), Family(tasks=4, edges=4)],
)
def test_the_textbook_model_and_the_plan_cost_the_same(family: Family) -> None:
    """Alone, in a chain and in a graph, to the cents that plans round to."""
    pytest.importorskip("pulp")
    spec, market = pipeline(family, seed=3)
    assert sum(len(task.reads) for task in spec.training) == family.edges
    assert ours(spec, market) == pytest.approx(textbook(spec, market), abs=0.1)
