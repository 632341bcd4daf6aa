"""What a plan moves from where it runs now, and what staying would mean."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from broker.candidates import ADMISSIONS, Candidates
from broker.homes import Home
from broker.plans import ZERO, Binding, Move, Placement
from broker.rules.rule import AnyWorkload, Scene
from broker.ways import ways_on


def moves(
    scene: Scene, candidates: Sequence[Candidates], placed: Sequence[Placement]
) -> tuple[Move, ...]:
    """Return the moves of a plan, by workload in spec order."""
    mine = _of_homes(scene, placed)
    ids = scene.stock.frame["id"].to_list() if mine else []
    found: list[Move] = []
    for one in candidates:
        home = scene.homes.get(one.workload.name)
        own = mine[one.workload.name] if home is not None else []
        if home is not None and (new := _elsewhere(home, own, ids)):
            found.append(_move(scene, one, own, new))
    return tuple(found)


def move_limit(scene: Scene, moved: Sequence[Move]) -> tuple[Binding, ...]:
    """Return the limit on moves where it is used up."""
    most = scene.spec.stability.max_moves if scene.spec.stability is not None else None
    if most is None or len(moved) < most:
        return ()
    return (Binding(what="stability.max_moves", used=str(len(moved)), limit=str(most)),)


def moved_homes(scene: Scene, placed: Sequence[Placement]) -> Iterator[Home]:
    """Yield the homes of the workloads that have an instance anywhere else."""
    mine = _of_homes(scene, placed)
    ids = scene.stock.frame["id"].to_list() if mine else []
    for home in scene.homes.values():
        if _elsewhere(home, mine[home.workload], ids):
            yield home


def _of_homes(scene: Scene, placed: Sequence[Placement]) -> defaultdict[str, list[Placement]]:
    """Group the placements of workloads that run now."""
    mine: defaultdict[str, list[Placement]] = defaultdict(list)
    for one in placed:
        if one.workload in scene.homes:
            mine[one.workload].append(one)
    return mine


def _elsewhere(home: Home, mine: Sequence[Placement], ids: Sequence[str]) -> list[Placement]:
    stays = {ids[row] for row in home.rows.tolist()} if mine else set()
    return [one for one in mine if one.offer not in stays]


def _move(
    scene: Scene, candidates: Candidates, mine: Sequence[Placement], new: Sequence[Placement]
) -> Move:
    home = scene.homes[candidates.workload.name]
    cost = sum((one.cost.total for one in mine), ZERO)
    return Move(
        workload=home.workload,
        now=tuple(f"{one.instances} x {one.pool} {one.option}" for one in home.running),
        new=tuple(
            f"{one.instances} x {one.provider}/{one.region}/{one.zone}/{one.instance_type} "
            f"{one.option}"
            for one in new
        ),
        cost_usd=home.move_usd,
        why=_why(scene, candidates, home, cost + home.move_usd),
    )


def _why(scene: Scene, candidates: Candidates, home: Home, cost_usd: Decimal) -> str:
    """Say what staying would mean for the workload by itself."""
    if not len(home.rows):
        return "where it runs now is not for sale in this market"
    staying = home.rows[candidates.admitted[home.rows]]
    if not len(staying):
        return f"it may not stay: {_obstacle(scene, candidates, home)}"
    ways = ways_on(scene, candidates, staying)
    if not ways:
        return "it cannot be carried where it runs now"
    way = ways[0]
    capacity = scene.stock.frame["capacity"][way.row]
    if capacity is not None and capacity < way.instances:
        return f"staying takes {way.instances} instances, {way.offer} has {capacity}"
    saved = way.total_usd - cost_usd
    staying_is = f"staying on {way.offer} is {way.total_usd:,} USD"
    if saved > 0:
        return f"saves {saved:,} USD after the move; {staying_is}"
    return f"no cheaper by itself ({staying_is}): others need the place, or a rule over all does"


def _obstacle(scene: Scene, candidates: Candidates, home: Home) -> str:
    workload: AnyWorkload = candidates.workload
    fits = np.logical_or.reduce(candidates.shape_fits)[scene.machines.of_row[home.rows]]
    if not fits.any():
        return "no shape fits the machine it runs on"
    refusals = ((one.key, one.why_not, one.admits(workload, scene)) for one in ADMISSIONS)
    for key, why, mask in refusals:
        if mask is not None and not mask[home.rows[fits]].any():
            return f"{key}: {why}"
    return "rules together leave none of it"
