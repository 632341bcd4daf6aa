"""Credentials that open nothing, an emulated AWS, and one refresh that many tests look at."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from broker.provider import Fetched, Tables
from providers.emulation.server import Emulator, Logged
from tests.providers.aws.cloud import KEYS, emulator_of, fetch, small_market


@dataclass(frozen=True, slots=True, kw_only=True)
class Refresh:
    """One undisturbed refresh of the small market, and what went over the wire for it."""

    fetched: tuple[Fetched, ...]
    tables: Tables
    log: tuple[Logged, ...]


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """An emulated AWS with the small market."""
    with emulator_of(small_market()) as running:
        yield running


@pytest.fixture(scope="session")
def whole() -> Refresh:
    """One refresh for all tests that only look."""
    with pytest.MonkeyPatch.context() as patch, emulator_of(small_market()) as emulator:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        fetched, tables = fetch(emulator)
        return Refresh(fetched=tuple(fetched), tables=tables, log=tuple(emulator.log))
