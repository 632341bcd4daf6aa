"""What arithmetic alone shows to be out of reach, before anything is solved, and why.

Each sentence names the rule and what it is up against. What is found here cannot be served
(with two workloads: not both, or not in full); what is not found may still be out of reach.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from broker.candidates import Candidates, find_candidates
from broker.machines import gang_instances
from broker.market import Market
from broker.rules.exclusivity import rules_in_force
from broker.rules.power import power_rows
from broker.rules.rule import Scene, place_parts
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


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What was looked up already, by the id of the admitted rows: workloads judged alike share it.

    Attributes:
        scene: where.
        limits: room in its rows.
        places: int[.], where they are.
        scopes: names of the scopes they are in.
        roomiest: of every machine among them its roomiest row, ascending, and the room there.
    """

    scene: Scene
    limits: _Room
    places: dict[int, Ints] = field(default_factory=dict)
    scopes: dict[tuple[int, ScopeLevel], list[str]] = field(default_factory=dict)
    roomiest: dict[int, tuple[Ints, Floats]] = field(default_factory=dict)

    def places_of(self, candidates: Candidates) -> Ints:
        """Return the places in which a workload may stand, ascending."""
        rows = candidates.admitted
        if id(rows) not in self.places:
            self.places[id(rows)] = np.unique(self.scene.place_of_row[rows])
        return self.places[id(rows)]

    def scopes_of(self, candidates: Candidates, level: ScopeLevel) -> list[str]:
        """Return the names of the scopes in which a workload may stand, sorted."""
        key = id(candidates.admitted), level
        if key not in self.scopes:
            self.scopes[key] = self._scopes(candidates, level)
        return self.scopes[key]

    def _scopes(self, candidates: Candidates, level: ScopeLevel) -> list[str]:
        places = [self.scene.places[one] for one in self.places_of(candidates).tolist()]
        if level is ScopeLevel.PROVIDER:
            return sorted({place_parts(one)[0] for one in places})
        if level is ScopeLevel.REGION:
            return places
        zones = np.unique(self.scene.zone_of_row[candidates.admitted])
        return ["/".join(self.scene.zones[one]) for one in zones.tolist()]

    def roomiest_of(self, candidates: Candidates) -> tuple[Ints, Floats]:
        """Return of every machine a workload may use its roomiest row, and the room there."""
        key = id(candidates.admitted)
        if key not in self.roomiest:
            self.roomiest[key] = self._roomiest(np.flatnonzero(candidates.admitted))
        return self.roomiest[key]

    def _roomiest(self, rows: NDArray[np.int64]) -> tuple[Ints, Floats]:
        limits, machine = self.limits, self.scene.machines.of_row[rows]
        is_owned, pool = limits.owned[rows], limits.pool[rows]
        extra = np.zeros(int(limits.pool.max()) + 1)
        extra[pool[is_owned]] = limits.capacity[rows[is_owned]]
        room = np.minimum(limits.capacity[rows], limits.limited[rows])
        room = room + np.where(is_owned, 0.0, extra[pool])
        order = np.lexsort((rows, -room, machine))
        first = np.flatnonzero(np.diff(machine[order], prepend=-1))
        chosen = np.sort(order[first])
        return rows[chosen].astype(np.int32), room[chosen]


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
    seen = _Seen(scene=scene, limits=_room(scene))
    found: list[Impossible] = []
    for one in candidates:
        if one.admitted.any():
            texts = (*_gang(one, seen), *_service(one, seen))
            found += [Impossible(workload=one.workload.name, text=text) for text in texts]
    return (*found, *_neighbours(candidates, seen))


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
        capacity=np.nan_to_num(scene.stock.number("capacity"), nan=np.inf, posinf=np.inf),
        limited=room,
        label=label,
        owned=frame["owned"].to_numpy(),
        pool=scene.stock.codes("pool")[0],
    )


def _gang(candidates: Candidates, seen: _Seen) -> Iterator[str]:
    """Yield a sentence when no pool, quota or cap on power leaves room for the gang whole."""
    workload = candidates.workload
    if not isinstance(workload, Training):
        return
    scene, limits = seen.scene, seen.limits
    rows, room = seen.roomiest_of(candidates)
    need = _least_instances(scene, candidates, workload, scene.machines.of_row[rows])
    if (room >= need).any():
        return
    best = int(np.argmax(room - need))
    row, most = int(rows[best]), int(room[best])
    needs = f"needs {need[best]} instances in one zone under one option, the most any"
    if limits.limited[row] < limits.capacity[row]:
        yield f"{needs} quota or cap leaves is {most} ({limits.label[row]})"
    else:
        yield f"{needs} pool has is {most} ({scene.stock.frame['pool'][row]})"


