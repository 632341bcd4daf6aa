"""The use cases behind the commands and the Python API: files and markets in, plans out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from broker.errors import StaleMarket
from broker.market import Market
from broker.planning import Planning, Progress, make_plan
from broker.plans import Plan
from broker.snapshot import read_market
from broker.spec import load_spec
from broker.workloads import Spec
from solver.solution import SearchLimits


def plan_file(
    source: str | Path,
    *,
    markets: Sequence[str] | None = None,
    limits: SearchLimits | None = None,
    baseline: bool = True,
    progress: Progress | None = None,
    warm_start: Plan | None = None,
) -> Plan:
    """Plan a spec file on the market it names, or on `markets`.

    Raises:
        BrokerError: see `broker.errors`; a spec's faults come all at once.
    """
    kept: list[Market] = []

    def read(names: Sequence[str]) -> Market:
        kept.append(read_market(list(names)))
        return kept[-1]

    spec = load_spec(source, markets=markets, read_market=read)
    return planned(
        spec,
        kept[-1],
        limits=limits,
        baseline=baseline,
        progress=progress,
        warm_start=warm_start,
    ).plan


def planned(
    spec: Spec,
    market: Market,
    *,
    limits: SearchLimits | None = None,
    baseline: bool = False,
    progress: Progress | None = None,
    warm_start: Plan | None = None,
) -> Planning:
    """Plan a spec on a market, judging the market's age first when the spec sets `max_age`.

    Raises:
        StaleMarket: a price is older than `max_age`.
    """
    _judge_age(spec, market)
    return make_plan(
        spec,
        market,
        limits=limits,
        baseline=baseline,
        progress=progress,
        warm_start=warm_start,
    )


def _judge_age(spec: Spec, market: Market) -> None:
    """Compare the oldest price a plan may use with `max_age`, at the market's own moment."""
    if spec.max_age is None:
        return
    priced = market.offers.filter(market.offers["usd_per_hour"].is_not_null())
    oldest = priced["price_observed_at"].min()
    limit = market.taken_at - timedelta(hours=float(spec.max_age))
    if isinstance(oldest, datetime) and oldest.astimezone(UTC) < limit:
        age = (market.taken_at - oldest).days
        raise StaleMarket(
            f"market {market.name}: the oldest price was seen {oldest.date()}, {age} days before "
            f"the market was taken; the spec allows {float(spec.max_age) / 24:g} days (max_age)",
            remedy="refresh the market, name a newer one with --market, or raise max_age",
        )
