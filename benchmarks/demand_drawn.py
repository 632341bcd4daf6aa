"""Services of a drawn fleet: rates by metro, latency that the market can keep, losses survived."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.draws import Draws, rounded
from benchmarks.fleet import EU, US, spot_of, terms_of
from benchmarks.known import AREAS, Known, bandwidth_of
from broker.workloads import (
    LatencyRule,
    Load,
    ScopeLevel,
    Service,
    Shape,
    Spread,
    Where,
)

#: Size of the model -> requests/s of one accelerator per TB/s of memory bandwidth, and replicas.
#: A replica reads its weights once for a batch of tokens, so bandwidth sets the pace.
_FAMILIES: Final = (
    (4.7, (("L4", 1), ("A10G", 1), ("A10", 1), ("T4", 1))),
    (1.2, (("A100-80", 1), ("H100-NVL", 1), ("L40S", 2), ("A100-40", 2))),
    (0.25, (("H100", 8), ("H200", 8), ("A100-80", 8), ("MI300X", 8))),
)
_FAMILY_ODDS: Final = (0, 0, 0, 1, 1, 2)
#: Requests/s of one service: the mean of the traced hour, and how much services differ.
_MEAN_RATE: Final = 19366 / 3600
_RATE_SIGMA, _MOST_RATE = 1.4, 400.0
_MEAN_TOKENS: Final = 211.1
_LIMITS_MS: Final = (40, 60, 60, 80, 80, 100, 120, 150)
_SHARES: Final = (Decimal(1), Decimal("0.95"), Decimal("0.9"))
_MARGIN_MS: Final = 5


@dataclass(frozen=True, kw_only=True)
class _Need:
    """What a service asks of places, before its latency limit is known."""

    spread: int
    survive: ScopeLevel | None


def services(count: int, seed: int, known: Known, *, is_ruled: bool) -> tuple[Service, ...]:
    """Draw services of 1 to 12 metros in one part of the world, or in all of it."""
    draws = Draws(seed, "services")
    return tuple(_service(number, draws, known, is_ruled) for number in range(count))


def _service(number: int, draws: Draws, known: Known, is_ruled: bool) -> Service:
    pace, family = _FAMILIES[draws.one_of(_FAMILY_ODDS)]
    usable = [one for one in family if one[0] in known.holds]
    chosen = usable[draws.whole(0, len(usable) - 1) :][: draws.whole(1, 3)]
    tokens = draws.of_fact("request_tokens")
    shapes = tuple(_shape(model, held, pace * _MEAN_TOKENS / tokens) for model, held in chosen)
    area = draws.one_of((*AREAS, *AREAS, "world"))
    demand = _demand(draws, known, area)
    countries = {"europe": EU, "america": US}.get(area) if is_ruled else None
    residency = countries if draws.chance(0.25) else None
    places = known.holding(tuple(model for model, _ in chosen))
    if residency is not None and (places & known.in_countries(frozenset(residency))).any():
        places = places & known.in_countries(frozenset(residency))
    else:
        residency = None
    need = _need(draws, known, places, is_ruled=is_ruled)
    return Service(
        name=f"service-{number:06}",
        shapes=shapes,
        demand=demand,
        headroom=_headroom(draws),
        latency=_latency(draws, known, demand, places, need),
        spread=None if need.spread == 1 else Spread(regions=need.spread),
        survive=need.survive,
        survive_share=Decimal("0.6") if need.survive and draws.chance(0.5) else Decimal(1),
        spot=spot_of(draws, Decimal("0.5")) if draws.chance(0.25) else None,
        purchase=terms_of(draws),
        priority=draws.one_of((0, 1, 1, 2, 3)),
        where=Where() if residency is None else Where(residency=residency),
    )


def _shape(model: str, held: int, pace: float) -> Shape:
    throughput = rounded(max(pace * bandwidth_of(model), 0.01))
    return Shape(
        accelerators=(model,),
        count=Decimal(held),
        per_node=Decimal(held),
        throughput=throughput,
        written=f"{model}:{held}",
    )


def _headroom(draws: Draws) -> Decimal:
    """Return room for a busy minute of the traced hour, in steps of 5 %."""
    above = max(draws.of_fact("minute_over_mean") - 1, 0.0)
    return Decimal(round(above * 20)) / 20


def _demand(draws: Draws, known: Known, area: str) -> tuple[Load, ...]:
    metros = [one for group in known.metros.values() for one in group]
    around = metros if area == "world" else list(known.metros[area])
    chosen = draws.some_of(around, draws.whole(1, 12))
    total = min(draws.lognormal(_MEAN_RATE, _RATE_SIGMA), _MOST_RATE)
    part = [draws.lognormal(1.0, 0.8) for _ in chosen]
    return tuple(
        Load(origin=origin, rate=rounded(max(total * one / sum(part), 0.01)))
        for origin, one in zip(chosen, part, strict=True)
    )


def _need(draws: Draws, known: Known, places: NDArray[np.bool_], *, is_ruled: bool) -> _Need:
    """Draw spread and survival that the places of the service can give at all."""
    regions = int(places.sum())
    clouds = {known.places[row][0] for row in np.flatnonzero(places)}
    spread = min(draws.one_of((1, 1, 1, 2, 3)), regions)
    levels = (None, None, None, ScopeLevel.REGION, ScopeLevel.ZONE, ScopeLevel.PROVIDER)
    survive = draws.one_of(levels) if is_ruled else None
    if (survive is ScopeLevel.PROVIDER and len(clouds) < 2) or regions < 3:
        survive = None
    return _Need(spread=spread, survive=survive)


def _latency(
    draws: Draws,
    known: Known,
    demand: tuple[Load, ...],
    places: NDArray[np.bool_],
    need: _Need,
) -> LatencyRule | None:
    """Draw a limit, raised until every metro reaches the places that spread and losses ask for."""
    drawn, share, is_strict = draws.one_of(_LIMITS_MS), draws.one_of(_SHARES), draws.chance(0.2)
    if draws.chance(0.1):
        return None
    rows = np.flatnonzero(places)
    clouds = np.array([known.places[row][0] for row in rows])
    limit = float(drawn)
    for load in demand:
        limit = max(limit, _reach(known.rtt_ms[load.origin][rows], clouds, need) + _MARGIN_MS)
    rtt = Decimal(int(-(-limit // 5) * 5))
    return LatencyRule(
        rtt=rtt,
        share=share,
        each_metro=is_strict,
        rtt_max=rtt * 3 if draws.chance(0.3) else None,
    )


def _reach(rtt_ms: NDArray[np.float64], clouds: NDArray[np.str_], need: _Need) -> float:
    """Return how far one metro must reach: to enough regions, and to another cloud."""
    nearest = np.sort(rtt_ms)
    wanted = need.spread + (1 if need.survive is not None else 0)
    farthest = nearest[min(wanted, len(nearest) - 1)]
    if need.survive is ScopeLevel.PROVIDER:
        first = clouds[int(np.argmin(rtt_ms))]
        others = rtt_ms[clouds != first]
        farthest = max(farthest, float(others.min()))
    return float(farthest)
