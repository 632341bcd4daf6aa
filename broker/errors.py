"""Errors a user can meet, each with its place, its remedy and its exit code.

BrokerError
├─ SpecError            faults in a spec file                                   1
├─ QueryError           a question about a market that names nothing in it       1
├─ MarketError          a market that cannot be read, or two offers with one id  1
│  └─ StaleMarket       older than a `max_age` that the user set                5
├─ ProviderError        a cloud that did not answer as it should                5
│  ├─ UnknownProvider   no such entry point                                     1
│  └─ MissingExtra      a package that is not installed                         1
├─ OutputError          a result that could not be written                      1
├─ Locked               another run works on the same state                      75
├─ SolverFailed         the optimizer gave no answer at all                     70
├─ GateFailed           budget, moves or savings gate                           4
└─ AuditFailed          a plan that breaks its own rules: a bug of ours         70
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class BrokerError(Exception):
    """Base of every error the broker raises on purpose.

    Attributes:
        message: what was being done, where, and what was found.
        remedy: what the user can do about it.
        exit_code: the process exit code of the command line.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  remedy: {self.remedy}" if self.remedy else self.message


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One mistake in a file a person wrote.

    Attributes:
        path: dotted path inside the file, e.g. ``services[0].demand[2].from``.
        found: what was read, as the user wrote it.
        expected: what would be right.
        remedy: what to do; may be empty when `expected` says it all.
        line: 1-based line in the file, 0 when unknown.
    """

    path: str
    found: str
    expected: str
    remedy: str = ""
    line: int = 0

    def render(self, source: str) -> str:
        """Return the fault as one block of text that names `source` (a file name)."""
        where = f"{source}:{self.line}" if self.line else source
        path = f"{self.path}: " if self.path else ""
        text = f"{where}: {path}found {self.found}; expected {self.expected}"
        return f"{text}\n  remedy: {self.remedy}" if self.remedy else text


class SpecError(BrokerError):
    """A spec, or a file named in it, with every mistake found at once."""

    def __init__(self, source: str, faults: Sequence[Fault]) -> None:
        self.source = source
        self.faults = tuple(faults)
        super().__init__("\n".join(fault.render(source) for fault in self.faults))


class QueryError(BrokerError):
    """A question about a market that names nothing in it, or nothing anybody knows."""


class MarketError(BrokerError):
    """A market that cannot be used: missing, corrupt, of another format, contradictory."""


class StaleMarket(MarketError):
    """A market whose oldest price is older than the `max_age` the user set."""

    exit_code = 5


class ProviderError(BrokerError):
    """A cloud that could not be read."""

    exit_code = 5


class UnknownProvider(ProviderError):
    """A provider name without an installed adapter."""

    exit_code = 1


class MissingExtra(ProviderError):
    """An adapter whose SDK is not installed."""

    exit_code = 1


class OutputError(BrokerError):
    """A result that could not be written; nothing half-written is left behind."""


class Locked(BrokerError):
    """Another run works on the same files; nothing was done."""

    exit_code = 75


class SolverFailed(BrokerError):
    """The optimizer ended without any answer; never a property of the input."""

    exit_code = 70


class GateFailed(BrokerError):
    """A gate the user set (budget, moves, savings) is not met."""

    exit_code = 4


class AuditFailed(BrokerError):
    """A finished plan broke a rule when re-checked without the model: a bug of ours."""

    exit_code = 70
