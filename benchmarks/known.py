"""What a drawn fleet must know of its market, so that on a normal day it can be served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from broker.accelerators import accelerators
from broker.latency import LatencyTable
from broker.reference import country_groups, metros, regions

#: Parts of the world that services serve, by the countries of their users.
AREAS: Final[Mapping[str, frozenset[str]]] = {
    "america": frozenset({"US", "CA", "MX", "BR", "CL", "CO"}),
    "europe": frozenset({*country_groups()["EEA"], "GB", "CH"}),
    "asia": frozenset({"JP", "KR", "SG", "IN", "AU", "TW", "HK", "ID", "MY", "TH"}),
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """Places of a market and how far they are.

    Attributes:
        places: ``(provider, region)``, sorted; P of them.
        country: of each place.
        holds: accelerator model -> bool[P], sold there on demand.
        joins: the same, with a network for gangs.
        rtt_ms: metro -> float64[P].
        metros: area -> metros.
        pools: accelerator model -> pools on demand ``(provider, region, zone, type, size)``.
    """

    places: tuple[tuple[str, str], ...]
    country: tuple[str, ...]
    holds: Mapping[str, NDArray[np.bool_]]
    joins: Mapping[str, NDArray[np.bool_]]
    rtt_ms: Mapping[str, NDArray[np.float64]]
    metros: Mapping[str, tuple[str, ...]]
    pools: Mapping[str, tuple[tuple[str, str, str, str, float], ...]]

    def in_countries(self, countries: frozenset[str]) -> NDArray[np.bool_]:
        """Return bool[P]: places in one of `countries`."""
        return np.array([one in countries for one in self.country], np.bool_)

    def holding(self, models: Sequence[str]) -> NDArray[np.bool_]:
        """Return bool[P]: places that sell one of `models`."""
        none = np.zeros(len(self.places), np.bool_)
        held = [none, *(self.holds.get(one, none) for one in models)]
        return np.asarray(np.logical_or.reduce(held), np.bool_)


def known_of(offers: pl.DataFrame) -> Known:
    """Look up the places, models and round trips of a part of a market."""
    located = regions()
    keys = [key for key in _places(offers) if key in located]
    table = LatencyTable.load()
    area_metros = {
        area: tuple(name for name, metro in metros().items() if metro.country in countries)
        for area, countries in AREAS.items()
    }
    names = [name for group in area_metros.values() for name in group]
    rtt, _, _ = table.matrix(names, keys)
    on_demand = offers.filter(pl.col("option") == "on-demand", pl.col("accelerators") >= 1)
    return Known(
        places=tuple(keys),
        country=tuple(located[key].country for key in keys),
        holds=_by_model(on_demand, keys),
        joins=_by_model(on_demand.filter(pl.col("fabric") == "rdma"), keys),
        rtt_ms=dict(zip(names, rtt, strict=True)),
        metros=area_metros,
        pools=_pools(on_demand),
    )


def _places(offers: pl.DataFrame) -> list[tuple[str, str]]:
    return sorted(offers.select("provider", "region").unique().iter_rows())


def _by_model(offers: pl.DataFrame, keys: list[tuple[str, str]]) -> dict[str, NDArray[np.bool_]]:
    row = {key: number for number, key in enumerate(keys)}
    found: dict[str, NDArray[np.bool_]] = {}
    columns = ["accelerator", "provider", "region"]
    for model, provider, region in offers.select(columns).unique().sort(columns).iter_rows():
        if model is not None and (provider, region) in row:
            mask = found.setdefault(model, np.zeros(len(keys), np.bool_))
            mask[row[provider, region]] = True
    return found


def _pools(on_demand: pl.DataFrame) -> dict[str, tuple[tuple[str, str, str, str, float], ...]]:
    columns = ["provider", "region", "zone", "instance_type", "accelerators"]
    held = on_demand.filter(pl.col("accelerator").is_not_null(), pl.col("rack_hosts").is_null())
    return {
        str(model): tuple(part.select(columns).sort(columns).iter_rows())
        for (model,), part in held.sort("accelerator").group_by("accelerator", maintain_order=True)
    }


def rate_of(model: str) -> float:
    """Return the published dense 16-bit rate of a model, TFLOPS."""
    rate = accelerators()[model].bf16_dense_tflops
    if rate is None:
        raise ValueError(f"no published rate of {model}")
    return rate


def bandwidth_of(model: str) -> float:
    """Return the published memory bandwidth of a model, TB/s."""
    bandwidth = accelerators()[model].bandwidth_gb_per_s
    if bandwidth is None:
        raise ValueError(f"no published bandwidth of {model}")
    return bandwidth / 1000
