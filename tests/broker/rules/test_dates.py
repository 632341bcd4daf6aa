"""Rules with dates apply if they overlap the period at all; commitments may ramp."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from broker.commitments import due_usd
from broker.workloads import Commitment, RampStep
from tests.broker.rules.ruled import AWS, AZURE, EMBED, hours, planned

MONTH = 24 * 31


def ruled(dates: str) -> str:
    """Return the batch, promised to azure for some days; the period is December 2026."""
    rule = f"{{workloads: [embed], only: [azure]{dates}}}"
    return f"period: {MONTH}h\n{EMBED}policy: {{exclusivity: [{rule}]}}\n"


@pytest.mark.parametrize(
    ("dates", "offer"),
    [
        ("", AZURE),
        (", until: 2026-11-30", AWS),
        (", until: 2026-12-01", AZURE),
        (", from: 2026-12-31", AZURE),
        (", from: 2027-01-01", AWS),
        (", from: 2026-01-01, until: 2027-12-31", AZURE),
    ],
)
def test_rule_applies_if_any_day_of_it_is_in_the_period(
    dates: str, offer: str, tmp_path: Path
) -> None:
    """The first and the last day count; the day before and the day after do not."""
    plan = planned(ruled(dates), tmp_path)
    assert hours(plan) == {offer: 1000}
    idle = "outside their dates: policy.exclusivity[0]"
    assert (idle in plan.assumptions) == (offer == AWS)


def test_rules_that_follow_each_other_do_not_contradict(tmp_path: Path) -> None:
    """Azure until November and aws from then on: only the second holds in December."""
    text = (
        f"period: {MONTH}h\n{EMBED}policy:\n  exclusivity:\n"
        "  - {workloads: [embed], only: [azure], until: 2026-11-30}\n"
        "  - {workloads: [embed], only: [aws], from: 2026-12-01}\n"
    )
    assert hours(planned(text, tmp_path)) == {AWS: 1000}


RAMP = Commitment(
    provider="aws",
    spend=Decimal(1300),
    from_=date(2026, 1, 1),
    to=date(2027, 12, 31),
    ramp=(
        RampStep(from_=date(2026, 1, 1), spend=Decimal(300)),
        RampStep(from_=date(2026, 12, 11), spend=Decimal(1000)),
    ),
)


def test_ramp_is_due_step_by_step() -> None:
    """Ten days of 344 of the first step, 21 of 386 of the second."""
    due = due_usd(RAMP, datetime(2026, 12, 1, tzinfo=UTC), Decimal(MONTH))
    assert float(due) == pytest.approx(300 * 10 / 344 + 1000 * 21 / 386)


def test_ramp_is_due_in_full_over_its_term() -> None:
    """All of it falls into a period that covers the term."""
    assert due_usd(RAMP, datetime(2025, 1, 1, tzinfo=UTC), Decimal(24 * 2000)) == 1300


def test_plan_pays_what_the_ramp_asks(tmp_path: Path) -> None:
    """310 USD fall due at gcp in December: 3.875 h go there, each 40 dearer than at aws: 155."""
    text = (
        f"period: {MONTH}h\n{EMBED}holdings:\n  commitments:\n"
        "  - {provider: gcp, spend: 365310, from: 2025-12-01, to: 2026-12-31, ramp: "
        "[{from: 2025-12-01, spend: 365k}, {from: 2026-12-01, spend: 310}]}\n"
    )
    plan = planned(text, tmp_path)
    assert plan.cost.total == Decimal("40155.00")
    assert plan.cost.shortfall == 0
