"""The contract between the broker and a cloud's emulator.

An emulator is one entry point in the group `capacity_broker.emulators` naming a function
``(market, *, port, latency_s, faults) -> Emulation`` that raises `ValueError`, saying what would
be right, for a fault it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from broker.market import Market

EMULATOR_GROUP: Final = "capacity_broker.emulators"


class Emulation(Protocol):
    """An emulated cloud, its ports open, not serving yet."""

    @property
    def endpoints(self) -> Mapping[str, str]:
        """What goes under ``endpoints`` of the provider in the configuration."""

    @property
    def options(self) -> Mapping[str, str]:
        """What goes under ``options`` of the provider in the configuration."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables that give the provider's SDK credentials of no worth."""

    def start(self) -> None:
        """Serve in threads of its own."""

    def stop(self) -> None:
        """Stop serving and free the ports."""


class Emulate(Protocol):
    """What an emulator's entry point names."""

    def __call__(
        self, market: Market, *, port: int, latency_s: float, faults: Sequence[str]
    ) -> Emulation:
        """Return an emulated cloud that sells what `market` says it sells."""
