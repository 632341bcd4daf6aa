"""Which region stands in for one that no source prices."""

from __future__ import annotations

from collections.abc import Collection

from broker.distance import great_circle_km
from broker.reference import Region, regions


def nearest(region: Region, candidates: Collection[str]) -> str:
    """Return the candidate of the same provider with the shortest great circle to `region`."""

    def distance_km(name: str) -> float:
        there = regions()[region.provider, name]
        return float(
            great_circle_km(region.latitude, region.longitude, there.latitude, there.longitude)
        )

    return min(sorted(candidates), key=distance_km)


def of_provider(provider: str) -> list[Region]:
    """Return the regions of one provider, sorted by name."""
    return [region for (owner, _), region in sorted(regions().items()) if owner == provider]


def billed_destination(region: Region) -> str:
    """Return the group of destinations that Google bills apart, else ``worldwide``."""
    return {"AU": "australia", "CN": "china"}.get(region.country, "worldwide")
