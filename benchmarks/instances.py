"""Instances of benchmarks: a spec and a market, drawn from a seed on the embedded market.

    spec, market = instance("M", Regime.NORMAL, seed=1)

Offers and prices are real; demand follows public traces (`benchmarks/data/demand.csv`);
capacities, quotas and rules are drawn as the modules state that draw them. The same arguments
give the same instance in every process. What is drawn is a spec that a user could write.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from benchmarks.demand_drawn import services
from benchmarks.fleet import PERIOD_H, batches, trainings
from benchmarks.known import known_of
from benchmarks.offers_drawn import part_of
from benchmarks.rules_drawn import with_rules
from benchmarks.supply import Regime, quotas, with_capacities
from broker.market import TABLES, Market
from broker.market_digest import content_digest
from broker.snapshot import EMBEDDED, read_market
from broker.workloads import Spec

__all__ = ["FEWEST_OFFERS", "SIZES", "Regime", "Size", "draw", "instance", "on_offers"]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an instance is.

    Attributes:
        workloads: of all kinds together, a third each.
        offers: about how many.
        fleet_offers: the fleet is one that so many offers can serve, whatever `offers` says;
            None: one for `offers`.
    """

    workloads: int
    offers: int
    fleet_offers: int | None = None


SIZES: Final[Mapping[str, Size]] = {
    "S": Size(workloads=50, offers=5_000),
    "M": Size(workloads=500, offers=5_000),
    "L": Size(workloads=2_000, offers=5_000),
    "XL": Size(workloads=10_000, offers=20_000),
    "XXL": Size(workloads=100_000, offers=20_000),
}
#: Fewest offers on which a named size can be asked for; more of them hold these too.
FEWEST_OFFERS: Final = 1_250


def on_offers(size: Size, offers: int) -> Size:
    """Return a size on another number of offers: the same fleet, byte by byte, on every number.

    The fleet is drawn for `FEWEST_OFFERS`; fewer than these might not serve it.
    """
    return replace(size, offers=offers, fleet_offers=FEWEST_OFFERS)


def instance(
    size: str, regime: Regime = Regime.NORMAL, *, seed: int = 1, rules: str = "all"
) -> tuple[Spec, Market]:
    """Return the spec and market of a named size, see `draw`."""
    return draw(SIZES[size], regime, seed=seed, rules=rules)


def draw(
    size: Size, regime: Regime = Regime.NORMAL, *, seed: int = 1, rules: str = "all"
) -> tuple[Spec, Market]:
    """Return a spec and a market.

    Args:
        size: how large.
        regime: a normal day, or capacity that is contested.
        seed: another one draws another fleet on other offers.
        rules: ``all``: residency, tags, data, losses to survive, exclusivity, export control,
            quotas, holdings, caps on concentration, power and budget, a price of carbon, what
            runs now, pipelines. ``none``: workloads with priorities,
            purchase options, latency and spread, on pools of limited capacity.

    Raises:
        ValueError: another word for `rules`.
    """
    if rules not in ("all", "none"):
        raise ValueError(f"rules: found {rules!r}, expected 'all' or 'none'")
    is_ruled = rules == "all"
    offers = part_of(_embedded(), size.offers, seed)
    # A smaller part is inside a larger one of the same seed, so its fleet can be served there too.
    known = known_of(part_of(_embedded(), size.fleet_offers or size.offers, seed))
    gangs, thirds = size.workloads // 3, size.workloads - size.workloads // 3
    spec = Spec(
        period=PERIOD_H,
        training=trainings(gangs, seed, known, is_ruled=is_ruled),
        services=services(thirds // 2, seed, known, is_ruled=is_ruled),
        batch=batches(thirds - thirds // 2, seed, known, is_ruled=is_ruled),
    )
    market = replace(
        _embedded(), name="benchmark", offers=with_capacities(offers, spec, regime, seed)
    )
    if is_ruled:
        market = replace(market, quotas=quotas(market.offers, regime, seed))
        spec = with_rules(spec, known, seed)
    tables = {name: getattr(market, name) for name in TABLES}
    return spec, replace(market, digest=content_digest(tables))


@cache
def _embedded() -> Market:
    return read_market(EMBEDDED)
