"""Microsoft Azure as a provider: which calls, in which order, and what their rows make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from broker.errors import ProviderError
from broker.market import GAP_SCHEMA, Source
from broker.provider import CallError, FaultKind, Fetched, Fetcher, Scope, Settings, Tables
from providers.azure.account import (
    HOLDING_SOURCE,
    QUOTA_SOURCE,
    RUNNING_SOURCE,
    SCORE_SOURCE,
    evictions_frame,
    holdings_frame,
    quotas_frame,
    running_frame,
    signals_frame,
)
from providers.azure.catalog import sizes_frame, unknown_gpu_sizes
from providers.azure.fields import region_key, text_of
from providers.azure.offer_rows import (
    EVICTION_SOURCE,
    NAME_SOURCE,
    PRICE_SOURCE,
    SIZE_SOURCE,
    offers_frame,
)
from providers.azure.prices import read_prices

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

    from providers.azure.calls import Account
    from providers.azure.clients import ResourceManager

_CPU_GENERATIONS: Final = "v5,v6"

#: Source key -> (what it is, datasets it comes from).
_SOURCES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    PRICE_SOURCE: ("Azure Retail Prices API", ("prices", "prices/cpu")),
    SIZE_SOURCE: ("Azure Resource SKUs of the subscription", ("instance-types",)),
    NAME_SOURCE: ("Names of Azure VM sizes", ("prices",)),
    QUOTA_SOURCE: ("Azure compute usages of the subscription", ("quotas",)),
    HOLDING_SOURCE: (
        "Azure reservations and savings plans of the account",
        ("reservations", "reserved-instances", "savings-plans"),
    ),
    RUNNING_SOURCE: ("Azure virtual machines of the subscription", ("instances",)),
    EVICTION_SOURCE: ("Azure Resource Graph, spot eviction rates", ("eviction-rates",)),
    SCORE_SOURCE: ("Azure spot placement scores", ("placement-scores",)),
}


class AzureProvider:
    """One subscription of Microsoft Azure.

    Args:
        settings: endpoints ``management`` and ``prices``; options ``subscription``,
            ``cpu_generations`` (default ``v5,v6``; empty: GPU sizes only) and ``score_sizes``.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def name(self) -> str:
        """Provider name as it stands in offers."""
        return "azure"

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Fetch in three rounds: the subscription unless it is named, its regions, the rest.

        Raises:
            ProviderError: without credentials or subscription, or for an unusable endpoint.
        """
        from providers.azure.calls import account_calls, region_calls, regions_call

        account = self._account(fetcher)
        listed = _one_call(fetcher.run([regions_call(account)]))
        if listed.fault is not None and listed.fault.kind is FaultKind.UNCONFIGURED:
            raise _unusable("listing regions", listed.fault)
        regions = _asked_for(listed, scope)
        calls = [call for region in regions for call in region_calls(account, region)]
        return [listed, *fetcher.run([*calls, *account_calls(account, scope, regions)])]

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Turn rows into market tables; what stays unknown becomes a gap row."""
        sizes = sizes_frame(fetched)
        prices = read_prices(fetched)
        families = [name for name in sizes["quota_family"].unique() if name is not None]
        names = {name.casefold(): name for name in sizes["instance_type"].unique()}
        tables = {
            "offers": offers_frame(sizes, prices.frame, evictions_frame(fetched)),
            "quotas": quotas_frame(fetched, families),
            "holdings": holdings_frame(fetched, prices.frame),
            "running": running_frame(fetched, scope.tag),
            "signals": signals_frame(fetched, names),
            "gaps": _gaps(sizes, prices.doubtful, _unseen_regions(fetched, scope)),
        }
        return Tables(tables=tables, sources=_sources(fetched))

    def _account(self, fetcher: Fetcher) -> Account:
        from providers.azure.calls import SCORED_SIZES, Account
        from providers.azure.clients import (
            MANAGEMENT_URL,
            PRICES_URL,
            ResourceManager,
            RetailPrices,
        )

        endpoints, options = self._settings.endpoints, self._settings.options
        url = endpoints.get("management", MANAGEMENT_URL)
        try:
            manager = ResourceManager(url, credentials=_default_credential)
        except ValueError as error:
            raise ProviderError(
                f"azure: endpoint `management`: found {url!r}; expected {error}",
                remedy="correct `endpoints` in the configuration file",
            ) from None
        sizes = _split(options.get("score_sizes", ""))
        generations = _split(options.get("cpu_generations", _CPU_GENERATIONS))
        return Account(
            manager=manager,
            prices=RetailPrices(endpoints.get("prices", PRICES_URL)),
            subscription=options.get("subscription") or _only_subscription(manager, fetcher),
            cpu_generations=frozenset(generations),
            scored_sizes=sizes or SCORED_SIZES,
        )


