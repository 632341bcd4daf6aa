"""What arithmetic alone shows to be out of reach, before anything is solved, and why.

Each sentence names the rule and what it is up against. What is found here cannot be served
(with two workloads: not both, or not in full); what is not found may still be out of reach.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

import numpy as np

from broker.candidates import Candidates, find_candidates
from broker.machines import gang_instances
from broker.market import Market
from broker.rules.exclusivity import rules_in_force
from broker.rules.power import power_rows
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.sizes import shares_of, throughput_by_size
from broker.units import plain
from broker.workloads import Exclusivity, ScopeLevel, Service, Spec, Training, Verb
from solver.problem import Bools, Floats, Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """Demand that no plan can serve.

    Attributes:
        workload: name.
        text: what it is up against, one sentence without a full stop.
    """

    workload: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many instances of each row there is room for.

    Attributes:
        capacity: float64[S], by what its pool has.
        limited: float64[S], by every quota and cap on power, as if one workload had it alone.
        label: row -> the limit that is narrowest.
        owned: bool[S].
        pool: int[S].
    """

    capacity: Floats
    limited: Floats
    label: dict[int, str]
    owned: Bools
    pool: Ints


def impossible_of(spec: Spec, market: Market) -> tuple[Impossible, ...]:
    """Return what of a spec no plan on a market can serve, as far as arithmetic shows it.

    Raises:
        SpecError: the user's own latency or transfer table has faults.
    """
    scene = build_scene(spec, market)
    candidates = find_candidates(scene)
    ruled_out = tuple(
        Impossible(workload=one.workload.name, text=said)
        for one in candidates
        if (said := nowhere(one))
    )
    return ruled_out + impossible(scene, candidates)


def impossible(scene: Scene, candidates: Sequence[Candidates]) -> tuple[Impossible, ...]:
    """Return what no plan can serve among workloads that may stand somewhere."""
    room = _room(scene)
    found: list[Impossible] = []
    for one in candidates:
        if one.admitted.any():
            texts = (*_gang(scene, one, room), *_service(scene, one))
            found += [Impossible(workload=one.workload.name, text=text) for text in texts]
    return (*found, *_neighbours(scene, candidates))


def nowhere(candidates: Candidates) -> str:
    """Return a sentence when nothing in the market may hold a workload, else ""."""
    if candidates.runnable == 0:
        shapes = ", ".join(shape.written for shape in candidates.workload.shapes)
        return f"no machine in the market can run {shapes}"
    if candidates.admitted.any():
        return ""
    rules = ", ".join(f"{one.rule} {one.offers}" for one in candidates.exclusions)
    return f"every offer that could run it is ruled out: {rules}"


def _room(scene: Scene) -> _Room:
    limits = [(one.label, one.rows, one.size, one.limit) for one in scene.quotas]
    limits += [
        (f"power in {one.place} (kW)", one.rows, one.kw, one.cap_kw) for one in power_rows(scene)
    ]
    room, label = np.full(scene.stock.count, np.inf), {}
    for name, rows, size, limit in limits:
        for row, each in zip(rows.tolist(), size.tolist(), strict=True):
            if each > 0 and float(limit) // each < room[row]:
                room[row], label[row] = float(limit) // each, f"{name}, {plain(limit)}"
    frame = scene.stock.frame
    return _Room(
        capacity=frame["capacity"].cast(float).fill_null(np.inf).to_numpy(),
        limited=room,
        label=label,
        owned=frame["owned"].to_numpy(),
        pool=scene.stock.codes("pool")[0],
    )


def _gang(scene: Scene, candidates: Candidates, limits: _Room) -> Iterator[str]:
    """Yield a sentence when no pool, quota or cap on power leaves room for the gang whole."""
    workload = candidates.workload
    if not isinstance(workload, Training):
        return
    rows = np.flatnonzero(candidates.admitted)
    extra = {
        int(limits.pool[row]): limits.capacity[row] for row in rows[limits.owned[rows]].tolist()
    }
    best: tuple[float, int, int] | None = None
    for row in rows.tolist():
        bought = min(limits.capacity[row], limits.limited[row])
        room = bought + (0.0 if limits.owned[row] else extra.get(int(limits.pool[row]), 0.0))
        need = _least_instances(scene, candidates, workload, row)
        if room >= need:
            return
        if best is None or room - need > best[0]:
            best = (room - need, row, need)
    if best is None:
        return
    lacks, row, need = best
    needs = f"needs {need} instances in one zone under one option, the most any"
    if limits.limited[row] < limits.capacity[row]:
        yield f"{needs} quota or cap leaves is {int(lacks + need)} ({limits.label[row]})"
    else:
        yield f"{needs} pool has is {int(lacks + need)} ({scene.stock.frame['pool'][row]})"


def _least_instances(scene: Scene, candidates: Candidates, workload: Training, row: int) -> int:
    machine = int(scene.machines.of_row[row])
    held = Decimal(repr(float(scene.machines.accelerators[machine])))
    return min(
        gang_instances(shape, held, int(scene.machines.hosts[machine]))
        for shape, fit in zip(workload.shapes, candidates.shape_fits, strict=True)
        if fit[machine]
    )


