"""The markets that refreshes left on disk, by the moment they were taken."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_MANIFEST: Final = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptMarket:
    """A market folder on disk, not read yet.

    Attributes:
        folder: where it is.
        taken_at: when it was put together.
        digest: of its content.
    """

    folder: Path
    taken_at: datetime
    digest: str


def markets_folder() -> Path:
    """Return where refreshes keep their markets: ``$XDG_DATA_HOME/broker/markets``."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "broker" / "markets"


def kept_markets(folder: Path) -> tuple[KeptMarket, ...]:
    """Return the market folders in `folder`, the oldest first.

    Only manifests are read. A folder without a readable one (half written, or not a market) is
    passed over; reading a market checks it fully.
    """
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [kept for path in paths if (kept := _kept(path)) is not None]
    return tuple(sorted(found, key=lambda one: (one.taken_at, one.digest)))


def _kept(folder: Path) -> KeptMarket | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        taken_at = datetime.fromisoformat(manifest["taken_at"]).astimezone(UTC)
        return KeptMarket(folder=folder, taken_at=taken_at, digest=str(manifest["digest"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
