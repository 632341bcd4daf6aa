"""The snapshots of one user: where they are, which is the newest, which are pruned.

Each is a market folder named by its moment and content, ``20261123T021500Z-3fa9c41be07d``, made
under another name and renamed when it is whole. ``latest`` is a link to the newest.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from broker.errors import Locked, OutputError
from broker.market import Market
from broker.snapshot import write_market

LATEST: Final = "latest"
_NAME: Final = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{12}")
_MOMENT: Final = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """A folder of snapshots.

    Attributes:
        folder: where they are; made on the first write.
    """

    folder: Path

    def all(self) -> list[Path]:
        """Return the snapshots, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def latest(self) -> Path | None:
        """Return the newest snapshot; None when there is none."""
        return next(reversed(self.all()), None)

    def add(self, market: Market) -> Path:
        """Write `market` as a new snapshot, whole or not at all, and return its folder.

        Raises:
            OutputError: when it cannot be written; earlier snapshots are as they were.
        """
        moment = market.taken_at.astimezone(UTC).strftime(_MOMENT)
        path = self.folder / f"{moment}-{market.digest[:12]}"
        write_market(market, path)
        self._point_to(path)
        return path

    def prune(self, *, keep: int, keep_days: int, now: datetime) -> list[Path]:
        """Delete snapshots and return which.

        The newest `keep` stay, and for `keep_days` days the last one of each day (UTC). What
        killed runs left half-written goes too, so the caller should hold the lock.
        """
        snapshots = self.all()
        kept = set(snapshots[-keep:])
        last_of_day = {path.name[:8]: path for path in snapshots}
        oldest_day = (now.astimezone(UTC) - timedelta(days=keep_days)).strftime("%Y%m%d")
        kept.update(path for day, path in last_of_day.items() if day >= oldest_day)
        gone = [path for path in snapshots if path not in kept]
        for path in [*gone, *self._unfinished()]:
            shutil.rmtree(path, ignore_errors=True)
        return gone

    def _unfinished(self) -> list[Path]:
        """Return what runs that were killed left of snapshots they were writing."""
        hidden = self.folder.glob(".*")
        return [path for path in hidden if _NAME.match(path.name[1:]) and path.is_dir()]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep every other run out for as long as the block lasts.

        Raises:
            Locked: when another run is inside.
            OutputError: when the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise OutputError(
                f"locking the snapshots in {self.folder}: {error.strerror or error}",
                remedy="name a folder that can be written",
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise Locked(
                f"locking the snapshots in {self.folder}: another refresh is running",
                remedy="wait for it to end",
            ) from None
        try:
            yield
        finally:
            os.close(handle)

    def _point_to(self, path: Path) -> None:
        link = self.folder / LATEST
        temporary = self.folder / f".{LATEST}-{os.getpid()}"
        try:
            temporary.unlink(missing_ok=True)
            temporary.symlink_to(path.name)
            temporary.replace(link)
        except OSError as error:
            raise OutputError(
                f"pointing {link} to the new snapshot: {error.strerror or error}",
                remedy=f"use {path} by its name",
            ) from error
