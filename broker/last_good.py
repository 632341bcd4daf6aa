"""The last good rows of every dataset, kept on disk for the day a call fails.

Rows are content-addressed: ``rows/<sha256>.json.gz`` holds them, ``index/<sha256>.json`` says
which dataset of which region they are and when they came. Both are written atomically and
readable by their owner only, since rows may tell what an account owns.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import tempfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from broker.errors import OutputError
from broker.provider import Row

_ACCOUNT: Final = re.compile(r".+-[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Rows kept of an earlier call.

    Attributes:
        rows: as the call returned them.
        fetched_at: when they came from the cloud.
    """

    rows: Sequence[Row]
    fetched_at: datetime


def account_key(provider: str, *settings: Mapping[str, str]) -> str:
    """Return a folder name for `provider` under these settings.

    Rows of one account must never stand in for another's, so endpoints and options are part
    of the key (as a digest).
    """
    text = json.dumps([dict(sorted(part.items())) for part in settings])
    return f"{provider}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def prune_accounts(root: Path, *, now: datetime) -> int:
    """Prune the folder of every account under `root` and return how many files went.

    Accounts come and go, and each emulator is one of its own.
    """
    folders = [path for path in root.glob("*-*") if _ACCOUNT.fullmatch(path.name)]
    return sum(LastGood(folder=folder).prune(now=now) for folder in folders)


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path` (mode 0600) so that a reader sees the old file or the new one.

    Raises:
        OutputError: when that cannot be done; nothing is left behind.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"keeping rows in {path.parent}: {error.strerror or error}",
            remedy="make room, or set XDG_DATA_HOME to a folder that can be written",
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LastGood:
    """A folder of last good rows, one per provider and account.

    Attributes:
        folder: where they are; made on the first write.
        keep_for: rows older than this are not used any more.
    """

    folder: Path
    keep_for: timedelta = timedelta(days=30)

    def save(
        self, dataset: str, region: str, *, rows: Sequence[Row], fetched_at: datetime
    ) -> None:
        """Keep `rows` as the newest of `dataset` in `region`.

        Raises:
            OutputError: when they cannot be written.
        """
        text = json.dumps(list(rows), separators=(",", ":"), sort_keys=True).encode()
        digest = hashlib.sha256(text).hexdigest()
        content = self._content(digest)
        if not content.exists():
            write_atomically(content, gzip.compress(text, compresslevel=1, mtime=0))
        entry = {
            "dataset": dataset,
            "region": region,
            "rows": digest,
            "fetched_at": fetched_at.isoformat(),
        }
        write_atomically(self._entry(dataset, region), json.dumps(entry).encode())

    def load(self, dataset: str, region: str, *, now: datetime) -> Kept | None:
        """Return the rows kept of `dataset` in `region`; None when there are none of use.

        A damaged file counts as none: it only stands in for data that could not be had.
        """
        entry = _read_entry(self._entry(dataset, region))
        if entry is None:
            return None
        fetched_at = datetime.fromisoformat(entry["fetched_at"])
        try:
            text = gzip.decompress(self._content(entry["rows"]).read_bytes())
        except (OSError, EOFError, zlib.error):
            return None
        if now - fetched_at > self.keep_for or hashlib.sha256(text).hexdigest() != entry["rows"]:
            return None
        return Kept(rows=json.loads(text), fetched_at=fetched_at)

    def prune(self, *, now: datetime) -> int:
        """Delete entries past their time, and rows that no entry names; return how many files.

        Only files that `save` wrote are touched; folders go when they are empty.
        """
        named: set[object] = set()
        dead: list[Path] = []
        for path in self.folder.glob("index/*.json"):
            entry = _read_entry(path)
            if entry is None or now - datetime.fromisoformat(entry["fetched_at"]) > self.keep_for:
                dead.append(path)
            else:
                named.add(entry["rows"])
        contents = self.folder.glob("rows/*.json.gz")
        dead += [path for path in contents if path.name.partition(".")[0] not in named]
        for path in dead:
            path.unlink(missing_ok=True)
        for folder in (self.folder / "index", self.folder / "rows", self.folder):
            with contextlib.suppress(OSError):  # it holds something, or was never made
                folder.rmdir()
        return len(dead)

    def _content(self, digest: str) -> Path:
        return self.folder / "rows" / f"{digest}.json.gz"

    def _entry(self, dataset: str, region: str) -> Path:
        name = hashlib.sha256(f"{dataset}\n{region}".encode()).hexdigest()
        return self.folder / "index" / f"{name}.json"


def _read_entry(path: Path) -> Mapping[str, str] | None:
    """Return an entry of the index; None when it is missing or damaged."""
    try:
        entry = json.loads(path.read_bytes())
        moment = datetime.fromisoformat(entry["fetched_at"])
        rows = str(entry["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {"fetched_at": moment.isoformat(), "rows": rows} if moment.tzinfo else None
