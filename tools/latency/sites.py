"""Places between which round trips are fitted: cloud regions and cities."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from broker.distance import great_circle_km

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

CITY_NETWORK = "internet"


@dataclass(frozen=True, kw_only=True)
class Sites:
    """Named places, each in one network.

    Attributes:
        names: ``aws/eu-west-3`` for a region, ``paris`` for a city.
        networks: the cloud, or `CITY_NETWORK` for a city on the public internet.
        latitudes: degrees north.
        longitudes: degrees east.
    """

    names: tuple[str, ...]
    networks: tuple[str, ...]
    latitudes: Floats
    longitudes: Floats

    def __len__(self) -> int:
        return len(self.names)

    @cached_property
    def distance_km(self) -> Floats:
        """Great-circle distances, [sites, sites]."""
        latitudes, longitudes = self.latitudes[:, None], self.longitudes[:, None]
        return great_circle_km(latitudes, longitudes, latitudes.T, longitudes.T)

    @cached_property
    def index_of_name(self) -> dict[str, int]:
        """Row of each site by its name."""
        return {name: row for row, name in enumerate(self.names)}

    @cached_property
    def network_of(self) -> NDArray[np.str_]:
        """The networks as an array, for masks."""
        return np.array(self.networks)


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Unordered pairs of sites with a round trip each.

    Attributes:
        first: row of one site, [pairs].
        second: row of the other site, [pairs].
        rtt_ms: measured round trip, mean of both directions where both are known, [pairs].
    """

    first: Indices
    second: Indices
    rtt_ms: Floats

    def __len__(self) -> int:
        return len(self.first)

    def take(self, rows: Indices | Mask) -> Pairs:
        """Return the pairs of `rows` (a mask or indices)."""
        return Pairs(first=self.first[rows], second=self.second[rows], rtt_ms=self.rtt_ms[rows])

    def touching(self, site: int) -> Mask:
        """Return a mask of the pairs with `site` at one end."""
        at_site: Mask = np.logical_or(self.first == site, self.second == site)
        return at_site


def join(parts: tuple[Pairs, ...]) -> Pairs:
    """Return all pairs of `parts`, in order."""
    return Pairs(
        first=np.concatenate([part.first for part in parts]),
        second=np.concatenate([part.second for part in parts]),
        rtt_ms=np.concatenate([part.rtt_ms for part in parts]),
    )


def stack(parts: tuple[Sites, ...]) -> Sites:
    """Return the sites of all `parts`, in order."""
    return Sites(
        names=tuple(name for part in parts for name in part.names),
        networks=tuple(network for part in parts for network in part.networks),
        latitudes=np.concatenate([part.latitudes for part in parts]),
        longitudes=np.concatenate([part.longitudes for part in parts]),
    )
