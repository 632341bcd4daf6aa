"""Where a workload may stand: providers, regions, residency, data that can get there.

Inequality: a row is admitted when its provider is in `where.providers`, its place matches one
of `where.regions`, its country is in `where.residency`, and for every tag of `where.requires`
something that `assume.tags` lists under it names the row's provider, region, zone, instance type
or pool; each list that is not given admits all.
Local Zones, Wavelength, government and China rows need a match in `where.regions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

import numpy as np

from broker.reference import regions
from broker.rules.rule import Admission, AnyWorkload, Bools, Scene, basis, place_parts


@dataclass(frozen=True, slots=True, kw_only=True)
class _Globs:
    """Globs, plain names apart: most are, and long lists of them are looked up at once.

    Attributes:
        names: globs without wildcards.
        wild: the others.
    """

    names: frozenset[str]
    wild: tuple[str, ...]

    @classmethod
    def of(cls, globs: Sequence[str]) -> _Globs:
        """Tell plain names from globs."""
        wild = tuple(one for one in globs if any(sign in one for sign in "*?["))
        return cls(names=frozenset(globs).difference(wild), wild=wild)

    def name(self, names: Sequence[str]) -> bool:
        """Return whether any of the names of one thing is meant."""
        return any(
            name in self.names or any(fnmatchcase(name, glob) for glob in self.wild)
            for name in names
        )


def _providers(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.providers is None:
        return None
    return np.isin(scene.stock.text("provider"), workload.where.providers)


def _regions(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.where.regions is None:
        ordinary = scene.stock.text("location_kind") == "region"
        return np.asarray(ordinary, dtype=np.bool_)
    return _matching(workload.where.regions, scene.zones)[scene.zone_of_row]


@lru_cache(maxsize=64)
def _matching(regions: tuple[str, ...], zones: tuple[tuple[str, str, str], ...]) -> Bools:
    """Return bool[Z]: zones that `where.regions` names; workloads often name the same."""
    globs = _Globs.of(regions)
    matching = [
        globs.name((region, f"{provider}/{region}", f"{provider}/{region}/{zone}"))
        for provider, region, zone in zones
    ]
    return np.array(matching, np.bool_)


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
    globs = [_Globs.of(scene.spec.assume.tags[tag]) for tag in tags]
    tagged = [all(one.name(names) for one in globs) for names in carried]
    return np.array(tagged, np.bool_)[code]


def _names_of_pool(pool: str) -> tuple[str, ...]:
    """Return every name by which a tag may mean a pool."""
    provider, region, zone, instance_type = pool.split("/", maxsplit=3)
    place = f"{provider}/{region}"
    return provider, region, place, f"{place}/{zone}", instance_type, pool


def _data_can_move(workload: AnyWorkload, scene: Scene) -> Bools | None:
    if workload.data is None:
        return None
    moves = scene.data_moves
    priced = np.isfinite(moves.usd_per_gb[moves.origins.index(workload.data.place)])
    return np.asarray(priced, np.bool_)[scene.place_of_row]


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
