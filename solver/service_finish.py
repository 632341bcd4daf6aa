"""From units that carry all loads to an answer that keeps every rule, and then a cheaper one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from solver.problem import Bools, Floats
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
    at = np.add.reduceat(units, asked.first) > 0
    return float(asked.cost @ units + asked.move @ at)


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
    return filling.units if found and _safe(filling, usable) else None


def _spread(filling: Filling, usable: Bools, *, loan: bool) -> bool:
    """Open the cheapest places until there are as many as are asked for."""
    asked = filling.asked
    for _ in range(asked.least):
        closed = filling.units_at() <= 0
        if int((~closed).sum()) >= asked.least:
            return True
        may = usable & (filling.left >= 1) & closed[asked.at]
        if not loan:
            may &= asked.risky <= filling.eased
        if not may.any():
            return False
        price = np.where(may, asked.cost + asked.move[asked.at], np.inf)
        filling.hold(int(np.argmin(price)), 1.0)
    return int((filling.units_at() > 0).sum()) >= asked.least


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
        places = np.flatnonzero(filling.units_at() > 0)
        if len(places) > MOST_PLACES:
            return False
        short, lost, missed = _worst_loss(filling, places)
        if short <= SLACK * asked.whole:
            return True
        come = np.minimum(missed @ asked.near, short)
        useful = np.minimum(asked.amount, come[asked.at])
        may = usable & (filling.left >= 1) & ~asked.lost[:, lost] & (useful > SLACK * asked.whole)
        if not loan:
            may &= asked.risky <= filling.eased + SLACK
        if not may.any():
            return False
        closed = (filling.units_at() <= 0)[asked.at]
        price = (asked.cost + closed * asked.move[asked.at]) / np.where(may, useful, 1.0)
        pair = int(np.argmin(np.where(may, price, np.inf)))
        most = max(1.0, float(np.floor(come[asked.at[pair]] / asked.amount[pair] + 1e-9)))
        most = min(most, float(filling.left[pair]))
        filling.hold(pair, most if asked.risky[pair] <= 0 else 1.0)
    return False


def _worst_loss(filling: Filling, places: Longs) -> tuple[float, int, Floats]:
    """(load that is short, the scope lost, float64[C] load near to no place with room)."""
    asked = filling.asked
    held = filling.units > 0
    scopes = np.flatnonzero(asked.lost[held].any(axis=0))
    carried = np.stack([
        np.add.reduceat(filling.units * asked.amount * ~asked.lost[:, one], asked.first)
        for one in scopes
    ])  # fmt: skip
    routed = Cuts.of(asked, places).near_routed(carried[:, places])
    worst = int(np.argmin(routed))
    short = asked.needed - float(routed[worst])
    missed = asked.load.copy()
    for place in places[np.argsort(asked.near[:, places].sum(axis=0), kind="stable")].tolist():
        load = missed * asked.near[:, place]
        room = float(carried[worst][place])
        missed -= np.clip(room - np.cumsum(load) + load, 0.0, load)
    return short, int(scopes[worst]), missed


def polished(asked: Asked, units: Floats, usable: Bools) -> Floats:
    """Drop units and exchange one for a cheaper one at places used, while all rules are kept."""
    units = units.copy()
    places = np.flatnonzero(np.add.reduceat(units, asked.first) > 0)
    if len(places) > MOST_PLACES:
        return units
    judge = _Judge.of(asked, Cuts.of(asked, places))
    for _ in range(_MOST_EXCHANGES):
        step = _best_step(judge, units, usable)
        if step is None:
            return units
        gone, come = step
        units[gone] -= 1
        if come >= 0:
            units[come] += 1
    return units


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judge:
    """What units add to what rules look at; q pairs at the places used, B = 1 + scopes.

    Attributes:
        cuts: the places used.
        rows: int64[q], the pairs.
        at: int64[q], index among the places used.
        adds: float64[q, B, m], load carried: by all, and by what is left after each loss.
    """

    cuts: Cuts
    rows: Longs
    at: Longs
    adds: Floats

    @classmethod
    def of(cls, asked: Asked, cuts: Cuts) -> _Judge:
        used = np.zeros(len(asked.first), np.bool_)
        used[cuts.places] = True
        rows = np.flatnonzero(used[asked.at])
        at = np.searchsorted(cuts.places, asked.at[rows])
        lost = asked.lost[rows]
        lost = lost[:, lost.any(axis=0)]
        adds = np.zeros((len(rows), 1 + lost.shape[1], len(cuts.places)))
        stays = np.concatenate([np.ones((len(rows), 1)), ~lost], axis=1)
        adds[np.arange(len(rows)), :, at] = stays * asked.amount[rows][:, None]
        return cls(cuts=cuts, rows=rows, at=at, adds=adds)

    def keeps(self, carried: Floats) -> Bools:
        """bool[N]: whether float64[N, B, m] routes all load, after any loss what is needed."""
        asked, slack = self.cuts.asked, 1e-10 * self.cuts.asked.whole
        good = self.cuts.routed(carried[:, 0]) >= asked.whole - slack
        count, blocks, places = carried.shape
        if blocks > 1:
            after = self.cuts.near_routed(carried[:, 1:].reshape(-1, places))
            good &= (after.reshape(count, -1) >= asked.needed - slack).all(axis=1)
        return np.asarray(good)


def _best_step(judge: _Judge, units: Floats, usable: Bools) -> tuple[int, int] | None:
    """(pair that loses a unit, pair that gains one or -1) that saves most; None: none does."""
    asked, rows = judge.cuts.asked, judge.rows
    held = np.flatnonzero(units[rows] > 0)
    left = left_of(asked, units)[rows]
    cost = asked.cost[rows]
    gains = np.flatnonzero(usable[rows] & (left >= 1) & (cost < cost[held].max()))
    gone = np.repeat(held, len(gains) + 1)
    come = np.tile(np.append(gains, -1), len(held))
    stays = units[rows[gone]] > 1
    at_place = np.add.reduceat(units, asked.first)[judge.cuts.places]
    stays |= (at_place[judge.at[gone]] > 1) | ((come >= 0) & (judge.at[come] == judge.at[gone]))
    saved = cost[gone] - np.where(come >= 0, cost[come], 0.0)
    saved += np.where(stays, 0.0, asked.move[judge.cuts.places][judge.at[gone]])
    risk = asked.risky[rows]
    change = np.where(come >= 0, risk[come], 0.0) - risk[gone]
    opens = (come >= 0) & (at_place <= 0)[judge.at[come]]
    saved -= np.where(opens, asked.move[judge.cuts.places][judge.at[come]], 0.0)
    may = saved > 1e-9 * cost[held].max()
    may &= stays | opens | (int((at_place > 0).sum()) > asked.least)
    if risk.any():
        may &= float(asked.risky @ units) + change <= SLACK * asked.whole
    amount = asked.amount[rows]
    spare = float(asked.amount @ units) - asked.whole * (1 - SLACK)
    may &= amount[gone] - np.where(come >= 0, amount[come], 0.0) <= spare
    order = np.flatnonzero(may)
    order = order[np.argsort(-saved[order], kind="stable")]
    base = np.tensordot(units[rows], judge.adds, axes=1) if len(order) else judge.adds[:0]
    for first in range(0, len(order), _AT_ONCE):
        some = order[first : first + _AT_ONCE]
        carried = base - judge.adds[gone[some]]
        plus = come[some] >= 0
        carried[plus] += judge.adds[come[some][plus]]
        good = np.flatnonzero(judge.keeps(carried))
        if len(good):
            best = some[good[0]]
            return int(rows[gone[best]]), int(rows[come[best]]) if come[best] >= 0 else -1
    return None
