"""Checks that every provider's adapter passes; authors inherit `ProviderContract`.

A test module of an adapter needs no more than this::

    class TestNeocloud(ProviderContract):
        def provider(self) -> Provider:
            return connect(Settings(endpoints={"api": RECORDED_PAGES}))

        def unreachable(self) -> Provider:
            return connect(Settings(endpoints={"api": "http://127.0.0.1:9"}))

The calls are run once, one after the other; everything else replays their rows. Checks are plain
assertions, so any test runner that collects classes named ``Test...`` will do.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar, Final

import polars as pl

from broker.accelerators import accelerators
from broker.errors import ProviderError
from broker.market import QUOTA_SCHEMA, TABLES, empty
from broker.offers import (
    OFFER_KEY,
    OFFER_SCHEMA,
    Fabric,
    LocationKind,
    Purchasable,
    PurchaseOption,
)
from broker.provider import Call, CallError, FaultKind, Fetched, Provider, Scope, Tables

#: When the contract's calls came back, whatever the clock says.
MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)

_ENUMS: Final = {
    "option": PurchaseOption,
    "purchasable": Purchasable,
    "fabric": Fabric,
    "location_kind": LocationKind,
}
_SELECTORS: Final = ("family", "accelerator", "instance_type")
_UNITS: Final = ("vcpus", "gpus", "instances")


class SequentialFetcher:
    """Runs calls one after the other, without tries or waits.

    Attributes:
        calls: every call it was given, in order.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def run(self, calls: Sequence[Call]) -> Sequence[Fetched]:
        """Run `calls` and return their outcomes in the order given."""
        self.calls.extend(calls)
        return [_outcome(call) for call in calls]


def _outcome(call: Call) -> Fetched:
    try:
        rows = call.run()
    except CallError as fault:
        return Fetched(
            dataset=call.dataset, region=call.region, rows=(), fetched_at=None, fault=fault
        )
    return Fetched(dataset=call.dataset, region=call.region, rows=rows, fetched_at=MOMENT)


