"""What a refresh of Google saw in part only, as gap rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import polars as pl

from broker.market import GAP_SCHEMA
from broker.offers import PurchaseOption
from broker.provider import Fetched, Row
from providers.gcp import prices, sources
from providers.gcp.machines import Machine
from providers.gcp.prices import Rates

_AGAIN = "run the refresh again"
_REPORT = "report it, so that the table of families learns it"


def gap_row(region: str, dataset: str, code: str, *, reason: str, remedy: str) -> Row:
    """Return one gap of the provider."""
    return {
        "provider": sources.PROVIDER,
        "region": region,
        "dataset": dataset,
        "code": code,
        "reason": reason,
        "remedy": remedy,
        "stale_since": None,
    }


def gap_frame(rows: Iterable[Row]) -> pl.DataFrame:
    """Return gap rows as a table, each once, sorted."""
    frame = pl.DataFrame(list(rows), schema=dict(GAP_SCHEMA), orient="row")
    return frame.unique().sort("region", "dataset", "code", "reason")


def unreachable(fetched: Iterable[Fetched]) -> Iterator[Row]:
    """Yield a gap for each zone or region that a list says it could not reach."""
    for one in fetched:
        for row in one.rows:
            if "unreachable" in row:
                place = str(row["unreachable"])
                region = place if place[-2:-1] != "-" else place[:-2]
                reason = f"{place} did not answer; it is missing, not empty"
                yield gap_row(region, one.dataset, "UNREACHABLE", reason=reason, remedy=_AGAIN)


def regions_down(regions: Iterable[Row]) -> Iterator[Row]:
    """Yield a gap for each region that is not up."""
    for row in regions:
        if row["status"] != "UP":
            reason = f"the region's status is {row['status']}"
            yield gap_row(
                str(row["name"]), "regions", str(row["status"]), reason=reason, remedy=_AGAIN
            )


def unknown_chips(names: Iterable[str]) -> Iterator[Row]:
    """Yield a gap for each accelerator that has no canonical name."""
    for name in names:
        reason = f"machines with the accelerator {name} are left out: nobody knows it"
        yield gap_row("", "instance-types", "UNKNOWN_ACCELERATOR", reason=reason, remedy=_REPORT)


def incomplete_prices(machines: Sequence[Machine], rates: Rates) -> Iterator[Row]:
    """Yield a gap for each region and part whose lack leaves machines without a price."""
    lacking: dict[tuple[str, str], set[str]] = {}
    once = {(one.region, one.name): one for one in machines}
    for (region, name), machine in once.items():
        for component in prices.missing_parts(rates, machine, region, PurchaseOption.ON_DEMAND):
            lacking.setdefault((region, component), set()).add(name)
    for (region, component), names in sorted(lacking.items()):
        reason = f"no on-demand rate of {component}, so no price of {', '.join(sorted(names))}"
        yield gap_row(region, "prices", "RATE_MISSING", reason=reason, remedy=_REPORT)


def ambiguous_rates(rates: Rates, needed: Mapping[str, frozenset[str]]) -> Iterator[Row]:
    """Yield a gap for each part that two SKUs price differently in one region.

    Args:
        rates: rates of parts.
        needed: region -> components of the machines it has; the others do not matter.
    """
    for region, component, option in sorted(rates.ambiguous):
        if component in needed.get(region, frozenset()):
            reason = f"two SKUs price {component} ({option.value}); the dearer one is used"
            yield gap_row(region, "prices", "RATE_AMBIGUOUS", reason=reason, remedy=_REPORT)


def binding_cap(cap: float | None, quotas: pl.DataFrame) -> Iterator[Row]:
    """Yield a gap when the cap over all GPUs of all regions is below a single quota.

    Quotas name one family each, so a plan cannot keep a cap over all of them.
    """
    gpus = quotas.filter(
        (pl.col("unit") == "gpus") & ~pl.col("family").str.contains("^(PREEMPTIBLE|COMMITTED)_")
    )
    largest = gpus["limit"].max()
    if cap is not None and isinstance(largest, float) and cap < largest:
        reason = f"GPUS_ALL_REGIONS caps all GPUs at {cap:g}, below a single quota of {largest:g}"
        remedy = "ask Google to raise GPUS_ALL_REGIONS, or lower the quotas in the spec"
        yield gap_row("", "quotas", "GPUS_ALL_REGIONS", reason=reason, remedy=remedy)
