"""What a plan is judged by: the spec's workloads, the market's rows, round trips, the period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl

from broker.latency import LatencyTable
from broker.market import Market
from broker.offers import UNKNOWN_ZONE, LocationKind, PurchaseOption, offer_id
from broker.plans import Placement, Plan, Route, SizeRoute
from broker.reference import regions
from broker.transfer import TransferTable
from broker.workloads import Batch, Service, Spec, Training

AnyWorkload = Training | Service | Batch
_Part = TypeVar("_Part", Placement, Route, SizeRoute)

#: Part of the whole by which a continuous amount may miss its limit.
SLACK: Final = Decimal("1e-6")

_OWNED: Final = PurchaseOption.OWNED.value
_TYPE: Final = ["provider", "instance_type"]
_UNKNOWN_ZONES: Final = frozenset({"", UNKNOWN_ZONE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """A round trip between an origin and a region, ms; infinite when unknown."""

    rtt_ms: float
    half_band_ms: float
    estimated: bool


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """Everything the checks look at.

    Attributes:
        plan, spec, market: what is judged, and by what.
        start, end: first moment of the period, and the moment after its last.
        workloads: by name.
        rows: offer id -> the market's row of it (columns of `OFFER_SCHEMA`); an owned offer
            takes the facts of its instance type from any row of that type.
        hops: (origin, provider/region) -> round trip, for every place with an instance or route.
        transfer: prices of moving data.
    """

    plan: Plan
    spec: Spec
    market: Market
    start: datetime
    end: datetime
    workloads: Mapping[str, AnyWorkload]
    rows: Mapping[str, Mapping[str, Any]]
    hops: Mapping[tuple[str, str], Hop]
    transfer: TransferTable

    def placed(self, name: str) -> Sequence[Placement]:
        """Return the placements of a workload."""
        return self._placements.get(name, ())

    def routed(self, name: str) -> Sequence[Route]:
        """Return the routes of a service."""
        return self._routes.get(name, ())

    def routed_by_size(self, name: str) -> Sequence[SizeRoute]:
        """Return the routes by size of a service."""
        return self._size_routes.get(name, ())

    @cached_property
    def sent(self) -> Mapping[tuple[str, str, str], Mapping[str, Decimal]]:
        """(workload, offer, shape) -> size -> rate that is sent there."""
        found: defaultdict[tuple[str, str, str], defaultdict[str, Decimal]]
        found = defaultdict(lambda: defaultdict(Decimal))
        for route in self.plan.size_routes:
            found[route.workload, route.offer, route.shape][route.size] += route.rate
        return found

    def each(self, *kinds: type) -> Iterator[tuple[Any, Sequence[Placement]]]:
        """Yield every workload of these kinds with its placements."""
        for name, workload in self.workloads.items():
            if isinstance(workload, kinds):
                yield workload, self.placed(name)

    @cached_property
    def sold(self) -> Mapping[tuple[str, ...], Sequence[tuple[str, Decimal]]]:
        """(provider, region, type, option) -> (zone, list price) of what is for sale."""
        columns = ["provider", "region", "instance_type", "option", "zone", "usd_per_hour"]
        offers = self.market.offers.filter(
            pl.col("purchasable") != "no", pl.col("usd_per_hour").is_not_null()
        )
        found: defaultdict[tuple[str, ...], list[tuple[str, Decimal]]] = defaultdict(list)
        for *key, zone, price in offers.select(columns).iter_rows():
            found[tuple(key)].append((zone, price))
        return found

    @cached_property
    def _placements(self) -> Mapping[str, Sequence[Placement]]:
        return _by_workload(self.plan.placements)

    @cached_property
    def _routes(self) -> Mapping[str, Sequence[Route]]:
        return _by_workload(self.plan.routes)

    @cached_property
    def _size_routes(self) -> Mapping[str, Sequence[SizeRoute]]:
        return _by_workload(self.plan.size_routes)

    def number(self, placement: Placement, column: str) -> Decimal | None:
        """Return a figure of the placement's market row; None: unknown."""
        value = self.rows[placement.offer][column]
        return None if value is None else Decimal(repr(value))


