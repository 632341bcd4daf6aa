"""Where a workload may stand: providers, regions, residency, data that can get there.

Inequality: a row is admitted when its provider is in `where.providers`, its place matches one
of `where.regions`, its country is in `where.residency`, and for every tag of `where.requires`
something that `assume.tags` lists under it names the row's provider, region, zone, instance type
or pool; each list that is not given admits all.
Local Zones, Wavelength, government and China rows need a match in `where.regions`.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import numpy as np

from broker.reference import regions
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene, basis, place_parts


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
    return _is_named((region, f"{provider}/{region}", f"{provider}/{region}/{zone}"), globs)


def _residency(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.residency is None:
        return None
    return np.isin(country_of_place(scene), workload.where.residency)[scene.place_of_row]


def country_of_place(scene: Scene) -> list[str]:
    """Return the country of each of `Scene.places`, "" where it is not known."""
    known = regions()
    keys = (place_parts(place) for place in scene.places)
    return [known[key].country if key in known else "" for key in keys]


def _requires(workload: AnyWorkload, scene: Scene) -> Bools | None:
    tags = workload.where.requires
    if tags is None:
        return None
    code, pools = scene.stock.codes("pool")
    carried = [_names_of_pool(pool) for pool in pools]
    globs = [scene.spec.assume.tags[tag] for tag in tags]
    tagged = [all(_is_named(names, one) for one in globs) for names in carried]
    return np.array(tagged, np.bool_)[code]


def _names_of_pool(pool: str) -> tuple[str, ...]:
    """Return every name by which a tag may mean a pool."""
    provider, region, zone, instance_type = pool.split("/", maxsplit=3)
    place = f"{provider}/{region}"
    return provider, region, place, f"{place}/{zone}", instance_type, pool


def _is_named(names: tuple[str, ...], globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs for name in names)


def _data_can_move(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.data is None:
        return None
    origin = workload.data.place
    priced = [scene.transfer.usd_per_gb(origin, place) is not None for place in scene.places]
    return np.array(priced, np.bool_)[scene.place_of_row]


ADMISSIONS = (
    Admission(
        key="providers",
        why_not="provider not in where.providers",
        admits=_providers,
        decided_by=basis(lambda workload: workload.where.providers),
    ),
    Admission(
        key="regions",
        why_not="region not named in where.regions",
        admits=_regions,
        decided_by=basis(lambda workload: workload.where.regions),
    ),
    Admission(
        key="residency",
        why_not="country outside where.residency",
        admits=_residency,
        decided_by=basis(lambda workload: workload.where.residency),
    ),
    Admission(
        key="requires",
        why_not="without a tag of where.requires",
        admits=_requires,
        decided_by=basis(lambda workload: workload.where.requires),
    ),
    Admission(
        key="transfer",
        why_not="no known price for moving the data there",
        admits=_data_can_move,
        decided_by=basis(lambda workload: workload.data and workload.data.place),
    ),
)
