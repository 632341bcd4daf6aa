"""Do workloads stand where they may: providers, regions, residency, special places."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from broker.audit.evidence import Evidence, place_of, pool_of
from broker.offers import LocationKind
from broker.plans import Placement
from broker.reference import regions
from broker.rules.violation import Violation
from broker.workloads import Where


def _places(evidence: Evidence) -> Iterator[Violation]:
    """Each placement is inside each list of its workload's `where`."""
    for one in evidence.plan.placements:
        where = evidence.workloads[one.workload].where
        kind = evidence.rows[one.offer]["location_kind"]
        missing = [tag for tag in where.requires or () if not _carries(evidence, tag, one)]
        if missing:
            text = f"{one.offer}: without {', '.join(missing)}"
            yield Violation(rule="requires", subject=one.workload, text=text)
        for rule, wrong in _wrong(one, where, kind):
            text = f"{one.offer}: {wrong}"
            yield Violation(rule=rule, subject=one.workload, text=text)


def _wrong(one: Placement, where: Where, kind: str) -> Iterator[tuple[str, str]]:
    if where.providers is not None and one.provider not in where.providers:
        yield "providers", f"not in {', '.join(where.providers)}"
    if where.regions is None:
        if kind != LocationKind.REGION.value:
            yield "regions", f"a {kind}, which `where.regions` must name"
    elif not any(fnmatchcase(name, glob) for name in _written(one) for glob in where.regions):
        yield "regions", f"not in {', '.join(where.regions)}"
    if where.residency is not None:
        region = regions().get((one.provider, one.region))
        country = region.country if region else "unknown"
        if country not in where.residency:
            yield "residency", f"country {country}, not in {', '.join(where.residency)}"


def _carries(evidence: Evidence, tag: str, one: Placement) -> bool:
    """Whether anything listed under the tag names the placement's place or machine."""
    names = (*_written(one), one.provider, one.instance_type, pool_of(one))
    globs = evidence.spec.assume.tags.get(tag, ())
    return any(fnmatchcase(name, glob) for name in names for glob in globs)


def _written(one: Placement) -> tuple[str, str, str]:
    return one.region, place_of(one), f"{place_of(one)}/{one.zone}"


CHECKS = (_places,)
