"""What Python programs call: plan, explain, price rules, list offers, look up round trips.

All of it is re-exported by `broker` itself: ``import broker; broker.plan("spec.yaml")``. Nothing
here prints, writes a file or calls a cloud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from broker import explanations, rule_prices, snapshot
from broker import spec as specs
from broker.errors import BrokerError
from broker.explanations import Explanation
from broker.latency import LatencyTable, RoundTrip
from broker.market import Market
from broker.offer_query import Query, parse_accelerators
from broker.offer_selection import select
from broker.offers import PurchaseOption
from broker.places import Origin
from broker.plan_file import read_plan
from broker.plans import Plan
from broker.rule_prices import RulePrices
from broker.workflow import planned
from broker.workloads import Spec
from solver.solution import SearchLimits

#: A spec: a YAML or JSON file, the same as plain data, or one that was read before.
AnySpec = str | Path | Mapping[str, object] | Spec
#: A market: ``embedded``, a folder, a CSV file, several of them stacked, or one read before.
AnyMarket = str | Path | Sequence[str | Path] | Market


def plan(
    spec: AnySpec,
    market: AnyMarket | None = None,
    *,
    gap: float = 0.001,
    time_limit_s: float | None = None,
    baseline: bool = True,
    warm_start: Plan | str | Path | None = None,
) -> Plan:
    """Return the cheapest plan for `spec` on `market`, proven and checked; as `broker plan` does.

    Args:
        spec: what to run.
        market: takes the place of the spec's own market.
        gap: good enough: share by which the cost may exceed the proven bound.
        time_limit_s: stop after so many seconds; the plan is then no longer reproducible.
        baseline: whether to work out what cheapest-first would cost, too.
        warm_start: an earlier plan, or its file, with which the search begins; it changes
            nothing of what is optimal.

    Raises:
        SpecError: with every fault of the spec.
        BrokerError: the market or the earlier plan cannot be read, or the market is too old; see
            `broker.errors`. Unmet demand is no error: see `Plan.unmet`.
    """
    earlier = read_plan(warm_start) if isinstance(warm_start, str | Path) else warm_start
    understood, found = _resolved(spec, market)
    limits = SearchLimits(gap=gap, seconds=time_limit_s)
    return planned(understood, found, limits=limits, baseline=baseline, warm_start=earlier).plan


def load_spec(spec: AnySpec, market: AnyMarket | None = None) -> Spec:
    """Return `spec` as types, every name in it checked against `market` or its own market.

    Raises:
        SpecError: with every fault of the spec.
        BrokerError: the file or the market cannot be read.
    """
    return _resolved(spec, market)[0]


def read_market(market: AnyMarket = snapshot.EMBEDDED) -> Market:
    """Return a market: embedded, a folder, a CSV file, or several, later ones over earlier.

    Raises:
        MarketError: one cannot be read, or says the same offer twice.
    """
    return market if isinstance(market, Market) else snapshot.read_market(market)


def explain(
    plan: Plan, market: AnyMarket | None = None, *, workload: str | None = None
) -> tuple[Explanation, ...]:
    """Return why each workload runs where it does; only `workload`, when given.

    Args:
        plan: what to explain.
        market: the market it was made on; None: the one that its spec names.
        workload: a name of the spec.

    Raises:
        MarketError: the market is not the one that the plan was made on.
        BrokerError: the plan has no such workload.
    """
    named = specs.spec_from_data(plan.spec).market
    try:
        return explanations.explain(plan, read_market(market or named), workload)
    except KeyError as error:
        remedy = "name a workload of the plan's spec"
        raise BrokerError(
            f"explaining: the plan has no workload {workload!r}", remedy=remedy
        ) from error


def price_rules(
    plan: Plan, market: AnyMarket | None = None, *, gap: float = 0.001, workers: int = 1
) -> RulePrices:
    """Return what each rule of the plan's spec costs, by planning without it.

    Args:
        plan: whose rules.
        market: the market it was made on; None: the one that its spec names.
        gap: how near to its bound each plan must be.
        workers: processes that plan at once; a program that asks for more than one needs the
            usual guard, ``if __name__ == "__main__":``.

    Raises:
        MarketError: the market is not the one that the plan was made on.
    """
    named = specs.spec_from_data(plan.spec).market
    limits = SearchLimits(gap=gap)
    return rule_prices.price_rules(
        plan, read_market(market or named), limits=limits, workers=workers
    )


def list_offers(
    accelerators: str = "",
    *,
    market: AnyMarket = snapshot.EMBEDDED,
    infra: Sequence[str] = (),
    options: Sequence[str] = (),
    most_usd_per_hour: Decimal | None = None,
    everything: bool = False,
) -> pl.DataFrame:
    """Return offers, cheapest first, as `broker offers` lists them.

    Args:
        accelerators: such as ``H100:8``, ``gpu:24GB..80GB`` or ``cpu``; "": all.
        market: where to look.
        infra: places, such as ``aws/us-*``.
        options: purchase options, such as ``spot``.
        most_usd_per_hour: highest rate of an instance.
        everything: also what has no price or is not sold.

    Returns:
        The columns of `broker.offers.OFFER_SCHEMA` and ``rate_usd_per_hour``, fees spread.

    Raises:
        QueryError: a name or place that matches nothing.
        ValueError: `accelerators` or an option cannot be understood.
    """
    query = Query(
        accelerators=parse_accelerators(accelerators) if accelerators else (),
        infra=tuple(infra),
        options=tuple(PurchaseOption(name) for name in options),
        most_usd_per_hour=most_usd_per_hour,
        everything=everything,
    )
    return select(read_market(market).offers, query)


def round_trip(origin: Origin, region: str, *, own: Path | None = None) -> RoundTrip:
    """Return the round trip from a metro, region or point to a ``provider/region``.

    Args:
        origin: such as ``paris``.
        region: such as ``aws/eu-west-3``.
        own: a file of your own round trips, which win.

    Raises:
        UnknownPlace: with the nearest known names.
    """
    provider, _, name = region.partition("/")
    return LatencyTable.load(own).between(origin, provider, name)


def _resolved(spec: AnySpec, market: AnyMarket | None) -> tuple[Spec, Market]:
    """Return spec and market; every name in the spec is known to exist in the market."""
    given = market if isinstance(market, Market) else None
    names = None if market is None or isinstance(market, Market) else _names(market)
    kept: list[Market] = []

    def read(stated: Sequence[str]) -> Market:
        kept.append(given or snapshot.read_market(list(stated)))
        return kept[-1]

    if isinstance(spec, str | Path):
        understood = specs.load_spec(spec, markets=names, read_market=read)
    else:
        whole = spec if isinstance(spec, Spec) else specs.read_spec_data(spec).whole()
        named = whole if names is None else replace(whole, market=names)
        understood = specs.checked(named, read(named.market))
    return understood, kept[-1]


def _names(market: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    return (str(market),) if isinstance(market, str | Path) else tuple(map(str, market))
