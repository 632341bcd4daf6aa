"""Names of the emulated account: zones, regions, groups of rows."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

Item = dict[str, Any]
#: Variant of offers, kind of holdings -> type of savings plan.
PLAN_TYPES: Final = {"compute-savings-plan": "Compute", "ec2-savings-plan": "EC2Instance"}
_REGION: Final = re.compile(r"[a-z]+(?:-[a-z]+)+-\d+")


def zone_name(region: str, zone_id: str) -> str:
    """Return the zone's name in the emulated account: ``use1-az2`` -> ``us-east-1b``."""
    number = re.search(r"az(\d+)$", zone_id)
    return f"{region}{chr(96 + int(number[1]))}" if number else f"{region}z"


def grouped(rows: Iterable[Item], key: Callable[[Item], str]) -> dict[str, list[Item]]:
    """Return `rows` by their key, in the keys' order."""
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return dict(sorted(groups.items()))


def parent_region(code: str) -> str:
    """Return the region of a location code: ``us-east-1`` of ``us-east-1-dfw-2``."""
    match = _REGION.match(code)
    return match[0] if match else code
