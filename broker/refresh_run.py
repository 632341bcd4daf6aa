"""One refresh from configuration to snapshot: what `broker refresh` does, without a terminal.

from broker.refresh_run import run_refresh
from broker.settings import read_configuration

done = run_refresh(read_configuration())
print(done.path, done.refreshed.has_gaps)
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from broker.errors import MarketError
from broker.fetching import ConcurrentFetcher, Patience
from broker.last_good import LastGood, account_key, prune_accounts
from broker.market import Market
from broker.provider import Fetched, Provider, Settings
from broker.refresh import Refreshed, refresh
from broker.registry import check_name, connect, provider_names
from broker.settings import Configuration, data_path
from broker.snapshot import read_market, write_market
from broker.snapshots import Snapshots

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A refresh that was written.

    Attributes:
        refreshed: what came.
        path: folder of the market.
    """

    refreshed: Refreshed
    path: Path


def _unheard(fetched: Fetched) -> None:
    del fetched


def run_refresh(
    configuration: Configuration,
    *,
    names: Sequence[str] = (),
    out: Path | None = None,
    heard: Callable[[Fetched], None] = _unheard,
) -> Done:
    """Ask the clouds and write what they tell.

    Args:
        configuration: providers, scope, how much to keep.
        names: providers; empty: those of the configuration, else all that are installed.
        out: folder to write; None: a new snapshot under the user's data folder.
        heard: called with each answer as it comes, from a thread of its own.

    Raises:
        UnknownProvider: for a name nobody installed.
        ProviderError: when there is not a single offer.
        Locked: when another refresh is running.
        OutputError: when the market cannot be written; what was there before is left.
    """
    snapshots = Snapshots(folder=data_path() / "markets")
    with snapshots.locked():
        prune_accounts(_last_good_path(), now=datetime.now(UTC))
        found = refresh(
            _makers(configuration, names),
            scope=configuration.scope,
            fetcher_for=partial(_fetcher, configuration, heard),
            now=datetime.now(UTC).replace(microsecond=0),
            required=configuration.providers is not None or bool(names),
            previous=_previous(snapshots),
        )
        path = _written(found.market, snapshots, out, configuration)
    return Done(refreshed=found, path=path)


def _makers(
    configuration: Configuration, names: Sequence[str]
) -> Mapping[str, Callable[[], Provider]]:
    """Return how to connect each provider: those named, else configured, else installed."""
    settings = configuration.providers or {}
    chosen = list(dict.fromkeys(names)) or list(settings) or provider_names()
    for name in chosen:
        check_name(name)
    return {name: partial(connect, name, settings.get(name, Settings())) for name in chosen}


def _fetcher(
    configuration: Configuration, heard: Callable[[Fetched], None], name: str
) -> ConcurrentFetcher:
    """Return the fetcher of a provider, keeping last good rows of this very account."""
    patience = Patience()
    if configuration.deadline_s is not None:
        patience = replace(patience, provider_s=configuration.deadline_s)
    settings = (configuration.providers or {}).get(name, Settings())
    key = account_key(name, settings.endpoints, settings.options)
    kept = LastGood(folder=_last_good_path() / key)
    return ConcurrentFetcher(patience=patience, last_good=kept, heard=heard)


def _last_good_path() -> Path:
    return data_path() / "last-good"


def _previous(snapshots: Snapshots) -> Market | None:
    latest = snapshots.latest()
    if latest is None:
        return None
    try:
        return read_market([latest])
    except MarketError as error:
        _LOG.warning("the last snapshot cannot stand in for anything: %s", error)
        return None


def _written(
    market: Market, snapshots: Snapshots, out: Path | None, configuration: Configuration
) -> Path:
    if out is not None:
        write_market(market, out)
        return out
    path = snapshots.add(market)
    snapshots.prune(
        keep=configuration.keep, keep_days=configuration.keep_days, now=market.taken_at
    )
    return path
