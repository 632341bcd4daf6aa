"""Problems small enough to solve by hand, from a few words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from solver.asking import Engine
from solver.exact import solve_exact
from solver.problem import (
    NO_ROW,
    Accounts,
    Apart,
    Demands,
    Family,
    Limits,
    Problem,
    Services,
    Supply,
    Together,
)
from solver.solution import SearchLimits, Solution


@dataclass(frozen=True, kw_only=True)
class Row:
    """One supply; zone -1 is unknown, and equal (place, zone, kind) share a pool."""

    cost: float
    capacity: float = np.inf
    place: int = 0
    zone: int = 0
    kind: int = 0
    risk: int = 0
    owned: bool = False
    unit_cost: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Want:
    """One demand that may use every supply, with one mode per machine kind."""

    family: Family
    amount: float = 1.0
    hours: float = 100.0
    priority: int = 0
    weight: float = 1.0
    risky_share: float = 1.0
    spoilage: float = 1.0
    data: float = 0.0
    loads: Sequence[tuple[int, float]] = ()
    near: float = np.inf
    far_share: float = 1.0
    each_point: bool = False
    farthest: float = np.inf
    least_places: int = 1
    most_share: float = 1.0
    survive_level: int = NO_ROW
    survive_share: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What couples demands."""

    limits: Sequence[tuple[dict[int, float], float]] = ()
    accounts: Accounts | None = None
    apart: tuple[Apart, ...] = ()
    together: tuple[Together, ...] = ()
    owner_of_place: Sequence[int] = (0, 1, 2, 3)
    distance: Sequence[Sequence[float]] = field(default_factory=lambda: [[0.0] * 4] * 4)


def problem(rows: Sequence[Row], wants: Sequence[Want], rules: Rules | None = None) -> Problem:
    """Build the problem; move cost is 1 per unit of data to any place but place 0."""
    rules = rules or Rules()
    kinds = sorted({row.kind for row in rows})
    order = sorted(range(len(rows)), key=lambda index: (rows[index].kind, index))
    return Problem(
        period_h=100.0,
        supply=_supply(rows),
        demands=_demands(wants, kinds),
        services=_services(wants, rules),
        limits=_limits(rules.limits),
        accounts=rules.accounts or no_accounts(len(rows)),
        owner_of_place=np.array(rules.owner_of_place, np.int32),
        eligible_start=np.array([0, len(rows)], np.int64),
        eligible=np.array(order, np.int32),
        apart=rules.apart,
        together=rules.together,
    )


def _supply(rows: Sequence[Row]) -> Supply:
    pools = sorted({(row.place, row.zone, row.kind) for row in rows})
    return Supply(
        hour_cost=np.array([row.cost for row in rows], np.float64),
        unit_cost=np.array([row.unit_cost for row in rows], np.float64),
        hour_value=np.zeros(len(rows)),
        size=np.ones(len(rows)),
        capacity=np.array([row.capacity for row in rows], np.float64),
        kind=np.array([row.kind for row in rows], np.int32),
        place=np.array([row.place for row in rows], np.int32),
        zone=np.array([row.zone for row in rows], np.int32),
        pool=np.array([pools.index((row.place, row.zone, row.kind)) for row in rows], np.int32),
        risk=np.array([row.risk for row in rows], np.int32),
        owned=np.array([row.owned for row in rows], np.bool_),
    )


