"""Markets kept on disk are listed by their moment, without reading their tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from broker.kept_markets import kept_markets, markets_folder
from broker.snapshot import write_market
from tests.broker.market_rows import ROWS, market_of


def test_markets_come_oldest_first_and_half_written_ones_are_passed_over(tmp_path: Path) -> None:
    """Names do not matter, moments do; what has no readable manifest is no market."""
    for name, day in (("b", 1), ("a", 2)):
        moment = datetime(2026, 11, day, tzinfo=UTC)
        write_market(replace(market_of(ROWS[day]), taken_at=moment), tmp_path / name)
    (tmp_path / ".half").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text('{"taken_at": 3}')
    found = kept_markets(tmp_path)
    assert [one.folder.name for one in found] == ["b", "a"]
    assert found[0].taken_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert len(found[0].digest) == 64


def test_no_folder_is_no_market(tmp_path: Path) -> None:
    """Before the first refresh there is nothing, and that is no error."""
    assert kept_markets(tmp_path / "none") == ()


def test_markets_live_under_the_users_data_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """XDG_DATA_HOME decides; without it the usual place in the home folder."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert markets_folder() == tmp_path / "broker" / "markets"
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert markets_folder() == tmp_path / "me" / ".local" / "share" / "broker" / "markets"
