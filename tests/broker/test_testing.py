"""The provider contract finds the mistakes that adapters make, and passes one that makes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import polars as pl
import pytest

from broker.errors import ProviderError
from broker.market import Source, empty
from broker.offers import OFFER_SCHEMA
from broker.provider import (
    Call,
    CallError,
    FaultKind,
    Fetched,
    Fetcher,
    Provider,
    Row,
    Scope,
    Tables,
)
from broker.testing import ProviderContract

DAY = datetime(2026, 11, 1, tzinfo=UTC)
SOUND: dict[str, object] = {
    "provider": "tiny",
    "zone": "r1-a",
    "location_kind": "region",
    "instance_type": "h100.8",
    "variant": "",
    "upfront_usd": Decimal(0),
    "purchasable": "yes",
    "accelerator": "H100",
    "accelerators": 8.0,
    "accelerator_memory_gib": 80.0,
    "vcpus": 192,
    "memory_gib": 2048.0,
    "fabric": "rdma",
    "price_source": "list",
    "price_observed_at": DAY,
}


class Tiny:
    """A provider of two regions, one offer each under two options, made by hand."""

    name = "tiny"

    def __init__(self, wrong: dict[str, object] | None = None, *, dead: bool = False) -> None:
        self.dead = dead
        self.wrong = wrong or {}

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        del scope
        return fetcher.run([self._call(region) for region in ("r1", "r2")])

    def _call(self, region: str) -> Call:
        return Call(
            dataset="prices", region=region, api="list", per_second=9, burst=9, run=self._rows
        )

    def _rows(self) -> Sequence[Row]:
        if self.dead:
            raise CallError(FaultKind.TRANSIENT, "Dead", remedy="wait")
        return [{"option": "on-demand", "usd": "20"}, {"option": "spot", "usd": "9"}]

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        del scope
        rows = [
            SOUND
            | {
                "region": one.region,
                "option": row["option"],
                "usd_per_hour": Decimal(str(row["usd"])),
            }
            | self.wrong
            for one in fetched
            for row in one.rows
        ]
        offers = pl.DataFrame(rows, schema=dict(OFFER_SCHEMA), orient="row")
        source = Source(key="list", name="price list", observed_on="2026-11-01", licence="facts")
        return Tables(tables={"offers": offers}, sources=[source])


class TestSound(ProviderContract):
    """An adapter without mistakes passes every check."""

    def provider(self) -> Provider:
        return Tiny()

    def unreachable(self) -> Provider:
        return Tiny(dead=True)


class Checked(ProviderContract):
    """The contract over any adapter; its checks are called one by one."""

    made: ClassVar[Callable[[], Provider]]

    def provider(self) -> Provider:
        return type(self).made()

    def unreachable(self) -> Provider:
        return type(self).made()


def contract_of(make: Callable[[], Provider]) -> Checked:
    """Return the contract over what `make` makes, with nothing remembered of others."""
    kind = type("Fresh", (Checked,), {"made": staticmethod(make)})
    checked = kind()
    assert isinstance(checked, Checked)
    return checked


MISTAKES = [
    ("test_offers_are_its_own_and_stated_once", {"provider": "other"}, "offers of other"),
    ("test_offers_are_its_own_and_stated_once", {"option": "spot"}, "offers stated twice"),
    ("test_offers_are_its_own_and_stated_once", {"fabric": "infiniband"}, "unknown words"),
    ("test_accelerators_have_canonical_names", {"accelerator": "h100-sxm"}, "no canonical name"),
    ("test_accelerators_have_canonical_names", {"accelerator_memory_gib": 79.6}, "not nominal"),
    ("test_accelerators_have_canonical_names", {"accelerators": 0.0}, "not counted"),
    ("test_prices_are_plausible", {"usd_per_hour": Decimal(0)}, "prices of zero"),
    ("test_prices_are_plausible", {"usd_per_hour": Decimal(551221)}, "outside"),
    ("test_spot_is_rarely_dearer_than_on_demand", {"usd_per_hour": None}, ""),
    ("test_units_are_plausible", {"memory_gib": 2097152.0}, "no GiB"),
    ("test_units_are_plausible", {"local_disk_gib": -1.0}, "below zero"),
    ("test_every_figure_names_a_described_source", {"price_source": None}, "unknown origin"),
    ("test_every_figure_names_a_described_source", {"price_source": "x"}, "without description"),
]


@pytest.mark.parametrize(("check", "wrong", "said"), MISTAKES)
def test_a_mistake_in_a_row_is_found(check: str, wrong: dict[str, object], said: str) -> None:
    """Each check names the mistake it is there for; an unknown price is none."""
    checked = contract_of(lambda: Tiny(wrong))
    if not said:
        getattr(checked, check)()
        return
    with pytest.raises(AssertionError, match=said):
        getattr(checked, check)()


def test_spot_above_on_demand_is_found() -> None:
    """Swapped prices are found: spot 20, on-demand 9."""

    class Swapped(Tiny):
        def _rows(self) -> Sequence[Row]:
            return [{"option": "on-demand", "usd": "9"}, {"option": "spot", "usd": "20"}]

    with pytest.raises(AssertionError, match="2 of 2"):
        contract_of(Swapped).test_spot_is_rarely_dearer_than_on_demand()


def test_a_name_that_is_no_word_is_found() -> None:
    """Blanks and capitals cannot stand in an offer's id."""

    class Named(Tiny):
        name = "Tiny Cloud"

    with pytest.raises(AssertionError, match="plain lower-case word"):
        contract_of(Named).test_the_name_is_a_plain_word()


