"""Last good rows are content-addressed, private, and survive damage."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import OutputError
from broker.last_good import LastGood, account_key, prune_accounts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_equal_rows_are_stored_once(tmp_path: Path) -> None:
    """Two regions with the same rows share one file."""
    store = LastGood(folder=tmp_path)
    for region in ("r1", "r2"):
        store.save("types", region, rows=[{"name": "x"}], fetched_at=NOON)
    assert len(list(tmp_path.glob("rows/*"))) == 1
    kept = store.load("types", "r2", now=NOON)
    assert kept is not None
    assert list(kept.rows) == [{"name": "x"}]


def test_files_are_private(tmp_path: Path) -> None:
    """Only the owner may read what was kept."""
    LastGood(folder=tmp_path / "kept").save("types", "r1", rows=[], fetched_at=NOON)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}


def test_damaged_rows_count_as_none(tmp_path: Path) -> None:
    """A truncated file never stands in for data."""
    store = LastGood(folder=tmp_path)
    store.save("types", "r1", rows=[{"name": "x"}], fetched_at=NOON)
    (path,) = tmp_path.glob("rows/*")
    path.write_bytes(path.read_bytes()[:10])
    assert store.load("types", "r1", now=NOON) is None


def test_prune_deletes_what_no_entry_names(tmp_path: Path) -> None:
    """Rows that were replaced go, the newest stay."""
    store = LastGood(folder=tmp_path)
    store.save("types", "r1", rows=[{"name": "old"}], fetched_at=NOON)
    store.save("types", "r1", rows=[{"name": "new"}], fetched_at=NOON)
    assert store.prune(now=NOON) == 1
    kept = store.load("types", "r1", now=NOON)
    assert kept is not None
    assert list(kept.rows) == [{"name": "new"}]


def test_accounts_do_not_share_rows() -> None:
    """Other options, another folder."""
    assert account_key("aws", {"profile": "a"}) != account_key("aws", {"profile": "b"})


def test_prune_forgets_what_is_too_old_to_stand_in(tmp_path: Path) -> None:
    """Entries past their time go with their rows; newer ones stay."""
    store = LastGood(folder=tmp_path)
    store.save("types", "old", rows=[{"name": "old"}], fetched_at=NOON - timedelta(days=31))
    store.save("types", "new", rows=[{"name": "new"}], fetched_at=NOON)
    assert store.prune(now=NOON) == 2
    assert store.load("types", "new", now=NOON) is not None


def test_accounts_that_are_no_longer_used_go(tmp_path: Path) -> None:
    """The folder of an account without recent rows goes; folders that are not ours stay."""
    used, unused = account_key("aws", {"profile": "a"}), account_key("aws", {"profile": "b"})
    LastGood(folder=tmp_path / used).save("types", "r", rows=[], fetched_at=NOON)
    long_ago = NOON - timedelta(days=31)
    LastGood(folder=tmp_path / unused).save("types", "r", rows=[], fetched_at=long_ago)
    (tmp_path / "my-notes").mkdir()
    assert prune_accounts(tmp_path, now=NOON) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == [used, "my-notes"]


def test_prune_survives_a_damaged_entry(tmp_path: Path) -> None:
    """An unreadable entry is deleted with the rows only it could name."""
    store = LastGood(folder=tmp_path / "aws-1")
    store.save("types", "r1", rows=[{"name": "x"}], fetched_at=NOON)
    (entry,) = store.folder.glob("index/*")
    entry.write_text("{")
    assert store.prune(now=NOON) == 2
    assert store.load("types", "r1", now=NOON) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file in the place of the folder is one clear error."""
    (tmp_path / "kept").write_text("")
    with pytest.raises(OutputError, match="keeping rows in"):
        LastGood(folder=tmp_path / "kept").save("types", "r1", rows=[], fetched_at=NOON)
