"""From units that carry all loads to an answer that keeps every rule, and then a cheaper one."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

import numpy as np

from solver.problem import NO_ROW, Bools, Floats
from solver.service_asked import Asked, Longs
from solver.service_fill import Filling, left_of
from solver.service_flow import MOST_PLACES, SLACK, Cuts

#: Units added so that a loss is outlived, and exchanges of one unit, at most.
_MOST_ADDED = 30
_MOST_EXCHANGES = 40
#: Candidates that are judged at once.
_AT_ONCE = 40


def cost_of(asked: Asked, units: Floats) -> float:
    """Return what `units`, float64[Q], cost."""
    cost = float(asked.cost @ units)
    if asked.moves:
        cost += float(asked.move @ (np.add.reduceat(units, asked.first) > 0))
    return cost


def completed(filling: Filling, usable: Bools, *, loan: bool = False) -> Floats | None:
    """Add what the number of places, the share at risk and losses ask for.

    Args:
        filling: units that carry all loads.
        usable: bool[Q], pairs that may be taken.
        loan: take units at risk without regard to the share, and safe ones for them last.

    Returns:
        float64[Q] units; None where this finds no way.
    """
    found = _spread(filling, usable, loan=loan) and _outlives(filling, usable, loan=loan)
    return filling.units.copy() if found and _safe(filling, usable) else None


def _spread(filling: Filling, usable: Bools, *, loan: bool) -> bool:
    """Open the cheapest places until there are as many as are asked for."""
    asked = filling.asked
    for _ in range(asked.least - len(filling.units_at)):
        may = usable & (filling.left >= 1) & filling.closed()[asked.at]
        if not loan:
            may &= asked.risky <= filling.eased
        if not may.any():
            return False
        price = np.where(may, asked.cost + asked.move[asked.at], np.inf)
        filling.hold(int(price.argmin()), 1.0)
    return True


def _safe(filling: Filling, usable: Bools) -> bool:
    """Add safe units until no more than the share allowed is at risk."""
    asked = filling.asked
    slack = SLACK * asked.whole
    for _ in range(_MOST_ADDED):
        if filling.eased >= -slack:
            return True
        may = usable & (filling.left >= 1) & (asked.risky < 0)
        if not may.any():
            return False
        eases = np.minimum(-asked.risky, -filling.eased)
        filling.hold(
            int(np.argmin(np.where(may, asked.cost / np.maximum(eases, slack), np.inf))), 1.0
        )
    return filling.eased >= -slack


def _outlives(filling: Filling, usable: Bools, *, loan: bool) -> bool:
    """Add units until what is left after any loss carries what is needed."""
    asked = filling.asked
    if not asked.lost.shape[1]:
        return True
    for _ in range(_MOST_ADDED):
        places = np.array(sorted(filling.units_at), np.int64)
        if len(places) > MOST_PLACES:
            return False
        short, lost, carried = _worst_loss(filling, places)
        if short <= SLACK * asked.whole:
            return True
        come = np.minimum(_missed(asked, places, carried) @ asked.near, short)
        useful = np.minimum(asked.amount, come[asked.at])
        may = usable & (filling.left >= 1) & (useful > SLACK * asked.whole)
        may &= ~asked.lost[:, lost]
        if asked.at_risk and not loan:
            may &= asked.risky <= filling.eased + SLACK
        price = np.divide(filling.each_cost(), useful, out=asked.never.copy(), where=may)
        pair = int(price.argmin())
        if not may[pair]:
            return False
        most = max(1.0, math.floor(come[asked.at[pair]] / asked.amount[pair] + 1e-9))
        most = min(most, float(filling.left[pair]))
        filling.hold(pair, most if asked.risky[pair] <= 0 else 1.0)
    return False


def _worst_loss(filling: Filling, places: Longs) -> tuple[float, int, Floats]:
    """(load that is short, the scope lost, float64[m] what `places`, int64[m], still carry)."""
    asked = filling.asked
    pairs = filling.units.nonzero()[0]
    lost = asked.lost[pairs]
    scopes = np.flatnonzero(lost.any(axis=0))
    where = places.searchsorted(asked.at[pairs])
    carries = np.zeros((len(pairs), len(places)))
    carries[np.arange(len(pairs)), where] = (filling.units * asked.amount)[pairs]
    carried = ~lost[:, scopes].T @ carries
    routed = Cuts.of(asked, places).near_routed(carried)
    worst = int(routed.argmin())
    return asked.needed - float(routed[worst]), int(scopes[worst]), carried[worst]


def _missed(asked: Asked, places: Longs, carried: Floats) -> Floats:
    """float64[C], load for which `places`, that carry float64[m], have no room near by."""
    # Classes and places are few: calls for arrays would cost more than these loops.
    missed: list[float] = asked.load.tolist()
    near = asked.near[:, places].T.tolist()
    room: list[float] = carried.tolist()
    for at in sorted(range(len(near)), key=lambda place: sum(near[place])):
        through = 0.0
        for one in (one for one, is_near in enumerate(near[at]) if is_near):
            load = missed[one]
            through += load
            missed[one] -= min(max(room[at] - through + load, 0.0), load)
    return np.array(missed)


def polished(asked: Asked, units: Floats, usable: Bools) -> Floats:
    """Drop units and exchange one for a cheaper one at places used, while all rules are kept."""
    units = units.copy()
    places = np.add.reduceat(units, asked.first).nonzero()[0]
    if len(places) > MOST_PLACES:
        return units
    gains = _Gains.of(asked, places, usable)
    judge: _Judge | None = None
    for _ in range(_MOST_EXCHANGES):
        steps = _steps(asked, units, gains)
        if not steps:
            break
        judge = judge or _Judge.of(asked, places)
        step = _first_kept(judge, units, steps)
        if step is None:
            break
        units[step[0]] -= 1
        if step[1] >= 0:
            units[step[1]] += 1
    return units


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """What units add to what rules look at; q pairs at the places used, B = 1 + scopes.

    Attributes:
        cuts: the places used.
        rows: int64[q], the pairs.
        adds: float64[q, B, m], load carried: by all, and by what is left after each loss.
    """

    cuts: Cuts
    rows: Longs
    adds: Floats

    @classmethod
    def of(cls, asked: Asked, places: Longs) -> _Judge:
        cuts = Cuts.of(asked, places)
        used = np.zeros(len(asked.first), np.bool_)
        used[places] = True
        rows = used[asked.at].nonzero()[0]
        at = places.searchsorted(asked.at[rows])
        lost = asked.lost[rows]
        lost = lost[:, lost.any(axis=0)]
        adds = np.zeros((len(rows), 1 + lost.shape[1], len(cuts.places)))
        each, amount = np.arange(len(rows)), asked.amount[rows]
        adds[each, 0, at] = amount
        adds[each, 1:, at] = ~lost * amount[:, None]
        return cls(cuts=cuts, rows=rows, adds=adds)

    def keeps(self, carried: Floats) -> Bools:
        """bool[N]: whether float64[N, B, m] routes all load, after any loss what is needed."""
        asked, slack = self.cuts.asked, 1e-10 * self.cuts.asked.whole
        good = self.cuts.routed(carried[:, 0]) >= asked.whole - slack
        count, blocks, places = carried.shape
        if blocks > 1:
            after = self.cuts.near_routed(carried[:, 1:].reshape(-1, places))
            good &= (after.reshape(count, -1) >= asked.needed - slack).all(axis=1)
        return np.asarray(good)


Step = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gains:
    """Usable pairs at the places used as lists, the cheapest first, to look at one by one."""

    pair: list[int]
    at: list[int]
    cost: list[float]
    amount: list[float]
    risky: list[float]

    @classmethod
    def of(cls, asked: Asked, places: Longs, usable: Bools) -> _Gains:
        used = np.zeros(len(asked.first), np.bool_)
        used[places] = True
        rows = (used[asked.at] & usable).nonzero()[0]
        rows = rows[asked.cost[rows].argsort(kind="stable")]
        columns = (asked.at, asked.cost, asked.amount, asked.risky)
        at, cost, amount, risky = (column[rows].tolist() for column in columns)
        return cls(pair=rows.tolist(), at=at, cost=cost, amount=amount, risky=risky)


class _Unit(NamedTuple):
    """A unit that may go.

    Attributes:
        place: where it is.
        cost: of it; `move`: what its place costs besides, if it is the last one there.
        lost: load that another unit has to carry for it, if any.
        eased: load at risk that another unit may carry for it.
        may_go: its place may be left empty, or is not.
    """

    place: int
    cost: float
    move: float
    lost: float
    eased: float
    may_go: bool


def _steps(asked: Asked, units: Floats, gains: _Gains) -> list[Step]:
    """(pair that loses a unit, pair that gains one or -1), what saves most first.

    None of them is judged by what all units carry together.
    """
    held = units > 0
    least = 1e-9 * float(asked.cost[held].max())
    used = set(asked.at[held].tolist())
    found: list[tuple[float, int, int]] = []
    for gone, unit in _units_that_may_go(asked, units):
        if unit.lost <= 0 and unit.eased >= 0 and unit.may_go:
            found.append((-unit.cost - unit.move, gone, NO_ROW))
        some = _exchanges(asked, gains, unit, used, least)
        found += [(-saved, gone, come) for saved, come in some]
    if any(come != NO_ROW for _, _, come in found):
        left = left_of(asked, units) >= 1
        found = [one for one in found if one[2] == NO_ROW or left[one[2]]]
    return [(gone, come) for saved, gone, come in sorted(found) if -saved > least]


def _units_that_may_go(asked: Asked, units: Floats) -> Iterator[tuple[int, _Unit]]:
    """One unit of each pair that has some, by pair."""
    held = units.nonzero()[0]
    own = [asked.at[held], asked.cost[held], asked.amount[held], asked.risky[held], units[held]]
    at, cost, amount, risky, count = (column.tolist() for column in own)
    units_at: dict[int, float] = {}
    for place, some in zip(at, count, strict=True):
        units_at[place] = units_at.get(place, 0.0) + some
    spare = sum(map(mul, amount, count)) - asked.whole * (1 - SLACK)
    ease = SLACK * asked.whole - sum(map(mul, risky, count))
    may_close = len(units_at) > asked.least
    for number, gone in enumerate(held.tolist()):
        place = at[number]
        stays = units_at[place] > 1
        yield (
            gone,
            _Unit(
                place=place,
                cost=cost[number],
                move=0.0 if stays else float(asked.move[place]),
                lost=amount[number] - spare,
                eased=risky[number] + ease,
                may_go=stays or may_close,
            ),
        )


def _exchanges(
    asked: Asked, gains: _Gains, unit: _Unit, used: Collection[int], least: float
) -> Iterator[tuple[float, int]]:
    """What is saved by a unit of another pair in place of `unit`, and the pair.

    used: places that have a unit; least: less saved than this is nothing.
    """
    most = unit.cost + unit.move - least
    for one, price in enumerate(gains.cost):
        if price >= most:
            return
        if gains.amount[one] < unit.lost or gains.risky[one] > unit.eased:
            continue
        other = gains.at[one]
        opens = other not in used
        if unit.may_go or opens or other == unit.place:
            saved = unit.cost - price + (0.0 if other == unit.place else unit.move)
            yield saved - (float(asked.move[other]) if opens else 0.0), gains.pair[one]


def _first_kept(judge: _Judge, units: Floats, steps: list[Step]) -> Step | None:
    """The first of `steps` after which all rules are kept; None: there is none."""
    adds = judge.adds
    base = (units[judge.rows] @ adds.reshape(len(adds), -1)).reshape(adds.shape[1:])
    for first in range(0, len(steps), _AT_ONCE):
        some = np.array(steps[first : first + _AT_ONCE], np.int64)
        gone, come = some.T
        carried = base - adds[judge.rows.searchsorted(gone)]
        plus = come >= 0
        carried[plus] += adds[judge.rows.searchsorted(come[plus])]
        good = judge.keeps(carried)
        one = int(good.argmax())
        if good[one]:
            return steps[first + one]
    return None
