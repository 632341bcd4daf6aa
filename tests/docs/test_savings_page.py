"""The page about savings plans: its spec plans as it says, its mistakes are found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from broker.cli import main
from broker.planning import make_plan
from broker.snapshot import read_market
from broker.spec import load_spec

PAGE = (Path(__file__).parents[2] / "docs" / "rules" / "savings_plans.md").read_text("utf-8")


def test_the_shown_spec_uses_every_plan(tmp_path: Path) -> None:
    """Three commitments pay for hours on the embedded market, within what they hold."""
    path = tmp_path / "spec.yaml"
    path.write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    plan = make_plan(load_spec(path), read_market(["embedded"])).plan
    assert [one.name for one in plan.savings_plans] == ["compute", "p5-tokyo", "one-year"]
    assert all(0 < one.used_usd <= one.committed_usd for one in plan.savings_plans)


def test_the_shown_mistakes_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The text on the page is what `broker validate` prints."""
    monkeypatch.chdir(tmp_path)
    text, *_ = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
    Path("spec.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert main(["validate", "spec.yaml"]) == 1
    assert capsys.readouterr().err == text
