"""How wide an error band must be so that nine of ten measured values fall into it.

Bands come from errors of pairs that the model had not seen, never from its own word: the
ratio of error to stated deviation, by network and distance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tools.latency.kriging import Kriging, Settings, fit
from tools.latency.sites import Floats, Indices, Mask, Pairs, Sites

BIN_EDGES_KM = (1000.0, 3000.0, 6000.0)
COVERAGE = 0.9
LEAST_PAIRS = 20
LEAST_HALF_BAND_MS = 1.5


def quantile(values: Floats) -> float:
    """Return the value that covers nine tenths, with the correction for few values."""
    level = min(1.0, COVERAGE * (len(values) + 1) / len(values))
    return float(np.quantile(values, level))


def by_distance(values: Floats, distance_km: Floats) -> Floats:
    """Return the quantile of each distance bin, that of all pairs where a bin has too few."""
    bins = np.digitize(distance_km, BIN_EDGES_KM)
    groups = [values[bins == number] for number in range(len(BIN_EDGES_KM) + 1)]
    return np.array([quantile(g if len(g) >= LEAST_PAIRS else values) for g in groups])


def look_up(factors: Floats, distance_km: Floats) -> Floats:
    """Return each pair's entry of a table made by `by_distance`."""
    return np.asarray(factors[np.digitize(distance_km, BIN_EDGES_KM)])


@dataclass(frozen=True, kw_only=True)
class Bands:
    """Factors on the model's deviation by network, and fixed half bands across networks.

    Attributes:
        unseen_pair: factor for a pair whose sites both have measurements, [bins] by network.
        unseen_site: factor for a pair with a site that has none, [bins] by network.
        across_ms: half band of pairs across clouds and of clouds never measured, [bins].
    """

    unseen_pair: Mapping[str, Floats]
    unseen_site: Mapping[str, Floats]
    across_ms: Floats


def pair_errors(model: Kriging, network: str) -> tuple[Floats, Floats, Floats]:
    """Return error, deviation and distance of the pairs of `network`, each left out once."""
    rows = rows_of(model.sites, model.pairs, network)
    error_ms, deviation_ms = model.left_out()
    distance_km = model.sites.distance_km[model.pairs.first, model.pairs.second]
    return error_ms[rows], deviation_ms[rows], distance_km[rows]


def site_errors(model: Kriging, network: str) -> tuple[Floats, Floats, Floats]:
    """Return the same with all pairs of a site left out, for each site of `network` in turn."""
    inside = rows_of(model.sites, model.pairs, network)
    found: list[tuple[Floats, Floats, Floats]] = []
    for site in np.flatnonzero(model.sites.network_of == network):
        rows = np.flatnonzero(inside & model.pairs.touching(int(site)))
        if len(rows):
            error_ms, deviation_ms = model.group_left_out(rows)
            ends = model.pairs.first[rows], model.pairs.second[rows]
            found.append((error_ms, deviation_ms, model.sites.distance_km[ends]))
    error, deviation, distance = (np.concatenate(part) for part in zip(*found, strict=True))
    return error, deviation, distance


def rows_of(sites: Sites, pairs: Pairs, network: str) -> Mask:
    """Return a mask of the pairs with both ends in `network`."""
    inside = sites.network_of == network
    both: Mask = np.logical_and(inside[pairs.first], inside[pairs.second])
    return both


def factors(errors: tuple[Floats, Floats, Floats]) -> Floats:
    """Return the factor on the deviation that covers nine tenths, [bins]."""
    error_ms, deviation_ms, distance_km = errors
    return by_distance(np.abs(error_ms) / deviation_ms, distance_km)


def one_cloud_from_another(
    sites: Sites, pairs: Pairs, settings: Settings
) -> dict[str, tuple[Floats, Floats]]:
    """Return error and distance of each cloud's pairs, fitted on the other clouds alone."""
    found: dict[str, tuple[Floats, Floats]] = {}
    for cloud in settings.clouds:
        held = rows_of(sites, pairs, cloud)
        test = pairs.take(held)
        model = fit(sites, pairs.take(~held), settings)
        estimate_ms, _ = model.estimate(test.first, test.second)
        found[cloud] = (estimate_ms - test.rtt_ms, sites.distance_km[test.first, test.second])
    return found


def region_bands(model: Kriging) -> Bands:
    """Measure the bands of a model of cloud regions."""
    clouds = model.settings.clouds
    across = one_cloud_from_another(model.sites, model.pairs, model.settings)
    error_ms, distance_km = (np.concatenate(part) for part in zip(*across.values(), strict=True))
    return Bands(
        unseen_pair={cloud: factors(pair_errors(model, cloud)) for cloud in clouds},
        unseen_site={cloud: factors(site_errors(model, cloud)) for cloud in clouds},
        across_ms=by_distance(np.abs(error_ms), distance_km),
    )


def half_band_ms(factor: Floats, deviation_ms: Floats, distance_km: Floats) -> Floats:
    """Return the half band of pairs: the factor of their distance times their deviation."""
    return np.maximum(look_up(factor, distance_km) * deviation_ms, LEAST_HALF_BAND_MS)


def measured_sites(sites: Sites, pairs: Pairs) -> Indices:
    """Return how many measured pairs each site has, [sites]."""
    return np.bincount(np.concatenate([pairs.first, pairs.second]), minlength=len(sites))
