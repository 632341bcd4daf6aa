"""Accelerator names and country groups known to the reader of specs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """A chip and its memory."""

    name: str
    memory_gib: float


class UnknownAccelerator(LookupError):
    """A name of no accelerator."""

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(name)
        self.nearest = nearest


_MEMORY: Final = {
    "H100": 80, "H200": 141, "A100-40": 40, "A100-80": 80, "B200": 180, "B300": 288,
    "GB200": 186, "GB300": 288, "L4": 24, "L40S": 48, "T4": 16, "V100": 16, "A10G": 24,
    "MI300X": 192, "Trainium2": 96, "H100-NVL": 94,
}  # fmt: skip


def canonical(name: str) -> tuple[Accelerator, ...]:
    """Return the accelerators that `name` means."""
    folded = {known.casefold(): known for known in _MEMORY}
    names = ("A100-40", "A100-80") if name.casefold() == "a100" else (folded.get(name.casefold()),)
    if names == (None,):
        raise UnknownAccelerator(name, tuple(get_close_matches(name.upper(), _MEMORY, 3)))
    return tuple(Accelerator(name=str(n), memory_gib=_MEMORY[str(n)]) for n in names)


def country_groups() -> Mapping[str, frozenset[str]]:
    """Return the groups of countries by name."""
    union = frozenset(
        ["AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"]
    )
    return {"EU": union, "EEA": union | {"IS", "LI", "NO"}}
