"""Great-circle distances, and the least round trip that light in fibre allows."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

EARTH_RADIUS_KM: Final = 6371.0088
FIBRE_KM_PER_MS: Final = 100.0
"""Kilometres of distance per millisecond of round trip: light in glass covers about 200 km
in a millisecond, and a round trip is there and back."""
EQUIPMENT_MS: Final = 0.3


def great_circle_km(
    latitudes: ArrayLike,
    longitudes: ArrayLike,
    to_latitudes: ArrayLike,
    to_longitudes: ArrayLike,
) -> NDArray[np.float64]:
    """Return the haversine distance between points given in degrees; shapes broadcast."""
    north, to_north = np.radians(latitudes), np.radians(to_latitudes)
    east = np.radians(np.subtract(to_longitudes, longitudes))
    chord = np.sin((to_north - north) / 2) ** 2
    chord = chord + np.cos(north) * np.cos(to_north) * np.sin(east / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(chord, 0.0, 1.0))))


def fibre_floor_ms(distance_km: ArrayLike) -> NDArray[np.float64]:
    """Return the round trip that no estimate may undercut: light in fibre plus equipment."""
    return np.asarray(distance_km, dtype=np.float64) / FIBRE_KM_PER_MS + EQUIPMENT_MS
