"""Columns and rows of one service in the compact model.

Loads that see the same places as near and as allowed are one *point class* c; a class is
routed as a whole and split among its loads afterwards in proportion, which loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from solver.grouped import alike
from solver.model import ModelBuilder
from solver.pairs import Pairs, most_units
from solver.problem import NO_ROW, Bools, Floats, Ints, Level, Problem
from solver.scopes import scopes_touched
from solver.stations import Stations
from solver.survival_rows import MOST_CLASSES, Carried, add_cut_rows, losses, merged
from solver.tier_steps import has_class

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadClasses:
    """Loads of one service, merged by what they can see; C classes over H places.

    Attributes:
        places: int32[H], places with a pair.
        members: per class, rows of `Services.load`.
        load: float64[C]; with sizes: as a share of all the service is asked for.
        near, allowed: bool[C, H].
    """

    places: Ints
    members: tuple[Longs, ...]
    load: Floats
    near: Bools
    allowed: Bools


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceColumns:
    """Where a service's columns stand in the model.

    Attributes:
        rows: int64[Q], its pairs.
        units: int64[Q], columns n_p; most_units: float64[Q], their upper bounds.
        flow: int64[C, H], columns f; -1 where not allowed. With sizes: int64[C, T].
        classes: what C and H mean.
        load: its stated load in all, in units of f.
        present: int64[H], columns z_g "has a unit there"; -1 when nothing asks for them.
        placed: column of "has a unit at all"; -1 when nothing asks for it.
        far_rows: int64[.], rows that cap the far load; far_load: float64[.], the stated load
            that each is a share of.
        stations: what T means; None: the loads have no size.
        is_loose: more survives a loss than really does.
        carried: what must survive, where rows say so by cuts; None: by flows, or nothing must.
    """

    rows: Longs
    units: Longs
    most_units: Floats
    flow: Longs
    classes: LoadClasses
    load: float
    present: Longs
    placed: int
    far_rows: Longs
    far_load: Floats
    stations: Stations | None = None
    is_loose: bool = False
    carried: Carried | None = None


def load_classes(problem: Problem, service: int, places: Ints) -> LoadClasses:
    """Merge the loads of `service` that see `places` alike (each by itself if so ruled)."""
    services = problem.services
    start, end = services.load_start[service : service + 2].tolist()
    distance = services.distance.take(services.load_point[start:end], 0).take(places, 1)
    allowed = distance <= services.farthest[service]
    near = (distance <= services.near[service]) & allowed
    if services.each_point[service]:
        first = group = np.arange(end - start)
    else:
        first, group = alike(np.concatenate([near, allowed], axis=1))
    rows = start + group.argsort(kind="stable")
    members = tuple(rows[i:j] for i, j in pairwise([0, *np.bincount(group).cumsum().tolist()]))
    return LoadClasses(
        places=places,
        members=members,
        load=np.bincount(group, weights=services.load[start:end]).astype(np.float64),
        near=near[first],
        allowed=allowed[first],
    )


def add_service(
    builder: ModelBuilder,
    problem: Problem,
    pairs: Pairs,
    *,
    service: int,
    rows: Longs,
    unmet: int,
    loose: bool = False,
) -> ServiceColumns:
    """Add everything about one service.

    Args:
        builder: the model to grow.
        problem: where the service stands in.
        pairs: admitted pairs.
        service: row of `Services`.
        rows: int64[Q], the pairs of the service.
        unmet: column of its unmet share.
        loose: what must survive a loss may be bounded from below; not for plans.
    """
    places, at = np.unique(problem.supply.place[pairs.supply[rows]], return_inverse=True)
    classes = load_classes(problem, service, places)
    load = float(classes.load.sum())
    most = most_worth_holding(problem, pairs.rows(rows), at, service)
    most = np.minimum(most, most_units(problem, pairs.supply[rows]))
    units = builder.add(pairs.compute[rows] + pairs.extra[rows], high=most, integral=True)
    flow = _add_flow(builder, classes)
    cover = builder.rows(1, low=load, high=load)
    builder.entries(int(cover[0]), flow[flow >= 0], 1.0)
    builder.entries(int(cover[0]), unmet, load)
    held = Held(units=units, most=most, amount=pairs.amount[rows], at=at, move=pairs.move[rows])
    share = float(problem.services.most_share[service])
    _carry_loads(builder, classes, flow, held, most=share * load)
    far_rows, far_load = _keep_near(builder, problem, classes, flow, service=service)
    which, place = np.nonzero(flow >= 0)
    cap_place_share(
        builder, (flow[which, place], place), unmet, places=len(places), share=share, load=load
    )
    present, placed = add_presence(builder, problem, classes, flow, held, service, loose=loose)
    columns = ServiceColumns(
        rows=rows,
        units=units,
        most_units=np.maximum(most, 1.0),
        flow=flow,
        classes=classes,
        load=load,
        present=present,
        placed=placed,
        far_rows=far_rows,
        far_load=far_load,
    )
    if problem.services.survive_level[service] != NO_ROW:
        columns = _survive(builder, problem, pairs, columns, service=service, loose=loose)
    return columns


def most_worth_holding(problem: Problem, pairs: Pairs, at: Longs, service: int) -> Floats:
    """Return float64[Q]: most units of each pair that some best plan holds.

    What carries all the load, and of safe units, where a part may run at risk: as many as make
    all that is worth holding at risk that part. Of a place (zones apart, where one may be lost)
    that is no more than the load and one unit.

    Args:
        problem: where the service stands in.
        pairs: of the service, Q.
        at: int64[Q], index of the place of each.
        service: its row.
    """
    services = problem.services
    first, last = services.load_start[service : service + 2]
    load, carries = float(services.load[first:last].sum()), pairs.amount
    most = np.ceil(load / carries - 1e-9)
    share = float(problem.demands.risky_share[services.demand[service]])
    risky = pairs.risky
    if not 0 < share < 1 or not risky.any():
        return most
    amount, where = carries[risky], at[risky]
    if services.survive_level[service] == Level.ZONE:
        where = np.arange(len(amount))
    largest = np.zeros(int(where.max()) + 1)
    np.maximum.at(largest, where, amount)
    at_risk = float(np.where(largest > 0, load + largest, 0.0).sum())
    matching = np.ceil((1 - share) / share * at_risk / carries - 1e-9)
    return np.where(risky, most, np.maximum(most, matching))


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Units of a service; Q pairs.

    Attributes:
        units: int64[Q], columns n_p.
        most: float64[Q], their bounds.
        amount: float64[Q], load each carries.
        at: int64[Q], index of the place.
        move: float64[Q], cost of the data at that place.
    """

    units: Longs
    most: Floats
    amount: Floats
    at: Longs
    move: Floats


