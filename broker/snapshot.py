"""Markets by name: the embedded one, folders and CSV files, stacked into one.

The only part of the program that reads or writes markets on disk.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Sequence
from functools import reduce
from pathlib import Path
from typing import Final

import polars as pl

from broker.errors import MarketError
from broker.market import TABLES, Market
from broker.market_csv import UNDATED, read_offers_csv
from broker.market_digest import content_digest
from broker.market_folder import read_folder, write_market
from broker.offers import OFFER_KEY

__all__ = ["EMBEDDED", "UNDATED", "read_market", "stacked", "write_market"]

#: Name of the market that ships with the program.
EMBEDDED: Final = "embedded"
_EMBEDDED_FOLDER: Final = Path(__file__).parent / "data" / "market"

#: Columns that together name a row; a later market replaces rows with the same ones. Tables
#: that are not listed are put one after the other, equal rows once.
_REPLACED_BY: Final = {
    "offers": OFFER_KEY,
    "quotas": ("provider", "region", "family", "accelerator", "instance_type", "option"),
    "holdings": ("id",),
}


def read_market(names: str | Path | Sequence[str | Path]) -> Market:
    """Return the market of `names`, stacked in their order.

    Args:
        names: each ``embedded``, a market folder, a CSV file of offers, or ``-`` for such a
            file on standard input. A single text is taken as one name.

    Raises:
        MarketError: when one cannot be read, or says the same offer twice.
    """
    if isinstance(names, str | Path):
        names = [names]
    if not names:
        raise MarketError("reading the market: found no name", remedy=f"name `{EMBEDDED}`")
    return reduce(stacked, [_read(name) for name in names])


def stacked(earlier: Market, later: Market) -> Market:
    """Return one market in which `later` replaces equal offers and quotas and adds the rest.

    Its moment is the later of the two; its digest is that of the content. A source known only
    from a CSV file (no licence stated) never replaces a fuller description.
    """
    tables = {
        table: _stacked_table(getattr(earlier, table), getattr(later, table), table=table)
        for table in TABLES
    }
    return Market(
        name=f"{earlier.name}+{later.name}",
        digest=content_digest(tables),
        taken_at=max(earlier.taken_at, later.taken_at),
        sources={
            **{key: source for key, source in later.sources.items() if not source.licence},
            **earlier.sources,
            **{key: source for key, source in later.sources.items() if source.licence},
        },
        **tables,
    )


def _stacked_table(earlier: pl.DataFrame, later: pl.DataFrame, *, table: str) -> pl.DataFrame:
    if later.is_empty() or earlier.is_empty():
        return later if earlier.is_empty() else earlier
    key = _REPLACED_BY.get(table)
    if key is None:
        return pl.concat([earlier, later]).unique(maintain_order=True)
    kept = earlier.join(later, on=key, how="anti", nulls_equal=True)
    joined = pl.concat([kept, later])
    return joined.sort(OFFER_KEY) if table == "offers" else joined


def _read(name: str | Path) -> Market:
    if name == EMBEDDED:
        return read_folder(_EMBEDDED_FOLDER, name=EMBEDDED, trusted=True)
    if name == "-":
        return read_offers_csv(sys.stdin.buffer.read(), name="standard input")
    path = Path(name)
    try:
        content = None if path.is_dir() else path.read_bytes()
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise MarketError(
            f"reading the market {path}: {getattr(error, 'strerror', None) or error}",
            remedy=f"name a file that can be read, or `{EMBEDDED}`",
        ) from error
    if content is None:
        return read_folder(path, name=path.resolve().name)
    return read_offers_csv(content, name=path.name)


def _missing(path: Path) -> MarketError:
    near = difflib.get_close_matches(path.name.lower(), [EMBEDDED, *_beside(path)], n=1)
    return MarketError(
        f"reading the market {path}: found no such file or folder",
        remedy=f"did you mean {near[0]!r}?"
        if near
        else f"name `{EMBEDDED}`, a market folder or a CSV file of offers",
    )


def _beside(path: Path) -> Iterable[str]:
    try:
        return sorted(entry.name for entry in path.parent.iterdir())
    except OSError:
        return ()
