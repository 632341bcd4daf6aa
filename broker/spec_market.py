"""Names of a spec that must exist in the market, and shapes that some machine must hold.

A name or glob that matches nothing is a mistake of the spec; scarcity is not: what exists but
cannot be had is unmet demand, which the plan explains.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from broker.errors import MarketError
from broker.latency import LatencyTable
from broker.market import Market
from broker.offers import UNKNOWN_ZONE
from broker.reference import metro_ids, regions
from broker.spec_faults import FaultList, listed, nearest, words
from broker.spec_machines import Machines
from broker.spec_yaml import Place
from broker.workloads import Batch, Service, Spec, Training

_KINDS: Final = ("training", "services", "batch")
_POOL_PARTS: Final = 4


@dataclass(frozen=True)
class Supply:
    """What a market has, as sets of names.

    Attributes:
        market: where it comes from.
    """

    market: Market

    @cached_property
    def pools(self) -> frozenset[tuple[str, str, str, str]]:
        """Provider, region, zone and instance type of every pool."""
        columns = ["provider", "region", "zone", "instance_type"]
        return frozenset(self.market.offers.select(columns).unique().iter_rows())

    @cached_property
    def providers(self) -> tuple[str, ...]:
        """Providers, sorted."""
        return tuple(sorted({pool[0] for pool in self.pools}))

    @cached_property
    def regions(self) -> frozenset[str]:
        """Every ``provider/region``."""
        return frozenset("/".join(pool[:2]) for pool in self.pools)

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Every name of a place: region, ``provider/region``, ``provider/region/zone``."""
        names = {name for pool in self.pools for name in (pool[1], "/".join(pool[:3]))}
        return tuple(sorted(names | self.regions))

    @cached_property
    def countries(self) -> frozenset[str]:
        """Countries in which a region of the market is known to lie."""
        known = regions()
        keys = {(pool[0], pool[1]) for pool in self.pools}
        return frozenset(known[key].country for key in keys if key in known)

    @cached_property
    def types(self) -> Mapping[str, frozenset[str]]:
        """Instance types by provider."""
        return self._by_provider("instance_type")

    @cached_property
    def families(self) -> Mapping[str, frozenset[str]]:
        """Quota families by provider."""
        return self._by_provider("quota_family")

    def _by_provider(self, column: str) -> Mapping[str, frozenset[str]]:
        names: dict[str, set[str]] = {}
        rows = self.market.offers.select("provider", column).drop_nulls().unique().iter_rows()
        for provider, name in rows:
            names.setdefault(provider, set()).add(name)
        return {provider: frozenset(found) for provider, found in names.items()}


def check_against(spec: Spec, market: Market, faults: FaultList) -> None:
    """Note every name of `spec` that `market` does not know, and shapes no machine holds.

    Raises:
        MarketError: when the market has no offer at all.
        BrokerError: when the spec's own table of round trips cannot be used.
    """
    if market.offers.is_empty():
        raise MarketError(
            f"checking the spec: the market {market.name} holds no offer",
            remedy="name another market, e.g. `market: embedded`",
        )
    supply = Supply(market)
    _check_known(spec.providers or (), ("providers",), supply.providers, faults)
    machines = Machines(market)
    for kind in _KINDS:
        for index, workload in enumerate(getattr(spec, kind)):
            _check_places(workload, (kind, index), supply, faults)
            machines.check(workload, (kind, index), faults)
    own = LatencyTable.load(Path(spec.latency)).own_metros if spec.latency else frozenset()
    metros = own | metro_ids().keys()
    for index, service in enumerate(spec.services):
        _check_origins(service, ("services", index), metros, supply, faults)
    for index, rule in enumerate(spec.policy.exclusivity):
        place = ("policy", "exclusivity", index, "scopes")
        _check_known(rule.scopes, place, (*supply.providers, *sorted(supply.regions)), faults)
    _check_holdings(spec, supply, faults)
    _check_quotas(spec, supply, faults)


def _check_known(
    names: Iterable[str], place: Place, known: Sequence[str], faults: FaultList
) -> None:
    """Note each of `names`, a list at `place`, that is not among `known`."""
    for index, name in enumerate(names):
        _check_one(name, (*place, index), known, faults)


def _check_one(name: str, place: Place, known: Iterable[str], faults: FaultList) -> None:
    names = sorted(known)
    if name not in names:
        expected = f"a name that the market has: {listed(names)}"
        faults.add(place, name, expected, nearest(name, names))


