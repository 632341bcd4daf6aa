"""Round trips from a point on the map: what the nearest metros need above light in fibre.

rtt(p, r) = floor(p, r) + sum_m w_m (rtt(m, r) - floor(m, r)),   w_m ~ 1 / (km + 50)^2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broker.distance import fibre_floor_ms, great_circle_km
from broker.places import Point
from broker.reference import metros, regions

NEAREST: Final = 3
SOFTENING_KM: Final = 50.0
#: The band grows so much with the distance to the nearest metro; nine of ten shipped metros,
#: each left out in turn, are within.
BAND_MS_PER_1000_KM: Final = 30.0
LEAST_EXTRA_MS: Final = 10.0

Floats = NDArray[np.float64]


def metro_distances_km(point: Point) -> Floats:
    """Return the distance from a point to every metro, in the order of `metros`."""
    found = list(metros().values())
    latitudes = [metro.latitude for metro in found]
    longitudes = [metro.longitude for metro in found]
    return great_circle_km(point.latitude, point.longitude, latitudes, longitudes)


@dataclass(frozen=True, slots=True, kw_only=True)
class PointEstimate:
    """The shipped figures from every metro to the regions asked for.

    Attributes:
        rtt_ms: round trips, [metros, regions].
        half_band_ms: their half bands, [metros, regions].
    """

    rtt_ms: Floats
    half_band_ms: Floats

    def at(self, point: Point, targets: Sequence[str]) -> tuple[Floats, Floats]:
        """Return round trip and half band from `point` to `targets` (``provider/region``)."""
        distance_km = metro_distances_km(point)
        near = np.argsort(distance_km, kind="stable")[:NEAREST]
        weight = 1 / (distance_km[near] + SOFTENING_KM) ** 2
        weight /= weight.sum()
        excess_ms = self.rtt_ms[near] - _floors_ms(near, targets)
        rtt_ms = _floor_ms(point, targets) + np.maximum(weight @ excess_ms, 0)
        growth_ms = LEAST_EXTRA_MS + BAND_MS_PER_1000_KM * distance_km[near[0]] / 1000
        half_ms = weight @ self.half_band_ms[near] + growth_ms
        return np.round(rtt_ms + 0.05, 1), np.round(half_ms, 1)


def _floor_ms(point: Point, targets: Sequence[str]) -> Floats:
    found = [regions()[_split(target)] for target in targets]
    latitudes = [region.latitude for region in found]
    longitudes = [region.longitude for region in found]
    return fibre_floor_ms(great_circle_km(point.latitude, point.longitude, latitudes, longitudes))


def _floors_ms(rows: NDArray[np.int64], targets: Sequence[str]) -> Floats:
    found = list(metros().values())
    points = (Point(latitude=found[row].latitude, longitude=found[row].longitude) for row in rows)
    return np.stack([_floor_ms(point, targets) for point in points])


def _split(target: str) -> tuple[str, str]:
    provider, _, region = target.partition("/")
    return provider, region
