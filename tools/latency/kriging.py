"""Kriging on pairs: a Gaussian process whose input is an unordered pair of places.

The residual of a pair from the mean line is correlated with that of every pair between
nearby places. The fit inverts one matrix; errors with one pair left out are closed form
(`error = weight * alpha / G_ii`, with `G` the inverse of the covariance).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from broker.distance import fibre_floor_ms
from tools.latency.sites import CITY_NETWORK, Floats, Indices, Pairs, Sites
from tools.latency.trend import Trend, fit_trend

NETWORK_NOISE_MS: Mapping[str, float] = {"aws": 2.5, "azure": 1.6, CITY_NETWORK: 8.0}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Fixed parameters of the covariance, in ms and km.

    Attributes:
        site_ms: deviation shared by all pairs of one site.
        pair_ms: deviation shared by pairs between the same two areas.
        length_km: distance over which two sites become strangers.
        cloud_correlation: likeness of two clouds, or of a cloud and the internet, at one place.
        nugget: share of a site's variance that its exact neighbour does not have.
        city_nugget: the same for a city.
        other_noise_ms: noise of a pair whose network has none of its own.
        robust_rounds: rounds of Student-t reweighting of the noise; 0 for none.
    """

    site_ms: float = 4.0
    pair_ms: float = 55.0
    length_km: float = 14_500.0
    cloud_correlation: float = 0.90
    nugget: float = 0.01
    city_nugget: float = 0.1
    other_noise_ms: float = 4.0
    robust_rounds: int = 0
    clouds: tuple[str, ...] = ("aws", "azure")
    noise_ms: Mapping[str, float] = field(default_factory=lambda: NETWORK_NOISE_MS)


def short_haul_weight(distance_km: Floats) -> Floats:
    """Return how far a pair may stray from the line: 0.15 next door, 1 from 2000 km on."""
    return np.minimum(1.0, 0.15 + 0.85 * distance_km / 2000)


def site_kernel(sites: Sites, settings: Settings) -> Floats:
    """Return the likeness of two sites, [sites, sites]: near and in one network is 1."""
    same = sites.network_of[:, None] == sites.network_of[None, :]
    likeness = np.where(same, 1.0, settings.cloud_correlation)
    likeness *= np.exp(-sites.distance_km / settings.length_km)
    is_city = sites.network_of == CITY_NETWORK
    nugget = np.where(is_city, settings.city_nugget, settings.nugget)
    return np.asarray(likeness + np.diag(nugget))


@dataclass(frozen=True, kw_only=True)
class Kriging:
    """A fitted model; build it with `fit`.

    Attributes:
        sites: all places, measured or not.
        pairs: the measured pairs it rests on.
        trend: the mean lines.
        likeness: site kernel, [sites, sites].
        alpha: weight of each measured residual, [pairs].
        inverse: inverse of the covariance of the measured residuals, [pairs, pairs].
        excess_noise: noise added to outliers when fitting; not part of a band, [pairs].
        settings: the parameters it was fitted with.
    """

    sites: Sites
    pairs: Pairs
    trend: Trend
    likeness: Floats
    alpha: Floats
    inverse: Floats
    excess_noise: Floats
    settings: Settings

    def covariance(self, first: Indices, second: Indices) -> Floats:
        """Return the covariance of pairs with every measured pair, [pairs, measured]."""
        return pair_kernel(
            self.likeness, self.settings, (first, second), (self.pairs.first, self.pairs.second)
        )

    def estimate(self, first: Indices, second: Indices) -> tuple[Floats, Floats]:
        """Return the round trip and its standard deviation of pairs, both [pairs], in ms.

        Never below light in fibre.
        """
        distance_km = self.sites.distance_km[first, second]
        weight = short_haul_weight(distance_km)
        with_measured = self.covariance(first, second)
        mean_ms = self.trend.mean_ms(self.sites, first, second)
        rtt_ms = np.maximum(
            mean_ms + weight * (with_measured @ self.alpha), fibre_floor_ms(distance_km)
        )
        explained = np.einsum("pm,pm->p", with_measured @ self.inverse, with_measured)
        own = self_covariance(self.likeness, self.settings, first, second)
        noise = pair_noise_ms(self.sites, first, second, self.settings) ** 2
        return rtt_ms, weight * np.sqrt(np.maximum(own - explained, 0) + noise)

    def group_left_out(self, rows: Indices) -> tuple[Floats, Floats]:
        """Return error and standard deviation of measured pairs `rows`, fitted without them all.

        The mean lines and the noise stay those of the whole fit.
        """
        weight = short_haul_weight(self.sites.distance_km[self.pairs.first, self.pairs.second])
        block = np.linalg.inv(self.inverse[np.ix_(rows, rows)])
        variance = np.diag(block) - self.excess_noise[rows]
        return weight[rows] * (block @ self.alpha[rows]), weight[rows] * np.sqrt(variance)

    def left_out(self) -> tuple[Floats, Floats]:
        """Return error and standard deviation of each measured pair, fitted without it, in ms."""
        weight = short_haul_weight(self.sites.distance_km[self.pairs.first, self.pairs.second])
        diagonal = np.diag(self.inverse)
        deviation = np.sqrt(1 / diagonal - self.excess_noise)
        return weight * self.alpha / diagonal, weight * deviation


