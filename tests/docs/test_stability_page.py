"""The spec on the page about stability is one."""

from __future__ import annotations

import re
from pathlib import Path

from broker.spec import load_spec
from broker.workloads import Spec

PAGE = Path(__file__).parents[2] / "docs" / "rules" / "stability.md"


def shown_spec(folder: Path) -> Spec:
    """Return the spec that the page shows."""
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    path = folder / "spec.yaml"
    path.write_text(text)
    return load_spec(path)


def test_the_shown_spec_is_read_as_the_page_says(tmp_path: Path) -> None:
    """The first matching cost counts, and the frozen workload runs."""
    rule = shown_spec(tmp_path).stability
    assert rule is not None
    assert rule.move_cost == {"pretrain": 2_000, "embed": 100}
    assert (rule.max_moves, rule.min_saving, rule.freeze) == (1, 500, ("embed",))
