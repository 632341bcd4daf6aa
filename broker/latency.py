"""Round trips between where users are and where capacity is: lookups in the shipped table.

Nothing is fitted here. Measured where somebody measured, else estimated, each with a half
band that nine of ten measurements fall into. A user's own round trips win over both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from broker.latency_overrides import Overrides, read_overrides
from broker.latency_points import NEAREST, PointEstimate, metro_distances_km
from broker.places import Origin, Point, find_origin, find_region, region_names
from broker.reference import metros

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

MEASURED: Final = "measured"
POINT: Final = "point"
USER: Final = "user"
UNKNOWN: Final = "unknown"
CERTAIN: Final = frozenset({MEASURED, USER, UNKNOWN})
"""Classes that are no estimates. The estimated ones: ``within-cloud``,
``region-without-measurements``, ``cross-cloud``, ``metro`` and ``point``."""

_POINT_SOURCE: Final = "estimated from the nearest metros of the shipped table"
_UNKNOWN_SOURCE: Final = "a metro of your own without a round trip to this region"
_USER_SOURCE: Final = "your own round trips"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundTrip:
    """The round trip between an origin and a region.

    Attributes:
        rtt_ms: round trip; infinite where a user's own metro says nothing of the region.
        half_band_ms: nine of ten measurements are expected this near; 0 where measured.
        kind: class of the figure, see `CERTAIN`.
        source: who measured it, or what the estimate rests on.
        observed_on: date of the measurements, as exact as known; empty for a user's own.
    """

    rtt_ms: float
    half_band_ms: float
    kind: str
    source: str
    observed_on: str

    @property
    def is_estimated(self) -> bool:
        """Whether nobody measured it."""
        return self.kind not in CERTAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPair:
    """A measured round trip that an estimate rests on, between regions or metros."""

    first: str
    second: str
    rtt_ms: float
    source: str
    observed_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shipped:
    """The shipped rows and where each origin's rows stand, [origins, regions]."""

    rows: pl.DataFrame
    row_of: NDArray[np.int64]
    rtt_ms: Floats
    half_band_ms: Floats
    is_estimated: Mask
    number_of_origin: Mapping[str, int]
    number_of_region: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyTable:
    """Round trips from any origin to any region; make one with `load`.

    Attributes:
        own: the user's round trips; they win over the shipped ones.
    """

    own: Overrides

    @classmethod
    def load(cls, overrides: Path | None = None) -> LatencyTable:
        """Return the shipped table, with the user's `overrides` (metro,region,rtt_ms) on top.

        Raises:
            SpecError: rows of `overrides` that cannot be used, all at once.
            BrokerError: `overrides` cannot be read.
        """
        return cls(own={} if overrides is None else read_overrides(overrides))

    @property
    def own_metros(self) -> frozenset[str]:
        """Origins of the user's own table."""
        return frozenset(origin for origin, _ in self.own)

    def resolve(self, origin: Origin) -> str | Point:
        """Return the id that `origin` stands for, or a point.

        Raises:
            UnknownPlace: with the nearest known names.
        """
        return find_origin(origin, self.own_metros)

    def between(self, origin: Origin, provider: str, region: str) -> RoundTrip:
        """Return the round trip from `origin` to a region.

        Raises:
            UnknownPlace: for an unknown origin or region.
        """
        place, target = self.resolve(origin), find_region(provider, region)
        if isinstance(place, Point):
            rtt_ms, half_ms = (float(values[0]) for values in _from_point(place, [target]))
            return _round_trip(rtt_ms, half_ms, POINT, _POINT_SOURCE, _metro_date())
        if (place, target) in self.own:
            return _round_trip(self.own[place, target], 0.0, USER, _USER_SOURCE, "")
        if place not in _shipped().number_of_origin:
            return _round_trip(np.inf, 0.0, UNKNOWN, _UNKNOWN_SOURCE, "")
        row = _shipped_row(place, target)
        return _round_trip(
            row["rtt_ms"], row["half_band_ms"], row["class"], row["source"], row["date"]
        )

    def matrix(
        self, origins: Sequence[Origin], regions: Sequence[tuple[str, str]]
    ) -> tuple[Floats, Floats, Mask]:
        """Return round trip, half band and whether estimated, each [origins, regions].

        Raises:
            UnknownPlace: for an unknown origin or region.
        """
        targets = [find_region(provider, region) for provider, region in regions]
        shape = len(origins), len(targets)
        rtt_ms, half_ms = np.full(shape, np.inf), np.zeros(shape)
        is_estimated = np.zeros(shape, dtype=np.bool_)
        for number, place in enumerate(map(self.resolve, origins)):
            line = rtt_ms[number], half_ms[number], is_estimated[number]
            for array, values in zip(line, self._line(place, targets), strict=True):
                array[:] = values
        return rtt_ms, half_ms, is_estimated

    def basis(self, origin: Origin, provider: str, region: str) -> tuple[MeasuredPair, ...]:
        """Return the measured pairs that weigh most in an estimate, heaviest first.

        Empty where nothing was estimated. A point names what its nearest metro rests on.
        """
        place, target = self.resolve(origin), find_region(provider, region)
        if isinstance(place, Point):
            place = nearest_metros_to(place)[0][0]
        if (place, target) in self.own or place not in _shipped().number_of_origin:
            return ()
        row = _shipped_row(place, target)
        numbers = [row[f"basis_{number}"] for number in (1, 2, 3)]
        return tuple(_measured()[number] for number in numbers if number is not None)

    def _line(self, place: str | Point, targets: Sequence[str]) -> tuple[Floats, Floats, Mask]:
        if isinstance(place, Point):
            return *_from_point(place, targets), np.ones(len(targets), dtype=np.bool_)
        rtt_ms, half_ms, is_estimated = _shipped_line(place, targets)
        for column, target in enumerate(targets if self.own else ()):
            own_ms = self.own.get((place, target))
            if own_ms is not None:
                rtt_ms[column], half_ms[column], is_estimated[column] = own_ms, 0.0, False
        return rtt_ms, half_ms, is_estimated


