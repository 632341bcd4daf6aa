"""The command `broker plan`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.cli import main
from broker.cli_plan import progress_line
from tests.broker.planning_inputs import HEAD, ROWS

TEXT = "training: [{name: a, accelerators: 'H100:16', hours: 90}]\n"


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    """A spec on a market of its own, both files in one folder."""
    (tmp_path / "market.csv").write_text("\n".join([HEAD, *ROWS]))
    path = tmp_path / "spec.yaml"
    path.write_text(f"version: 1\nperiod: 100h\nmarket: {tmp_path}/market.csv\n{TEXT}")
    return path


def test_a_whole_plan_ends_with_zero(spec_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan goes to standard output and nothing is written."""
    before = sorted(spec_file.parent.iterdir())
    assert main(["plan", str(spec_file)]) == 0
    assert "$9,000.00" in capsys.readouterr().out
    assert sorted(spec_file.parent.iterdir()) == before


def test_unmet_demand_ends_with_three(spec_file: Path) -> None:
    """A plan is written all the same."""
    spec_file.write_text(
        spec_file.read_text().replace("H100:16", "H100:800") + "providers: [gcp]\n"
    )
    out = spec_file.parent / "plan.json"
    assert main(["plan", str(spec_file), "--out", str(out)]) == 3
    assert json.loads(out.read_text())["unmet"][0]["workload"] == "a"


def test_out_and_output_are_independent(
    spec_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds JSON for its owner only; the same JSON can go to standard output."""
    out = spec_file.parent / "plan.json"
    assert main(["plan", str(spec_file), "--out", str(out), "-o", "json"]) == 0
    assert capsys.readouterr().out == out.read_text()
    assert out.stat().st_mode & 0o777 == 0o600
    assert main(["plan", str(spec_file), "-o", "csv"]) == 0
    assert capsys.readouterr().out.startswith("workload,kind,shape,offer")


def test_another_market_can_be_named(spec_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--market takes the place of the spec's own."""
    other = spec_file.parent / "other.csv"
    other.write_text("\n".join([HEAD, ROWS[5]]))
    assert main(["plan", str(spec_file), "--market", str(other)]) == 0
    assert "gcp/europe-west4" in capsys.readouterr().out


def test_prices_older_than_the_spec_allows_end_with_five(
    spec_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Age is judged against the market's own day, and only when the user asks."""
    spec_file.write_text(spec_file.read_text() + "max_age: 30d\n")
    assert main(["plan", str(spec_file)]) == 5
    error = capsys.readouterr().err
    assert "2026-05-01" in error
    assert "remedy" in error
    spec_file.write_text(spec_file.read_text().replace("30d", "365d"))
    assert main(["plan", str(spec_file)]) == 0


@pytest.mark.parametrize(
    "options",
    [["--gap", "5"], ["--gap", "x"], ["--time-limit", "soon"], ["--work-limit", "0"], ["-o", "x"]],
)
def test_wrong_options_end_with_sixty_four(spec_file: Path, options: list[str]) -> None:
    """They are mistakes of usage."""
    assert main(["plan", str(spec_file), *options]) == 64


def test_the_same_input_gives_the_same_bytes(
    spec_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two runs, one text."""
    main(["plan", str(spec_file), "-o", "json"])
    first = capsys.readouterr().out
    main(["plan", str(spec_file), "-o", "json"])
    assert capsys.readouterr().out == first


def test_progress_says_what_is_known() -> None:
    """A line names the phase, and the gap once there are a plan and a bound."""
    assert progress_line("bound", float("inf"), 12.5) == "bound: no plan yet, bound 12.50"
    assert progress_line("plan", 1234.5, float("-inf")) == "plan: best 1,234.50, no bound yet"
    assert progress_line("cost", 200.0, 190.0) == "cost: best 200.00, bound 190.00, gap 5.00%"
