"""Where a workload may stand: providers, regions, residency, data that can get there.

Inequality: a row is admitted when its provider is in `where.providers`, its place matches one
of `where.regions`, its country is in `where.residency`; each list that is not given admits all.
Local Zones, Wavelength, government and China rows need a match in `where.regions`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np

from broker.reference import regions
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene, place_parts


def _providers(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.providers is None:
        return None
    return np.isin(scene.stock.text("provider"), workload.where.providers)


def _regions(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.regions is None:
        ordinary = scene.stock.text("location_kind") == "region"
        return np.asarray(ordinary, dtype=np.bool_)
    globs = workload.where.regions
    matching = np.array([_matches(zone, globs) for zone in scene.zones], np.bool_)
    return matching[scene.zone_of_row]


def _matches(key: tuple[str, str, str], globs: tuple[str, ...]) -> bool:
    """True when a glob matches the region, provider/region or provider/region/zone."""
    provider, region, zone = key
    names = (region, f"{provider}/{region}", f"{provider}/{region}/{zone}")
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _residency(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.residency is None:
        return None
    return np.isin(country_of_place(scene), workload.where.residency)[scene.place_of_row]


def country_of_place(scene: Scene) -> list[str]:
    """Return the country of each of `Scene.places`, "" where it is not known."""
    known = regions()
    keys = (place_parts(place) for place in scene.places)
    return [known[key].country if key in known else "" for key in keys]


def _data_can_move(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.data is None:
        return None
    origin = workload.data.place
    priced = [scene.transfer.usd_per_gb(origin, place) is not None for place in scene.places]
    return np.array(priced, np.bool_)[scene.place_of_row]


ADMISSIONS = (
    Admission(key="providers", why_not="provider not in where.providers", admits=_providers),
    Admission(key="regions", why_not="region not named in where.regions", admits=_regions),
    Admission(key="residency", why_not="country outside where.residency", admits=_residency),
    Admission(
        key="transfer", why_not="no known price for moving the data there", admits=_data_can_move
    ),
)
