"""Starts emulated clouds by name; what the entry points of `broker emulate` name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from broker.market import Market
from providers.emulation.faults import parse_fault

_NOBODY = "emulated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """An emulated cloud and how to reach it; see `broker.emulation.Emulation`.

    Attributes:
        endpoints, options: for the provider's part of the configuration.
        environment: credentials of no worth.
        start, stop: begin and end serving.
    """

    endpoints: Mapping[str, str]
    options: Mapping[str, str]
    environment: Mapping[str, str]
    start: Callable[[], object]
    stop: Callable[[], None]


def aws(market: Market, *, port: int, latency_s: float, faults: Sequence[str]) -> Started:
    """Return an emulated AWS that sells what `market` says AWS sells."""
    from providers.emulation.aws import filled
    from providers.emulation.server import Emulator

    parsed = [parse_fault(text) for text in faults]
    emulator = Emulator(filled(market), port=port, latency_s=latency_s, faults=parsed)
    return Started(
        endpoints={"default": emulator.url},
        options={},
        environment={"AWS_ACCESS_KEY_ID": _NOBODY, "AWS_SECRET_ACCESS_KEY": _NOBODY},
        start=emulator.start,
        stop=emulator.stop,
    )


def azure(market: Market, *, port: int, latency_s: float, faults: Sequence[str]) -> Started:
    """Return an emulated Azure that sells what `market` says Azure sells."""
    from providers.emulation.azure import SUBSCRIPTION
    from providers.emulation.azure_world import emulate

    parsed = [parse_fault(text) for text in faults]
    emulator = emulate(market, port=port, latency_s=latency_s, faults=parsed)
    url = emulator.url
    return Started(
        endpoints={"management": url, "prices": url},
        options={"subscription": SUBSCRIPTION},
        environment={"IDENTITY_ENDPOINT": f"{url}/msi", "IDENTITY_HEADER": _NOBODY},
        start=emulator.start,
        stop=emulator.stop,
    )


def gcp(market: Market, *, port: int, latency_s: float, faults: Sequence[str]) -> Started:
    """Return an emulated Google Cloud that sells what `market` says Google sells."""
    from providers.emulation.gcp import emulate

    parsed = [parse_fault(text) for text in faults]
    emulator = emulate(market, port=port, latency_s=latency_s, faults=parsed)
    return Started(
        endpoints=emulator.endpoints,
        options={"project": _NOBODY},
        environment={},
        start=emulator.start,
        stop=emulator.stop,
    )
