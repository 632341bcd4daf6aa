"""The use case behind `broker refresh`: providers and a fetcher in, a market and a status out.

Providers are asked side by side. What one could not tell becomes a gap; where a provider could
not be asked at all, what the last snapshot holds of it stands in, marked as stale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

import polars as pl

from broker.background import Pending
from broker.errors import ProviderError
from broker.market import GAP_SCHEMA, TABLES, Market, Source, empty
from broker.market_digest import content_digest
from broker.offers import OFFER_KEY
from broker.provider import CallError, FaultKind, Fetched, Fetcher, Provider, Scope, Tables
from broker.registry import missing_extra

_REASONS: Final = {
    FaultKind.THROTTLED: "the provider said that it was asked too often",
    FaultKind.TRANSIENT: "the provider did not answer in time or failed",
    FaultKind.DENIED: "the account may not ask for it",
    FaultKind.EXPIRED: "the credentials ended",
    FaultKind.UNCONFIGURED: "there are no credentials",
    FaultKind.DISABLED: "the region or API is switched off for the account",
    FaultKind.BROKEN: "the answer could not be understood",
}
#: Code of a region that was asked for and that no provider knows.
UNKNOWN_REGION: Final = "UnknownRegion"
_NO_SUCH_REGION: Final = "no provider told anything of it"
#: Dataset of a gap that stands for everything a provider has.
EVERYTHING: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a refresh stands for one dataset of one provider, all regions together.

    Attributes:
        provider, dataset: names.
        fresh, stale, missing: in how many regions it came, was replaced by older rows, or has
            none at all.
        code: code of one of the faults; "" when there is none.
    """

    provider: str
    dataset: str
    fresh: int
    stale: int
    missing: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """What a refresh brought.

    Attributes:
        market: everything together.
        progress: by provider and dataset.
        left_out: provider -> why it was not asked: nobody named it and it is not set up.
    """

    market: Market
    progress: Sequence[Progress]
    left_out: Mapping[str, str]

    @property
    def has_gaps(self) -> bool:
        """Whether anything could not be seen."""
        return not self.market.gaps.is_empty()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """What became of one provider."""

    fetched: Sequence[Fetched] = ()
    tables: Tables | None = None
    error: ProviderError | None = None


def refresh(
    providers: Mapping[str, Callable[[], Provider]],
    *,
    scope: Scope,
    fetcher_for: Callable[[str], Fetcher],
    now: datetime,
    required: bool = True,
    previous: Market | None = None,
) -> Refreshed:
    """Ask every provider and return one market.

    Args:
        providers: name -> function that connects.
        scope: what to look at.
        fetcher_for: name -> the fetcher that runs the provider's calls.
        now: moment of the new market.
        required: whether the user asked for exactly these providers; otherwise one that is not
            set up is left out without a gap.
        previous: the last snapshot, for what a provider held before.

    Raises:
        ProviderError: when there is not a single offer.
    """
    pending = {
        name: Pending(partial(_ask, name, make, scope, fetcher_for(name)))
        for name, make in providers.items()
    }
    answers = {name: one.result() for name, one in pending.items()}
    left_out = {
        name: str(answer.error)
        for name, answer in answers.items()
        if answer.error is not None and not required
    }
    parts = [
        _part(name, answer, previous) for name, answer in answers.items() if name not in left_out
    ]
    market = _joined(parts, scope, now)
    if market.offers.is_empty():
        raise _nothing(answers, market.gaps)
    return Refreshed(
        market=market,
        progress=[
            line
            for name, answer in sorted(answers.items())
            for line in _progress(name, answer, market.gaps)
        ],
        left_out=left_out,
    )


def _ask(name: str, make: Callable[[], Provider], scope: Scope, fetcher: Fetcher) -> _Answer:
    try:
        provider = make()
        fetched = provider.collect(scope, fetcher)
        read = provider.read(fetched, scope)
        for table, frame in read.tables.items():
            _check(name, table, frame)
        return _Answer(fetched=fetched, tables=read)
    except ModuleNotFoundError as error:
        return _Answer(error=missing_extra(name, error))
    except ProviderError as error:
        return _Answer(error=error)


def _part(name: str, answer: _Answer, previous: Market | None) -> Tables:
    """Return one provider's tables with a gap for every fault."""
    if answer.tables is None:
        return _carried(name, answer.error, previous)
    gaps = gap_table(name, answer.fetched)
    tables = dict(answer.tables.tables)
    tables["gaps"] = pl.concat([tables.get("gaps", empty(GAP_SCHEMA)), gaps])
    return Tables(tables=tables, sources=answer.tables.sources)


def gap_table(provider: str, fetched: Sequence[Fetched]) -> pl.DataFrame:
    """Return one gap for each outcome with a fault."""
    rows = [
        _gap(provider, one.region, one.dataset, one.fault, one.fetched_at)
        for one in fetched
        if one.fault is not None
    ]
    return pl.DataFrame(rows, schema=dict(GAP_SCHEMA), orient="row")


def _gap(
    provider: str, region: str, dataset: str, fault: CallError, stale_since: datetime | None
) -> tuple[object, ...]:
    reason = _REASONS[fault.kind]
    return provider, region, dataset, fault.code, reason, fault.remedy, stale_since