def straddles(rtt_ms: ArrayLike, half_band_ms: ArrayLike, limit_ms: ArrayLike) -> Mask:
    """Return where the error band holds the limit, so that the route may be on either side."""
    distance_ms = np.abs(np.subtract(rtt_ms, limit_ms, dtype=np.float64))
    return np.asarray(distance_ms < np.asarray(half_band_ms), dtype=np.bool_)


def nearest_metros_to(point: Point) -> tuple[tuple[str, float], ...]:
    """Return the metros that a point's estimate rests on, with their distance in km."""
    distance_km = metro_distances_km(point)
    names = list(metros())
    order = np.argsort(distance_km, kind="stable")[:NEAREST]
    return tuple((names[row], float(distance_km[row])) for row in order)


def _round_trip(
    rtt_ms: float, half_band_ms: float, kind: str, source: str, observed_on: str
) -> RoundTrip:
    return RoundTrip(
        rtt_ms=rtt_ms,
        half_band_ms=half_band_ms,
        kind=kind,
        source=source,
        observed_on=observed_on,
    )


def _shipped_line(place: str, targets: Sequence[str]) -> tuple[Floats, Floats, Mask]:
    """Return the shipped row of an origin, or infinite round trips where it has none."""
    shipped = _shipped()
    if place not in shipped.number_of_origin:
        count = len(targets)
        return np.full(count, np.inf), np.zeros(count), np.zeros(count, dtype=np.bool_)
    columns = [shipped.number_of_region[target] for target in targets]
    cells = shipped.number_of_origin[place], columns
    return shipped.rtt_ms[cells], shipped.half_band_ms[cells], shipped.is_estimated[cells]


def _shipped_row(place: str, target: str) -> dict[str, Any]:
    shipped = _shipped()
    cell = shipped.number_of_origin[place], shipped.number_of_region[target]
    return shipped.rows.row(int(shipped.row_of[cell]), named=True)


def _from_point(point: Point, targets: Sequence[str]) -> tuple[Floats, Floats]:
    shipped = _shipped()
    columns = [shipped.number_of_region[target] for target in targets]
    estimate = PointEstimate(
        rtt_ms=shipped.rtt_ms[: len(metros())][:, columns],
        half_band_ms=shipped.half_band_ms[: len(metros())][:, columns],
    )
    return estimate.at(point, targets)


def _metro_date() -> str:
    return str(_shipped().rows["date"][int(_shipped().row_of[0, 0])])


def _read(name: str) -> pl.DataFrame:
    with as_file(files("broker") / "data" / "latency" / name) as path:
        return pl.read_parquet(path)


@cache
def _measured() -> tuple[MeasuredPair, ...]:
    return tuple(
        MeasuredPair(first=first, second=second, rtt_ms=rtt_ms, source=source, observed_on=date)
        for first, second, rtt_ms, source, date in _read("measured.parquet").iter_rows()
    )


@cache
def _shipped() -> _Shipped:
    """Read the shipped tables and lay them out; pairs of regions hold in both directions."""
    rows = pl.concat([_read("metros.parquet"), _read("regions.parquet")])
    names = [*metros(), *region_names()]
    number_of_origin = {name: number for number, name in enumerate(names)}
    number_of_region = {name: number for number, name in enumerate(region_names())}
    row_of = _rows_by_place(rows, number_of_origin, number_of_region)
    return _Shipped(
        rows=rows,
        row_of=row_of,
        rtt_ms=rows["rtt_ms"].to_numpy()[row_of],
        half_band_ms=rows["half_band_ms"].to_numpy()[row_of],
        is_estimated=(rows["class"] != MEASURED).to_numpy()[row_of],
        number_of_origin=number_of_origin,
        number_of_region=number_of_region,
    )


def _rows_by_place(
    rows: pl.DataFrame, number_of_origin: Mapping[str, int], number_of_region: Mapping[str, int]
) -> NDArray[np.int64]:
    """Return the number of the row of each origin and region, [origins, regions]."""
    target = rows["provider"] + "/" + rows["region"]
    origins = rows["origin"].replace_strict(number_of_origin, return_dtype=pl.Int64).to_numpy()
    columns = target.replace_strict(number_of_region, return_dtype=pl.Int64).to_numpy()
    row_of = np.full((len(number_of_origin), len(number_of_region)), -1, dtype=np.int64)
    row_of[origins, columns] = np.arange(len(rows))
    first_region = len(number_of_origin) - len(number_of_region)
    mirrored = origins >= first_region
    row_of[columns[mirrored] + first_region, origins[mirrored] - first_region] = np.flatnonzero(
        mirrored
    )
    if (row_of < 0).any():
        raise ValueError("the shipped latency tables lack places of regions.csv or metros.csv")
    return row_of