def test_calls_that_share_a_name_are_found() -> None:
    """Two calls for one dataset and region would overwrite each other's rows on disk."""

    class Doubled(Tiny):
        def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
            del scope
            return fetcher.run([self._call("r1"), self._call("r1")])

    with pytest.raises(AssertionError, match="two calls"):
        contract_of(Doubled).test_each_call_has_a_name_and_a_budget()


def test_a_wrong_schema_is_found() -> None:
    """A column of another type is named with both types."""

    class Loose(Tiny):
        def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
            tables = super().read(fetched, scope)
            offers = tables.tables["offers"].with_columns(pl.col("vcpus").cast(pl.Int64))
            return replace(tables, tables={"offers": offers})

    with pytest.raises(AssertionError, match="vcpus is Int64, not Int32"):
        contract_of(Loose).test_tables_have_the_schemas()


def test_one_region_that_takes_all_along_is_found() -> None:
    """An adapter that tells nothing when one region fails breaks the contract."""

    class Fragile(Tiny):
        def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
            if any(one.fault for one in fetched):
                return Tables(tables={"offers": empty(OFFER_SCHEMA)})
            return super().read(fetched, scope)

    with pytest.raises(AssertionError, match="without r1"):
        contract_of(Fragile).test_a_dead_region_leaves_the_others()


def test_a_refresh_that_differs_is_found() -> None:
    """Prices that change from one refresh to the next without reason are found."""
    prices = iter(range(10, 99))

    class Restless(Tiny):
        def _rows(self) -> Sequence[Row]:
            return [{"option": "on-demand", "usd": str(next(prices))}]

    with pytest.raises(AssertionError, match="refreshing twice"):
        contract_of(Restless).test_a_second_refresh_says_the_same()


def test_a_call_that_fails_unnoticed_is_found() -> None:
    """An adapter that answers although nothing is there made its rows up."""
    with pytest.raises(AssertionError, match="did not notice"):
        contract_of(Tiny).test_failures_are_classified()


def test_nothing_to_ask_may_be_an_error_with_a_remedy() -> None:
    """A provider error counts as noticed, but only with a remedy."""

    class Refusing(Tiny):
        def __init__(self, remedy: str) -> None:
            super().__init__()
            self.remedy = remedy

        def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
            del scope, fetcher
            raise ProviderError("tiny: no account", remedy=self.remedy)

    contract_of(lambda: Refusing("name an account")).test_failures_are_classified()
    with pytest.raises(AssertionError, match="without a remedy"):
        contract_of(lambda: Refusing("")).test_failures_are_classified()
