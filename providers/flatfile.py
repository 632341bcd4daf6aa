"""Offers from files: private contracts, owned clusters, clouds without an adapter.

Each file is CSV or Parquet with the columns of `broker.market_csv`; a row names its own provider.
This is also the shortest whole adapter: see docs/providers.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import polars as pl

from broker.errors import MarketError, ProviderError
from broker.market import Source, empty
from broker.market_csv import read_offers_csv
from broker.offers import OFFER_KEY, OFFER_SCHEMA
from broker.provider import (
    Call,
    CallError,
    FaultKind,
    Fetched,
    Fetcher,
    Provider,
    Row,
    Scope,
    Settings,
    Tables,
    check_settings,
)

_FILES_PER_SECOND: Final = 1000.0
_PARQUET: Final = ".parquet"


def connect(settings: Settings) -> Provider:
    """Return the provider of the files named in the option ``paths`` (separated by commas).

    Raises:
        ProviderError: for settings that cannot be right.
    """
    check_settings("flatfile", settings, endpoints=(), options=("paths",))
    return FlatFile(settings.options)


class FlatFile:
    """Offers that stand in files; a later file replaces what an earlier one says.

    Args:
        options: ``paths``, the files in order; ``~`` is the home folder.
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        named = (part.strip() for part in options.get("paths", "").split(","))
        self._paths = tuple(Path(name).expanduser() for name in named if name)

    @property
    def name(self) -> str:
        """Name under which the files are configured; their rows carry names of their own."""
        return "flatfile"

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Read every file; regions asked for do not matter, private places have their own names.

        Raises:
            ProviderError: when no file is named.
        """
        del scope
        if not self._paths:
            raise ProviderError(
                "flatfile: found no file; expected the option `paths`",
                remedy="set providers.flatfile.options.paths in the configuration",
            )
        return fetcher.run([_call(path) for path in self._paths])

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Return the offers of all files, sorted; later files win."""
        del scope
        markets = [
            read_offers_csv(str(row["csv"]).encode(), name=str(row["file"]))
            for one in fetched
            for row in one.rows
        ]
        offers = pl.concat([empty(OFFER_SCHEMA), *(market.offers for market in markets)])
        offers = offers.unique(OFFER_KEY, keep="last", maintain_order=True).sort(OFFER_KEY)
        sources: dict[str, Source] = {}
        for market in markets:
            sources |= market.sources
        return Tables(tables={"offers": offers}, sources=tuple(sources.values()))


def _call(path: Path) -> Call:
    return Call(
        dataset=f"offers/{path.name}",
        region="",
        api="files",
        per_second=_FILES_PER_SECOND,
        burst=int(_FILES_PER_SECOND),
        run=partial(_read_file, path),
    )


def _read_file(path: Path) -> Sequence[Row]:
    """Return the file as one row of CSV text, after a look that it can be read.

    Raises:
        CallError: for a file that is missing or wrong, with what to correct.
    """
    try:
        text = _csv_text(path)
        read_offers_csv(text.encode(), name=path.name)
    except MarketError as error:
        raise CallError(FaultKind.BROKEN, "WrongFile", remedy=f"correct it: {error}") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CallError(
            FaultKind.BROKEN, "NoSuchFile", remedy=f"name a file that can be read: {reason}"
        ) from error
    except (UnicodeDecodeError, pl.exceptions.PolarsError) as error:
        raise CallError(
            FaultKind.BROKEN,
            "WrongFile",
            remedy=f"save it as UTF-8 CSV or as Parquet: {path.name}",
        ) from error
    return [{"file": path.name, "csv": text}]


def _csv_text(path: Path) -> str:
    if path.suffix == _PARQUET:
        return pl.read_parquet(path).write_csv()
    return path.read_text(encoding="utf-8-sig")
