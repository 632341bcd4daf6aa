"""Origins of demand as people write them: a metro, a region, or a point on the map."""

from __future__ import annotations

import difflib
import math
from collections.abc import Collection
from dataclasses import dataclass

from broker.errors import BrokerError
from broker.reference import metro_ids, metros, regions, regions_named

Origin = str | tuple[float, float]
"""Metro id (``paris``), region (``aws/eu-west-3``, or ``eu-west-3`` where one cloud has it),
``latitude,longitude`` as text, or the two as numbers of degrees."""


class UnknownPlace(BrokerError):
    """A metro or region that is not known.

    Attributes:
        name: what was asked for.
        nearest: known names that look like it, best first; may be empty.
    """

    def __init__(self, name: str, nearest: tuple[str, ...], *, remedy: str) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"unknown place {name!r}{hint}", remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point in degrees north and east."""

    latitude: float
    longitude: float


def find_origin(origin: Origin, own_metros: Collection[str] = ()) -> str | Point:
    """Return the id of a metro, the ``provider/region`` of a region, or a point.

    Args:
        origin: as the user wrote it; letters of any case.
        own_metros: metro ids that the user's own table adds.

    Raises:
        UnknownPlace: with the nearest known names.
    """
    if isinstance(origin, tuple):
        return _point(*origin)
    name = origin.strip().lower()
    if name in own_metros:
        return name
    if name in metro_ids():
        return metro_ids()[name]
    if "," in name:
        return _point(*_degrees(origin))
    return _region_id(name, own_metros)


def find_region(provider: str, region: str) -> str:
    """Return ``provider/region`` of a known region.

    Raises:
        UnknownPlace: with the nearest known regions.
    """
    if (provider, region) not in regions():
        raise _unknown_region(f"{provider}/{region}")
    return f"{provider}/{region}"


def parse_region(name: str) -> str:
    """Return ``provider/region`` of a region written so, or by its bare name.

    Raises:
        UnknownPlace: with the nearest known regions.
    """
    name = name.strip().lower()
    if "/" in name:
        provider, _, region = name.partition("/")
        return find_region(provider, region)
    found = regions_named().get(name, ())
    if len(found) != 1:
        raise _unknown_region(name)
    return f"{found[0].provider}/{found[0].region}"


def nearest_metros(name: str, own_metros: Collection[str] = ()) -> tuple[str, ...]:
    """Return up to three metro ids that look like `name`, best first."""
    return tuple(difflib.get_close_matches(name, [*metro_ids(), *own_metros], n=3))


def region_names() -> list[str]:
    """Return every region as ``provider/region``, sorted."""
    return [f"{provider}/{region}" for provider, region in regions()]


def _region_id(name: str, own_metros: Collection[str]) -> str:
    if "/" in name or name in regions_named():
        return parse_region(name)
    nearest = nearest_metros(name, own_metros)
    if not nearest:
        nearest = tuple(difflib.get_close_matches(name, list(regions_named()), n=3))
    remedy = (
        f"write one of the {len(metros())} metro ids, a region such as aws/eu-west-3, a point"
        " such as 48.86,2.35, or bring your own round trips (metro,region,rtt_ms)"
    )
    raise UnknownPlace(name, nearest, remedy=remedy)


def _unknown_region(name: str) -> UnknownPlace:
    nearest = difflib.get_close_matches(name, region_names(), n=3)
    if not nearest:
        bare = difflib.get_close_matches(name.rpartition("/")[2], list(regions_named()), n=3)
        nearest = [f"{regions_named()[one][0].provider}/{one}" for one in bare]
    return UnknownPlace(name, tuple(nearest), remedy="write provider/region, as in aws/eu-west-3")


def _degrees(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        remedy = "write a point as latitude,longitude in degrees, such as 48.86,2.35"
        raise UnknownPlace(text, (), remedy=remedy) from None
    return latitude, longitude


def _point(latitude: float, longitude: float) -> Point:
    on_globe = math.isfinite(latitude) and math.isfinite(longitude)
    if not on_globe or abs(latitude) > 90 or abs(longitude) > 180:
        remedy = "latitude goes from -90 to 90 and longitude from -180 to 180"
        raise UnknownPlace(f"{latitude},{longitude}", (), remedy=remedy)
    return Point(latitude=latitude, longitude=longitude)
