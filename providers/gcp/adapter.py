"""Google Cloud as a provider: which calls to make, and the tables that come of their rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import polars as pl

from broker.provider import Call, Fetched, Fetcher, Row, Scope, Settings, Tables
from providers.gcp import (
    advice,
    families,
    fetch_advice,
    fetch_catalog,
    fetch_compute,
    fetch_quotas,
    gaps,
    limits,
    offers,
    ownership,
    prices,
    sources,
)
from providers.gcp.clients import Clients
from providers.gcp.machines import Machine, read_machines
from providers.gcp.prices import Rates

#: (requests per second, burst) of each API. Compute allows 1,500 list requests a minute per
#: project; the limits of the others are not published.
_BUCKETS: Final[Mapping[str, tuple[float, int]]] = {
    "compute": (20.0, 40),
    "billing": (5.0, 10),
    "quotas": (1.0, 5),
    "advice": (0.5, 5),
}

#: Machines a project asks advice for unless the option ``advice_types`` names others.
_ADVISED: Final = (
    *("a2-highgpu-8g", "a2-ultragpu-8g", "a3-highgpu-8g", "a3-megagpu-8g", "a3-ultragpu-8g"),
    *("a4-highgpu-8g", "g2-standard-48", "g4-standard-48"),
)

#: Machines that are reserved by calendar.
_BY_CALENDAR: Final = ("a3-highgpu-8g", "a3-megagpu-8g", "a3-ultragpu-8g", "a4-highgpu-8g")


class GoogleProvider:
    """One Google Cloud project.

    Args:
        settings: endpoints ``compute``, ``billing``, ``quotas``; options ``project`` and
            ``advice_types`` (machine types, separated by commas).
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._clients = Clients(settings)

    @property
    def name(self) -> str:
        """Provider name as it stands in offers."""
        return sources.PROVIDER

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Fetch the lists, then, where asked, the advice for the regions they name.

        Raises:
            ProviderError: when no project is named.
        """
        self._clients.project  # noqa: B018 - raises before any call is made
        lists = fetcher.run(self._list_calls(scope))
        advised = self._advice_calls(scope, _by_dataset(lists))
        return [*lists, *(fetcher.run(advised) if advised else ())]

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Turn rows into market tables; what is missing in part becomes a gap."""
        data = _by_dataset(fetched)
        seen = {one.dataset: one.fetched_at for one in fetched}
        machines = _within(
            read_machines(_rows(data, "instance-types"), _rows(data, "accelerator-types")), scope
        )
        rates = prices.read_rates(_rows(data, "prices"))
        regions = [row for row in _rows(data, "regions") if _asked(str(row["name"]), scope)]
        quotas = limits.quota_frame(
            regions, _in_regions(_rows(data, "quotas"), scope), seen.get("regions")
        )
        tables = {
            "offers": offers.offer_frame(
                machines,
                rates,
                offers.Moments(types=seen.get("instance-types"), prices=seen.get("prices")),
                advice.windows(_rows(data, "calendar")),
            ),
            "quotas": quotas,
            "holdings": ownership.holding_frame(
                _rows(data, "reservations"),
                _rows(data, "commitments"),
                rates,
                seen.get("reservations"),
            ),
            "running": ownership.running_frame(_rows(data, "running"), seen.get("running")),
            "signals": advice.signal_frame(
                _rows(data, "capacity"), _rows(data, "preemption"), seen.get("capacity")
            ),
        }
        tables["gaps"] = gaps.gap_frame(_gap_rows(fetched, data, machines, rates, quotas))
        return Tables(tables=tables, sources=sources.describe(_observed(seen)))

    def _list_calls(self, scope: Scope) -> list[Call]:
        ask, clients = self._call, self._clients
        label = ownership.label_of(scope.tag)
        return [
            ask("prices", "billing", lambda: fetch_catalog.fetch_prices(clients)),
            ask(
                "instance-types",
                "compute",
                lambda: fetch_compute.fetch_machine_types(clients, families.SERIES),
            ),
            ask(
                "accelerator-types",
                "compute",
                lambda: fetch_compute.fetch_accelerator_types(clients),
            ),
            ask("regions", "compute", lambda: fetch_compute.fetch_regions(clients)),
            ask("quotas", "quotas", lambda: fetch_quotas.fetch_quota_infos(clients)),
            ask("reservations", "compute", lambda: fetch_compute.fetch_reservations(clients)),
            ask("commitments", "compute", lambda: fetch_compute.fetch_commitments(clients)),
            ask("running", "compute", lambda: fetch_compute.fetch_instances(clients, label)),
        ]

    def _advice_calls(self, scope: Scope, data: Mapping[str, Sequence[Row]]) -> list[Call]:
        listed: dict[str, set[str]] = {}
        for row in _rows(data, "instance-types"):
            region = str(row["zone"]).rpartition("-")[0]
            if _asked(region, scope):
                listed.setdefault(region, set()).add(str(row["name"]))
        chosen = self._settings.options.get("advice_types", "")
        advised = tuple(chosen.split(",")) if chosen else _ADVISED
        wanted = [
            *((("capacity", fetch_advice.fetch_capacity, advised),) if scope.signals else ()),
            *((("preemption", fetch_advice.fetch_history, advised),) if scope.signals else ()),
            *((("calendar", fetch_advice.fetch_calendar, _BY_CALENDAR),) if scope.blocks else ()),
        ]
        return [
            self._advice_call(dataset, region, fetch, here)
            for region, names in sorted(listed.items())
            for dataset, fetch, types in wanted
            if (here := tuple(name for name in types if name in names))
        ]

    def _advice_call(
        self,
        dataset: str,
        region: str,
        fetch: Callable[[Clients, str, Sequence[str]], list[Row]],
        machine_types: Sequence[str],
    ) -> Call:
        def run() -> Sequence[Row]:
            return fetch(self._clients, region, machine_types)

        return self._call(dataset, "advice", run, region)

    def _call(
        self, dataset: str, api: str, run: Callable[[], Sequence[Row]], region: str = ""
    ) -> Call:
        per_second, burst = _BUCKETS[api]
        return Call(
            dataset=dataset, region=region, api=api, per_second=per_second, burst=burst, run=run
        )