def _service(scene: Scene, candidates: Candidates) -> Iterator[str]:
    """Yield what a service asks for that the places it may use are too few or too far for."""
    workload = candidates.workload
    if not isinstance(workload, Service):
        return
    regions = _scopes(scene, candidates, ScopeLevel.REGION)
    if workload.spread is not None and workload.spread.regions > len(regions):
        yield f"spread: needs {workload.spread.regions} regions, may use {_listed(regions)}"
    if workload.survive is not None:
        scopes = _scopes(scene, candidates, workload.survive)
        is_alone = len(scopes) == 1 and not any(one.endswith("/-") for one in scopes)
        if is_alone:
            yield f"survive: needs a second {workload.survive.value} beside {scopes[0]}"
    yield from _too_far(scene, candidates, workload)
    unserved = _unserved_sizes(scene, candidates, workload)
    if unserved:
        yield f"no offer that the rules admit can serve {', '.join(unserved)}"


def _too_far(scene: Scene, candidates: Candidates, workload: Service) -> Iterator[str]:
    """Yield a sentence when more demand than may go far has no region near."""
    rule = workload.latency
    if rule is None:
        return
    places = np.unique(scene.place_of_row[candidates.admitted])
    rate = {load.origin: load.rate for load in workload.demand}
    far = [
        origin
        for origin in rate
        if not (scene.round_trip_ms[scene.origins[origin], places] <= float(rule.rtt)).any()
    ]
    share = sum((rate[one] for one in far), Decimal(0)) / sum(rate.values(), Decimal(0))
    if share > 1 - rule.share:
        yield (
            f"latency: no region it may use is within {plain(rule.rtt)} ms of {', '.join(far)}, "
            f"{plain((share * 100).quantize(Decimal('0.01')))} % of its demand, and "
            f"{plain((1 - rule.share) * 100)} % may go farther"
        )


def _unserved_sizes(scene: Scene, candidates: Candidates, service: Service) -> list[str]:
    """Sizes of request that no admitted offer can serve."""
    machines = np.unique(scene.machines.of_row[candidates.admitted])
    served = {
        size
        for shape, fit in zip(service.shapes, candidates.shape_fits, strict=True)
        if fit[machines].any()
        for size, rate in throughput_by_size(service, shape).items()
        if rate > 0
    }
    return [size for size in shares_of(service) if size not in served]


def _neighbours(scene: Scene, candidates: Sequence[Candidates]) -> Iterator[Impossible]:
    """Yield workloads that may not meet and have one scope only, or must meet and share none."""
    by_name = {one.workload.name: one for one in candidates if one.admitted.any()}
    for rule in rules_in_force(scene):
        if rule.scope is None:
            continue
        scopes = {name: _scopes(scene, one, rule.scope) for name, one in by_name.items()}
        if rule.verb is Verb.TOGETHER:
            yield from _without_common(rule, scopes)
        else:
            yield from _crowded(rule, scopes)


def _crowded(rule: Exclusivity, scopes: dict[str, list[str]]) -> Iterator[Impossible]:
    if rule.tenants is not None:
        groups = list(rule.tenants.values())
    elif rule.verb is Verb.ALONE:
        groups = [rule.workloads, tuple(name for name in scopes if name not in rule.workloads)]
    else:
        groups = [(name,) for name in rule.workloads]
    for one, other in combinations(groups, 2):
        for name, rival in ((a, b) for a in one for b in other):
            mine, its = scopes.get(name, []), scopes.get(rival, [])
            if len(mine) == 1 and mine == its:
                text = f"{rule.verb.value}: {{}} may stand in {mine[0]} alone, and so may {{}}"
                yield Impossible(workload=name, text=text.format("it", rival))
                yield Impossible(workload=rival, text=text.format("it", name))


def _without_common(rule: Exclusivity, scopes: dict[str, list[str]]) -> Iterator[Impossible]:
    if rule.scope is ScopeLevel.ZONE:
        return  # a zone nobody names may be any
    members = [name for name in rule.workloads if name in scopes]
    if members and not set.intersection(*(set(scopes[name]) for name in members)):
        for name in members:
            others = ", ".join(one for one in members if one != name)
            text = (
                f"together: no {rule.scope.value if rule.scope else ''} may hold it and {others}"
            )
            yield Impossible(workload=name, text=text)


def _scopes(scene: Scene, candidates: Candidates, level: ScopeLevel) -> list[str]:
    """Return the names of the scopes in which a workload may stand, sorted."""
    if level is ScopeLevel.PROVIDER:
        return sorted(set(scene.stock.text("provider")[candidates.admitted].tolist()))
    if level is ScopeLevel.REGION:
        places = np.unique(scene.place_of_row[candidates.admitted])
        return [scene.places[one] for one in places.tolist()]
    zones = np.unique(scene.zone_of_row[candidates.admitted])
    return ["/".join(scene.zones[one]) for one in zones.tolist()]


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}"
