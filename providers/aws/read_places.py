"""Where EC2 sells what: regions, local and wavelength zones, and the zones of each type."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.offers import LocationKind
from broker.provider import Row, Scope
from providers.aws.answers import Answers
from providers.aws.text import text

_REGION: Final = re.compile(r"[a-z]+(?:-[a-z]+)+-\d+")
_USABLE: Final = frozenset({"opted-in", "opt-in-not-required"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What is known of regions and zones.

    Attributes:
        sold_in: type and location code -> zone ids that sell it.
        zone_ids: region and zone name -> zone id.
        listed: regions whose offerings are known; one without any is not.
        seen_at: region -> when its offerings were seen.
        regions: names of the regions asked about.
    """

    sold_in: Mapping[tuple[str, str], tuple[str, ...]]
    zone_ids: Mapping[tuple[str, str], str]
    listed: frozenset[str]
    seen_at: Mapping[str, datetime | None]
    regions: frozenset[str]


def usable_regions(rows: Sequence[Row], scope: Scope) -> list[str]:
    """Return the regions the account can use and `scope` asks for, sorted."""
    names = {text(row.get("RegionName")) for row in rows if row.get("OptInStatus") in _USABLE}
    return sorted(names if scope.regions is None else names & set(scope.regions))


def parent_region(code: str) -> str:
    """Return the region a location code belongs to: ``us-east-1`` of ``us-east-1-dfw-2``."""
    match = _REGION.match(code)
    return match[0] if match else code


def location_kind(code: str) -> LocationKind:
    """Return the kind of place that a location code of the price list names."""
    if code.startswith("us-gov-"):
        return LocationKind.GOVERNMENT
    if code.startswith("cn-"):
        return LocationKind.CHINA
    if _REGION.fullmatch(code):
        return LocationKind.REGION
    return LocationKind.WAVELENGTH if re.search(r"-wl\d", code) else LocationKind.LOCAL_ZONE


def read_places(answers: Answers) -> Places:
    """Return where each type is sold."""
    codes: dict[tuple[str, str], str] = {}  # region, zone id -> location code
    zone_ids: dict[tuple[str, str], str] = {}
    for region in answers.regions("zones"):
        for row in answers.rows("zones", region):
            zone_id, name = text(row.get("ZoneId")), text(row.get("ZoneName"))
            zone_ids[region, name] = zone_id
            codes[region, zone_id] = _location_code(row, region)
    sold_in: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    regions = answers.regions("offerings")
    for region in regions:
        for row in answers.rows("offerings", region):
            zone_id = text(row.get("Location"))
            code = codes.get((region, zone_id), region)
            sold_in[text(row.get("InstanceType")), code].add(zone_id)
    return Places(
        sold_in={sold: tuple(sorted(found)) for sold, found in sold_in.items()},
        zone_ids=zone_ids,
        listed=frozenset(region for region in regions if answers.rows("offerings", region)),
        seen_at={region: answers.seen_at("offerings", region) for region in regions},
        regions=frozenset(regions),
    )


def _location_code(zone: Row, region: str) -> str:
    """Return the code the price list has for a zone's place.

    A local zone is priced under the name of its group (``us-east-1-dfw-2``), a wavelength zone
    ``us-east-1-wl1-atl-wlz-1`` under ``us-east-1-wl1-atl1``.
    """
    kind = zone.get("ZoneType")
    if kind == "local-zone":
        return text(zone.get("GroupName"))
    if kind == "wavelength-zone":
        return text(zone.get("ZoneName")).replace("-wlz-", "")
    return region
