"""`broker offers --diff` and `--history` on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from broker.cli import main
from broker.market import GAP_SCHEMA
from broker.settings import data_path
from broker.snapshot import read_market, write_market
from broker.snapshots import Snapshots
from tests.broker.market_rows import ROWS, market_of

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str]:
    """Return two market folders: H100 at 40, then at 44 in a market that did not see all."""
    gap = ("aws", "us-west-2", "prices", "AccessDenied", "", "", None)
    gaps = pl.DataFrame([gap], schema=dict(GAP_SCHEMA), orient="row")
    for name, row, day in (("a", ROWS[0], 1), ("b", ROWS[0].replace(",40,", ",44,"), 2)):
        market = replace(market_of(row), taken_at=datetime(2026, 11, day, tzinfo=UTC))
        market = replace(market, gaps=gaps) if name == "b" else market
        write_market(market, tmp_path / name)
    return str(tmp_path / "a"), str(tmp_path / "b")


def test_diff_tells_changes_and_where_nobody_looked(two: tuple[str, str], capsys: Capture) -> None:
    """One offer is dearer; the gap of the later market is told aside."""
    assert main(["offers", "--diff", *two]) == 0
    caught = capsys.readouterr()
    assert "dearer" in caught.out
    assert "+10.0%" in caught.out
    assert "aws/us-west-2" in caught.err


def test_diff_tells_of_places_nobody_looked_at(tmp_path: Path, capsys: Capture) -> None:
    """A region that is wholly absent later may not have been asked about."""
    write_market(market_of(ROWS[0], ROWS[4]), tmp_path / "all")
    write_market(market_of(ROWS[0]), tmp_path / "part")
    assert main(["offers", "--diff", str(tmp_path / "all"), str(tmp_path / "part")]) == 0
    caught = capsys.readouterr()
    assert "1 removed" in caught.out
    assert "holds nothing of gcp/us-central1: perhaps it did not look there" in caught.err


def test_diff_takes_filters_and_forms(two: tuple[str, str], capsys: Capture) -> None:
    """Filters narrow what is compared; JSON and CSV hold all of it."""
    assert main(["offers", "--diff", *two, "--spot"]) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"
    assert main(["offers", "H100:8", "--diff", *two, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["dearer"] == 1
    assert main(["offers", "--diff", *two, "-o", "csv", "--limit", "1"]) == 0
    assert capsys.readouterr().out.startswith("change,provider,")


def test_history_draws_the_kept_markets(two: tuple[str, str], capsys: Capture) -> None:
    """Without --market the markets under the user's data folder are read, oldest first."""
    for path in two:
        Snapshots(folder=data_path() / "markets").add(read_market([path]))
    assert main(["offers", "--history", "p5.48xlarge"]) == 0
    out = capsys.readouterr().out
    assert "2 markets, 2026-11-01 to 2026-11-02" in out
    assert "40.00  44.00  +10.0%" in out


def test_history_of_named_markets_as_json(two: tuple[str, str], capsys: Capture) -> None:
    """Markets that are named are each a point; they are not stacked."""
    named = [part for path in two for part in ("--market", path)]
    assert main(["offers", "--history", "p5.48xlarge", *named, "-o", "json"]) == 0
    points = json.loads(capsys.readouterr().out)["points"]
    assert [point["rate_usd_per_hour"] for point in points] == ["40", "44"]
    assert main(["offers", "--history", "p5.48xlarge", *named, "-o", "csv"]) == 0
    assert capsys.readouterr().out.count("\n") == 3


def test_the_last_two_refreshes_have_names(two: tuple[str, str], capsys: Capture) -> None:
    """``previous`` and ``latest`` are snapshots; without them the error says what to do."""
    snapshots = Snapshots(folder=data_path() / "markets")
    snapshots.add(read_market([two[0]]))
    assert main(["offers", "--diff", "previous", "latest"]) == 1
    assert "found 1 snapshots; expected 2" in capsys.readouterr().err
    snapshots.add(read_market([two[1]]))
    assert main(["offers", "--diff", "previous", "latest"]) == 0
    assert "Shown 1 of 1 changes: 1 dearer." in capsys.readouterr().out


def test_history_without_any_market_says_what_to_do(capsys: Capture) -> None:
    """Before the first refresh the error names the remedy."""
    assert main(["offers", "--history", "p5.48xlarge"]) == 1
    assert "broker refresh" in capsys.readouterr().err


@pytest.mark.parametrize("others", [["--counts"], ["--group-by", "region"], ["--diff", "a", "b"]])
def test_one_view_at_a_time(others: list[str], capsys: Capture) -> None:
    """Two views at once are wrong usage, named."""
    assert main(["offers", "--history", "x", *others]) == 64
    assert "--history" in capsys.readouterr().err