def _check_globs(
    globs: Iterable[str], place: Place, known: Iterable[str], faults: FaultList
) -> None:
    """Note each glob of a list at `place` that matches none of `known`."""
    names = list(known)
    for index, glob in enumerate(globs):
        if not fnmatch.filter(names, glob):
            expected = "a name or glob that matches something in the market"
            faults.add((*place, index), glob, expected, nearest(glob, names))


def _check_places(
    workload: Training | Service | Batch, place: Place, supply: Supply, faults: FaultList
) -> None:
    where = workload.where
    _check_known(where.providers or (), (*place, "where", "providers"), supply.providers, faults)
    _check_globs(where.regions or (), (*place, "where", "regions"), supply.places, faults)
    if where.residency is not None and not supply.countries & set(where.residency):
        found = words(listed(where.residency))
        expected = f"a country with a region of the market: {listed(sorted(supply.countries))}"
        faults.add((*place, "where", "residency"), found, expected, "allow more countries")
    if workload.data is not None and not _is_region(workload.data.place, supply):
        known = [*supply.regions, *("/".join(key) for key in regions())]
        remedy = nearest(workload.data.place, known)
        inside = (*place, "data", "in")
        faults.add(inside, workload.data.place, "a known provider/region", remedy)


def _is_region(name: str, supply: Supply) -> bool:
    provider, _, region = name.partition("/")
    return name in supply.regions or (provider, region) in regions()


def _check_origins(
    service: Service, place: Place, known: Set[str], supply: Supply, faults: FaultList
) -> None:
    for index, load in enumerate(service.demand):
        is_known = "," in load.origin or load.origin in known or _is_region(load.origin, supply)
        if not is_known:
            expected = "a metro, a provider/region, or {lat: .., lon: ..}"
            inside = (*place, "demand", index, "from")
            remedy = nearest(load.origin, [*known, *supply.regions])
            faults.add(
                inside, load.origin, expected, remedy or "`broker latency` lists the metros"
            )


def _check_holdings(spec: Spec, supply: Supply, faults: FaultList) -> None:
    for index, reservation in enumerate(spec.holdings.reservations):
        place: Place = ("holdings", "reservations", index, "pool")
        _check_pool(reservation.pool, place, supply, faults)
    for index, commitment in enumerate(spec.holdings.commitments):
        place = ("holdings", "commitments", index, "provider")
        _check_one(commitment.provider, place, supply.providers, faults)
    for index, discount in enumerate(spec.holdings.discounts):
        place = ("holdings", "discounts", index)
        _check_one(discount.provider, (*place, "provider"), supply.providers, faults)
        types = supply.types.get(discount.provider)
        if types is not None:
            _check_globs(discount.types or (), (*place, "types"), types, faults)


def _check_pool(pool: str, place: Place, supply: Supply, faults: FaultList) -> None:
    """Note a pool the market does not have; it is named ``provider/region/zone/type``."""
    parts = tuple(pool.split("/"))
    if len(parts) != _POOL_PARTS:
        remedy = "write e.g. aws/us-east-1/use1-az4/p5.48xlarge; the zone may be -"
        faults.add(place, pool, "provider/region/zone/type", remedy)
        return
    if parts in supply.pools:
        return
    provider, region, zone, kind = parts
    zones = sorted(z for p, r, z, k in supply.pools if (p, r, k) == (provider, region, kind))
    if zones and zone != UNKNOWN_ZONE and UNKNOWN_ZONE in zones:
        return
    if zones:
        remedy = f"{kind} in {provider}/{region} is sold in the zones {listed(zones)}"
    else:
        remedy = nearest(pool, ("/".join(one) for one in supply.pools))
    faults.add(place, pool, "a pool of the market", remedy)


def _check_quotas(spec: Spec, supply: Supply, faults: FaultList) -> None:
    for index, quota in enumerate(spec.quotas):
        place = ("quotas", index)
        _check_one(quota.provider, (*place, "provider"), supply.providers, faults)
        if quota.provider not in supply.providers:
            continue
        if quota.region is not None:
            names = [one.partition("/")[2] for one in supply.regions if _of(one, quota.provider)]
            _check_glob(quota.region, (*place, "region"), names, faults)
        if quota.family is not None:
            families = supply.families.get(quota.provider, frozenset())
            _check_one(quota.family, (*place, "family"), families, faults)
        if quota.type is not None:
            _check_glob(quota.type, (*place, "type"), supply.types[quota.provider], faults)


def _of(region: str, provider: str) -> bool:
    return region.partition("/")[0] == provider


def _check_glob(glob: str, place: Place, known: Iterable[str], faults: FaultList) -> None:
    names = list(known)
    if not fnmatch.filter(names, glob):
        expected = "a name or glob that matches something in the market"
        faults.add(place, glob, expected, nearest(glob, names))
