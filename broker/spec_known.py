"""Groups of countries known to the reader of specs."""

from __future__ import annotations

from collections.abc import Mapping

_EU = "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE"
_EEA = f"{_EU} IS LI NO"


def country_groups() -> Mapping[str, frozenset[str]]:
    """Return the groups of countries by name."""
    return {"EU": frozenset(_EU.split()), "EEA": frozenset(_EEA.split())}
