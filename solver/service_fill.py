"""Opening places for one service, the cheapest useful load first.

A unit counts for the load it carries, but for no more than can still come to its place: what is
far, what may not lie in one place and what other units carry already is not useful.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.problem import Bools, Floats
from solver.service_asked import Asked
from solver.service_flow import SLACK, each_by_itself

#: Most times that units are taken in one filling.
_MOST_TAKES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How units are taken.

    Attributes:
        whole: take as many units as all that can come to a place needs; else as many as it fills.
        part: most load of a place, or of what is lost together, as a part of all; more only
            where nothing else is left.
        loan: take units at risk without regard to the share; safe ones are added afterwards.
    """

    whole: bool
    part: float = 1.0
    loan: bool = False


class Filling:
    """What one service holds so far, and what of its loads is still to be served.

    Attributes:
        asked: the service.
        units: float64[Q], units held; units_at: place -> units held there.
        carried: float64[H], load that the units of each place carry.
        left: float64[Q], units that can be held beside them.
        high: float64[R], what is left of the limits.
        load: of each class, load without a place.
        budget: as `Asked.budget`, what is left of it.
        room: float64[H], load that may still come to each place.
        eased: how much more load at risk the units allow.
    """

    def __init__(self, asked: Asked, units: Floats | None = None) -> None:
        """Begin with `units`, float64[Q]; nothing is routed yet."""
        self.asked = asked
        self.units = np.zeros(asked.pairs.count)
        self.units_at: dict[int, float] = {}
        self.carried = np.zeros(len(asked.first))
        self.left = asked.most.copy()
        self.high = asked.high.copy()
        self.load: list[float] = asked.load.tolist()
        self.budget: list[float] = asked.budget.tolist()
        self.room = np.full(len(asked.first), asked.room)
        self.eased = 0.0
        self._sent: dict[tuple[int, int], float] = {}
        if units is not None:
            for pair in units.nonzero()[0].tolist():
                self.hold(pair, float(units[pair]))

    def flow(self) -> Floats:
        """float64[C, H], where the loads go."""
        flow = np.zeros(self.asked.free.shape)
        for (one, place), amount in self._sent.items():
            flow[one, place] = amount
        return flow

    def closed(self) -> Bools:
        """bool[H], places without a unit."""
        closed = np.ones(len(self.asked.first), np.bool_)
        closed[list(self.units_at)] = False
        return closed

    def each_cost(self) -> Floats:
        """float64[Q], what one more unit costs, and its place if that has none yet."""
        asked = self.asked
        return asked.cost + (asked.move * self.closed())[asked.at] if asked.moves else asked.cost

    def settle(self) -> None:
        """Route what the units can carry, scarce loads first."""
        used = sorted(self.units_at)
        order = np.argsort(self.asked.free[:, used].sum(axis=1), kind="stable").tolist()
        for place in used:
            self._route(place, float(self.carried[place]), order)

    def come(self) -> Floats:
        """float64[H], load that can still come to each place."""
        asked, load = self.asked, np.array(self.load)
        come = load @ asked.free
        if each_by_itself(asked):
            come += np.minimum(load, self.budget) @ asked.far
        elif self.budget:
            come += np.minimum(load @ asked.far, self.budget[0])
        return np.asarray(np.minimum(come, self.room))

    def take(self, pair: int, units: float, order: Sequence[int]) -> None:
        """Hold more units of a pair and route what they carry: of the classes in `order`."""
        self.hold(pair, units)
        self._route(int(self.asked.at[pair]), units * float(self.asked.amount[pair]), order)

    def hold(self, pair: int, units: float) -> None:
        """Hold more units of a pair; fewer where `units` is negative."""
        asked, place = self.asked, int(self.asked.at[pair])
        self.units[pair] += units
        self.units_at[place] = self.units_at.get(place, 0.0) + units
        if self.units_at[place] <= 0:
            del self.units_at[place]
        self.carried[place] += units * asked.amount[pair]
        self.eased -= units * float(asked.risky[pair])
        self.left[pair] -= units
        for row in asked.limits[:, pair].nonzero()[0].tolist():
            weight, counts = asked.limits[row], asked.counts[row]
            self.high[row] -= weight[pair] * units
            each = np.divide(self.high[row], weight, out=asked.never.copy(), where=counts)
            np.minimum(self.left, np.floor(each + 1e-9), out=self.left)

    def _route(self, place: int, amount: float, order: Sequence[int]) -> None:
        """Send up to `amount` to a place, near loads first, in `order`."""
        load, room = self.load, float(self.room[place])
        amount = left = min(amount, room)
        free = self.asked.free[:, place].tolist()
        for one in order:
            if free[one] and left > 0:
                left -= self._send(one, place, min(left, load[one]))
        if self.budget and left > SLACK * self.asked.whole:
            left = self._route_far(place, left, order)
        self.room[place] = room - (amount - left)

    def _route_far(self, place: int, amount: float, order: Sequence[int]) -> float:
        """Send up to `amount` of far load to a place; return what is left of it."""
        load, budget, far = self.load, self.budget, self.asked.far[:, place].tolist()
        alone = each_by_itself(self.asked)
        for one in order:
            if far[one]:
                of = one if alone else 0
                sent = self._send(one, place, min(amount, load[one], budget[of]))
                budget[of] -= sent
                amount -= sent
        return amount

    def _send(self, one: int, place: int, amount: float) -> float:
        """Send load of a class to a place; return how much."""
        if amount > 0:
            self.load[one] -= amount
            key = (one, place)
            self._sent[key] = self._sent.get(key, 0.0) + amount
        return amount


