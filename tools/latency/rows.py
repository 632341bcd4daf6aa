"""Rows of the shipped tables: one round trip each, with band, class, source and date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from broker.distance import fibre_floor_ms
from tools.latency.kriging import Kriging
from tools.latency.sites import CITY_NETWORK, Floats, Indices, Mask, Pairs

MEASURED = "measured"
WITHIN_CLOUD = "within-cloud"
UNMEASURED_REGION = "region-without-measurements"
CROSS_CLOUD = "cross-cloud"
METRO = "metro"
REASONS = 3


@dataclass(frozen=True, kw_only=True)
class Row:
    """One round trip of a shipped table.

    Attributes:
        origin: metro id or ``provider/region``.
        provider: cloud of the region at the other end.
        region: its name.
        rtt_ms: the round trip.
        half_band_ms: nine of ten measurements fall this near; 0 where measured.
        kind: how it is known, one of the classes above.
        source: who measured it, or what the estimate rests on.
        observed_on: date of the measurements, as exact as known.
        basis: the measured pairs that weigh most in an estimate, as rows of the list of pairs.
    """

    origin: str
    provider: str
    region: str
    rtt_ms: float
    half_band_ms: float
    kind: str
    source: str
    observed_on: str
    basis: tuple[int, ...] = ()


def rounded_up_to_floor(rtt_ms: Floats, distance_km: Floats) -> Floats:
    """Return estimates in tenths of a ms, never below light in fibre."""
    floor_ms = np.ceil(fibre_floor_ms(distance_km) * 10 - 1e-9) / 10
    return np.maximum(np.round(rtt_ms, 1), floor_ms)


def heaviest(with_measured: Floats) -> list[tuple[int, ...]]:
    """Return the measured pairs of largest covariance with each pair, heaviest first."""
    order = np.argsort(-with_measured, axis=1, kind="stable")[:, :REASONS]
    return [tuple(int(pair) for pair in pairs) for pairs in order]


def measured_rtt(pairs: Pairs) -> dict[tuple[int, int], float]:
    """Return the round trip of each measured pair by its sites, in order."""
    ends = zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)
    return dict(zip(ends, pairs.rtt_ms.tolist(), strict=True))


def estimates(
    model: Kriging, first: Indices, second: Indices, *, chunk: int = 1000
) -> tuple[Floats, Floats, list[tuple[int, ...]]]:
    """Return round trip, deviation and heaviest measured pairs, in chunks to bound memory."""
    rtt_ms, deviation_ms = np.zeros(len(first)), np.zeros(len(first))
    basis: list[tuple[int, ...]] = []
    for start in range(0, len(first), chunk):
        rows = slice(start, start + chunk)
        ends = first[rows], second[rows]
        rtt_ms[rows], deviation_ms[rows] = model.estimate(*ends)
        basis += heaviest(model.covariance(*ends))
    return rtt_ms, deviation_ms, basis


def is_city(model: Kriging) -> Mask:
    """Return a mask of the sites that are cities."""
    return np.asarray(model.sites.network_of == CITY_NETWORK)