def _by_dataset(fetched: Iterable[Fetched]) -> Mapping[str, list[Row]]:
    data: dict[str, list[Row]] = {}
    for one in fetched:
        data.setdefault(one.dataset, []).extend(
            row for row in one.rows if "unreachable" not in row
        )
    return data


def _rows(data: Mapping[str, Sequence[Row]], dataset: str) -> Sequence[Row]:
    return data.get(dataset, ())


def _asked(region: str, scope: Scope) -> bool:
    return scope.regions is None or region in scope.regions


def _within(machines: Iterable[Machine], scope: Scope) -> tuple[Machine, ...]:
    return tuple(machine for machine in machines if _asked(machine.region, scope))


def _in_regions(infos: Iterable[Row], scope: Scope) -> list[Row]:
    return [row for row in infos if not row["region"] or _asked(str(row["region"]), scope)]


def _gap_rows(
    fetched: Sequence[Fetched],
    data: Mapping[str, Sequence[Row]],
    machines: Sequence[Machine],
    rates: Rates,
    quotas: pl.DataFrame,
) -> list[Row]:
    needed: dict[str, set[str]] = {}
    for machine in machines:
        needed.setdefault(machine.region, set()).update(part for part, _ in prices.parts(machine))
    here = {region: frozenset(parts) for region, parts in needed.items()}
    has_prices = bool(_rows(data, "prices"))
    return [
        *gaps.unreachable(fetched),
        *gaps.regions_down(_rows(data, "regions")),
        *gaps.unknown_chips(offers.unknown_accelerators(machines)),
        *(gaps.incomplete_prices(machines, rates) if has_prices else ()),
        *gaps.ambiguous_rates(rates, here),
        *gaps.binding_cap(limits.all_regions_cap(_rows(data, "regions")), quotas),
    ]


def _observed(seen: Mapping[str, datetime | None]) -> dict[str, datetime | None]:
    return {
        sources.CATALOG: seen.get("prices"),
        sources.TYPES: seen.get("instance-types"),
        sources.QUOTAS: seen.get("regions"),
        sources.ACCOUNT: seen.get("reservations"),
        sources.ADVICE: seen.get("capacity"),
    }
