"""A refresh joins what providers tell, and says what it could not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from broker.errors import ProviderError
from broker.fetching import ConcurrentFetcher, Patience
from broker.market import Market, Source
from broker.provider import Call, CallError, FaultKind, Fetched, Fetcher, Row, Scope, Tables
from broker.refresh import Refreshed, refresh
from tests.broker.market_rows import market_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """A provider that sells some offers, fails some calls, or cannot be asked at all."""

    name: str
    offers: pl.DataFrame
    faults: Mapping[str, CallError] = field(default_factory=dict)
    error: BaseException | None = None

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        del scope
        if self.error is not None:
            raise self.error
        return fetcher.run([self.call(dataset) for dataset in ("prices", "quotas", "types/a")])

    def call(self, dataset: str) -> Call:
        def run() -> Sequence[Row]:
            if dataset in self.faults:
                raise self.faults[dataset]
            return [{"dataset": dataset}]

        return Call(dataset=dataset, region="r", api="a", per_second=99, burst=99, run=run)

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        del fetched, scope
        source = Source(key=f"{self.name}-list", name=self.name, observed_on="x", licence="facts")
        return Tables(tables={"offers": self.offers}, sources=[source])


def cloud(name: str, **more: object) -> Cloud:
    """Return a cloud that sells the tiny market's offers of its name."""
    offers = market_of().offers.filter(pl.col("provider") == name)
    return replace(Cloud(name=name, offers=offers), **more)  # type: ignore[arg-type] # by name


def refreshed(
    *clouds: Cloud,
    required: bool = True,
    previous: Market | None = None,
    regions: tuple[str, ...] | None = None,
) -> Refreshed:
    """Return what a refresh of `clouds` brings."""
    patience = Patience(tries=1, provider_s=5)
    return refresh(
        {one.name: lambda one=one: one for one in clouds},  # type: ignore[misc] # bound now
        scope=Scope(regions=regions),
        fetcher_for=lambda _: ConcurrentFetcher(patience=patience, now=lambda: NOON),
        now=NOON,
        required=required,
        previous=previous,
    )


def test_providers_make_one_market() -> None:
    """Offers of two clouds stand in one sorted table, with both sources and no gap."""
    found = refreshed(cloud("gcp"), cloud("aws"))
    expected = market_of().offers.filter(pl.col("provider") != "azure")
    assert found.market.offers.equals(expected)
    assert sorted(found.market.sources) == ["aws-list", "gcp-list"]
    assert (found.has_gaps, found.market.taken_at) == (False, NOON)


def test_the_order_of_providers_changes_nothing() -> None:
    """The same answers in another order give the same digest."""
    one = refreshed(cloud("gcp"), cloud("aws")).market.digest
    assert refreshed(cloud("aws"), cloud("gcp")).market.digest == one


def test_a_fault_is_a_gap_and_a_line() -> None:
    """A refused call is a gap with code, reason and remedy; progress counts it as missing."""
    fault = CallError(FaultKind.DENIED, "Forbidden", remedy="allow it")
    found = refreshed(cloud("aws", faults={"quotas": fault}))
    (gap,) = found.market.gaps.to_dicts()
    assert (gap["provider"], gap["region"], gap["dataset"]) == ("aws", "r", "quotas")
    assert (gap["code"], gap["remedy"], gap["stale_since"]) == ("Forbidden", "allow it", None)
    assert gap["reason"] == "the account may not ask for it"
    lines = [(one.dataset, one.fresh, one.stale, one.missing, one.code) for one in found.progress]
    assert lines == [
        ("prices", 1, 0, 0, ""),
        ("quotas", 0, 0, 1, "Forbidden"),
        ("types", 1, 0, 0, ""),
    ]
    assert found.has_gaps


NOT_SET_UP = ProviderError("connecting to gcp: no credentials", remedy="log in")


def test_a_provider_that_cannot_be_asked_is_one_gap() -> None:
    """A cloud that the user asked for and that is not set up leaves the others alone."""
    found = refreshed(cloud("aws"), cloud("gcp", error=NOT_SET_UP))
    (gap,) = found.market.gaps.to_dicts()
    assert (gap["provider"], gap["dataset"], gap["remedy"]) == ("gcp", "*", "log in")
    assert set(found.market.offers["provider"]) == {"aws"}


