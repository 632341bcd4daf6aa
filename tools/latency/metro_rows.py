"""Metro x region: always estimated, from public pings between cities and inside clouds.

The ping to a city beside a region is not the ping to the region, so even a metro with
measured pings gets an estimate and a band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.latency.bands import factors, half_band_ms, measured_sites, pair_errors, site_errors
from tools.latency.kriging import Kriging, Settings, fit
from tools.latency.measurements import Ping, believable, pairs_of, to_anchors
from tools.latency.rows import METRO, Row, estimates, is_city, rounded_up_to_floor
from tools.latency.sites import CITY_NETWORK, Floats, Indices, Pairs, Sites, join, stack

SETTINGS = Settings(site_ms=6.0, robust_rounds=1)
ESTIMATED = "estimated from public pings between cities and measured pairs of regions"
ESTIMATED_ON = "2024"


@dataclass(frozen=True, kw_only=True)
class MetroBands:
    """Factors on the model's deviation, [bins].

    Attributes:
        with_pings: for a metro that has pings.
        without_pings: for a metro known by its position alone.
    """

    with_pings: Floats
    without_pings: Floats


def metro_pairs(sites: Sites, cloud_rows: list[Ping], city_rows: list[Ping]) -> Pairs:
    """Return the measured pairs of clouds and of cities near regions, impossible ones left out."""
    cities = to_anchors(sites, believable(sites, pairs_of(sites, city_rows)))
    return join((pairs_of(sites, cloud_rows), cities))


def metro_model(
    regions: Sites, metros: Sites, cloud_rows: list[Ping], city_rows: list[Ping]
) -> Kriging:
    """Fit clouds and cities together."""
    sites = stack((regions, metros))
    return fit(sites, metro_pairs(sites, cloud_rows, city_rows), SETTINGS)


def metro_bands(model: Kriging) -> MetroBands:
    """Measure the bands on city pairs that the model had not seen."""
    return MetroBands(
        with_pings=factors(pair_errors(model, CITY_NETWORK)),
        without_pings=factors(site_errors(model, CITY_NETWORK)),
    )


def metro_half_bands(
    model: Kriging,
    bands: MetroBands,
    first: Indices,
    spread: tuple[Floats, Floats],
) -> Floats:
    """Return the half band of pairs that start at the metros `first`.

    Args:
        model: the fitted model.
        bands: its factors.
        first: row of each pair's metro.
        spread: deviation in ms and distance in km of each pair.
    """
    has_pings = measured_sites(model.sites, model.pairs)[first] > 0
    with_ms = half_band_ms(bands.with_pings, *spread)
    without_ms = np.maximum(with_ms, half_band_ms(bands.without_pings, *spread))
    return np.where(has_pings, with_ms, without_ms)


def metro_rows(model: Kriging, bands: MetroBands) -> list[Row]:
    """Return one row per metro and region, sorted."""
    cities = is_city(model)
    first, second = (
        ends.ravel()
        for ends in np.meshgrid(np.flatnonzero(cities), np.flatnonzero(~cities), indexing="ij")
    )
    distance_km = model.sites.distance_km[first, second]
    rtt_ms, deviation_ms, basis = estimates(model, first, second)
    rounded_ms = rounded_up_to_floor(rtt_ms, distance_km)
    half_ms = np.round(metro_half_bands(model, bands, first, (deviation_ms, distance_km)), 1)
    names = model.sites.names
    found = [
        Row(
            origin=names[first[row]],
            provider=names[second[row]].split("/")[0],
            region=names[second[row]].split("/")[1],
            rtt_ms=float(rounded_ms[row]),
            half_band_ms=float(half_ms[row]),
            kind=METRO,
            source=ESTIMATED,
            observed_on=ESTIMATED_ON,
            basis=basis[row],
        )
        for row in range(len(first))
    ]
    return sorted(found, key=lambda row: (row.origin, row.provider, row.region))
