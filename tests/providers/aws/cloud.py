"""An emulated AWS with a small market, and the real adapter pointed at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from broker.fetching import ConcurrentFetcher, Patience
from broker.last_good import LastGood
from broker.market import Market
from broker.provider import Fetched, Scope, Settings, Tables
from broker.snapshot import read_market
from providers.aws.adapter import Aws
from providers.emulation.aws import AwsSite
from providers.emulation.aws_fixtures import fixtures_of
from providers.emulation.server import Emulator

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDCANARY", "AWS_SECRET_ACCESS_KEY": "canary-secret"}
QUICK = Patience(first_wait_s=0.01, longest_wait_s=0.05, call_s=60, provider_s=240)
REGIONS = ("us-east-1", "eu-west-1")
FAMILIES = ("p5.", "g5.xlarge", "g6f.", "c7i.large", "p2.")


def small_market() -> Market:
    """Return the embedded market's AWS offers of a few families in two regions."""
    whole = read_market("embedded")
    is_near = pl.any_horizontal(pl.col("region").str.starts_with(name) for name in REGIONS)
    is_wanted = pl.any_horizontal(pl.col("instance_type").str.starts_with(n) for n in FAMILIES)
    offers = whole.offers.filter((pl.col("provider") == "aws") & is_near & is_wanted)
    return Market(name="small", digest="0", taken_at=NOON, offers=offers)


def emulator_of(market: Market, *, page_size: int | None = None) -> Emulator:
    """Return an emulated AWS that sells `market`, not started yet."""
    return Emulator(AwsSite(fixtures_of(market), page_size=page_size))


def adapter(emulator: Emulator, options: Mapping[str, str] | None = None) -> Aws:
    """Return the adapter pointed at `emulator`; few types, so that few prices are asked for."""
    types = {"instance_types": "p*,g*,trn*,c7i.*"}
    return Aws(Settings(endpoints={"default": emulator.url}, options={**types, **(options or {})}))


def fetch(
    emulator: Emulator,
    *,
    scope: Scope | None = None,
    options: Mapping[str, str] | None = None,
    kept_in: Path | None = None,
    patience: Patience = QUICK,
) -> tuple[Sequence[Fetched], Tables]:
    """Return what the adapter fetches from `emulator` and the tables it makes of it."""
    asked = scope or Scope()
    fetcher = ConcurrentFetcher(
        patience=patience,
        last_good=LastGood(folder=kept_in) if kept_in else None,
        now=lambda: NOON,
    )
    provider = adapter(emulator, options)
    fetched = provider.collect(asked, fetcher)
    return fetched, provider.read(fetched, asked)


def faults(fetched: Sequence[Fetched]) -> set[tuple[str, str, str]]:
    """Return dataset, region and code of every call that failed."""
    return {(one.dataset, one.region, one.fault.code) for one in fetched if one.fault}