def pair_kernel(
    likeness: Floats,
    settings: Settings,
    rows: tuple[Indices, Indices],
    columns: tuple[Indices, Indices],
) -> Floats:
    """Return the covariance of pairs `rows` with pairs `columns`."""
    (a, b), (c, d) = rows, columns
    shared: NDArray[np.int64] = np.zeros((len(a), len(c)), dtype=np.int64)
    for one in (a, b):
        for other in (c, d):
            shared += one[:, None] == other[None, :]
    product = likeness[np.ix_(a, c)] * likeness[np.ix_(b, d)]
    product += likeness[np.ix_(a, d)] * likeness[np.ix_(b, c)]
    return np.asarray(settings.site_ms**2 * shared + settings.pair_ms**2 * product)


def self_covariance(
    likeness: Floats, settings: Settings, first: Indices, second: Indices
) -> Floats:
    """Return the prior variance of each pair, [pairs]."""
    product = likeness[first, first] * likeness[second, second] + likeness[first, second] ** 2
    shared = 2 + 2 * (first == second)
    return np.asarray(settings.site_ms**2 * shared + settings.pair_ms**2 * product)


def pair_noise_ms(sites: Sites, first: Indices, second: Indices, settings: Settings) -> Floats:
    """Return the noise of a measurement in each pair's network, [pairs]."""
    noise_ms = np.full(len(first), settings.other_noise_ms)
    for network, value in settings.noise_ms.items():
        inside = sites.network_of == network
        noise_ms[inside[first] & inside[second]] = value
    return noise_ms


def fit(sites: Sites, pairs: Pairs, settings: Settings) -> Kriging:
    """Fit mean lines and weights to measured `pairs`."""
    trend = fit_trend(sites, pairs, settings.clouds)
    likeness = site_kernel(sites, settings)
    weight = short_haul_weight(sites.distance_km[pairs.first, pairs.second])
    residual = (pairs.rtt_ms - trend.mean_ms(sites, pairs.first, pairs.second)) / weight
    ends = (pairs.first, pairs.second)
    covariance = pair_kernel(likeness, settings, ends, ends)
    noise = pair_noise_ms(sites, pairs.first, pairs.second, settings) ** 2
    alpha, inverse = solve(covariance, noise, residual)
    fitted_noise = noise
    for _ in range(settings.robust_rounds):
        fitted_noise = robust_noise(noise, alpha, inverse)
        alpha, inverse = solve(covariance, fitted_noise, residual)
    return Kriging(
        sites=sites,
        pairs=pairs,
        trend=trend,
        likeness=likeness,
        alpha=alpha,
        inverse=inverse,
        excess_noise=fitted_noise - noise,
        settings=settings,
    )


def robust_noise(noise: Floats, alpha: Floats, inverse: Floats, *, freedom: float = 4.0) -> Floats:
    """Return the noise with outliers let loose, as a Student-t of `freedom` degrees would."""
    error = alpha / np.diag(inverse)
    return np.asarray(
        noise * np.maximum(1.0, (freedom + error**2 * np.diag(inverse)) / (freedom + 1))
    )


def solve(covariance: Floats, noise: Floats, residual: Floats) -> tuple[Floats, Floats]:
    """Return the weights and the inverse of covariance plus noise."""
    matrix = covariance.copy()
    matrix[np.diag_indices_from(matrix)] += noise
    inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    return inverse @ residual, inverse
