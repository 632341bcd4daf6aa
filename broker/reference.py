"""Regions, metros and country groups: typed lookups over the packaged CSV files.

Everything is read once with the standard library and kept; nothing heavy is imported.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal, cast, get_args

Partition = Literal["commercial", "government", "china"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A cloud region and where it stands.

    Attributes:
        provider: ``aws``, ``azure`` or ``gcp``.
        region: the cloud's own name, e.g. ``eu-west-3``.
        place: city or area that the cloud names.
        country: ISO 3166 alpha-2 code.
        latitude: degrees north.
        longitude: degrees east.
        partition: part of the cloud with accounts of its own.
        source: who states the position.
    """

    provider: str
    region: str
    place: str
    country: str
    latitude: float
    longitude: float
    partition: Partition
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metro:
    """A city where users are.

    Attributes:
        metro: kebab-case id, e.g. ``new-york``.
        name: the name people read.
        country: ISO 3166 alpha-2 code (``XK`` for Kosovo).
        latitude: degrees north.
        longitude: degrees east.
        aliases: other ids of the same city, e.g. ``nyc``.
        ping_city: name of the city in the public ping table; empty when it has no pings.
        source: who states the position.
    """

    metro: str
    name: str
    country: str
    latitude: float
    longitude: float
    aliases: tuple[str, ...]
    ping_city: str
    source: str


def _rows(name: str) -> list[dict[str, str]]:
    with files("broker").joinpath("data", name).open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def _partition(text: str) -> Partition:
    if text not in get_args(Partition):
        raise ValueError(f"regions.csv: unknown partition {text!r}")
    return cast("Partition", text)


def _region(row: Mapping[str, str]) -> Region:
    return Region(
        provider=row["provider"],
        region=row["region"],
        place=row["place"],
        country=row["country"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        partition=_partition(row["partition"]),
        source=row["source"],
    )


def _metro(row: Mapping[str, str]) -> Metro:
    return Metro(
        metro=row["metro"],
        name=row["name"],
        country=row["country"],
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        aliases=tuple(row["aliases"].split()),
        ping_city=row["ping_city"],
        source=row["source"],
    )


@cache
def regions() -> Mapping[tuple[str, str], Region]:
    """Return every region of the three clouds by provider and name, sorted."""
    found = (_region(row) for row in _rows("regions.csv"))
    return MappingProxyType({(region.provider, region.region): region for region in found})


@cache
def regions_named() -> Mapping[str, tuple[Region, ...]]:
    """Return the regions of each bare name; more than one where two clouds share it."""
    found: dict[str, tuple[Region, ...]] = {}
    for region in regions().values():
        found[region.region] = (*found.get(region.region, ()), region)
    return MappingProxyType(found)


@cache
def metros() -> Mapping[str, Metro]:
    """Return every metro by its id, sorted by id; aliases are in `metro_ids`."""
    found = (_metro(row) for row in _rows("metros.csv"))
    return MappingProxyType({metro.metro: metro for metro in found})


@cache
def metro_ids() -> Mapping[str, str]:
    """Return the id of each metro by its id and by each of its aliases."""
    ids = {metro.metro: metro.metro for metro in metros().values()}
    ids |= {alias: metro.metro for metro in metros().values() for alias in metro.aliases}
    return MappingProxyType(ids)


@cache
def country_groups() -> Mapping[str, frozenset[str]]:
    """Return the member countries of each named group (``EU``, ``EEA``), as ISO codes."""
    members: dict[str, set[str]] = {}
    for row in _rows("country_groups.csv"):
        members.setdefault(row["group"], set()).add(row["country"])
    return MappingProxyType({group: frozenset(countries) for group, countries in members.items()})


@cache
def grid_intensities() -> Mapping[str, Decimal]:
    """Return the grid's grams of CO2e per kWh by ``provider/region``, yearly averages."""
    found = {
        f"{row['provider']}/{row['region']}": Decimal(row["grams_per_kwh"])
        for row in _rows("carbon.csv")
    }
    return MappingProxyType(found)