def test_what_the_last_snapshot_held_stands_in() -> None:
    """Its offers are carried over, marked with the moment they are from."""
    previous = replace(market_of(), taken_at=NOON - timedelta(days=1))
    found = refreshed(cloud("aws"), cloud("gcp", error=NOT_SET_UP), previous=previous)
    assert set(found.market.offers["provider"]) == {"aws", "gcp"}
    assert found.market.gaps["stale_since"].to_list() == [NOON - timedelta(days=1)]
    assert "gcp-list" in found.market.sources
    assert "azure-list" not in found.market.sources
    (line,) = [one for one in found.progress if one.provider == "gcp"]
    assert (line.fresh, line.stale, line.missing) == (0, 1, 0)


def test_a_cloud_nobody_named_is_left_out() -> None:
    """Without a configuration a cloud that is not set up is no gap."""
    found = refreshed(cloud("aws"), cloud("gcp", error=NOT_SET_UP), required=False)
    assert not found.has_gaps
    assert list(found.left_out) == ["gcp"]


def test_a_missing_sdk_is_that_providers_gap() -> None:
    """An SDK that is not installed says how to get it and stops nobody else."""
    error = ModuleNotFoundError("No module named 'sdk'", name="sdk")
    found = refreshed(cloud("aws"), cloud("gcp", error=error))
    (gap,) = found.market.gaps.to_dicts()
    assert gap["code"] == "MissingExtra"
    assert "pip install" in gap["remedy"]


def test_no_offer_at_all_is_an_error() -> None:
    """With nothing to write the reasons and remedies are told."""
    with pytest.raises(ProviderError, match="not a single offer") as caught:
        refreshed(cloud("gcp", error=NOT_SET_UP))
    assert caught.value.remedy == "log in"
    assert caught.value.exit_code == 5


def test_nothing_because_of_a_misspelt_region_says_so() -> None:
    """The region is named, not the configuration blamed; no empty remedy is told."""
    nothing = replace(cloud("aws"), offers=cloud("aws").offers.clear())
    fault = CallError(FaultKind.TRANSIENT, "Timeout")
    with pytest.raises(ProviderError, match="no region mars-1") as caught:
        refreshed(nothing, regions=("mars-1",))
    assert caught.value.remedy == "correct the names of regions"
    with pytest.raises(ProviderError, match=r"\(transient: Timeout; no region mars-1\)") as caught:
        refreshed(replace(nothing, faults={"quotas": fault}), regions=("mars-1",))
    assert caught.value.remedy == "correct the names of regions"


def test_a_wrong_table_is_the_adapters_mistake() -> None:
    """A frame with other columns, or one offer twice, never reaches a market."""
    offers = cloud("gcp").offers
    twice = replace(cloud("gcp"), offers=pl.concat([offers, offers]))
    short = replace(cloud("azure"), offers=offers.drop("vcpus"))
    found = refreshed(cloud("aws"), twice, short)
    reasons = " ".join(found.market.gaps["reason"])
    assert "table offers has one offer twice" in reasons
    assert "table offers has columns other than the table's" in reasons


def test_a_bug_is_not_a_gap() -> None:
    """Any other exception of an adapter ends the refresh."""
    with pytest.raises(ZeroDivisionError):
        refreshed(cloud("aws", error=ZeroDivisionError()))


def test_a_region_nobody_knows_is_a_gap() -> None:
    """A misspelt region is told; one of another provider, or one that is down, is none."""
    fault = CallError(FaultKind.TRANSIENT, "Timeout")
    regions = ("us-east-1", "EUROPE-WEST4", "us-esat-1", "r")
    found = refreshed(cloud("aws", faults={"quotas": fault}), cloud("gcp"), regions=regions)
    told = found.market.gaps.filter(pl.col("code") == "UnknownRegion")
    assert told.select("provider", "region").rows() == [("", "us-esat-1")]
