"""Capacity advice as signals and calendar windows; never a price, never a promise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

import polars as pl

from broker.market import SIGNAL_SCHEMA
from broker.provider import Row
from providers.gcp import sources
from providers.gcp.offers import Window
from providers.gcp.ownership import moment_of

_Signal = tuple[str, str, str, str, float, str]


def signal_frame(
    capacity: Iterable[Row], history: Iterable[Row], observed_at: datetime | None
) -> pl.DataFrame:
    """Return the signals: ``obtainability`` (0 to 1), ``estimated-uptime-h``, ``preemption-rate``.

    The preemption rate is the newest day's share of stopped instances that were preempted.
    """
    signals = [*_obtainability(capacity), *_preemption(history)]
    rows = [(sources.PROVIDER, *signal, sources.ADVICE, observed_at) for signal in sorted(signals)]
    return pl.DataFrame(rows, schema=dict(SIGNAL_SCHEMA), orient="row")


def windows(rows: Iterable[Row]) -> tuple[Window, ...]:
    """Return the calendar windows of the dataset ``calendar``."""
    found = (
        (row, moment_of(row["starts"]), moment_of(row["ends"])) for row in rows if row["location"]
    )
    return tuple(
        Window(
            zone=str(row["location"]),
            machine_type=str(row["machine_type"]),
            starts_at=starts_at,
            ends_at=ends_at,
        )
        for row, starts_at, ends_at in found
        if starts_at and ends_at and ends_at > starts_at
    )


def _obtainability(rows: Iterable[Row]) -> Iterator[_Signal]:
    for row in rows:
        region, machine_type = str(row["region"]), str(row["machine_type"])
        zones = row["zones"] if isinstance(row["zones"], list) else []
        zone = str(zones[0]) if len(zones) == 1 else ""
        score = float(str(row["score"]))
        text = f"in {', '.join(str(one) for one in zones)}" if zones else ""
        yield region, zone, machine_type, "obtainability", score, text
        uptime = str(row["uptime"])
        if uptime.endswith("s"):
            uptime_h = float(uptime.removesuffix("s")) / 3600
            yield region, zone, machine_type, "estimated-uptime-h", uptime_h, uptime


def _preemption(rows: Iterable[Row]) -> Iterator[_Signal]:
    newest: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = (str(row["region"]), str(row["machine_type"]))
        if key not in newest or str(row["end"]) > str(newest[key]["end"]):
            newest[key] = row
    for (region, machine_type), row in newest.items():
        text = f"{row['start']} to {row['end']}"
        yield region, "", machine_type, "preemption-rate", float(str(row["rate"])), text
