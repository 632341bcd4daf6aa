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
from broker.spec_faults import Here, listed, nearest, words
from broker.spec_machines import Machines
from broker.spec_policy import check_policy_names
from broker.spec_savings import check_savings_rates
from broker.spec_stability import check_frozen
from broker.workloads import Batch, Holdings, QuotaLimit, SavingsPlan, Service, Spec, Training

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


def check_against(spec: Spec, market: Market, here: Here) -> None:
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
    _check_known(spec.providers or (), here.at("providers"), known=supply.providers)
    machines = Machines(market)
    for kind in _KINDS:
        for index, workload in enumerate(getattr(spec, kind)):
            _check_places(workload, here.at(kind, index), supply=supply)
            machines.check(workload, here.at(kind, index))
    own = LatencyTable.load(Path(spec.latency)).own_metros if spec.latency else frozenset()
    metros = own | metro_ids().keys()
    for index, service in enumerate(spec.services):
        _check_origins(service, here.at("services", index), metros=metros, supply=supply)
    for index, rule in enumerate(spec.policy.exclusivity):
        known = (*supply.providers, *sorted(supply.regions))
        _check_known(rule.scopes, here.at("policy", "exclusivity", index, "scopes"), known=known)
    _check_tags(spec, here.at("assume", "tags"), supply=supply)
    check_policy_names(spec, here.at("policy"), known=_scope_names(spec, supply))
    _check_holdings(spec.holdings, here.at("holdings"), supply=supply)
    for index, quota in enumerate(spec.quotas):
        _check_quota(quota, here.at("quotas", index), supply=supply)
    check_frozen(spec, market, here.at("stability", "freeze"))


def _check_tags(spec: Spec, here: Here, *, supply: Supply) -> None:
    if not spec.assume.tags:
        return
    types = {name for names in supply.types.values() for name in names}
    pools = {"/".join(pool) for pool in supply.pools}
    known = [*supply.providers, *supply.places, *sorted(types), *sorted(pools)]
    for tag, globs in spec.assume.tags.items():
        _check_globs(globs, here.at(tag), known=known)


def _scope_names(spec: Spec, supply: Supply) -> dict[str, list[str]]:
    """Return what a cap on concentration may speak of: dimension -> names."""
    used = spec.providers or supply.providers
    return {
        "provider": [one for one in supply.providers if one in used],
        "region": sorted(one for one in supply.regions if one.partition("/")[0] in used),
        "accelerator": sorted(supply.market.offers["accelerator"].drop_nulls().unique()),
    }


def _check_known(names: Iterable[str], here: Here, *, known: Sequence[str]) -> None:
    """Note each of `names`, a list that stands here, that is not among `known`."""
    for index, name in enumerate(names):
        _check_one(name, here.at(index), known=known)


def _check_one(name: str, here: Here, *, known: Iterable[str]) -> None:
    names = sorted(known)
    if name not in names:
        expected = f"a name that the market has: {listed(names)}"
        here.fault(name, expected=expected, remedy=nearest(name, names))


def _check_globs(globs: Iterable[str], here: Here, *, known: Iterable[str]) -> None:
    """Note each glob of a list that stands here that matches none of `known`."""
    names = list(known)
    for index, glob in enumerate(globs):
        _check_glob(glob, here.at(index), known=names)


def _check_places(workload: Training | Service | Batch, here: Here, *, supply: Supply) -> None:
    where = workload.where
    inside = here.at("where")
    _check_known(where.providers or (), inside.at("providers"), known=supply.providers)
    _check_globs(where.regions or (), inside.at("regions"), known=supply.places)
    if where.residency is not None and not supply.countries & set(where.residency):
        found = words(listed(where.residency))
        expected = f"a country with a region of the market: {listed(sorted(supply.countries))}"
        inside.at("residency").fault(found, expected=expected, remedy="allow more countries")
    if workload.data is not None and not _is_region(workload.data.place, supply):
        known = [*supply.regions, *("/".join(key) for key in regions())]
        remedy = nearest(workload.data.place, known)
        expected = "a known provider/region"
        here.at("data", "in").fault(workload.data.place, expected=expected, remedy=remedy)


def _is_region(name: str, supply: Supply) -> bool:
    provider, _, region = name.partition("/")
    return name in supply.regions or (provider, region) in regions()


def _check_origins(service: Service, here: Here, *, metros: Set[str], supply: Supply) -> None:
    for index, load in enumerate(service.demand):
        is_known = "," in load.origin or load.origin in metros or _is_region(load.origin, supply)
        if not is_known:
            expected = "a metro, a provider/region, or {lat: .., lon: ..}"
            remedy = nearest(load.origin, [*metros, *supply.regions])
            remedy = remedy or "`broker latency` lists the metros"
            here.at("demand", index, "from").fault(load.origin, expected=expected, remedy=remedy)


def _check_holdings(holdings: Holdings, here: Here, *, supply: Supply) -> None:
    for index, reservation in enumerate(holdings.reservations):
        _check_pool(reservation.pool, here.at("reservations", index, "pool"), supply=supply)
    for index, commitment in enumerate(holdings.commitments):
        place = here.at("commitments", index, "provider")
        _check_one(commitment.provider, place, known=supply.providers)
    for index, discount in enumerate(holdings.discounts):
        place = here.at("discounts", index)
        _check_one(discount.provider, place.at("provider"), known=supply.providers)
        types = supply.types.get(discount.provider)
        if types is not None:
            _check_globs(discount.types or (), place.at("types"), known=types)
    for index, plan in enumerate(holdings.savings_plans):
        _check_savings_plan(plan, here.at("savings_plans", index), supply=supply)


def _check_savings_plan(plan: SavingsPlan, here: Here, *, supply: Supply) -> None:
    _check_one(plan.provider, here.at("provider"), known=supply.providers)
    if plan.provider not in supply.providers:
        return
    _check_globs(plan.types or (), here.at("types"), known=supply.types[plan.provider])
    regions = [one.partition("/")[2] for one in supply.regions if _of(one, plan.provider)]
    _check_globs(plan.regions or (), here.at("regions"), known=regions)
    check_savings_rates(plan, supply.market, here.at("rates"))


def _check_pool(pool: str, here: Here, *, supply: Supply) -> None:
    """Note a pool the market does not have; it is named ``provider/region/zone/type``."""
    parts = tuple(pool.split("/"))
    if len(parts) != _POOL_PARTS:
        remedy = "write e.g. aws/us-east-1/use1-az4/p5.48xlarge; the zone may be -"
        here.fault(pool, expected="provider/region/zone/type", remedy=remedy)
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
    here.fault(pool, expected="a pool of the market", remedy=remedy)


def _check_quota(quota: QuotaLimit, here: Here, *, supply: Supply) -> None:
    _check_one(quota.provider, here.at("provider"), known=supply.providers)
    if quota.provider not in supply.providers:
        return
    if quota.region is not None:
        names = [one.partition("/")[2] for one in supply.regions if _of(one, quota.provider)]
        _check_glob(quota.region, here.at("region"), known=names)
    if quota.family is not None:
        families = supply.families.get(quota.provider, frozenset())
        _check_one(quota.family, here.at("family"), known=families)
    if quota.type is not None:
        _check_glob(quota.type, here.at("type"), known=supply.types[quota.provider])


def _of(region: str, provider: str) -> bool:
    return region.partition("/")[0] == provider


def _check_glob(glob: str, here: Here, *, known: Iterable[str]) -> None:
    names = list(known)
    if not fnmatch.filter(names, glob):
        expected = "a name or glob that matches something in the market"
        here.fault(glob, expected=expected, remedy=nearest(glob, names))
