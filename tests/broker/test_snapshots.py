"""Snapshots are whole, named by moment and content, pruned by policy, written by one at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import Locked
from broker.snapshot import read_market
from broker.snapshots import Snapshots
from tests.broker.market_rows import market_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def filled(tmp_path: Path, *moments: datetime) -> Snapshots:
    """Return snapshots of the tiny market at `moments`."""
    snapshots = Snapshots(folder=tmp_path / "markets")
    for moment in moments:
        snapshots.add(replace(market_of(), taken_at=moment))
    return snapshots


def test_a_snapshot_is_a_market_folder(tmp_path: Path) -> None:
    """What was added is read back, also through the link to the newest."""
    snapshots = filled(tmp_path, NOON)
    (path,) = snapshots.all()
    assert path.name == f"20261123T120000Z-{market_of().digest[:12]}"
    latest = read_market([snapshots.folder / "latest"])
    assert latest.offers.equals(market_of().offers)
    assert latest.name == path.name


def test_the_newest_is_latest(tmp_path: Path) -> None:
    """The link follows, and an empty folder has no newest."""
    assert Snapshots(folder=tmp_path).latest() is None
    snapshots = filled(tmp_path, NOON, NOON + timedelta(hours=1))
    assert snapshots.latest() == (snapshots.folder / "latest").resolve()
    assert snapshots.all()[1] == snapshots.latest()


def test_pruning_keeps_the_newest_and_one_a_day(tmp_path: Path) -> None:
    """Of three days with two snapshots each, the last of each day and the newest two stay."""
    moments = [NOON - timedelta(days=day, hours=hour) for day in (2, 1, 0) for hour in (5, 0)]
    snapshots = filled(tmp_path, *moments)
    gone = snapshots.prune(keep=2, keep_days=30, now=NOON)
    assert [path.name[:11] for path in gone] == ["20261121T07", "20261122T07"]
    assert [path.name[:11] for path in snapshots.all()] == [
        "20261121T12",
        "20261122T12",
        "20261123T07",
        "20261123T12",
    ]


def test_old_days_go(tmp_path: Path) -> None:
    """Beyond `keep_days` only the newest `keep` count."""
    snapshots = filled(tmp_path, NOON - timedelta(days=9), NOON)
    snapshots.prune(keep=1, keep_days=3, now=NOON)
    assert [path.name[:8] for path in snapshots.all()] == ["20261123"]


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    """Pruning never touches what is not a snapshot."""
    snapshots = filled(tmp_path, NOON, NOON + timedelta(hours=1))
    (snapshots.folder / "mine").mkdir()
    (snapshots.folder / ".mine").mkdir()
    snapshots.prune(keep=1, keep_days=1, now=NOON)
    assert (snapshots.folder / "mine").is_dir()
    assert (snapshots.folder / ".mine").is_dir()


def test_what_a_killed_run_left_goes(tmp_path: Path) -> None:
    """A half-written snapshot, which has no name yet, is no snapshot and is cleared away."""
    snapshots = filled(tmp_path, NOON)
    half = snapshots.folder / f".{snapshots.all()[0].name}.x7"
    half.mkdir()
    assert len(snapshots.all()) == 1
    snapshots.prune(keep=1, keep_days=1, now=NOON)
    assert not half.exists()


def test_a_second_run_is_kept_out(tmp_path: Path) -> None:
    """While one run holds the lock another leaves at once, with its own exit code."""
    snapshots = Snapshots(folder=tmp_path)
    with (
        snapshots.locked(),
        pytest.raises(Locked, match="another refresh") as caught,
        snapshots.locked(),
    ):
        pass
    assert caught.value.exit_code == 75
    with snapshots.locked():
        assert (tmp_path / ".lock").exists()
