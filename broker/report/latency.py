"""Round trips as a table, as JSON and as CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from broker.latency import MeasuredPair, RoundTrip
from broker.reference import Region
from broker.report.table import text_table, widest

#: Version of the JSON form.
LATENCY_FORMAT: Final = 1
NARROW: Final = 80
_CSV_HEADER: Final = (
    *("origin", "provider", "region", "rtt_ms", "half_band_ms", "class", "source", "observed_on"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The round trip from an origin to a region.

    Attributes:
        origin: id of a metro or region, or a point, as the table knows it.
        region: the region at the other end.
        trip: its round trip.
        basis: the measured pairs that weigh most in an estimate; empty when not asked for.
    """

    origin: str
    region: Region
    trip: RoundTrip
    basis: tuple[MeasuredPair, ...] = ()


def nearest_first(routes: Sequence[Route]) -> list[Route]:
    """Return routes by round trip, equal ones by name."""
    return sorted(routes, key=lambda route: (route.trip.rtt_ms, _name(route)))


def routes_table(routes: Sequence[Route], *, width: int = NARROW) -> str:
    """Return routes of one origin as text for people, with the sources below."""
    wide = _table(routes, with_place=True)
    text = wide if widest(wide) <= width else _table(routes, with_place=False)
    return f"{text}\n{_sources(routes)}"


def route_text(route: Route) -> str:
    """Return one route, what is known of it and what an estimate rests on."""
    trip = route.trip
    lines = [
        f"{route.origin} to {_name(route)} ({route.region.place}, {route.region.country})",
        "",
        f"round trip  {_milliseconds(trip.rtt_ms)} ms{_band(trip)}",
        f"class       {trip.kind}{' (an estimate)' if trip.is_estimated else ''}",
        _wrapped("source      ", trip.source),
    ]
    if trip.observed_on:
        lines.append(f"observed    {trip.observed_on}")
    return "\n".join([*lines, *_basis_lines(route.basis)]) + "\n"


def routes_json(routes: Sequence[Route]) -> str:
    """Return routes as JSON: a stable form with a version, milliseconds as text."""
    document = {"format": LATENCY_FORMAT, "routes": [_json_route(route) for route in routes]}
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def routes_csv(routes: Sequence[Route]) -> str:
    """Return routes as CSV with a header; unknown figures are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_HEADER)
    for route in routes:
        cells = _json_route(route)
        writer.writerow([cells[column] for column in _CSV_HEADER])
    return text.getvalue()


def _table(routes: Sequence[Route], *, with_place: bool) -> str:
    place = ("place",) if with_place else ()
    header = ("region", *place, "rtt ms", "+-", "class", "date")
    rows = [
        (
            _name(route),
            *((f"{route.region.place} {route.region.country}",) if with_place else ()),
            _milliseconds(route.trip.rtt_ms),
            f"{route.trip.half_band_ms:.1f}" if route.trip.is_estimated else "",
            route.trip.kind,
            route.trip.observed_on,
        )
        for route in routes
    ]
    return text_table(header, rows, right="llrr" if with_place else "lrr")


def _sources(routes: Sequence[Route]) -> str:
    """Return the sources of each class, and what the band means where there is one."""
    found = dict.fromkeys((route.trip.kind, route.trip.source) for route in routes)
    lines = [line for kind, source in sorted(found) for line in (f"{kind}:", f"  {source}")]
    if any(route.trip.is_estimated for route in routes):
        lines.append("+-: nine of ten measurements are expected within this band.")
    return "".join(f"{line}\n" for line in lines)


def _basis_lines(basis: Sequence[MeasuredPair]) -> list[str]:
    if not basis:
        return []
    rows = [
        (f"  {pair.first} - {pair.second}", f"{pair.rtt_ms:.1f} ms", pair.observed_on)
        for pair in basis
    ]
    table = text_table(("rests most on", "measured", "date"), rows, right="lr")
    sources = dict.fromkeys(_wrapped("  by ", pair.source) for pair in basis)
    return ["", *table.splitlines(), *sources]


def _wrapped(label: str, text: str) -> str:
    """Return text after a label, continued below its start where the line is full."""
    return textwrap.fill(text, NARROW, initial_indent=label, subsequent_indent=" " * len(label))


def _band(trip: RoundTrip) -> str:
    if not trip.is_estimated:
        return ""
    low_ms = max(trip.rtt_ms - trip.half_band_ms, 0)
    high_ms = trip.rtt_ms + trip.half_band_ms
    return f" +- {trip.half_band_ms:.1f}: between {low_ms:.1f} and {high_ms:.1f} in nine of ten"


def _name(route: Route) -> str:
    return f"{route.region.provider}/{route.region.region}"


def _milliseconds(rtt_ms: float) -> str:
    return f"{rtt_ms:.1f}" if math.isfinite(rtt_ms) else "unknown"


def _exact(rtt_ms: float) -> str | None:
    return f"{round(rtt_ms, 3):g}" if math.isfinite(rtt_ms) else None


def _json_route(route: Route) -> Mapping[str, object]:
    trip = route.trip
    fields: dict[str, object] = {
        "origin": route.origin,
        "provider": route.region.provider,
        "region": route.region.region,
        "rtt_ms": _exact(trip.rtt_ms),
        "half_band_ms": _exact(trip.half_band_ms),
        "class": trip.kind,
        "estimated": trip.is_estimated,
        "source": trip.source,
        "observed_on": trip.observed_on or None,
    }
    if route.basis:
        fields["basis"] = [_json_pair(pair) for pair in route.basis]
    return fields


def _json_pair(pair: MeasuredPair) -> Mapping[str, object]:
    return {
        "first": pair.first,
        "second": pair.second,
        "rtt_ms": _exact(pair.rtt_ms),
        "source": pair.source,
        "observed_on": pair.observed_on,
    }
