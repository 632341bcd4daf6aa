"""What a plan takes for granted, in sentences; only what this plan really rests on."""

from __future__ import annotations

from collections.abc import Sequence

from broker.plans import Placement, Route
from broker.readings import readings
from broker.rules.exclusivity import rules_in_force
from broker.rules.rule import Scene
from broker.units import plain


def assumptions(
    scene: Scene, placed: Sequence[Placement], routed: Sequence[Route]
) -> tuple[str, ...]:
    """Return the assumptions behind placements and routes, in a fixed order."""
    found = [
        _rules_out_of_force(scene),
        _capacities(scene, placed),
        _unknown_capacities(placed),
        _interruptions(scene, placed),
        _covered_hours(placed),
        _unnamed_zones(placed),
        _round_trips(routed),
        _user_traffic(routed),
        _power(scene, placed),
        _transfer(scene, placed),
        _unpriced_homes(scene),
        _readings(scene, placed),
    ]
    return tuple(sentence for sentence in found if sentence)


def counted(count: int, noun: str) -> str:
    """Return ``1 placement`` or ``2 placements``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _rules_out_of_force(scene: Scene) -> str:
    holding = {id(rule) for rule in rules_in_force(scene)}
    every = enumerate(scene.spec.policy.exclusivity)
    idle = [f"[{index}]" for index, rule in every if id(rule) not in holding]
    return f"outside their dates: policy.exclusivity{', '.join(idle)}" if idle else ""


def _capacities(scene: Scene, placed: Sequence[Placement]) -> str:
    options = sorted({one.option for one in placed if one.capacity == "assumed"})
    stated = scene.spec.assume.instances_per_pool
    parts = [f"{count} for {option}" for option, count in stated.items() if option in options]
    if not parts:
        return ""
    return f"instances per pool where nobody states them: {', '.join(parts)} (assume)"


def _unknown_capacities(placed: Sequence[Placement]) -> str:
    count = sum(1 for one in placed if one.capacity == "unknown")
    if not count:
        return ""
    return f"capacity of {counted(count, 'placement')} is unknown and taken as unlimited"


def _interruptions(scene: Scene, placed: Sequence[Placement]) -> str:
    spot = {one.offer for one in placed if one.option == "spot"}
    frame = scene.stock.frame.filter(scene.stock.frame["interruptions_assumed"])
    unknown = sorted(spot & set(frame["id"])) if spot else []
    if not unknown:
        return ""
    rate = plain(scene.spec.assume.interruptions_per_hour)
    pools = counted(len(unknown), "spot pool")
    return f"{rate} interruptions per hour for {pools} without a known rate"


def _covered_hours(placed: Sequence[Placement]) -> str:
    if not any(one.covered_hours for one in placed):
        return ""
    return (
        "savings plans pay out of the commitment of the whole period; a provider applies them "
        "hour by hour, and what an hour leaves over is lost"
    )


def _unnamed_zones(placed: Sequence[Placement]) -> str:
    pools = {one.offer for one in placed if one.zone == "-"}
    if not pools:
        return ""
    if len(pools) == 1:
        return "1 offer names no zone; it is taken as one unnamed zone of its region"
    return f"{len(pools)} offers name no zone; each is taken as one unnamed zone of its region"


def _round_trips(routed: Sequence[Route]) -> str:
    estimated = [one for one in routed if one.estimated]
    if not estimated:
        return ""
    straddling = sum(1 for one in estimated if one.straddles)
    text = f"{len(estimated)} of {len(routed)} routes rest on estimated round trips"
    return f"{text}, {straddling} with a band that reaches over the limit" if straddling else text


def _user_traffic(routed: Sequence[Route]) -> str:
    return "traffic between users and services is not priced" if routed else ""


def _power(scene: Scene, placed: Sequence[Placement]) -> str:
    policy, assume = scene.spec.policy, scene.spec.assume
    if not (policy.power or policy.carbon) or not placed:
        return ""
    text = (
        f"power is an estimate: rated power of accelerators x {plain(assume.power_overhead)}, "
        f"{plain(assume.watts_per_vcpu)} W per vCPU without any"
    )
    grids = "; emissions are one: yearly averages of the local grids, see docs/carbon.md"
    return text + grids if policy.carbon else text


def _transfer(scene: Scene, placed: Sequence[Placement]) -> str:
    """Say how moved data is priced, and which prices are estimates."""
    where = {one.name: one.data.place for one in scene.spec.workloads if one.data is not None}
    moves = {
        (where[one.workload], f"{one.provider}/{one.region}")
        for one in placed
        if one.workload in where
    }
    prices = [price for move in moves if (price := scene.transfer.price(*move)) is not None]
    days = sorted(price.observed_on for price in prices if price.observed_on)
    estimated = sum(1 for price in prices if price.estimated)
    parts = [f"prices of data transfer seen {days[0]} to {days[-1]}"] if days else []
    if any(scene.transfer.price_list(*move) is not None for move in moves):
        parts.append(
            "data that leaves a provider is billed by its volume tiers as if all of the period "
            "moved in one month, and nothing else of the account did"
        )
    if estimated:
        parts.append(f"{estimated} of {len(prices)} are estimates from a like region")
    return "; ".join(parts)


def _unpriced_homes(scene: Scene) -> str:
    names = [home.workload for home in scene.homes.values() if not home.is_priced]
    if not names:
        return ""
    text = "what runs now without a known price counts as free in the cost of moving it"
    return f"{text}: {', '.join(names)}"


def _readings(scene: Scene, placed: Sequence[Placement]) -> str:
    """Say how the moves of pipelines are priced, and which prices are estimates."""
    moved = [one for one in readings(scene, placed) if one.origin != one.target]
    leaving = [one for one in moved if scene.transfer.price_list(one.origin, one.target)]
    estimated = sum(1 for one in moved if one.estimated)
    parts = []
    if leaving:
        parts.append(
            "data that a pipeline moves out of a provider is billed at the first price of its "
            "volume tiers"
        )
    if estimated:
        parts.append(f"{estimated} moves of pipelines at prices of a like region")
    return "; ".join(parts)
