"""Columns and rows of one service whose loads have sizes, in the compact model.

A unit that carries short requests well may carry long ones badly, so loads are routed to
*stations* (`solver.stations`) instead of places. With D the stated load in all, f_{c,t} the part
of D that class c (loads of one size that see the same places) sends to station t, A_{t,b(c)} the
load of c's size that a unit of t carries, and w_p what a unit of pair p is worth there:

    sum_t f_{c,t} <= load of c / D;   sum_{c,t} f_{c,t} + unmet = 1
    sum_c D / A_{t,b(c)} x f_{c,t} <= sum over pairs p of t of w_p n_p

One whole number per pair, no switch per size: the f are continuous. They are parts of D and the
rows are in units, so no coefficient depends on the unit of the loads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.model import ModelBuilder
from solver.pairs import Pairs, most_units
from solver.problem import NO_ROW, Bools, Floats, Ints, Level, Problem
from solver.scopes import scopes_touched
from solver.service_rows import (
    Held,
    LoadClasses,
    ServiceColumns,
    add_presence,
    cap_place_share,
)
from solver.stations import Stations, stations_of
from solver.survival_rows import losses

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flows:
    """Classes and stations of one service; C classes, T stations.

    Attributes:
        classes: loads by what they can see and their size.
        group: int64[C], classes that one row on far load counts together.
        stations: where they may go.
        need: float64[C, T], units of the station that all of D of the class's size would take;
            inf: it cannot go there.
        near: bool[C, T].
        flow: int64[C, T], columns f; -1 where it cannot go.
    """

    classes: LoadClasses
    group: Longs
    stations: Stations
    need: Floats
    near: Bools
    flow: Longs


def add_sized_service(
    builder: ModelBuilder, problem: Problem, pairs: Pairs, *, service: int, rows: Longs, unmet: int
) -> ServiceColumns:
    """Add everything about one service.

    Args:
        builder: the model to grow.
        problem: where the service stands in.
        pairs: admitted pairs.
        service: row of `Services`; its loads have sizes.
        rows: int64[Q], the pairs of the service.
        unmet: column of its unmet share.
    """
    places, at = np.unique(problem.supply.place[pairs.supply[rows]], return_inverse=True)
    classes, size, group = _classes(problem, service=service, places=places)
    seen = np.arange(len(places))
    if problem.services.most_share[service] >= 1 and len(places):
        looks = np.concatenate([classes.near, classes.allowed]).T
        seen = np.unique(looks, axis=0, return_inverse=True)[1].reshape(-1)
    stations = stations_of(problem, pairs, rows, at=at, seen=seen)
    first, last = problem.services.load_start[service : service + 2]
    total = float(problem.services.load[first:last].sum())
    flows = _add_flows(builder, total, classes, stations, size=size, group=group)
    held = _add_units(builder, problem, pairs, flows, rows=rows, at=at)
    cover = builder.rows(1, low=1.0, high=1.0)
    builder.entries(int(cover[0]), flows.flow[flows.flow >= 0], 1.0)
    builder.entries(int(cover[0]), unmet, 1.0)
    _share_time(builder, flows, held.units)
    far_rows, far_load = _keep_near(builder, problem, flows, service=service)
    which, station = np.nonzero(flows.flow >= 0)
    share = float(problem.services.most_share[service])
    into = (flows.flow[which, station], flows.stations.at[station])
    cap_place_share(builder, into, unmet, places=len(places), share=share, load=1.0)
    _cap_risky(builder, problem, flows, service=service)
    present, placed = add_presence(builder, problem, flows.classes, flows.flow, held, service)
    columns = ServiceColumns(
        rows=rows,
        units=held.units,
        most_units=np.maximum(held.most, 1.0),
        flow=flows.flow,
        classes=flows.classes,
        load=1.0,
        present=present,
        placed=placed,
        far_rows=far_rows,
        far_load=far_load,
        stations=stations,
    )
    if problem.services.survive_level[service] != NO_ROW:
        _survive(builder, problem, pairs.supply[rows], columns, flows, service=service)
    return columns


def _add_flows(
    builder: ModelBuilder,
    total: float,
    classes: LoadClasses,
    stations: Stations,
    *,
    size: Ints,
    group: Longs,
) -> _Flows:
    """Add f_{c,t} <= load of c where c can go, and sum_t f_{c,t} <= load of c."""
    amount = stations.amount[:, size].T
    usable = (amount > 0) & classes.allowed[:, stations.at]
    need = np.full(amount.shape, np.inf)
    need[usable] = total / amount[usable]
    flow = np.full(amount.shape, -1, np.int64)
    which, station = np.nonzero(usable)
    flow[which, station] = builder.add(
        np.zeros(len(which)), high=classes.load[which], integral=False
    )
    out = builder.rows(len(classes.load), low=-np.inf, high=classes.load)
    builder.entries(out[which], flow[which, station], 1.0)
    return _Flows(
        classes=classes,
        group=group,
        stations=stations,
        need=need,
        near=classes.near[:, stations.at] & usable,
        flow=flow,
    )


def _classes(problem: Problem, *, service: int, places: Ints) -> tuple[LoadClasses, Ints, Longs]:
    """Return the classes, int32[C] their sizes, int64[C] their groups for far load."""
    services = problem.services
    rows = np.arange(services.load_start[service], services.load_start[service + 1])
    assert services.load_size is not None  # noqa: S101 - this service has sizes
    distance = services.distance[np.ix_(services.load_point[rows], places)]
    allowed = distance <= services.farthest[service]
    near = (distance <= services.near[service]) & allowed
    size = services.load_size[rows]
    point = services.load_point[rows] * int(services.each_point[service])
    key = np.column_stack([point, size, near, allowed])
    _, first, class_of = np.unique(key, axis=0, return_index=True, return_inverse=True)
    class_of = class_of.reshape(-1)
    load = np.bincount(class_of, weights=services.load[rows], minlength=len(first))
    classes = LoadClasses(
        places=places,
        members=tuple(rows[class_of == one] for one in range(len(first))),
        load=load / load.sum(),
        near=near[first],
        allowed=allowed[first],
    )
    return classes, size[first], np.unique(point[first], return_inverse=True)[1].reshape(-1)


def _add_units(
    builder: ModelBuilder,
    problem: Problem,
    pairs: Pairs,
    flows: _Flows,
    *,
    rows: Longs,
    at: Longs,
) -> Held:
    """Add n_p, at most what carries alone every load that may come to its station."""
    stations = flows.stations
    usable = np.isfinite(flows.need)
    whole = (np.where(usable, flows.need, 0.0) * flows.classes.load[:, None]).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        most = np.ceil(whole[stations.of_pair] / stations.weight - 1e-9)
    most = np.minimum(np.maximum(most, 1.0), most_units(problem, pairs.supply[rows]))
    units = builder.add(pairs.compute[rows] + pairs.extra[rows], high=most, integral=True)
    return Held(
        units=units,
        most=most,
        amount=pairs.amount[rows],
        at=at,
        move=pairs.move[rows],
    )


def _share_time(
    builder: ModelBuilder, flows: _Flows, units: Longs, left: Bools | None = None
) -> None:
    """Per station: sum_c need x f <= sum of w_p n_p, over the pairs that are `left`."""
    which, station = np.nonzero(flows.flow >= 0)
    rows = builder.rows(len(flows.stations.at), low=-np.inf, high=0.0)
    builder.entries(rows[station], flows.flow[which, station], flows.need[which, station])
    left = np.ones(len(units), np.bool_) if left is None else left
    weight = flows.stations.weight[left]
    builder.entries(rows[flows.stations.of_pair[left]], units[left], -weight)


def _keep_near(
    builder: ModelBuilder, problem: Problem, flows: _Flows, *, service: int
) -> tuple[Longs, Floats]:
    """Far load <= far_share x stated load, of each point or of all together.

    Returns:
        int64[.] rows, and float64[.] the stated load that each is a share of.
    """
    share = float(problem.services.far_share[service])
    far = (flows.flow >= 0) & ~flows.near
    if share >= 1 or not far.any():
        return np.empty(0, np.int64), np.empty(0)
    which, station = np.nonzero(far)
    load = np.bincount(flows.group, weights=flows.classes.load).astype(np.float64)
    rows = builder.rows(len(load), low=-np.inf, high=share * load)
    builder.entries(rows[flows.group[which]], flows.flow[which, station], 1.0)
    return rows, load


def _cap_risky(builder: ModelBuilder, problem: Problem, flows: _Flows, *, service: int) -> None:
    """Load routed to risky stations <= risky_share x load routed in all."""
    if not flows.stations.risky.any():
        return
    share = float(problem.demands.risky_share[problem.services.demand[service]])
    which, station = np.nonzero(flows.flow >= 0)
    row = int(builder.rows(1, low=-np.inf, high=0.0)[0])
    excess = np.asarray(flows.stations.risky[station] - share, np.float64)
    builder.entries(row, flows.flow[which, station], excess)


def _survive(
    builder: ModelBuilder,
    problem: Problem,
    supply: Ints,
    columns: ServiceColumns,
    flows: _Flows,
    *,
    service: int,
) -> None:
    """For each scope s lost: near load routable over what is left >= share x placed.

    By flows g_{c,t} >= 0 as f is, over the units outside s.
    """
    needed = float(problem.services.survive_share[service])
    level = Level(problem.services.survive_level[service])
    load = flows.classes.load
    which, station = np.nonzero(flows.near)
    for left in ~losses(scopes_touched(problem, supply, level), len(supply)):
        again = np.full(flows.flow.shape, -1, np.int64)
        again[which, station] = builder.add(np.zeros(len(which)), high=load[which], integral=False)
        rows = builder.rows(len(load), low=-np.inf, high=load)
        builder.entries(rows[which], again[which, station], 1.0)
        moved = _Flows(
            classes=flows.classes,
            group=flows.group,
            stations=flows.stations,
            need=flows.need,
            near=flows.near,
            flow=again,
        )
        _share_time(builder, moved, columns.units, left)
        row = int(builder.rows(1, low=0.0, high=np.inf)[0])
        builder.entries(row, again[which, station], 1.0)
        builder.entries(row, columns.placed, -needed)
