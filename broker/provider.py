"""The contract between the broker and a cloud's adapter.

An adapter is one module (or folder) and one entry point in the group
`capacity_broker.providers` naming a function ``connect(settings: Settings) -> Provider``.

A refresh runs in two steps. `Provider.collect` describes *calls* (one dataset of one region
each) to a `Fetcher`, which runs them concurrently under token buckets, deadlines and capped
retries, keeps the last good rows of each, and turns what fails into gaps. `Provider.read` then
turns the rows into tables: pure, no SDK, no network.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import urlsplit

import polars as pl

from broker.errors import ProviderError
from broker.market import Source

#: JSON values only, so that the last good rows can be kept on disk and compared.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
Row = dict[str, Json]

ENTRY_POINT_GROUP: Final = "capacity_broker.providers"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a refresh should look at; a hint to ask for less, the broker filters anyway.

    Attributes:
        regions: region names; None: every region the account can use.
        signals: ask for capacity signals too (rate-limited by the clouds, so opt-in).
        blocks: ask for capacity blocks, calendar and flex-start offers too.
        tag: tag key that names the workload an instance runs for.
    """

    regions: tuple[str, ...] | None = None
    signals: bool = False
    blocks: bool = False
    tag: str = "broker:workload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user's configuration says of one provider.

    Attributes:
        endpoints: service name -> URL; empty: the real cloud. Credentials never stand here.
        options: account ids, projects, subscriptions, profile names; never a secret.
    """

    endpoints: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


def check_settings(
    name: str, settings: Settings, *, endpoints: Collection[str], options: Collection[str]
) -> None:
    """Refuse names the provider `name` does not know, and endpoints it could not be asked at.

    Raises:
        ProviderError: what was found, and what would be right.
    """
    for kind, given, known in (
        ("endpoints", settings.endpoints, endpoints),
        ("options", settings.options, options),
    ):
        for unknown in sorted(set(given) - set(known)):
            near = difflib.get_close_matches(unknown, known, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ProviderError(
                f"{name}: found {unknown!r} among its {kind};"
                f" expected one of {', '.join(known) or 'none'}",
                remedy=f"{hint}correct providers.{name}.{kind} in the configuration",
            )
    for service, endpoint in settings.endpoints.items():
        _check_endpoint(name, service, endpoint)


def _check_endpoint(name: str, service: str, endpoint: str) -> None:
    try:
        address = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
        host, _ = address.hostname, address.port
    except ValueError:
        host = None
    schemes = ("https", "", "http") if host in _LOOPBACK else ("https", "")
    if not host or address.scheme not in schemes:
        raise ProviderError(
            f"{name}: endpoint `{service}`: found {endpoint!r}; expected an https:// address,"
            " or http:// on this machine",
            remedy=f"correct providers.{name}.endpoints in the configuration; credentials never"
            " travel in plain text",
        )


class FaultKind(StrEnum):
    """What a failed call means for the caller."""

    THROTTLED = "throttled"  # try again later, within the deadline
    TRANSIENT = "transient"  # try again, a few times
    DENIED = "denied"  # this call is not allowed; the others go on
    EXPIRED = "expired"  # credentials ended: stop this provider, keep the last good data
    UNCONFIGURED = "unconfigured"  # no credentials or account at all: the provider is left out
    DISABLED = "disabled"  # region or API switched off for the account
    BROKEN = "broken"  # the answer could not be understood


class CallError(Exception):
    """A call that failed, already classified; raised by adapters inside `Call.run`.

    Attributes:
        kind: what it means.
        code: the provider's own code, e.g. ``RequestLimitExceeded``.
        remedy: what the user can do.
        retry_after_s: seconds the provider asked to wait; None: it did not say.
    """

    def __init__(
        self, kind: FaultKind, code: str, *, remedy: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{kind}: {code}")
        self.kind = kind
        self.code = code
        self.remedy = remedy
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One dataset of one region, to be fetched.

    Attributes:
        dataset: e.g. ``instance-types``, ``prices``, ``spot-prices``, ``quotas``.
        region: region, or "" for what is global.
        api: name of the token bucket it draws on.
        per_second: refill rate of that bucket.
        burst: size of that bucket.
        run: does the network part (every page) and returns rows; raises `CallError` only.
    """

    dataset: str
    region: str
    api: str
    per_second: float
    burst: int
    run: Callable[[], Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """Rows of one dataset of one region.

    Attributes:
        dataset, region: as in the call.
        rows: what came back; the last good rows when `fault` is set and older data stands in.
        fetched_at: when these rows came from the cloud; None when there are none.
        fault: why the call failed; None when it did not.
        requests: runs of the call it took, retries included.
    """

    dataset: str
    region: str
    rows: Sequence[Row]
    fetched_at: datetime | None
    fault: CallError | None = None
    requests: int = 0


class Fetcher(Protocol):
    """Runs calls; the broker's own is `broker.fetching`."""

    def run(self, calls: Sequence[Call]) -> Sequence[Fetched]:
        """Run `calls` concurrently and return their outcomes in the order given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """What an adapter made of the rows: frames with the schemas of `broker.market.TABLES`."""

    tables: Mapping[str, pl.DataFrame]
    sources: Sequence[Source] = ()


class Provider(Protocol):
    """One cloud."""

    @property
    def name(self) -> str:
        """Provider name as it stands in offers, e.g. ``aws``."""

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Fetch everything `scope` asks for, in as many rounds of calls as it takes.

        Raises:
            ProviderError: only when nothing at all can be asked (no credentials, no account).
        """

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Turn rows into market tables; pure. What cannot be understood becomes a gap row.

        Faults of calls become gaps in the refresh itself; an adapter adds none for them.
        """


Connect = Callable[[Settings], Provider]
