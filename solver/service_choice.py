"""A good way of one service on what is left, by arithmetic: no engine, and nothing proven.

Several fillings (`solver.service_fill`) are completed to all rules (`solver.service_finish`) and
made cheaper; the best one loses a place at a time and is filled again. Where no filling finds a
place for all load there may still be a way: only an engine knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from solver.lone_choice import Choice
from solver.pairs import Pairs
from solver.problem import NO_ROW, Bools, Floats, Problem
from solver.remainder import Remainder
from solver.scopes import scope_of
from solver.service_asked import Asked, asked_of, keeps_limits
from solver.service_fill import Filling, Style, fill
from solver.service_finish import completed, cost_of, polished
from solver.service_flow import SLACK, route
from solver.solution import Allocation, Routes

#: Fillings this much dearer than the best completed one are not completed.
_HOPELESS = 1.1
#: Completed fillings that are made cheaper, and how much dearer than the best so far one may be
#: that a place was given up for.
_POLISHED = 2
_NEAR = 1.1
#: Times that all places are given up in turn, where the caller does not say.
ROUNDS = 1
#: Scopes compared where all units must stand in one.
_SCOPES = 3
#: Times that what is asked for is cut to what can be served, and what is no part of it.
_CUTS = 4
_NO_PART = 1e-6
#: Loads below this part of the whole are no route.
_NO_ROUTE = 1e-9


def service_choice(
    problem: Problem, left: Remainder, pairs: Pairs, *, rounds: int = ROUNDS, partly: bool = False
) -> tuple[Choice, Routes] | None:
    """Return a way that serves a service whole; None where this finds none.

    Args:
        problem: what is asked; its rows over the whole plan are not minded.
        left: what is left.
        pairs: the pairs of the service that are admitted and usable; their costs may hold
            prices of what is shared.
        rounds: times that all places are given up in turn; 0: never, and few fillings are tried
            where these find a way: that takes a fraction of the time and costs 1 to 2 % more.
        partly: where it cannot be served whole, serve what can be.

    Returns:
        What is held and where loads go, at the costs of `pairs`. None also for what arithmetic
        does not know: loads with sizes, moves that cost by volume, a home.
    """
    found: list[_Found] = []
    for some in _together(problem, pairs):
        asked = asked_of(problem, left, some)
        way = None if asked is None else _best(asked, rounds, partly=partly)
        if way is not None:
            found.append(way)
        if len(found) == _SCOPES:
            break
    if not found:
        return None
    return _answer(problem, left, min(found, key=lambda one: (-one.asked.whole, one.cost)))


class _Found:
    """Units that serve a service, and the filling they come from."""

    def __init__(self, filling: Filling, units: Floats) -> None:
        self.asked = filling.asked
        self.filling = filling
        self.units = units
        self.cost = cost_of(self.asked, units)

    def polished(self, usable: Bools) -> _Found:
        """The same made cheaper."""
        return _Found(self.filling, polished(self.asked, self.units, usable))

    def flow(self) -> Floats | None:
        """A way to route all load, float64[C, H]; None: there is none."""
        if (self.units == self.filling.units).all():
            return self.filling.flow()
        return route(self.asked, np.add.reduceat(self.units * self.asked.amount, self.asked.first))


def _together(problem: Problem, pairs: Pairs) -> Iterator[Pairs]:
    """Pairs to try: all of them, or those of one scope where all units must stand in one."""
    if not pairs.count:
        return
    demand = int(pairs.demand[0])
    rules = [rule for rule in problem.together if demand in rule.demands]
    if not rules:
        yield pairs
        return
    keys = np.stack([scope_of(problem, pairs.supply, rule.level) for rule in rules], axis=1)
    names, where = np.unique(keys, axis=0, return_inverse=True)
    where = where.ravel()
    price = np.full(len(names), np.inf)
    np.minimum.at(price, where, (pairs.compute + pairs.extra) / pairs.amount)
    for one in np.argsort(price, kind="stable").tolist():
        yield pairs.keep(where == one)


def _best(asked: Asked, rounds: int, *, partly: bool) -> _Found | None:
    """Units for the service, or for what of it can be served; None: there are none.

    What is asked for is cut to what the best filling found a place for, until units for it keep
    all rules; shares of what is stated stay those of the stated load.
    """
    for _ in range(_CUTS if partly else 1):
        found = _best_units(asked, rounds)
        if found is not None:
            return found
        fillings = [Filling(asked) for _ in _styles(asked)]
        for filling, style in zip(fillings, _styles(asked), strict=True):
            fill(filling, style, asked.most >= 1)
        load = asked.load - min((one.load for one in fillings), key=sum)
        whole = float(load.sum())
        if whole <= _NO_PART * asked.whole or whole >= asked.whole * (1 - _NO_PART):
            return None
        room = asked.room * whole / asked.whole
        asked = replace(asked, load=load, whole=whole, room=room, memo={})
    return None


def _best_units(asked: Asked, rounds: int) -> _Found | None:
    """The cheapest units that were found; None: none keep all rules."""
    every = asked.most >= 1
    fillings = _whole(asked, every, _few_styles(asked)) if rounds == 0 else []
    fillings = fillings or _whole(asked, every, _styles(asked))
    some = [one.polished(every) for one in fillings[: _POLISHED if rounds else 1]]
    if not some:
        return None
    best = min(some, key=lambda one: one.cost)
    for _ in range(rounds):
        found = _refilled(best, every)
        if found is None:
            break
        best = found
    return best


def _whole(asked: Asked, usable: Bools, styles: Iterable[Style]) -> list[_Found]:
    """Units of all fillings that keep all rules once completed, the cheapest first."""
    fillings: dict[bytes, tuple[float, Filling, Style]] = {}
    for style in styles:
        filling = Filling(asked)
        if fill(filling, style, usable):
            held = filling.units
            key = held.tobytes() + bytes([style.loan])
            fillings.setdefault(key, (cost_of(asked, held), filling, style))
    found: dict[bytes, _Found] = {}
    least = np.inf
    for cost, filling, style in sorted(fillings.values(), key=lambda one: one[0]):
        if cost < least * _HOPELESS:
            units = completed(filling, usable, loan=style.loan)
            if units is not None:
                one = found.setdefault(units.tobytes(), _Found(filling, units))
                least = min(least, one.cost)
    return sorted(found.values(), key=lambda one: one.cost)


def _few_styles(asked: Asked) -> Iterator[Style]:
    """Those fillings that are most often the best, for who has not the time for all."""
    yield Style(whole=False)
    if asked.lost.shape[1]:
        yield Style(whole=False, part=asked.needed / asked.whole / 3)


def _styles(asked: Asked) -> Iterator[Style]:
    """The fillings to try; where a loss must be outlived, also those that spread the load."""
    share = asked.needed / asked.whole
    parts = (1.0, share, share / 2, share / 3) if asked.lost.shape[1] else (1.0,)
    for part in parts:
        for whole in (True, False):
            yield Style(whole=whole, part=part)
            if asked.at_risk:
                yield Style(whole=whole, part=part, loan=True)


def _refilled(held: _Found, usable: Bools) -> _Found | None:
    """Give up one place after another; the best that is cheaper, None: nothing is."""
    asked, best, cost = held.asked, None, held.cost * (1 - 1e-9)
    style = Style(whole=True)
    for place in np.add.reduceat(held.units, asked.first).nonzero()[0].tolist():
        kept = np.where(asked.at == place, 0.0, held.units)
        others = usable & (asked.at != place)
        filling = Filling(asked, kept)
        filling.settle()
        if not fill(filling, style, others) or cost_of(asked, filling.units) > cost * _NEAR:
            continue
        units = completed(filling, others)
        if units is None or cost_of(asked, units) > cost * _NEAR:
            continue
        found = _Found(filling, units).polished(others)
        if found.cost < cost:
            best, cost = found, found.cost
    return best


def _answer(problem: Problem, left: Remainder, found: _Found) -> tuple[Choice, Routes] | None:
    """Route the loads and write it down; None where units carry less than it seemed."""
    asked, units = found.asked, found.units
    at_risk = float(asked.risky @ units) > SLACK * asked.whole
    flow = None if at_risk or not keeps_limits(left, asked.pairs, units) else found.flow()
    if flow is None:
        return None
    used, pairs = units.nonzero()[0], asked.pairs
    held, mode = np.rint(units[used]).astype(np.int64), pairs.mode[used]
    allocation = Allocation(
        demand=pairs.demand[used],
        mode=mode,
        supply=pairs.supply[used],
        units=held,
        unit_hours=held * problem.demands.mode_hours[mode],
        share=held * asked.amount[used],
    )
    cost = float((pairs.compute[used] + pairs.extra[used]) @ held)
    cost += float(pairs.move[asked.first] @ (np.add.reduceat(units, asked.first) > 0))
    stated = float(asked.classes.load.sum())
    unmet = 0.0 if asked.whole >= stated else 1.0 - asked.whole / stated
    choice = Choice(allocation=allocation, unmet=unmet, cost=cost)
    return choice, routes_of(problem, asked, flow)


def routes_of(problem: Problem, asked: Asked, flow: Floats) -> Routes:
    """Return what is routed, float64[C, H], of each class among its loads, in proportion."""
    services, classes = problem.services, asked.classes
    one, at = (flow > _NO_ROUTE * asked.whole).nonzero()
    parts = [classes.members[which] for which in one.tolist()]
    members, size = np.concatenate(parts), [len(part) for part in parts]
    point, place = services.load_point[members], classes.places[at].repeat(size)
    order = np.lexsort((place, point))
    amount = services.load[members] * (flow[one, at] / classes.load[one]).repeat(size)
    none = np.full(len(order), NO_ROW, np.int32)
    return Routes(
        service=np.full(len(order), asked.service, np.int32),
        point=point[order],
        place=place[order],
        amount=amount[order],
        size=none,
        mode=none,
        supply=none,
    )
