"""The mean line: round trip against distance, with a slope that falls on long hauls.

m(d) = 2 ms + w1 d + w2 max(d - 1, 0) + w3 max(d - 4, 0),   d in 1000 km
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.latency.sites import Floats, Indices, Pairs, Sites

START_MS = 2.0
KNOTS_KM = (0.0, 1000.0, 4000.0)
ROUNDS = 20
RIDGE = 1e-6


def basis(distance_km: Floats) -> Floats:
    """Return the hinge functions of the line, [pairs, 3]."""
    return np.stack([np.maximum(distance_km - knot, 0) / 1000 for knot in KNOTS_KM], axis=-1)


def fit_line(distance_km: Floats, rtt_ms: Floats) -> Floats:
    """Fit the three slopes by least absolute deviations (reweighted least squares)."""
    design, target = basis(distance_km), rtt_ms - START_MS
    slopes: Floats = np.zeros(design.shape[1])
    weight = np.ones(len(target))
    for _ in range(ROUNDS):
        weighted = design * weight[:, None]
        normal = weighted.T @ design + RIDGE * np.eye(design.shape[1])
        slopes = np.asarray(np.linalg.solve(normal, weighted.T @ target), dtype=np.float64)
        weight = 1 / np.maximum(np.abs(target - design @ slopes), START_MS)
    return slopes


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One mean line per network; a pair across networks takes the mean of the clouds' lines.

    Attributes:
        slopes: slopes in ms per 1000 km by network.
        across: slopes for pairs of two networks and for networks never measured.
    """

    slopes: Mapping[str, Floats]
    across: Floats

    def mean_ms(self, sites: Sites, first: Indices, second: Indices) -> Floats:
        """Return the mean line's round trip of each pair."""
        design = basis(sites.distance_km[first, second])
        slopes = np.tile(self.across, (len(first), 1))
        for network, line in self.slopes.items():
            inside = sites.network_of == network
            slopes[inside[first] & inside[second]] = line
        return np.asarray(START_MS + np.einsum("pk,pk->p", design, slopes))


def fit_trend(sites: Sites, pairs: Pairs, clouds: tuple[str, ...]) -> Trend:
    """Fit a line for each network that has measured pairs; `clouds` make the one across."""
    distance_km = sites.distance_km[pairs.first, pairs.second]
    slopes: dict[str, Floats] = {}
    for network in sorted(set(sites.networks)):
        inside = sites.network_of == network
        rows = inside[pairs.first] & inside[pairs.second]
        if rows.any():
            slopes[network] = fit_line(distance_km[rows], pairs.rtt_ms[rows])
    known = [slopes[cloud] for cloud in clouds if cloud in slopes] or list(slopes.values())
    return Trend(slopes=slopes, across=np.mean(known, axis=0))