def _least_instances(
    scene: Scene, candidates: Candidates, workload: Training, machines: Ints
) -> NDArray[np.int64]:
    """int64[.]: the fewest instances of each of some machines that hold the gang."""
    least: list[int] = []
    alike: dict[tuple[object, ...], int] = {}
    for machine in machines.tolist():
        held = float(scene.machines.accelerators[machine])
        hosts = int(scene.machines.hosts[machine])
        fitting = tuple(bool(fit[machine]) for fit in candidates.shape_fits)
        key = held, hosts, fitting
        if key not in alike:
            alike[key] = min(
                gang_instances(shape, Decimal(repr(held)), hosts)
                for shape, fits in zip(workload.shapes, fitting, strict=True)
                if fits
            )
        least.append(alike[key])
    return np.array(least, np.int64)


def _service(candidates: Candidates, seen: _Seen) -> Iterator[str]:
    """Yield what a service asks for that the places it may use are too few or too far for."""
    workload = candidates.workload
    if not isinstance(workload, Service):
        return
    regions = seen.scopes_of(candidates, ScopeLevel.REGION)
    if workload.spread is not None and workload.spread.regions > len(regions):
        yield f"spread: needs {workload.spread.regions} regions, may use {_listed(regions)}"
    if workload.survive is not None:
        scopes = seen.scopes_of(candidates, workload.survive)
        is_alone = len(scopes) == 1 and not any(one.endswith("/-") for one in scopes)
        if is_alone:
            yield f"survive: needs a second {workload.survive.value} beside {scopes[0]}"
    yield from _too_far(candidates, workload, seen)
    unserved = _unserved_sizes(seen.scene, candidates, workload)
    if unserved:
        yield f"no offer that the rules admit can serve {', '.join(unserved)}"


def _too_far(candidates: Candidates, workload: Service, seen: _Seen) -> Iterator[str]:
    """Yield a sentence when more demand than may go far has no region near."""
    rule = workload.latency
    if rule is None:
        return
    scene, places = seen.scene, seen.places_of(candidates)
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
    if not service.sizes:
        return []
    machines = np.unique(scene.machines.of_row[candidates.admitted])
    served = {
        size
        for shape, fit in zip(service.shapes, candidates.shape_fits, strict=True)
        if fit[machines].any()
        for size, rate in throughput_by_size(service, shape).items()
        if rate > 0
    }
    return [size for size in shares_of(service) if size not in served]


def _neighbours(candidates: Sequence[Candidates], seen: _Seen) -> Iterator[Impossible]:
    """Yield workloads that may not meet and have one scope only, or must meet and share none."""
    by_name = {one.workload.name: one for one in candidates if one.admitted.any()}
    for rule in rules_in_force(seen.scene):
        if rule.scope is None:
            continue
        named = _named(rule, by_name)
        scopes = {name: seen.scopes_of(by_name[name], rule.scope) for name in named}
        if rule.verb is Verb.TOGETHER:
            yield from _without_common(rule, scopes)
        else:
            yield from _crowded(rule, scopes)


def _named(rule: Exclusivity, standing: Mapping[str, Candidates]) -> Iterable[str]:
    """Names of the workloads that a rule speaks of and that may stand somewhere."""
    if rule.verb is Verb.ALONE and rule.tenants is None:
        return standing
    tenants = (rule.tenants or {}).values()
    names = dict.fromkeys([*rule.workloads, *(name for one in tenants for name in one)])
    return [name for name in names if name in standing]


def _crowded(rule: Exclusivity, scopes: dict[str, list[str]]) -> Iterator[Impossible]:
    if rule.tenants is not None:
        groups = list(rule.tenants.values())
    elif rule.verb is Verb.ALONE:
        own = frozenset(rule.workloads)
        groups = [rule.workloads, tuple(name for name in scopes if name not in own)]
    else:
        groups = [(name,) for name in rule.workloads]
    groups = [tuple(name for name in one if len(scopes.get(name, ())) == 1) for one in groups]
    for one, other in combinations(groups, 2):
        for name, rival in ((a, b) for a in one for b in other):
            mine = scopes[name]
            if mine == scopes[rival]:
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


def _listed(names: Sequence[str]) -> str:
    return f"{len(names)}: {', '.join(names)}"
