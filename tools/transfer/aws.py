"""Prices of AWS: the pair table inside, volume tiers by source region outside.

What a region pays inside the network depends on the source alone, but for a few cheaper pairs
(Virginia and Ohio): those keep rows of their own. A region without a row takes the prices of
the nearest region with the same price list outside, else of the nearest region; it says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection
from pathlib import Path
from typing import Final

from broker.reference import Region
from tools.transfer.nearest import billed_destination, nearest, of_provider
from tools.transfer.rows import (
    ANYWHERE,
    InsideRow,
    LeavingRow,
    RegionRow,
    Tables,
    read_table,
    yes_no,
)

_PAIRS: Final = ("skyplane aws_transfer_costs.csv 4602d9c", "2023-04")
_TIERS: Final = ("coroot/cloud-pricing af03ead (AWS price list)", "2024-08")
#: GB a month that an account of the commercial partition sends out free, over all regions; the
#: tiers of the price list count what is beyond it.
FREE_GB: Final = 100
_FREE_SOURCE: Final = (
    "AWS price list: tiers count what is beyond the global free tier",
    "2026-09",
)

Prices = dict[str, dict[str, str]]
Lists = dict[str, tuple[tuple[int, str], ...]]


def read(folder: Path) -> Tables:
    """Return what AWS adds to the tables, from the collected files in `folder`."""
    known = {region.region: region for region in of_provider("aws")}
    pairs: Prices = defaultdict(dict)
    for row in read_table(folder, "aws_transfer_usd_per_gb_2023-04.csv.gz"):
        if row["src_region"] in known and row["dst"] in known:
            pairs[row["src_region"]][row["dst"]] = row["usd_per_gb"]
    lists = _lists(folder, known)
    priced = sorted(lists)
    china = [region for region in known.values() if region.partition == "china"]
    lists |= {region.region: lists[nearest(region, priced)] for region in china}
    names = _names(lists, known)
    rows = [_region(region, pairs, names, priced) for region in known.values()]
    inside = _inside(pairs, {row.zone for row in rows if row.network != "aws"})
    return Tables(regions=rows, inside=inside, leaving=_leaving(lists, names, known))


def _lists(folder: Path, known: dict[str, Region]) -> Lists:
    tiers: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for row in read_table(folder, "internet_egress_tiers_2024-08.csv"):
        if row["provider"] == "aws" and row["region"] in known:
            tiers[row["region"]].append((int(row["from_gb"]), row["usd_per_gb"]))
    return {region: tuple(sorted(found)) for region, found in tiers.items()}


def _free(region: Region) -> int:
    return FREE_GB if region.partition == "commercial" else 0


def _names(lists: Lists, known: dict[str, Region]) -> dict[str, str]:
    """Name each distinct price list of a partition after the first region that has it."""
    first: dict[tuple[str, tuple[tuple[int, str], ...]], str] = {}
    for region in sorted(lists):
        first.setdefault((known[region].partition, lists[region]), f"aws-{region}")
    return {region: first[known[region].partition, found] for region, found in lists.items()}


def _region(
    region: Region, pairs: Prices, names: dict[str, str], priced: Collection[str]
) -> RegionRow:
    name = region.region
    outside = name if name in priced else nearest(region, priced)
    alike = [other for other in pairs if names.get(other) == names[outside]]
    inside = name if name in pairs else nearest(region, alike or list(pairs))
    stand_ins = sorted({inside, outside} - {name})
    return RegionRow(
        provider="aws",
        region=name,
        network="aws-china" if region.partition == "china" else "aws",
        zone=inside,
        price_list=names.get(name, names[outside]),
        destination=billed_destination(region),
        zone_estimated=yes_no(inside != name),
        list_estimated=yes_no(outside != name),
        source=f"stand-in: {' '.join(stand_ins)}" if stand_ins else _TIERS[0],
    )


def _inside(pairs: Prices, china: Collection[str]) -> list[InsideRow]:
    """The usual price of each source and the pairs apart from it; in China: estimates."""
    rows: list[InsideRow] = []
    for origin, prices in sorted(pairs.items()):
        usual = Counter(prices.values()).most_common(1)[0][0]
        apart = {target: usd for target, usd in prices.items() if usd != usual}
        for target, usd in sorted({ANYWHERE: usual, **apart}.items()):
            rows.append(_inside_row("aws", (origin, target), usd, "no"))
        if origin in china:
            rows.append(_inside_row("aws-china", (origin, ANYWHERE), usual, "yes"))
    return rows


def _inside_row(network: str, pair: tuple[str, str], usd: str, estimated: str) -> InsideRow:
    return InsideRow(
        network=network,
        from_zone=pair[0],
        to_zone=pair[1],
        unit="GB",
        usd=usd,
        estimated=estimated,
        source=_PAIRS[0],
        observed_on=_PAIRS[1],
    )


def _leaving(lists: Lists, names: dict[str, str], known: dict[str, Region]) -> list[LeavingRow]:
    """Shift the tiers by the free allowance where there is one."""
    rows: list[LeavingRow] = []
    for name in sorted(set(names.values())):
        region = known[name.removeprefix("aws-")]
        free = _free(region)
        if free:
            rows.append(_leaving_row(name, (0, "0"), "no", _FREE_SOURCE))
        estimated = yes_no(region.partition == "china")
        rows += [
            _leaving_row(name, (free + above, usd), estimated, _TIERS)
            for above, usd in lists[region.region]
        ]
    return rows


def _leaving_row(
    name: str, step: tuple[int, str], estimated: str, source: tuple[str, str]
) -> LeavingRow:
    return LeavingRow(
        price_list=name,
        destination=ANYWHERE,
        above=step[0],
        unit="GB",
        usd=step[1],
        estimated=estimated,
        source=source[0],
        observed_on=source[1],
    )
