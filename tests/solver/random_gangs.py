"""Random problems of gangs that mix owned units in, and a planner that tries everything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from solver.preferences import Stay
from solver.problem import NO_ROW, Family, Problem
from tests.solver.tiny import BATCH, GANG, Row, Rules, Want, like, problem

_ROUNDING = 1e-9


def owning(*, batches: bool = True, roomy: bool | None = None) -> st.SearchStrategy[Problem]:
    """Draw what `owning_of` makes."""
    seeds = st.integers(0, 2**32 - 1)
    return seeds.map(lambda seed: owning_of(seed, batches=batches, roomy=roomy))


def owning_of(seed: int, *, batches: bool = True, roomy: bool | None = None) -> Problem:
    """Return two or three gangs (and batches) over owned units and others of the same pools.

    Args:
        seed: of everything that is drawn.
        batches: whether work that parts may want the same units.
        roomy: whether a dear supply serves everybody; None: sometimes.
    """
    random = np.random.default_rng(seed)
    rows = _rows(random, roomy=bool(random.random() < 0.5) if roomy is None else roomy)
    wants = [_gang(random) for _ in range(int(random.integers(2, 4)))]
    if batches and random.random() < 0.5:
        wants += [_batch(random) for _ in range(int(random.integers(1, 3)))]
    one = problem(rows, wants, Rules(limits=_limits(random, len(rows))))
    one = _seen_in_part(random, one)
    if random.random() < 0.4:
        one = replace(one, stay=_homes(random, one))
    return one


def _rows(random: np.random.Generator, *, roomy: bool) -> list[Row]:
    rows = []
    for pool in range(int(random.integers(1, 4))):
        where = {"place": int(random.integers(0, 3)), "zone": pool, "kind": pool % 2}
        rows += [
            Row(
                cost=float(random.integers(1, 9)),
                unit_cost=float(random.choice((0.0, 0.0, 30.0))),
                capacity=float(random.choice((1, 2, 3, 5, np.inf))),
                risk=int(random.random() < 0.3),
                **where,
            )
            for _ in range(int(random.integers(1, 3)))
        ]
        if random.random() < 0.8:
            dear = float(random.choice((0.0, 0.0, 0.0, 4.0)))
            room = float(random.integers(1, 6))
            rows.append(Row(cost=dear, capacity=room, owned=True, **where))
    if roomy:
        rows.append(Row(cost=float(random.integers(9, 15)), place=3, zone=9))
    return rows


def _gang(random: np.random.Generator) -> Want:
    return like(
        GANG,
        amount=float(random.integers(1, 6)),
        hours=float(random.choice((10.0, 40.0, 70.0, 100.0))),
        priority=int(random.integers(0, 2)),
        weight=float(random.integers(1, 9)),
        risky_share=float(random.choice((0.0, 0.4, 0.5, 1.0))),
        spoilage=float(random.choice((1.0, 1.3))),
        data=float(random.choice((0.0, 0.0, 40.0))),
    )


def _batch(random: np.random.Generator) -> Want:
    return like(
        BATCH,
        amount=float(random.integers(10, 400)),
        hours=float(random.choice((40.0, 100.0))),
        risky_share=float(random.choice((0.0, 0.4, 1.0))),
        spoilage=float(random.choice((1.0, 1.2))),
    )


def _limits(random: np.random.Generator, rows: int) -> list[tuple[dict[int, float], float]]:
    found = []
    for _ in range(int(random.integers(0, 3))):
        some = random.choice(rows, size=int(random.integers(1, rows + 1)), replace=False)
        weights = {int(one): float(random.choice((1.0, 2.0))) for one in some}
        found.append((weights, float(random.integers(1, 9))))
    return found


def _seen_in_part(random: np.random.Generator, one: Problem) -> Problem:
    """Let some modes use only some of the supplies."""
    count = one.supply.count
    some = one.eligible[random.random(count) < 0.6]
    modes = len(one.demands.mode_kind)
    signature = np.where(random.random(modes) < 0.3, 1, 0).astype(np.int32)
    return replace(
        one,
        demands=replace(one.demands, mode_signature=signature),
        eligible_start=np.array([0, count, count + len(some)], np.int64),
        eligible=np.concatenate([one.eligible, some]).astype(np.int32),
    )


def _homes(random: np.random.Generator, one: Problem) -> Stay:
    size = int(random.integers(1, one.demands.count + 1))
    movers = np.sort(random.choice(one.demands.count, size=size, replace=False))
    homes = [np.unique(random.integers(0, one.supply.count, 2)) for _ in range(size)]
    return Stay(
        demand=movers.astype(np.int32),
        supply=tuple(homes),
        cost=random.choice((0.0, 50.0, 300.0), size),
        most=float(random.choice((0, 1, 2, np.inf))),
        unbilled=float(random.choice((0.0, 7.0))),
    )


@dataclass(frozen=True, kw_only=True)
class Stand:
    """One way of a gang: units of supplies, what it costs, whether it has moved."""

    units: dict[int, float]
    cost: float
    moved: bool = False


def tried(one: Problem) -> tuple[tuple[float, ...], float]:
    """Return the least (unmet weight by priority from the highest, cost) of gangs alone.

    Every way of every gang is tried; `cost` is with what moves weigh beyond it.
    """
    demands = one.demands
    ways: list[list[Stand | None]] = [[None, *_stands(one, gang)] for gang in range(demands.count)]
    order = np.unique(demands.priority)[::-1].tolist()
    most_moves = np.inf if one.stay is None else one.stay.most
    best = ((np.inf,) * len(order), np.inf)
    waiting: list[list[Stand | None]] = [[]]
    while waiting:
        chosen = waiting.pop()
        lost = [0.0] * len(order)
        for gang, stand in enumerate(chosen):
            if stand is None:
                lost[order.index(int(demands.priority[gang]))] += float(demands.weight[gang])
        standing = [stand for stand in chosen if stand is not None]
        moves = sum(stand.moved for stand in standing)
        if tuple(lost) > best[0] or moves > most_moves or not _fits(one, standing):
            continue
        if len(chosen) < demands.count:
            waiting += [[*chosen, stand] for stand in ways[len(chosen)]]
        else:
            best = min(best, (tuple(lost), sum(stand.cost for stand in standing)))
    return best


def _fits(one: Problem, standing: Sequence[Stand]) -> bool:
    held: dict[int, float] = {}
    for stand in standing:
        for supply, units in stand.units.items():
            held[supply] = held.get(supply, 0.0) + units
    if any(units > one.supply.capacity[supply] + _ROUNDING for supply, units in held.items()):
        return False
    limits = one.limits
    for row in range(limits.count):
        part = slice(int(limits.start[row]), int(limits.start[row + 1]))
        counted = zip(limits.supply[part].tolist(), limits.weight[part].tolist(), strict=True)
        used = sum(weight * held.get(supply, 0.0) for supply, weight in counted)
        if used > limits.high[row] + _ROUNDING:
            return False
    return True


def _stands(one: Problem, gang: int) -> Iterator[Stand]:
    """Yield every way of a gang by itself: one supply, or some units of it on an owned one."""
    assert one.demands.family[gang] == Family.GANG
    stock, demands = one.supply, one.demands
    for mode in one.modes_of(gang):
        seen = one.supplies_of(mode).tolist()
        amount, hours = float(demands.mode_amount[mode]), float(demands.mode_hours[mode])
        for main in seen:
            spoilt = hours * float(demands.spoilage[gang, stock.risk[main]])
            if spoilt > one.period_h:
                continue
            owned = [other for other in seen if _mixes(one, main, other)]
            ways = [(NO_ROW, 0)] + [(o, k) for o in owned for k in range(1, int(amount))]
            for other, mixed in ways:
                rest = amount - mixed
                if stock.risk[main] and rest > demands.risky_share[gang] * amount + _ROUNDING:
                    continue
                cost = rest * float(stock.unit_cost[main] + spoilt * stock.hour_cost[main])
                units = {main: rest}
                if mixed:
                    cost += mixed * float(stock.unit_cost[other] + hours * stock.hour_cost[other])
                    units[other] = float(mixed)
                place = int(stock.place[main])
                cost += float(demands.data_amount[gang] * demands.move_cost[0, place])
                yield _moved(one, gang, Stand(units=units, cost=cost))


def _mixes(one: Problem, main: int, other: int) -> bool:
    stock = one.supply
    same = stock.pool[main] == stock.pool[other]
    return bool(same and stock.owned[other] and not stock.owned[main])


def _moved(one: Problem, gang: int, stand: Stand) -> Stand:
    stay = one.stay
    if stay is None or gang not in stay.demand:
        return stand
    row = int(np.flatnonzero(stay.demand == gang)[0])
    if set(stand.units) <= set(stay.supply[row].tolist()):
        return stand
    return replace(stand, cost=stand.cost + float(stay.cost[row]) + stay.unbilled, moved=True)
