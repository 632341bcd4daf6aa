"""The specs on the pages about stability and first refusal are specs."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

from broker.spec import load_spec
from broker.workloads import Spec

PAGES = Path(__file__).parents[2] / "docs" / "rules"


def shown_spec(page: str, folder: Path) -> Spec:
    """Return the spec that a page shows."""
    shown = (PAGES / page).read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", shown, re.DOTALL)
    path = folder / "spec.yaml"
    path.write_text(text)
    return load_spec(path)


def test_the_shown_spec_is_read_as_the_page_says(tmp_path: Path) -> None:
    """The first matching cost counts, and the frozen workload runs."""
    rule = shown_spec("stability.md", tmp_path).stability
    assert rule is not None
    assert rule.move_cost == {"pretrain": 2_000, "embed": 100}
    assert (rule.max_moves, rule.min_saving, rule.freeze) == (1, 500, ("embed",))


def test_the_shown_claim_has_its_margin_and_dates(tmp_path: Path) -> None:
    """Azure has first refusal of everything, five percent, two years."""
    (rule,) = shown_spec("first_refusal.md", tmp_path).policy.exclusivity
    assert (rule.scopes, rule.margin, rule.workloads) == (
        ("azure",),
        Decimal("0.05"),
        ("pretrain",),
    )
    assert (str(rule.from_), str(rule.until)) == ("2026-07-01", "2028-06-30")