def gather(plan: Plan, spec: Spec, market: Market) -> Evidence:
    """Look up what `plan` rests on.

    Raises:
        SpecError: the user's own latency or transfer table has faults.
    """
    day = spec.start or market.taken_at.date()
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Evidence(
        plan=plan,
        spec=spec,
        market=market,
        start=start,
        end=start + timedelta(seconds=float(spec.period * 3600)),
        workloads={one.name: one for one in spec.workloads},
        rows=_rows(plan, market.offers),
        hops=_hops(plan, spec),
        transfer=TransferTable.load(Path(spec.transfer) if spec.transfer else None),
    )


def place_of(placement: Placement) -> str:
    """Return ``provider/region``."""
    return f"{placement.provider}/{placement.region}"


def pool_of(placement: Placement) -> str:
    """Return ``provider/region/zone/type``."""
    return f"{place_of(placement)}/{placement.zone}/{placement.instance_type}"


def has_zone(placement: Placement) -> bool:
    """Whether the zone is named."""
    return placement.zone not in _UNKNOWN_ZONES


def is_above(found: Decimal, most: Decimal, *, whole: Decimal) -> bool:
    """Whether a continuous amount is above its limit by more than the tolerance of `whole`."""
    return found > most + SLACK * whole


def differ(first: Decimal, second: Decimal, *, whole: Decimal) -> bool:
    """Whether two continuous amounts differ by more than the tolerance of `whole`."""
    return abs(first - second) > SLACK * whole


def _by_workload(ones: Iterable[_Part]) -> Mapping[str, Sequence[_Part]]:
    found: defaultdict[str, list[_Part]] = defaultdict(list)
    for one in ones:
        found[one.workload].append(one)
    return found


def _rows(plan: Plan, offers: pl.DataFrame) -> dict[str, dict[str, Any]]:
    named = sorted({one.offer for one in plan.placements})
    found = offers.with_columns(offer_id()).filter(pl.col("id").is_in(named))
    rows = {row["id"]: row for row in found.iter_rows(named=True)}
    placed = (one for one in plan.placements if one.option == _OWNED)
    owned = {one.offer: one for one in placed if one.offer == f"{pool_of(one)}/{_OWNED}"}
    for offer, one in owned.items():
        facts = _facts_of_type(one, offers)
        if facts is not None:
            rows[offer] = facts
    return rows


def _facts_of_type(placement: Placement, offers: pl.DataFrame) -> dict[str, Any] | None:
    same = (pl.col(name) == getattr(placement, name) for name in _TYPE)
    found = offers.filter(*same).head(1)
    if found.is_empty():
        return None
    here = {name: getattr(placement, name) for name in ("region", "zone", "option", "variant")}
    there = [pl.col(name) == getattr(placement, name) for name in ("provider", "region", "zone")]
    kinds = [*offers.filter(*there)["location_kind"], LocationKind.REGION.value]
    return found.row(0, named=True) | here | {"location_kind": kinds[0], "available": None}


def _hops(plan: Plan, spec: Spec) -> dict[tuple[str, str], Hop]:
    services = {one.name for one in spec.services}
    places = {place_of(one) for one in plan.placements if one.workload in services}
    places |= {one.region for one in plan.routes}
    origins = sorted({load.origin for service in spec.services for load in service.demand})
    unknown = Hop(rtt_ms=float("inf"), half_band_ms=0.0, estimated=False)
    hops = {(origin, place): unknown for origin in origins for place in places}
    known = [key for key in sorted(_parts(place) for place in places) if key in regions()]
    if origins and known:
        table = LatencyTable.load(Path(spec.latency) if spec.latency else None)
        hops |= _looked_up(table, origins, known)
    return hops


def _looked_up(
    table: LatencyTable, origins: Sequence[str], known: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], Hop]:
    places = ["/".join(key) for key in known]
    lines = (array.tolist() for array in table.matrix(origins, known))
    return {
        (origin, place): Hop(rtt_ms=rtt_ms, half_band_ms=half_ms, estimated=estimated)
        for origin, *line in zip(origins, *lines, strict=True)
        for place, rtt_ms, half_ms, estimated in zip(places, *line, strict=True)
    }


def _parts(place: str) -> tuple[str, str]:
    provider, _, region = place.partition("/")
    return provider, region
