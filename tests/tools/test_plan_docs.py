"""The page about the plan file follows from the types."""

from __future__ import annotations

from dataclasses import fields

from broker.plans import Binding, Cost, Placement, Plan
from tools.plan_docs import PAGE, attributes_of, page_text, records


def test_page_is_current() -> None:
    """docs/plan.md holds what the generator gives; if not, run it again."""
    text = PAGE.read_text(encoding="utf-8")
    assert page_text(text) == text


def test_every_field_of_every_record_is_explained() -> None:
    """All records of a plan are found, and each of their fields has a sentence."""
    kinds = dict(records())
    assert len(kinds) >= 13
    assert (kinds[Plan], kinds[Placement], kinds[Cost]) == ("the file", "placements[]", "cost")
    for kind in kinds:
        assert set(attributes_of(kind)) == {one.name for one in fields(kind)}, kind  # type: ignore[arg-type] # records are dataclasses


def test_fields_that_share_a_line_share_its_sentence() -> None:
    """`used, limit: …` explains both."""
    said = attributes_of(Binding)
    assert said["used"] == said["limit"]
    assert said["what"] != said["used"]
