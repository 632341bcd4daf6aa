"""The cheapest flows between a few places, in exact numbers.

A transport problem: shares lie at sources and are wanted at targets. Cheapest augmenting paths
(Busacker and Gowen 1961) solve it without a single rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

Shares = Mapping[str, Decimal]
Flows = dict[tuple[str, str], Decimal]
Costs = Mapping[tuple[str, str], Decimal]


def cheapest_flows(lies: Shares, wanted: Shares, cost: Costs) -> Flows:
    """Return (from, to) -> share at the least total cost.

    Args:
        lies: place -> share that lies there, at most so much is taken.
        wanted: place -> share wanted there.
        cost: (from, to) -> cost of one share, for every pair of the two.

    Returns:
        Flows above 0. What is wanted beyond all that lies (a rounding) is taken from where the
        largest flow to it comes from; nothing lies at all: no flows.
    """
    left = {place: share for place, share in sorted(lies.items()) if share > 0}
    need = {place: share for place, share in sorted(wanted.items()) if share > 0}
    flows: Flows = {}
    while any(left.values()) and any(need.values()):
        _augment(left, need, flows, cost)
    for target, missing in need.items():
        if missing and flows:
            coming = [pair for pair in flows if pair[1] == target]
            source, _ = max(coming or flows, key=lambda pair: (flows[pair], pair))
            flows[source, target] = flows.get((source, target), Decimal(0)) + missing
    return flows


def _augment(
    left: dict[str, Decimal], need: dict[str, Decimal], flows: Flows, cost: Costs
) -> None:
    """Send as much as fits along the cheapest path from what is left to what is needed."""
    reached, source_of, target_of = _paths(left, need, flows, cost)
    last = min((place for place in need if need[place]), key=lambda place: (reached[place], place))
    forward: list[tuple[str, str]] = []
    back: list[tuple[str, str]] = []
    target = last
    while True:
        source = source_of[target]
        forward.append((source, target))
        if source not in target_of:
            break
        target = target_of[source]
        back.append((source, target))
    sent = min([left[source], need[last], *(flows[pair] for pair in back)])
    for pair in forward:
        flows[pair] = flows.get(pair, Decimal(0)) + sent
    for pair in back:
        flows[pair] -= sent
        if not flows[pair]:
            del flows[pair]
    left[source] -= sent
    need[last] -= sent


def _paths(
    left: Mapping[str, Decimal], need: Mapping[str, Decimal], flows: Flows, cost: Costs
) -> tuple[dict[str, Decimal], dict[str, str], dict[str, str]]:
    """Return least cost to each target, target -> source before it, source -> target before it.

    A path goes from a source with something left forward to a target, and back along a flow.
    """
    start = {source: Decimal(0) for source, share in left.items() if share}
    reached: dict[str, Decimal] = {}
    source_of: dict[str, str] = {}
    target_of: dict[str, str] = {}
    changed = True
    while changed:
        changed = False
        for source, so_far in list(start.items()):
            for target in need:
                total = so_far + cost[source, target]
                if target not in reached or total < reached[target]:
                    reached[target], source_of[target], changed = total, source, True
        for source, target in flows:
            total = reached[target] - cost[source, target]
            if source not in start or total < start[source]:
                start[source], target_of[source], changed = total, target, True
    return reached, source_of, target_of