def left_of(asked: Asked, units: Floats) -> Floats:
    """Return float64[Q], units that can be held beside `units`."""
    left = asked.most - units
    if len(asked.high):
        high = asked.high - asked.limits @ units
        each = np.full(asked.limits.shape, np.inf)
        np.divide(high[:, None], asked.limits, out=each, where=asked.counts)
        left = np.minimum(left, np.floor(each.min(axis=0) + 1e-9))
    return np.asarray(np.maximum(left, 0.0))


def fill(filling: Filling, style: Style, usable: Bools) -> bool:
    """Take units until all load has a place.

    Args:
        filling: what is held so far; its loads are routed as far as it carries them.
        style: how.
        usable: bool[Q], pairs that may be taken.

    Returns:
        False where some load finds none; the filling then holds what was found.
    """
    asked = filling.asked
    for part in (style.part, 1.0) if style.part < 1 else (1.0,):
        for _ in range(_MOST_TAKES):
            if sum(filling.load) <= SLACK * asked.whole:
                return True
            chosen = _next(filling, style, usable, part)
            if chosen is None:
                break
            filling.take(*chosen, _order(filling, chosen, usable))
    return sum(filling.load) <= SLACK * asked.whole


def _order(filling: Filling, chosen: tuple[int, float], usable: Bools) -> Sequence[int]:
    """The classes in the order in which new units carry them; any where they can carry all."""
    asked, (pair, units) = filling.asked, chosen
    place = int(asked.at[pair])
    carried = min(units * float(asked.amount[pair]), float(filling.room[place]))
    if carried >= sum(filling.load) and not filling.budget:
        return range(len(filling.load))
    return _Dearness.of(asked, usable).order_at(place)


class _Dearness:
    """What load of a class costs at the cheapest other place that is near, by place.

    Several fillings look at the same pairs: it is worked out once for all of them.
    """

    def __init__(self, asked: Asked, usable: Bools) -> None:
        price = np.where(usable, asked.cost / np.minimum(asked.amount, asked.whole), np.inf)
        seen = np.where(asked.free > 0, np.minimum.reduceat(price, asked.first), np.inf)
        rows = np.arange(len(seen))
        best = seen.argmin(axis=1)
        self._best: list[int] = best.tolist()
        self._least: list[float] = seen[rows, best].tolist()
        seen[rows, best] = np.inf
        self._second: list[float] = seen.min(axis=1).tolist()
        self._order: dict[int, list[int]] = {}

    @classmethod
    def of(cls, asked: Asked, usable: Bools) -> _Dearness:
        key = b"dearness" + usable.tobytes()
        found = asked.memo.get(key)
        if not isinstance(found, _Dearness):
            asked.memo[key] = found = cls(asked, usable)
        return found

    def order_at(self, place: int) -> list[int]:
        """The classes by what they would cost elsewhere than at `place`, the dearest first."""
        if place not in self._order:
            elsewhere = [
                -(second if best == place else least)
                for best, least, second in zip(self._best, self._least, self._second, strict=True)
            ]
            self._order[place] = sorted(range(len(elsewhere)), key=elsewhere.__getitem__)
        return self._order[place]


def _next(filling: Filling, style: Style, usable: Bools, part: float) -> tuple[int, float] | None:
    """The pair to take next and how many units of it."""
    asked = filling.asked
    come = filling.come()
    if part < 1:
        come = np.minimum(come, np.maximum(part * asked.whole - filling.carried, 0.0))
    coming, most = come[asked.at], filling.left
    if asked.at_risk and not style.loan:
        allowed = np.divide(
            filling.eased, asked.risky, out=asked.never.copy(), where=asked.worsens
        )
        most = np.minimum(most, np.floor(allowed + 1e-9))
    times = coming / asked.amount
    units = np.ceil(times - 1e-9) if style.whole else np.floor(times + 1e-9)
    units = np.minimum(np.maximum(units, 1.0), most)
    price = units * asked.cost
    if asked.moves:
        price += (asked.move * filling.closed())[asked.at]
    useful = np.minimum(units * asked.amount, coming)
    may = useful > SLACK * asked.whole
    may &= usable
    price = np.divide(price, useful, out=asked.never.copy(), where=may)
    pair = int(price.argmin())
    return (pair, float(units[pair])) if may[pair] else None