def _default_credential() -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _only_subscription(manager: ResourceManager, fetcher: Fetcher) -> str:
    """Return the identity's one enabled subscription.

    Raises:
        ProviderError: when there is none, or a choice to make.
    """
    from providers.azure.calls import subscriptions_call

    listed = _one_call(fetcher.run([subscriptions_call(manager)]))
    if listed.fault is not None and not listed.rows:
        raise _unusable("listing subscriptions", listed.fault)
    enabled = [
        text_of(row, "subscriptionId")
        for row in listed.rows
        if text_of(row, "state").casefold() in {"enabled", "warned"}
    ]
    if len(enabled) != 1:
        raise ProviderError(
            f"azure: found {len(enabled)} enabled subscriptions; expected one",
            remedy="name it: providers.azure.options.subscription in the configuration file",
        )
    return enabled[0]


def _one_call(fetched: Sequence[Fetched]) -> Fetched:
    (one,) = fetched
    return one


def _unusable(doing: str, fault: CallError) -> ProviderError:
    return ProviderError(f"azure: {doing}: {fault.code}", remedy=fault.remedy)


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in text.split(",")) if part)


def _asked_for(listed: Fetched, scope: Scope) -> list[str]:
    """Return the regions to ask: those of the subscription that the user wants.

    Where the list could not be had, the regions that the user named are asked all the same.
    """
    seen = {text_of(row, "name") for row in listed.rows} - {""}
    if scope.regions is None:
        return sorted(seen)
    wanted = {region_key(name) for name in scope.regions}
    return sorted(wanted & seen if seen else wanted)


def _unseen_regions(fetched: Sequence[Fetched], scope: Scope) -> list[str]:
    """Return regions the user named that the subscription does not have."""
    listed = [one for one in fetched if one.dataset == "regions" and one.fetched_at is not None]
    seen = {text_of(row, "name") for one in listed for row in one.rows}
    if not seen or scope.regions is None:
        return []
    return sorted({region_key(name) for name in scope.regions} - seen)


def _gaps(
    sizes: pl.DataFrame, doubtful: Mapping[str, Sequence[str]], unseen: Iterable[str]
) -> pl.DataFrame:
    rows = [*_region_gaps(unseen), *_price_gaps(doubtful), *_size_gaps(unknown_gpu_sizes(sizes))]
    return pl.DataFrame(rows, schema=dict(GAP_SCHEMA), orient="row")


_Gap = tuple[str, str, str, str, str, str, datetime | None]


def _region_gaps(unseen: Iterable[str]) -> Iterator[_Gap]:
    for region in unseen:
        reason = "the subscription has no such region"
        remedy = "correct the name, or leave it out"
        yield "azure", region, "regions", "UnknownRegion", reason, remedy, None


def _price_gaps(doubtful: Mapping[str, Sequence[str]]) -> Iterator[_Gap]:
    for region, names in sorted(doubtful.items()):
        reason = f"two prices in force disagree for {', '.join(names)}: price unknown"
        remedy = "state the price in a market file of your own"
        yield "azure", region, "prices", "DoubtfulPrice", reason, remedy, None


def _size_gaps(names: Sequence[str]) -> Iterator[_Gap]:
    if names:
        reason = f"accelerator or count unknown for {', '.join(names)}: never planned"
        remedy = "state them in a market file of your own, or update this program"
        yield "azure", "", "instance-types", "UnknownAccelerator", reason, remedy, None


def _sources(fetched: Sequence[Fetched]) -> list[Source]:
    """Return a description of each source that was read, dated by its oldest rows."""
    found = []
    for key, (name, datasets) in _SOURCES.items():
        moments = [
            one.fetched_at
            for one in fetched
            if one.dataset in datasets and one.fetched_at is not None
        ]
        if moments:
            day = min(moments).date().isoformat()
            found.append(Source(key=key, name=name, observed_on=day, licence="facts"))
    return found