def _add_flow(builder: ModelBuilder, classes: LoadClasses) -> Longs:
    """Add f_{c,g} <= load of c where allowed, and sum_g f_{c,g} <= load of c."""
    flow = np.full(classes.allowed.shape, -1, np.int64)
    which, place = np.nonzero(classes.allowed)
    flow[which, place] = builder.add(
        np.zeros(len(which)), high=classes.load[which], integral=False
    )
    rows = builder.rows(len(classes.load), low=-np.inf, high=classes.load)
    builder.entries(rows[which], flow[which, place], 1.0)
    return flow


def _carry_loads(
    builder: ModelBuilder, classes: LoadClasses, flow: Longs, held: Held, *, most: float
) -> None:
    """Sum of f into a place <= load its units carry, as far as it can come there.

    A unit that carries more than all of what may come (loads allowed there, `most` of a place)
    counts for just that: the same whole units do, and the relaxation cannot take a part of one.
    """
    rows = builder.rows(len(classes.places), low=-np.inf, high=0.0)
    which, place = np.nonzero(flow >= 0)
    builder.entries(rows[place], flow[which, place], 1.0)
    comes = np.minimum(classes.load @ classes.allowed, most)
    builder.entries(rows[held.at], held.units, -np.minimum(held.amount, comes[held.at]))


def _keep_near(
    builder: ModelBuilder, problem: Problem, classes: LoadClasses, flow: Longs, *, service: int
) -> tuple[Longs, Floats]:
    """Far load <= far_share x stated load, of each load or of all together.

    Returns:
        int64[.] rows, and float64[.] the stated load that each is a share of.
    """
    services = problem.services
    share = float(services.far_share[service])
    far = (flow >= 0) & ~classes.near
    if share >= 1 or not far.any():
        return np.empty(0, np.int64), np.empty(0)
    which, place = np.nonzero(far)
    apart = bool(services.each_point[service])
    load = classes.load if apart else classes.load.sum(keepdims=True)
    rows = builder.rows(len(load), low=-np.inf, high=share * load)
    builder.entries(rows[which if apart else np.zeros_like(which)], flow[which, place], 1.0)
    return rows, load


def cap_place_share(
    builder: ModelBuilder,
    flow: tuple[Longs, Longs],
    unmet: int,
    *,
    places: int,
    share: float,
    load: float,
) -> None:
    """Load routed to a place <= share x load routed in all, which is load x (1 - unmet).

    Args:
        builder: the model to grow.
        flow: int64[F] twice, the columns of routed load and the places they go to.
        unmet: column of the unmet share.
        places: number of places.
        share: of what is routed; 1: no limit.
        load: all that is asked for.
    """
    if share >= 1:
        return
    rows = builder.rows(places, low=-np.inf, high=share * load)
    builder.entries(rows[flow[1]], flow[0], 1.0)
    builder.entries(rows, unmet, share * load)


