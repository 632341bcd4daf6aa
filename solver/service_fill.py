"""Opening places for one service, the cheapest useful load first.

A unit counts for the load it carries, but for no more than can still come to its place: what is
far, what may not lie in one place and what other units carry already is not useful.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from solver.problem import Bools, Floats
from solver.service_asked import Asked, Longs
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
        units: float64[Q], units held.
        left: float64[Q], units that can be held beside them.
        high: float64[R], what is left of the limits.
        load: float64[C], load without a place.
        budget: as `Asked.budget`, what is left of it.
        room: float64[H], load that may still come to each place.
        eased: how much more load at risk the units allow.
    """

    def __init__(self, asked: Asked, units: Floats | None = None) -> None:
        """Begin with `units`, float64[Q]; nothing is routed yet."""
        self.asked = asked
        nothing = units is None
        self.units = np.zeros(asked.pairs.count) if units is None else units.copy()
        self.load = asked.load.copy()
        self.budget = asked.budget.copy()
        self.room = np.full(len(asked.first), asked.room)
        self.high = asked.high - (0.0 if nothing else asked.limits @ self.units)
        self.left = asked.most.copy() if nothing else left_of(asked, self.units)
        self.eased = 0.0 if nothing else -float(asked.risky @ self.units)

    @property
    def carried(self) -> Floats:
        """float64[H], load that the units of each place carry."""
        return np.asarray(np.add.reduceat(self.units * self.asked.amount, self.asked.first))

    def settle(self) -> None:
        """Route what the units can carry, scarce loads first."""
        carried = self.carried
        used = np.flatnonzero(carried > 0)
        order = np.argsort(self.asked.free[:, used].sum(axis=1), kind="stable")
        for place in used.tolist():
            self._route(place, float(carried[place]), order)

    def units_at(self) -> Floats:
        """float64[H], units held at each place."""
        return np.asarray(np.add.reduceat(self.units, self.asked.first))

    def come(self) -> Floats:
        """float64[H], load that can still come to each place."""
        asked = self.asked
        near = self.load @ asked.free
        if each_by_itself(asked):
            near = near + np.minimum(self.load, self.budget) @ asked.far
        elif len(asked.budget):
            near = near + np.minimum(self.load @ asked.far, self.budget[0])
        return np.asarray(np.minimum(near, self.room))

    def take(self, pair: int, units: float, rank: Floats) -> None:
        """Hold more units of a pair and route what they carry; rank: float64[C, H]."""
        asked = self.asked
        self.hold(pair, units)
        place = int(asked.at[pair])
        amount = units * float(asked.amount[pair])
        self._route(place, amount, np.argsort(-rank[:, place], kind="stable"))

    def hold(self, pair: int, units: float) -> None:
        """Hold more units of a pair."""
        asked = self.asked
        self.units[pair] += units
        self.eased -= units * float(asked.risky[pair])
        self.left[pair] -= units
        for row in asked.limits[:, pair].nonzero()[0].tolist():
            weight = asked.limits[row]
            self.high[row] -= weight[pair] * units
            each = np.floor(self.high[row] / np.maximum(weight, 1e-300) + 1e-9)
            np.minimum(self.left, each, out=self.left, where=weight > 0)

    def _route(self, place: int, amount: float, order: Longs) -> None:
        """Send up to `amount` to a place, near loads first, in `order`."""
        asked = self.asked
        amount = min(amount, float(self.room[place]))
        load = self.load[order] * asked.free[order, place]
        sent = np.clip(amount - np.cumsum(load) + load, 0.0, load)
        left = amount - float(sent.sum())
        if left > SLACK * asked.whole and len(asked.budget):
            far = self.load[order] * asked.far[order, place]
            if each_by_itself(asked):
                far = np.minimum(far, self.budget[order])
            else:
                left = min(left, float(self.budget[0]))
            more = np.clip(left - np.cumsum(far) + far, 0.0, far)
            if each_by_itself(asked):
                self.budget[order] -= more
            else:
                self.budget[0] -= more.sum()
            sent = sent + more
        self.load[order] -= sent
        self.room[place] -= sent.sum()


def left_of(asked: Asked, units: Floats) -> Floats:
    """Return float64[Q], units that can be held beside `units`."""
    left = asked.most - units
    if len(asked.high):
        high = asked.high - asked.limits @ units
        with np.errstate(divide="ignore", invalid="ignore"):
            each = np.floor(high[:, None] / asked.limits + 1e-9)
        left = np.minimum(left, np.where(asked.limits > 0, each, np.inf).min(axis=0))
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
    rank = _known_dearness(asked, usable)
    for part in (style.part, 1.0) if style.part < 1 else (1.0,):
        for _ in range(_MOST_TAKES):
            if float(filling.load.sum()) <= SLACK * asked.whole:
                return True
            chosen = _next(filling, style, usable, part)
            if chosen is None:
                break
            filling.take(*chosen, rank)
    return float(filling.load.sum()) <= SLACK * asked.whole


def _known_dearness(asked: Asked, usable: Bools) -> Floats:
    """`_dearness`, worked out once: several fillings look at the same pairs."""
    key = b"dearness" + usable.tobytes()
    if key not in asked.memo:
        asked.memo[key] = _dearness(asked, usable)
    return cast("Floats", asked.memo[key])


def _dearness(asked: Asked, usable: Bools) -> Floats:
    """float64[C, H]: what load of a class costs at the cheapest other place that is near."""
    price = np.where(usable, asked.cost / np.minimum(asked.amount, asked.whole), np.inf)
    at = np.minimum.reduceat(price, asked.first)
    seen = np.where(asked.free > 0, at, np.inf)
    best = seen.argmin(axis=1)
    rows = np.arange(len(seen))
    rank = np.repeat(seen[rows, best][:, None], seen.shape[1], axis=1)
    seen[rows, best] = np.inf
    rank[rows, best] = seen.min(axis=1)
    return rank


def _next(filling: Filling, style: Style, usable: Bools, part: float) -> tuple[int, float] | None:
    """The pair to take next and how many units of it."""
    asked = filling.asked
    come = filling.come()
    if part < 1:
        come = np.minimum(come, np.maximum(part * asked.whole - filling.carried, 0.0))
    coming = come[asked.at]
    may = usable & (filling.left >= 1) & (coming > SLACK * asked.whole)
    most = filling.left
    if asked.at_risk and not style.loan:
        allowed = np.floor(filling.eased / np.where(asked.risky > 0, asked.risky, 1.0) + 1e-9)
        most = np.where(asked.risky > 0, np.minimum(most, allowed), most)
        may &= most >= 1
    if not may.any():
        return None
    times = coming / asked.amount
    units = np.ceil(times - 1e-9) if style.whole else np.floor(times + 1e-9)
    units = np.minimum(np.maximum(units, 1.0), most)
    useful = np.minimum(units * asked.amount, coming)
    price = units * asked.cost
    if asked.move.any():
        price += (asked.move * (filling.units_at() <= 0))[asked.at]
    price = np.where(may, price / np.where(may, useful, 1.0), np.inf)
    pair = int(np.argmin(price))
    return (pair, float(units[pair])) if np.isfinite(price[pair]) else None
