"""Last good rows are content-addressed, private, and survive damage."""

from datetime import UTC, datetime
from pathlib import Path

from broker.last_good import LastGood, account_key

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
    assert store.prune() == 1
    kept = store.load("types", "r1", now=NOON)
    assert kept is not None
    assert list(kept.rows) == [{"name": "new"}]


def test_accounts_do_not_share_rows() -> None:
    """Other options, another folder."""
    assert account_key("aws", {"profile": "a"}) != account_key("aws", {"profile": "b"})