def _carried(name: str, error: ProviderError | None, previous: Market | None) -> Tables:
    """Return what `previous` holds of a provider that could not be asked, and the gap."""
    message, remedy = (error.message, error.remedy) if error else ("", "")
    tables: dict[str, pl.DataFrame] = {}
    if previous is not None:
        tables = {
            table: getattr(previous, table).filter(pl.col("provider") == name)
            for table in TABLES
            if table != "gaps"
        }
    has_rows = "offers" in tables and not tables["offers"].is_empty()
    stale_since = previous.taken_at if previous is not None and has_rows else None
    code = type(error).__name__
    row = (name, "", EVERYTHING, code, message, remedy, stale_since)
    tables["gaps"] = pl.DataFrame([row], schema=dict(GAP_SCHEMA), orient="row")
    sources = list(previous.sources.values()) if previous is not None and has_rows else []
    used = _used_sources(tables)
    return Tables(tables=tables, sources=[one for one in sources if one.key in used])


def _used_sources(tables: Mapping[str, pl.DataFrame]) -> set[object]:
    return {
        key
        for frame in tables.values()
        for column in frame.columns
        if column == "source" or column.endswith("_source")
        for key in frame[column].unique()
    }


def _check(name: str, table: str, frame: pl.DataFrame) -> None:
    """Refuse a frame that has not the schema of `table`, or one offer twice.

    Raises:
        ProviderError: an adapter's mistake, named.
    """
    expected = empty(TABLES[table]).schema
    fault = ""
    if frame.schema != expected:
        fault = "columns other than the table's"
    elif table == "offers" and frame.select(OFFER_KEY).is_duplicated().any():
        fault = "one offer twice"
    if fault:
        raise ProviderError(
            f"reading the answers of {name}: its table {table} has {fault}",
            remedy="report it to whoever wrote the provider's adapter",
        )


def _joined(parts: Sequence[Tables], scope: Scope, now: datetime) -> Market:
    tables: dict[str, pl.DataFrame] = {}
    for table, schema in TABLES.items():
        frames = [empty(schema), *(part.tables[table] for part in parts if table in part.tables)]
        joined = pl.concat(frames)
        tables[table] = joined.sort(OFFER_KEY if table == "offers" else joined.columns)
    tables["gaps"] = _with_unknown_regions(tables["gaps"], tables["offers"], scope)
    sources: dict[str, Source] = {one.key: one for part in parts for one in part.sources}
    return Market(
        name="refresh",
        digest=content_digest(tables),
        taken_at=now,
        sources=sources,
        **tables,
    )


def _with_unknown_regions(gaps: pl.DataFrame, offers: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """Return `gaps` with one for each region asked for that no provider told anything of.

    The user names regions of all providers in one list, so that a single provider cannot tell a
    misspelt one from another provider's.
    """
    told = gaps.filter(pl.col("code") != UNKNOWN_REGION)
    known = {_plain(name) for frame in (offers, told) for name in frame["region"].unique()}
    rows = [
        ("", name, "regions", UNKNOWN_REGION, _NO_SUCH_REGION, "correct the name", None)
        for name in sorted(scope.regions or ())
        if _plain(name) not in known
    ]
    return pl.concat([pl.DataFrame(rows, schema=dict(GAP_SCHEMA), orient="row"), told])


def _plain(region: str) -> str:
    return region.casefold().replace(" ", "")


def _progress(name: str, answer: _Answer, gaps: pl.DataFrame) -> list[Progress]:
    if answer.error is not None:
        whole = gaps.filter(provider=name, dataset=EVERYTHING)
        stale = int(whole["stale_since"].is_not_null().any())
        line = Progress(
            provider=name,
            dataset=EVERYTHING,
            fresh=0,
            stale=stale,
            missing=1 - stale,
            code=type(answer.error).__name__,
        )
        return [line]
    counts: dict[str, list[Fetched]] = {}
    for one in answer.fetched:
        counts.setdefault(one.dataset.partition("/")[0], []).append(one)
    return [_line(name, dataset, found) for dataset, found in sorted(counts.items())]


def _line(name: str, dataset: str, found: Sequence[Fetched]) -> Progress:
    faults = [one.fault for one in found if one.fault is not None]
    stale = sum(1 for one in found if one.fault is not None and one.fetched_at is not None)
    return Progress(
        provider=name,
        dataset=dataset,
        fresh=len(found) - len(faults),
        stale=stale,
        missing=len(faults) - stale,
        code=faults[0].code if faults else "",
    )


def _nothing(answers: Mapping[str, _Answer], gaps: pl.DataFrame) -> ProviderError:
    errors = [answer.error for answer in answers.values() if answer.error is not None]
    faults = [one.fault for answer in answers.values() for one in answer.fetched if one.fault]
    reasons = [error.message for error in errors] or [str(fault) for fault in faults[:3]]
    remedies = [error.remedy for error in errors] or [fault.remedy for fault in faults[:1]]
    unknown = gaps.filter(pl.col("code") == UNKNOWN_REGION)["region"].to_list()
    if unknown:
        reasons.append(f"no region {', '.join(unknown)}")
        remedies.append("correct the names of regions")
    found = "; ".join(dict.fromkeys(reasons)) or f"{', '.join(answers) or 'nobody'} told of none"
    told = "; ".join(remedy for remedy in dict.fromkeys(remedies) if remedy)
    return ProviderError(
        f"refreshing: found not a single offer ({found})",
        remedy=told or "widen regions and options in the configuration, or name providers there",
    )