def _demands(wants: Sequence[Want], kinds: Sequence[int]) -> Demands:
    repeat = len(kinds)
    return Demands(
        family=np.array([want.family for want in wants], np.int32),
        priority=np.array([want.priority for want in wants], np.int32),
        weight=np.array([want.weight for want in wants], np.float64),
        mode_start=np.arange(len(wants) + 1, dtype=np.int64) * repeat,
        mode_kind=np.array(list(kinds) * len(wants), np.int32),
        mode_shape=np.zeros(len(wants) * repeat, np.int32),
        mode_signature=np.zeros(len(wants) * repeat, np.int32),
        mode_amount=np.repeat([want.amount for want in wants], repeat).astype(np.float64),
        mode_hours=np.repeat([want.hours for want in wants], repeat).astype(np.float64),
        spoilage_row=np.arange(len(wants), dtype=np.int32),
        spoilage=np.array([[1.0, want.spoilage] for want in wants]),
        carry=np.array([[1.0, 1.0 / want.spoilage] for want in wants]),
        risky_share=np.array([want.risky_share for want in wants], np.float64),
        data_amount=np.array([want.data for want in wants], np.float64),
        data_row=np.zeros(len(wants), np.int32),
        move_cost=np.array([[0.0, 1.0, 1.0, 1.0]]),
    )


def _services(wants: Sequence[Want], rules: Rules) -> Services:
    rows = [index for index, want in enumerate(wants) if want.family is Family.SERVICE]
    found = [wants[index] for index in rows]
    loads = [load for want in found for load in want.loads]
    return Services(
        demand=np.array(rows, np.int32),
        load_start=np.cumsum([0, *(len(want.loads) for want in found)]).astype(np.int64),
        load_point=np.array([point for point, _ in loads], np.int32),
        load=np.array([amount for _, amount in loads], np.float64),
        distance=np.array(rules.distance, np.float64),
        near=np.array([want.near for want in found], np.float64),
        far_share=np.array([want.far_share for want in found], np.float64),
        each_point=np.array([want.each_point for want in found], np.bool_),
        farthest=np.array([want.farthest for want in found], np.float64),
        least_places=np.array([want.least_places for want in found], np.int32),
        most_share=np.array([want.most_share for want in found], np.float64),
        survive_level=np.array([want.survive_level for want in found], np.int32),
        survive_share=np.array([want.survive_share for want in found], np.float64),
    )


def _limits(limits: Sequence[tuple[dict[int, float], float]]) -> Limits:
    entries = [sorted(weights.items()) for weights, _ in limits]
    return Limits(
        start=np.cumsum([0, *(len(one) for one in entries)]).astype(np.int64),
        supply=np.array([supply for one in entries for supply, _ in one], np.int32),
        weight=np.array([weight for one in entries for _, weight in one], np.float64),
        high=np.array([high for _, high in limits], np.float64),
    )


def no_accounts(supplies: int) -> Accounts:
    """Return accounts without a row."""
    return Accounts(
        measure=np.empty(0, np.int32),
        factor=np.empty((0, supplies)),
        low=np.empty(0),
        high=np.empty(0),
        slack_cost=np.empty(0),
    )


def account(
    factor: Sequence[float], *, measure: int, low: float = -np.inf, high: float = np.inf
) -> Accounts:
    """Return one account; a missed low costs 1 per unit."""
    return Accounts(
        measure=np.array([measure], np.int32),
        factor=np.array([factor], np.float64),
        low=np.array([low]),
        high=np.array([high]),
        slack_cost=np.array([1.0 if np.isfinite(low) else np.inf]),
    )


def solved(one: Problem, **limits: float) -> Solution:
    """Solve to optimality."""
    with Engine() as engine:
        return solve_exact(one, SearchLimits(gap=0.0, **limits), engine=engine)


def used(solution: Solution) -> dict[tuple[int, int], int]:
    """Return units by (demand, supply)."""
    allocation = solution.allocation
    return {
        (int(demand), int(supply)): int(units)
        for demand, supply, units in zip(
            allocation.demand, allocation.supply, allocation.units, strict=True
        )
    }


GANG = Want(family=Family.GANG)
BATCH = Want(family=Family.BATCH, amount=150.0)
SERVICE = Want(family=Family.SERVICE, amount=10.0, loads=((0, 25.0),))


def like(want: Want, **changes: object) -> Want:
    """Return `want` with some fields changed."""
    return replace(want, **changes)  # type: ignore[arg-type]  # a test's own field names
