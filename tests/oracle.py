"""A slow planner that shares nothing with ours: every whole-number choice is tried.

Small cases only. Each workload lists its ways: how many instances it takes of each offer, what
it leaves unmet and what that costs; every combination that fits together is compared by unmet
weight, priority by priority, then by cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from tests.oracle_cases import (
    CARRIED,
    PERIOD_H,
    RTT_MS,
    SPOT_D_H,
    SPOT_R_H,
    USD_PER_GB,
    Ask,
    Case,
    Gang,
    Offer,
    Pieces,
    Savings,
    Serving,
    market_csv,
    spec_data,
)

__all__ = [
    "CARRIED",
    "PERIOD_H",
    "RTT_MS",
    "SPOT_D_H",
    "SPOT_R_H",
    "USD_PER_GB",
    "Ask",
    "Case",
    "Gang",
    "Offer",
    "Pieces",
    "Savings",
    "Serving",
    "best",
    "market_csv",
    "spec_data",
]

Way = tuple[tuple[int, ...], float, float]
"""Instances of each offer, unmet weight, cost."""


def best(case: Case) -> tuple[tuple[float, ...], float]:
    """Return the least (unmet weight by priority from the highest, cost)."""
    ways = [list(_ways(ask, case.offers)) for ask in case.asks]
    order = sorted({ask.priority for ask in case.asks}, reverse=True)
    found: tuple[tuple[float, ...], float] | None = None
    for chosen in product(*ways):
        if not _fits(case, [way[0] for way in chosen]):
            continue
        unmet = tuple(
            round(
                sum(
                    way[1]
                    for way, ask in zip(chosen, case.asks, strict=True)
                    if ask.priority == one
                ),
                4,
            )
            for one in order
        )
        paid = _paid(case, [way[0] for way in chosen])
        key = (unmet, sum(way[2] for way in chosen) - paid)
        if found is None or key < found:
            found = key
    assert found is not None
    return found


def _paid(case: Case, taken: Sequence[tuple[int, ...]]) -> float:
    """What a savings plan pays: on-demand spend at its provider, as far as it reaches."""
    if case.savings is None:
        return 0.0
    spend = sum(
        count * o.usd_per_hour * (ask.hours if isinstance(ask, Gang) else PERIOD_H)
        for ask, counts in zip(case.asks, taken, strict=True)
        for count, o in zip(counts, case.offers, strict=True)
        if o.provider == case.savings.provider and o.losses is None and not o.owned
    )
    return min(spend, case.savings.per_hour * PERIOD_H / (1 - case.savings.off))


def _fits(case: Case, taken: Sequence[tuple[int, ...]]) -> bool:
    held = [sum(one) for one in zip(*taken, strict=True)]
    if any(count > o.available for count, o in zip(held, case.offers, strict=True)):
        return False
    at_aws = [
        count
        for count, o in zip(held, case.offers, strict=True)
        if o.provider == "aws" and not o.owned
    ]
    if case.quota is not None and sum(at_aws) > case.quota:
        return False
    if not case.apart:
        return True
    uses = [
        {o.provider for count, o in zip(one, case.offers, strict=True) if count} for one in taken
    ]
    return sum(map(len, uses)) == len(set().union(*uses))


def _usable(ask: Ask, offers: Sequence[Offer]) -> list[bool]:
    return [
        o.provider != ask.never and (o.losses is None or (ask.spot is not None and o.factor <= 2))
        for o in offers
    ]


def _ways(ask: Ask, offers: Sequence[Offer]) -> Iterator[Way]:
    if isinstance(ask, Gang):
        yield from _gang_ways(ask, offers)
        return
    usable = _usable(ask, offers)
    most = [o.available if use else 0 for o, use in zip(offers, usable, strict=True)]
    for counts in product(*(range(one + 1) for one in most)):
        if isinstance(ask, Pieces):
            yield counts, *_pieces(ask, offers, counts)
        elif isinstance(ask, Serving):
            served = _serving(ask, offers, counts)
            if served is not None:
                yield counts, *served


def _gang_ways(gang: Gang, offers: Sequence[Offer]) -> Iterator[Way]:
    nothing = (0,) * len(offers)
    yield nothing, 8.0 * gang.instances * gang.hours, 0.0
    usable = _usable(gang, offers)
    for i, main in enumerate(offers):
        if not usable[i] or gang.hours * main.factor > PERIOD_H:
            continue
        partners = [
            j for j, o in enumerate(offers) if o.owned and not main.owned and _same_pool(o, main)
        ]
        for j, mixed in [(i, 0)] + [(j, k) for j in partners for k in range(1, gang.instances)]:
            rest = gang.instances - mixed
            on_spot = rest if main.losses is not None else 0
            if on_spot > (gang.spot or 0) * gang.instances + 1e-9:
                continue
            counts = list(nothing)
            counts[i] += rest
            if mixed:
                counts[j] += mixed
            cost = rest * main.usd_per_hour * gang.hours * main.factor
            yield tuple(counts), 0.0, cost + _moved(gang, main)


def _same_pool(first: Offer, second: Offer) -> bool:
    return (first.place, first.zone) == (second.place, second.zone)


def _moved(ask: Ask, offer: Offer) -> float:
    return 0.0 if offer.place == "aws/us-east-1" else ask.data_gb * USD_PER_GB


def _pieces(ask: Pieces, offers: Sequence[Offer], counts: Sequence[int]) -> tuple[float, float]:
    """Fill the cheapest share first; spot up to its part of what is served."""
    room, price = [], []
    for count, o in zip(counts, offers, strict=True):
        room.append(count * ask.deadline / (ask.work * o.factor))
        price.append(ask.work * o.factor * o.usd_per_hour + _moved(ask, o))
    safe = sum(r for r, o in zip(room, offers, strict=True) if o.losses is None)
    risky = sum(r for r, o in zip(room, offers, strict=True) if o.losses is not None)
    part = ask.spot or 0.0
    most_risky = risky if part >= 1 else min(risky, safe * part / (1 - part))
    served = min(1.0, safe + most_risky)
    risky_left = min(most_risky, served * part)
    safe_needed = served - risky_left
    cost, left = 0.0, served
    order = sorted(range(len(offers)), key=lambda k: price[k])
    for k in order:
        is_risky = offers[k].losses is not None
        # The safe offers must keep room for what spot may not carry.
        allowed = risky_left if is_risky else left
        take = min(room[k], allowed, left)
        cost += take * price[k]
        left -= take
        if is_risky:
            risky_left -= take
        else:
            safe_needed -= take
    return 8.0 * ask.work * (1 - served), cost


def _serving(
    ask: Serving, offers: Sequence[Offer], counts: Sequence[int]
) -> tuple[float, float] | None:
    stated = sum(rate for _, rate in ask.rates)
    weight = 8.0 * stated / CARRIED * PERIOD_H
    room: dict[str, float] = {}
    on_spot = whole = cost = 0.0
    for count, o in zip(counts, offers, strict=True):
        if count:
            carried = count * CARRIED * (1 - (o.losses or 0.0) * SPOT_R_H)
            room[o.place] = room.get(o.place, 0.0) + carried
            whole += carried
            on_spot += carried if o.losses is not None else 0.0
            cost += count * o.usd_per_hour * PERIOD_H
    if on_spot > (ask.spot or 0.0) * whole + 1e-9 or (room and len(room) < ask.regions):
        return None
    share = 1 - 1 / (2 * ask.regions) if ask.regions > 1 else 1.0
    for place in room:
        if place != "aws/us-east-1":
            cost += ask.data_gb * USD_PER_GB
    served = _most_served(ask, room, far=ask.far * stated, share=share)
    return weight * (1 - served / stated), cost


def _most_served(ask: Serving, room: dict[str, float], *, far: float, share: float) -> float:
    """Return the largest total rate that can be routed.

    With T routed in all no place takes more than share x T: find the largest T whose flow under
    caps min(room, share x T) reaches T, by bisection (the set of such T is an interval from 0).
    """
    whole = _flow(ask, room, far)
    if share >= 1 or whole == 0:
        return whole
    low, high = 0.0, whole
    for _ in range(60):
        middle = (low + high) / 2
        capped = {place: min(one, share * middle) for place, one in room.items()}
        if _flow(ask, capped, far) >= middle - 1e-9:
            low = middle
        else:
            high = middle
    return low


def _flow(ask: Serving, room: dict[str, float], far: float) -> float:
    """Return the largest flow metro -> place; what goes through "far" may reach any place."""
    capacity: dict[tuple[str, str], float] = {("far in", "far out"): far}
    for metro, rate in ask.rates:
        capacity["source", metro] = float(rate)
        capacity[metro, "far in"] = float(rate)
        for place in room:
            if RTT_MS[metro, place] <= ask.rtt:
                capacity[metro, place] = float(rate)
    for place, one in room.items():
        capacity["far out", place] = far
        capacity[place, "sink"] = one
    total = 0.0
    while path := _path(capacity):
        amount = min(capacity[edge] for edge in path)
        for first, second in path:
            capacity[first, second] -= amount
            capacity[second, first] = capacity.get((second, first), 0.0) + amount
        total += amount
    return total


def _path(capacity: dict[tuple[str, str], float]) -> list[tuple[str, str]]:
    came: dict[str, str] = {"source": ""}
    queue = ["source"]
    for node in queue:  # grows while it is walked
        for (first, second), left in capacity.items():
            if first == node and left > 1e-9 and second not in came:
                came[second] = node
                queue.append(second)
    path = []
    node = "sink" if "sink" in came else ""
    while node and came[node]:
        path.append((came[node], node))
        node = came[node]
    return path[::-1]
