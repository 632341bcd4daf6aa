"""Lay out everything the rules look at: stock, machines, places, round trips, quotas."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from broker.billed_alike import billed_alike
from broker.carbon import kg_of_rows
from broker.data_moves import data_moves, data_places
from broker.homes import homes_of
from broker.latency import LatencyTable
from broker.machines import machines_of
from broker.market import Market
from broker.quotas import quota_rows
from broker.reference import regions
from broker.rules.rule import Scene, place_parts
from broker.savings_plans import held_plans
from broker.stock import build_stock
from broker.transfer import TransferTable
from broker.workloads import Spec


def build_scene(spec: Spec, market: Market) -> Scene:
    """Return the scene of `spec` on `market`; reads the user's own tables when named.

    Raises:
        SpecError: a latency or transfer table with faults.
    """
    stock = build_stock(spec, market)
    place_of_row, places = stock.codes("place")
    zones = list(stock.frame.select("provider", "region", "zone").iter_rows())
    distinct = sorted(set(zones))
    row_of_zone = {zone: row for row, zone in enumerate(distinct)}
    origins = sorted({load.origin for service in spec.services for load in service.demand})
    table = LatencyTable.load(Path(spec.latency) if spec.latency else None)
    rtt, band, estimated = _round_trips(table, origins, places)
    transfer = TransferTable.load(Path(spec.transfer) if spec.transfer else None)
    billed = billed_alike(transfer, places)
    return Scene(
        spec=spec,
        stock=stock,
        machines=machines_of(stock),
        transfer=transfer,
        places=tuple(places),
        billed=billed,
        data_moves=data_moves(transfer, data_places(spec.workloads), places, billed),
        place_of_row=place_of_row,
        zones=tuple(distinct),
        zone_of_row=np.array([row_of_zone[zone] for zone in zones], np.int32),
        round_trip_ms=rtt,
        half_band_ms=band,
        estimated=estimated,
        origins={origin: row for row, origin in enumerate(origins)},
        quotas=quota_rows(spec, market, stock),
        latency_digest=_digest(origins, places, rtt),
        homes=homes_of(spec, market, stock),
        savings_plans=held_plans(spec, market, stock),
        kg_per_hour=kg_of_rows(spec, stock),
    )


def _round_trips(
    table: LatencyTable, origins: list[str], places: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Look up what the table knows; a place it does not know is infinitely far."""
    shape = (len(origins), len(places))
    rtt, band = np.full(shape, np.inf), np.zeros(shape)
    estimated = np.zeros(shape, np.bool_)
    known = [row for row, place in enumerate(places) if place_parts(place) in regions()]
    if origins and known:
        found = table.matrix(origins, [place_parts(places[row]) for row in known])
        rtt[:, known], band[:, known], estimated[:, known] = found
    return rtt, band, estimated


def _digest(origins: list[str], places: list[str], rtt_ms: NDArray[np.float64]) -> str:
    text = repr((origins, places, np.round(rtt_ms, 3).tolist()))
    return hashlib.sha256(text.encode()).hexdigest()
