"""Names of the sources Google's figures carry, and their descriptions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from broker.market import Source

PROVIDER: Final = "gcp"
CATALOG: Final = "gcp-catalog"
TYPES: Final = "gcp-machine-types"
QUOTAS: Final = "gcp-quotas"
ACCOUNT: Final = "gcp-account"
ADVICE: Final = "gcp-advice"
CONSUMPTION: Final = "gcp-consumption"

#: Day of the documentation the tables of `providers.gcp.families` were taken from.
DOCUMENTED_ON: Final = "2026-06-01"

_NAMES: Final[Mapping[str, str]] = {
    CATALOG: "Cloud Billing catalog, Compute Engine SKUs, composed per machine type",
    TYPES: "Compute Engine API, machine types and accelerator types by zone;"
    " network and fabric by Google's documentation",
    QUOTAS: "Compute Engine API and Cloud Quotas API, limits of the project",
    ACCOUNT: "Compute Engine API, reservations, commitments and instances of the project",
    ADVICE: "Compute Engine API, capacity advice",
    CONSUMPTION: "Google Cloud consumption options by machine family, compute documentation",
}


def describe(observed: Mapping[str, datetime | None]) -> tuple[Source, ...]:
    """Return the descriptions of the sources that were read.

    Args:
        observed: source key -> when it was read; None for one that was not.
    """
    days = {key: moment.date().isoformat() for key, moment in observed.items() if moment}
    days[CONSUMPTION] = DOCUMENTED_ON
    return tuple(
        Source(key=key, name=_NAMES[key], observed_on=days[key], licence="facts")
        for key in sorted(days)
    )
