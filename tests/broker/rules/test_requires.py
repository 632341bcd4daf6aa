"""Tags that a workload asks of places and machines."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from broker.audit import audit
from broker.planning import make_plan
from tests.broker.rules.ruled import AWS, AZURE, GCP, hours, market, planned, spec


def tagged(tags: str, *required: str) -> str:
    """Return the batch of 1,000 h with the tags it requires."""
    where = f", where: {{requires: [{', '.join(required)}]}}" if required else ""
    return (
        f"batch: [{{name: embed, accelerators: 'H100:8', work: 1000h{where}}}]\n"
        f"assume: {{tags: {{{tags}}}}}\n"
    )


@pytest.mark.parametrize(
    ("carrier", "offer"),
    [
        ("gcp", GCP),
        ("westeurope", AZURE),
        ("azure/west*", AZURE),
        ("a3-highgpu-8g", GCP),
        ("gcp/europe-west4/europe-west4-a", GCP),
        ("aws/us-east-1/use1-az1/p5.48xlarge", AWS),
    ],
)
def test_tag_is_carried_by_places_and_machines(carrier: str, offer: str, tmp_path: Path) -> None:
    """The batch goes where the tag is, whatever it is stated of."""
    assert hours(planned(tagged(f"hipaa: ['{carrier}']", "hipaa"), tmp_path)) == {offer: 1000}


def test_every_required_tag_must_be_there(tmp_path: Path) -> None:
    """Only gcp carries both."""
    text = tagged("hipaa: [azure, gcp], tee: [aws, gcp]", "hipaa", "tee")
    assert hours(planned(text, tmp_path)) == {GCP: 1000}


def test_tag_nobody_requires_changes_nothing(tmp_path: Path) -> None:
    """Stating a tag is no rule."""
    assert hours(planned(tagged("hipaa: [gcp]"), tmp_path)) == {AWS: 1000}


def test_nothing_with_every_tag_is_unmet_and_says_why(tmp_path: Path) -> None:
    """The reason names the rule."""
    plan = planned(tagged("hipaa: [gcp], tee: [aws]", "hipaa", "tee"), tmp_path)
    assert any("requires" in reason for reason in plan.unmet[0].reasons)


def test_audit_sees_a_missing_tag(tmp_path: Path) -> None:
    """A plan without the rule stands at aws, which carries nothing."""
    on = market()
    ruled = spec(tagged("hipaa: [gcp]", "hipaa"), tmp_path, on)
    embedded = make_plan(ruled, on).plan.spec
    plan = replace(planned(tagged("hipaa: [gcp]"), tmp_path, on), spec=embedded)
    assert {one.rule for one in audit(plan, ruled, on)} == {"requires"}
