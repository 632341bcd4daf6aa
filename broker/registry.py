"""Providers and emulators by name, found through entry points of installed packages."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Final, cast

from broker.emulation import EMULATOR_GROUP, Emulate
from broker.errors import MissingExtra, ProviderError, UnknownProvider
from broker.provider import ENTRY_POINT_GROUP, Connect, Provider, Settings

_DISTRIBUTION: Final = "gpu-capacity-broker"


def provider_names() -> list[str]:
    """Return the names of the installed providers, sorted."""
    return sorted(_found(ENTRY_POINT_GROUP))


def emulator_names() -> list[str]:
    """Return the names of the installed emulators, sorted."""
    return sorted(_found(EMULATOR_GROUP))


def check_name(name: str) -> None:
    """Refuse a provider's name that nobody installed registers.

    Raises:
        UnknownProvider: with the nearest name and all that are installed.
    """
    if name not in _found(ENTRY_POINT_GROUP):
        raise _unknown(name, provider_names())


def connect(name: str, settings: Settings) -> Provider:
    """Return the provider `name` for `settings`; nothing is asked of the network yet.

    Raises:
        UnknownProvider: when nobody installed registers the name.
        MissingExtra: when the adapter or its SDK cannot be imported.
        ProviderError: as the adapter says.
    """
    loaded = cast(Connect, _load(name, ENTRY_POINT_GROUP))
    return loaded(settings)


def emulator(name: str) -> Emulate:
    """Return the function that makes the emulated cloud `name`.

    Raises:
        UnknownProvider, MissingExtra: as `connect` does.
    """
    return cast(Emulate, _load(name, EMULATOR_GROUP))


def missing_extra(name: str, error: ModuleNotFoundError) -> MissingExtra:
    """Return the error of a provider whose SDK is not there."""
    return MissingExtra(
        f"loading the provider {name}: the package {error.name!r} is not installed",
        remedy=f"pip install {_DISTRIBUTION}, or the package that brings the provider",
    )


def _found(group: str) -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=group)}


def _load(name: str, group: str) -> object:
    found = _found(group)
    if name not in found:
        raise _unknown(name, sorted(found))
    try:
        return found[name].load()
    except ModuleNotFoundError as error:
        raise missing_extra(name, error) from error
    except (ImportError, AttributeError) as error:
        raise ProviderError(
            f"loading the provider {name}: {error}",
            remedy="install the package that brings it again, or leave it out",
        ) from error


def _unknown(name: str, known: list[str]) -> UnknownProvider:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    installed = ", ".join(known) or f"none; is {_DISTRIBUTION} installed?"
    return UnknownProvider(
        f"looking for the provider {name!r}: found no such name",
        remedy=f"{hint}installed: {installed}",
    )