def add_presence(
    builder: ModelBuilder,
    problem: Problem,
    classes: LoadClasses,
    flow: Longs,
    held: Held,
    service: int,
    *,
    loose: bool = False,
) -> tuple[Longs, int]:
    """Add z_g "has a unit in g" and "placed", where some rule or cost needs them.

    Returns:
        int64[H] columns z_g and the column of "placed"; -1 where there is none.

    n_p <= most z_g; z_g <= sum_p n_p; z_g <= placed; sum_g z_g >= k placed;
    routed <= load placed. Where a unit in g costs nothing by itself, nothing keeps z_g down, and a
    `loose` model does without the first of these: they are many.
    """
    services = problem.services
    least = int(services.least_places[service])
    survives = services.survive_level[service] != NO_ROW
    size = len(classes.places)
    by_class = has_class(problem, int(services.demand[service]))
    moves = held.move.any() or by_class
    if least <= 1 and not survives and not moves:
        return np.full(size, -1, np.int64), -1
    cost = np.zeros(size)
    cost[held.at] = held.move
    present = builder.add(cost, high=1.0, integral=True)
    bound = np.flatnonzero((held.move != 0) | by_class | (not loose))
    rows = builder.rows(len(bound), low=-np.inf, high=0.0)
    builder.entries(rows, held.units[bound], 1.0)
    builder.entries(rows, present[held.at[bound]], -held.most[bound])
    rows = builder.rows(size, low=0.0, high=np.inf)
    builder.entries(rows[held.at], held.units, 1.0)
    builder.entries(rows, present, -1.0)
    placed = _add_placed(builder, present, flow, max(least, 1), float(classes.load.sum()))
    return present, placed


def _add_placed(
    builder: ModelBuilder, present: Longs, flow: Longs, least: int, load: float
) -> int:
    """Add "placed", without which there is no place and no load, and with it `least` places."""
    placed = int(builder.add(np.zeros(1), high=1.0, integral=True)[0])
    rows = builder.rows(len(present), low=-np.inf, high=0.0)
    builder.entries(rows, present, 1.0)
    builder.entries(rows, placed, -1.0)
    row = builder.rows(1, low=0.0, high=np.inf)
    builder.entries(int(row[0]), present, 1.0)
    builder.entries(int(row[0]), placed, -float(least))
    row = builder.rows(1, low=-np.inf, high=0.0)
    builder.entries(int(row[0]), flow[flow >= 0], 1.0)
    builder.entries(int(row[0]), placed, -load)
    return placed


def _survive(
    builder: ModelBuilder,
    problem: Problem,
    pairs: Pairs,
    columns: ServiceColumns,
    *,
    service: int,
    loose: bool,
) -> ServiceColumns:
    """For each scope s lost: near load routable over what is left >= share x load x placed.

    By cuts where the classes are few; else by flows g_{c,h} >= 0 with sum_h g_{c,h} <= load of
    c and sum_c g_{c,h} <= load that units outside s carry.

    Returns:
        the columns; `is_loose` where, as `loose` allows, classes have been merged that are not
        alike.
    """
    level = Level(problem.services.survive_level[service])
    needed = float(problem.services.survive_share[service]) * columns.load
    supply, amount = pairs.supply[columns.rows], pairs.amount[columns.rows]
    lost = losses(scopes_touched(problem, supply, level), len(supply))
    classes = columns.classes
    at = np.searchsorted(classes.places, problem.supply.place[supply])
    near, load = merged(classes.near[:, at], classes.load)
    is_loose = loose and len(load) > MOST_CLASSES
    if is_loose:
        near, load = merged(near, load, MOST_CLASSES)
    if len(load) > MOST_CLASSES:
        _reroute(builder, columns, amount, at, ~lost, needed=needed)
        return columns
    carried = Carried(
        units=columns.units, amount=amount, near=near, load=load, lost=lost, needed=needed
    )
    add_cut_rows(builder, carried, placed=columns.placed)
    return replace(columns, is_loose=is_loose, carried=carried)


def _reroute(
    builder: ModelBuilder,
    columns: ServiceColumns,
    amount: Floats,
    at: Longs,
    left: Bools,
    *,
    needed: float,
) -> None:
    """Add flows over what is `left`, bool[S, Q], of each lost scope; at: int64[Q], places."""
    classes = columns.classes
    which, place = np.nonzero(classes.near)
    for stays in left:
        flow = builder.add(np.zeros(len(which)), high=classes.load[which], integral=False)
        rows = builder.rows(len(classes.load), low=-np.inf, high=classes.load)
        builder.entries(rows[which], flow, 1.0)
        rows = builder.rows(len(classes.places), low=-np.inf, high=0.0)
        builder.entries(rows[place], flow, 1.0)
        builder.entries(rows[at[stays]], columns.units[stays], -amount[stays])
        row = builder.rows(1, low=0.0, high=np.inf)
        builder.entries(int(row[0]), flow, 1.0)
        builder.entries(int(row[0]), columns.placed, -needed)
