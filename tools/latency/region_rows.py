"""Region x region: measured where measured, else estimated with the band of its class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from broker.reference import Region, regions
from tools.latency.bands import Bands, half_band_ms, look_up, measured_sites, quantile
from tools.latency.kriging import Kriging
from tools.latency.measurements import series_of
from tools.latency.rows import (
    CROSS_CLOUD,
    MEASURED,
    UNMEASURED_REGION,
    WITHIN_CLOUD,
    Row,
    estimates,
    measured_rtt,
    rounded_up_to_floor,
)
from tools.latency.sites import Floats, Indices

ESTIMATED = "estimated from measured pairs of AWS and Azure regions"
ESTIMATED_ON = "2025-10"
WITHIN_ESTIMATED = "estimated from round trips measured inside AWS regions"


def region_rows(model: Kriging, bands: Bands, within_ms: Mapping[str, float]) -> list[Row]:
    """Return one row per unordered pair of regions, sorted by name, own pairs included."""
    names = model.sites.names
    first, second = np.triu_indices(len(names), k=1)
    known = measured_rtt(model.pairs)
    open_pairs = [
        row
        for row, ends in enumerate(zip(first.tolist(), second.tolist(), strict=True))
        if ends not in known
    ]
    found = [measured_row(names[a], names[b], rtt_ms) for (a, b), rtt_ms in known.items()]
    found += estimated_rows(model, bands, first[open_pairs], second[open_pairs])
    found += within_rows(names, within_ms)
    return sorted(found, key=lambda row: (row.origin, row.provider, row.region))


def measured_row(origin: str, target: str, rtt_ms: float) -> Row:
    """Return the row of a measured pair inside one cloud."""
    provider, region = target.split("/")
    series = series_of(provider)
    return Row(
        origin=origin,
        provider=provider,
        region=region,
        rtt_ms=round(rtt_ms, 3),
        half_band_ms=0.0,
        kind=MEASURED,
        source=series.source,
        observed_on=series.observed_on,
    )


def estimated_rows(model: Kriging, bands: Bands, first: Indices, second: Indices) -> list[Row]:
    """Return the rows of pairs that nobody measured."""
    distance_km = model.sites.distance_km[first, second]
    rtt_ms, deviation_ms, basis = estimates(model, first, second)
    rounded_ms = rounded_up_to_floor(rtt_ms, distance_km)
    kinds = classes(model, first, second)
    half_ms = np.round(class_half_bands(model, bands, (first, second), (deviation_ms, kinds)), 1)
    names = model.sites.names
    return [
        Row(
            origin=names[first[row]],
            provider=names[second[row]].split("/")[0],
            region=names[second[row]].split("/")[1],
            rtt_ms=float(rounded_ms[row]),
            half_band_ms=float(half_ms[row]),
            kind=str(kinds[row]),
            source=ESTIMATED,
            observed_on=ESTIMATED_ON,
            basis=basis[row],
        )
        for row in range(len(first))
    ]


def classes(model: Kriging, first: Indices, second: Indices) -> NDArray[np.str_]:
    """Return the class of each estimated pair."""
    network = model.sites.network_of
    has_any = measured_sites(model.sites, model.pairs) > 0
    inside = (network[first] == network[second]) & np.isin(network[first], model.settings.clouds)
    both = has_any[first] & has_any[second]
    return np.where(inside, np.where(both, WITHIN_CLOUD, UNMEASURED_REGION), CROSS_CLOUD)


def class_half_bands(
    model: Kriging,
    bands: Bands,
    ends: tuple[Indices, Indices],
    deviation_and_class: tuple[Floats, NDArray[np.str_]],
) -> Floats:
    """Return each pair's half band by its class.

    A pair from one partition of a cloud into another leaves the cloud's own network, so it
    is never given a narrower band than a pair across clouds.
    """
    deviation_ms, kinds = deviation_and_class
    distance_km = model.sites.distance_km[ends]
    network = model.sites.network_of[ends[0]]
    half_ms = look_up(bands.across_ms, distance_km)
    across_ms = half_ms.copy()
    for kind, table in ((WITHIN_CLOUD, bands.unseen_pair), (UNMEASURED_REGION, bands.unseen_site)):
        for cloud, factor in table.items():
            rows = (kinds == kind) & (network == cloud)
            half_ms[rows] = half_band_ms(factor, deviation_ms[rows], distance_km[rows])
    partition = np.array([region.partition for region in regions_of(model)])
    leaves = partition[ends[0]] != partition[ends[1]]
    return np.where(leaves, np.maximum(half_ms, across_ms), half_ms)


def regions_of(model: Kriging) -> list[Region]:
    """Return the region of each site of a model of regions."""
    return [regions()[provider, region] for provider, region in map(split_name, model.sites.names)]


def split_name(name: str) -> tuple[str, str]:
    """Return provider and region of ``provider/region``."""
    provider, _, region = name.partition("/")
    return provider, region


def within_rows(names: tuple[str, ...], within_ms: Mapping[str, float]) -> list[Row]:
    """Return each region's round trip within itself: measured, else the median of those."""
    values = np.array(sorted(within_ms.values()))
    median_ms = float(np.median(values))
    half_ms = quantile(np.abs(values - median_ms))
    return [
        measured_row(name, name, within_ms[name])
        if name in within_ms
        else _within_estimate(name, median_ms, half_ms)
        for name in names
    ]


def _within_estimate(name: str, median_ms: float, half_ms: float) -> Row:
    provider, region = split_name(name)
    return Row(
        origin=name,
        provider=provider,
        region=region,
        rtt_ms=round(median_ms, 1),
        half_band_ms=round(half_ms, 1),
        kind=UNMEASURED_REGION if provider == "aws" else CROSS_CLOUD,
        source=WITHIN_ESTIMATED,
        observed_on=series_of("aws").observed_on,
    )