class ReplayingFetcher:
    """Answers calls with recorded outcomes; what it refuses or does not know fails.

    Args:
        recorded: outcomes of an earlier run.
        refused: which calls fail.
    """

    def __init__(self, recorded: Sequence[Fetched], refused: Callable[[Call], bool]) -> None:
        self._recorded = {(one.dataset, one.region): one for one in recorded}
        self._refused = refused

    def run(self, calls: Sequence[Call]) -> Sequence[Fetched]:
        """Return the recorded outcomes of `calls` in the order given."""
        return [self._answer(call) for call in calls]

    def _answer(self, call: Call) -> Fetched:
        known = self._recorded.get((call.dataset, call.region))
        if known is not None and not self._refused(call):
            return known
        fault = CallError(FaultKind.TRANSIENT, "Refused", remedy="none: the contract refused it")
        return Fetched(
            dataset=call.dataset, region=call.region, rows=(), fetched_at=None, fault=fault
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one refresh of a provider brought.

    Attributes:
        calls: the calls it made.
        fetched: their outcomes.
        tables: what it made of them.
    """

    calls: Sequence[Call]
    fetched: Sequence[Fetched]
    tables: Tables

    @property
    def offers(self) -> pl.DataFrame:
        """The offer table."""
        return table_of(self.tables, "offers")


def table_of(tables: Tables, name: str) -> pl.DataFrame:
    """Return a table of a provider, empty when it has none."""
    found = tables.tables.get(name)
    return empty(TABLES[name]) if found is None else found


class ProviderContract(ABC):
    """What every adapter keeps; inherit, name the class ``Test...``, say how to connect.

    Attributes:
        scope: what is asked for.
        names_others: whether offers carry provider names other than the adapter's own.
        usd_per_accelerator_h: least and most a whole accelerator may cost an hour.
        usd_per_vcpu_h: the same for a vCPU of a machine without accelerators.
        dearer_spot_share: share of spot prices that may lie above on-demand; clouds list some.
    """

    scope: ClassVar[Scope] = Scope()
    names_others: ClassVar[bool] = False
    usd_per_accelerator_h: ClassVar[tuple[float, float]] = (0.01, 150.0)
    usd_per_vcpu_h: ClassVar[tuple[float, float]] = (0.0005, 5.0)
    dearer_spot_share: ClassVar[float] = 0.05
    _observed: ClassVar[dict[type, Observed]] = {}

    @abstractmethod
    def provider(self) -> Provider:
        """Return the adapter, connected to an emulator or to recorded pages."""

    @abstractmethod
    def unreachable(self) -> Provider:
        """Return the adapter, connected to where nothing answers."""

    def observed(self) -> Observed:
        """Return what a refresh brings; it runs once for the class."""
        if type(self) not in self._observed:
            self._observed[type(self)] = self._refresh()
        return self._observed[type(self)]

    def _refresh(self) -> Observed:
        provider, fetcher = self.provider(), SequentialFetcher()
        fetched = provider.collect(self.scope, fetcher)
        return Observed(
            calls=fetcher.calls, fetched=fetched, tables=provider.read(fetched, self.scope)
        )

    def _replayed(self, refused: Callable[[Call], bool]) -> Tables:
        provider = self.provider()
        fetcher = ReplayingFetcher(self.observed().fetched, refused)
        return provider.read(provider.collect(self.scope, fetcher), self.scope)

    # --- calls and rows -----------------------------------------------------------------------

    def test_the_name_is_a_plain_word(self) -> None:
        """The name can stand in an offer's id and as a key of the configuration."""
        name = self.provider().name
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", name), f"a plain lower-case word, not {name!r}"

    def test_everything_asked_for_comes(self) -> None:
        """Against a cloud that is well, no call fails and there are offers."""
        failed = {(one.dataset, one.region): one.fault for one in self.observed().fetched}
        failed = {place: fault for place, fault in failed.items() if fault is not None}
        assert not failed, f"calls failed: {failed}"
        assert not self.observed().offers.is_empty(), "there is not a single offer"

    def test_each_call_has_a_name_and_a_budget(self) -> None:
        """Dataset and region tell calls apart (rows are kept under them); buckets hold tokens."""
        calls = self.observed().calls
        places = [(call.dataset, call.region) for call in calls]
        twice = sorted({place for place in places if places.count(place) > 1})
        assert not twice, f"two calls for one dataset and region: {twice}"
        unnamed = [call for call in calls if not call.dataset or not call.api]
        assert not unnamed, f"calls without dataset or API: {unnamed}"
        starved = [call.dataset for call in calls if call.per_second <= 0 or call.burst < 1]
        assert not starved, f"token buckets that never fill: {starved}"

    def test_rows_are_json(self) -> None:
        """Rows survive being written to disk and read back, and then say the same."""
        fetched = self.observed().fetched
        kept = [replace(one, rows=json.loads(json.dumps(list(one.rows)))) for one in fetched]
        again = self.provider().read(kept, self.scope)
        assert_same(again, self.observed().tables, "rows that went through JSON")

    # --- tables -------------------------------------------------------------------------------

    def test_tables_have_the_schemas(self) -> None:
        """Every table is one the market knows, with exactly its columns and types."""
        assert_schemas(self.observed().tables)

    def test_offers_are_its_own_and_stated_once(self) -> None:
        """An offer carries the adapter's name, known words, and stands once in the table."""
        offers = self.observed().offers
        twice = offers.filter(offers.select(OFFER_KEY).is_duplicated()).select(OFFER_KEY)
        assert twice.is_empty(), f"offers stated twice: {twice.head(3).rows()}"
        names = set(offers["provider"])
        own = {self.provider().name}
        assert self.names_others or names == own, f"offers of other providers: {names - own}"
        for column, words in _ENUMS.items():
            unknown = set(offers[column].drop_nulls()) - {word.value for word in words}
            assert not unknown, f"{column}: unknown words {sorted(unknown)}"

    def test_accelerators_have_canonical_names(self) -> None:
        """Names are those of the accelerator table, memory is nominal, counts are above zero."""
        offers = self.observed().offers
        stated = offers.filter(pl.col("accelerator").is_not_null())
        for name, memory_gib in (
            stated.select("accelerator", "accelerator_memory_gib").unique().iter_rows()
        ):
            known = accelerators().get(name)
            assert known is not None, f"{name!r} is no canonical name"
            assert memory_gib == known.memory_gib, f"{name}: {memory_gib} GiB is not nominal"
        uncounted = stated.filter(pl.col("accelerators") <= 0)["instance_type"]
        assert uncounted.is_empty(), f"accelerators named but not counted: {uncounted.to_list()}"

    def test_prices_are_plausible(self) -> None:
        """An accelerator or vCPU costs within the band; an unknown price is null, never zero."""
        offers = self.observed().offers
        free = offers.filter((pl.col("usd_per_hour") == 0) & (pl.col("upfront_usd") == 0))
        assert free.is_empty(), f"prices of zero: {free.select(OFFER_KEY).head(3).rows()}"
        usd = pl.col("usd_per_hour").cast(pl.Float64)
        for per, band in (
            ("accelerators", self.usd_per_accelerator_h),
            ("vcpus", self.usd_per_vcpu_h),
        ):
            is_cpu = pl.col("accelerators") == 0
            counted = offers.filter((~is_cpu if per == "accelerators" else is_cpu) & (usd > 0))
            odd = counted.filter(~(usd / pl.col(per)).is_between(*band))
            shown = odd.select(*OFFER_KEY, "usd_per_hour").head(3).rows()
            assert odd.is_empty(), f"{odd.height} prices per {per} outside {band}: {shown}"

    def test_spot_is_rarely_dearer_than_on_demand(self) -> None:
        """A spot price above on-demand is mostly a unit or a row mixed up."""
        place = ["provider", "region", "zone", "instance_type"]
        options = {
            option: self.observed()
            .offers.filter((pl.col("option") == option) & pl.col("usd_per_hour").is_not_null())
            .select(*place, pl.col("usd_per_hour").cast(pl.Float64))
            for option in ("spot", "on-demand")
        }
        pairs = options["spot"].join(options["on-demand"], on=place, suffix="_on_demand")
        dearer = pairs.filter(pl.col("usd_per_hour") > pl.col("usd_per_hour_on_demand"))
        shown = dearer.head(3).rows()
        allowed = self.dearer_spot_share * pairs.height
        assert dearer.height <= allowed, f"{dearer.height} of {pairs.height}: {shown}"

    def test_units_are_plausible(self) -> None:
        """Memory is GiB: a quarter to 64 of them for each vCPU; nothing is negative."""
        offers = self.observed().offers.filter(pl.col("memory_gib").is_not_null())
        ratio = pl.col("memory_gib") / pl.col("vcpus")
        odd = offers.filter(~ratio.is_between(0.25, 64)).select("instance_type", "memory_gib")
        assert odd.is_empty(), f"memory that is no GiB: {odd.unique().head(3).rows()}"
        for column in ("local_disk_gib", "network_gbps", "interruptions_per_hour", "length_h"):
            negative = offers.filter(pl.col(column) < 0)
            assert negative.is_empty(), f"{column} below zero: {negative['instance_type'].head(3)}"

    def test_every_figure_names_a_described_source(self) -> None:
        """A price has a source and a moment, and every source that rows name is described."""
        offers = self.observed().offers
        priced = offers.filter(pl.col("usd_per_hour").is_not_null())
        bare = priced.filter(pl.any_horizontal(pl.col("^price_(source|observed_at)$").is_null()))
        assert bare.is_empty(), (
            f"prices of unknown origin: {bare.select(OFFER_KEY).head(3).rows()}"
        )
        columns = [name for name in OFFER_SCHEMA if name.endswith("_source")]
        named = {key for name in columns for key in offers[name].drop_nulls()}
        described = {source.key for source in self.observed().tables.sources}
        assert named <= described, f"sources without description: {sorted(named - described)}"

    def test_quotas_limit_something(self) -> None:
        """A quota names at most one selector, a known unit and a limit of at least zero."""
        quotas = table_of(self.observed().tables, "quotas")
        assert quotas.schema == empty(QUOTA_SCHEMA).schema
        chosen = pl.sum_horizontal((pl.col(name) != "").cast(pl.Int32) for name in _SELECTORS)
        vague = quotas.filter(chosen > 1)
        assert vague.is_empty(), f"quotas with two selectors: {vague.head(3).rows()}"
        odd = quotas.filter(~pl.col("unit").is_in(_UNITS) | (pl.col("limit") < 0))
        assert odd.is_empty(), f"odd quotas: {odd.head(3).rows()}"

    # --- behaviour ----------------------------------------------------------------------------

    def test_reading_is_pure(self) -> None:
        """The same rows give the same tables."""
        again = self.provider().read(self.observed().fetched, self.scope)
        assert_same(again, self.observed().tables, "reading twice")

    def test_a_second_refresh_says_the_same(self) -> None:
        """Nothing depends on the order of answers, on threads or on the clock."""
        assert_same(self._refresh().tables, self.observed().tables, "refreshing twice")

    def test_nothing_told_is_nothing_known(self) -> None:
        """When every call fails the tables are there, and hold no offer."""
        tables = self._replayed(_asks_for())
        assert_schemas(tables)
        assert table_of(tables, "offers").is_empty(), "offers without any answer"

    def test_a_failed_dataset_leaves_the_rest(self) -> None:
        """Whichever dataset fails, reading goes on."""
        for dataset in sorted({call.dataset for call in self.observed().calls}):
            assert_schemas(self._replayed(_asks_for(dataset=dataset)))

    def test_a_dead_region_leaves_the_others(self) -> None:
        """When one region's calls fail, the offers of every other region stay."""
        offers = self.observed().offers
        for region in sorted({call.region for call in self.observed().calls} - {""}):
            rest = table_of(self._replayed(_asks_for(region=region)), "offers")
            elsewhere = pl.col("region") != region
            same = rest.filter(elsewhere).equals(offers.filter(elsewhere))
            assert same, f"without {region} the offers of other regions change"

    def test_failures_are_classified(self) -> None:
        """Where nothing answers, every call raises a `CallError` that says what to do.

        An adapter that can ask nothing at all may say so by a `ProviderError` instead.
        """
        fetched: Sequence[Fetched] = ()
        remedies: list[str] = []
        try:
            fetched = self.unreachable().collect(self.scope, SequentialFetcher())
        except ProviderError as error:
            remedies.append(error.remedy)
        assert all(remedies), "an error without a remedy"
        quiet = [(one.dataset, one.region) for one in fetched if one.fault is None]
        assert not quiet, f"calls that did not notice: {quiet}"
        bare = [one.dataset for one in fetched if one.fault is not None and not one.fault.remedy]
        assert not bare, f"faults without a remedy: {bare}"


def _asks_for(*, dataset: str | None = None, region: str | None = None) -> Callable[[Call], bool]:
    def is_meant(call: Call) -> bool:
        return dataset in {None, call.dataset} and region in {None, call.region}

    return is_meant


def assert_schemas(tables: Tables) -> None:
    """Fail unless every table is known and has exactly its schema."""
    unknown = set(tables.tables) - set(TABLES)
    assert not unknown, f"unknown tables {sorted(unknown)}"
    for name, frame in tables.tables.items():
        assert frame.schema == empty(TABLES[name]).schema, f"{name}: {_differences(name, frame)}"


def _differences(name: str, frame: pl.DataFrame) -> str:
    found: Mapping[str, object] = frame.schema
    expected: Mapping[str, object] = empty(TABLES[name]).schema
    wrong = [
        f"{column} is {found.get(column)}, not {expected.get(column)}"
        for column in sorted(set(found) | set(expected))
        if found.get(column) != expected.get(column)
    ]
    return "; ".join(wrong) or "columns in another order"


def assert_same(left: Tables, right: Tables, what: str) -> None:
    """Fail unless two readings hold the same rows in the same order."""
    for name in TABLES:
        same = table_of(left, name).equals(table_of(right, name))
        assert same, f"{what} changes the table {name}"
