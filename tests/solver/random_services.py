"""Random problems of services, under every rule that a service can have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from solver.preferences import Stay
from solver.problem import NO_ROW, Level, Problem
from tests.solver.tiny import SERVICE, Row, Rules, Want, like, problem


@st.composite
def services(draw: st.DrawFn, *, scarce: bool = False, points: int = 3, count: int = 1) -> Problem:
    """Draw what `services_of` makes."""
    seed = draw(st.integers(0, 2**32 - 1))
    return services_of(seed, scarce=scarce, points=points, count=count)


def services_of(seed: int, *, scarce: bool = False, points: int = 3, count: int = 1) -> Problem:
    """Return services over up to 13 supplies in up to eight places; without end, or scarce."""
    random = np.random.default_rng(seed)
    places = int(random.integers(3, 9))
    rows = [
        Row(
            cost=float(random.integers(0, 9)),
            place=int(random.integers(0, places)),
            zone=int(random.integers(-1, 2)),
            kind=int(random.integers(0, 3)),
            risk=int(random.random() < 0.3),
            capacity=float(random.choice((1, 2, 4, np.inf))) if scarce else np.inf,
        )
        for _ in range(int(random.integers(3, 14)))
    ]
    wants = [_want(random, points) for _ in range(count)]
    distance = random.choice((10.0, 10.0, 60.0, 90.0), (points, places)).tolist()
    owner = random.integers(0, 3, places).tolist()
    one = problem(rows, wants, Rules(distance=distance, owner_of_place=owner))
    amount = random.choice((4.0, 10.0, 25.0, 500.0), len(one.demands.mode_kind))
    move = random.choice((0.0, 1.0, 2.0), (1, places))
    one = replace(one, demands=replace(one.demands, mode_amount=amount, move_cost=move))
    if random.random() < 0.3:
        home = np.unique(random.integers(0, len(rows), 2))
        stay = Stay(demand=np.array([0], np.int32), supply=(home,), cost=np.array([300.0]))
        one = replace(one, stay=stay)
    return one


def _want(random: np.random.Generator, points: int) -> Want:
    return like(
        SERVICE,
        loads=tuple((point, float(random.integers(1, 40))) for point in range(points)),
        data=float(random.choice((0.0, 150.0))),
        near=float(random.choice((50.0, np.inf))),
        far_share=float(random.choice((0.0, 0.3, 1.0))),
        each_point=bool(random.random() < 0.5),
        farthest=float(random.choice((80.0, np.inf))),
        least_places=int(random.choice((1, 1, 2, 3))),
        most_share=float(random.choice((1.0, 1.0, 0.4, 0.6, 0.8))),
        survive_level=int(random.choice((NO_ROW, NO_ROW, Level.OWNER, Level.PLACE, Level.ZONE))),
        survive_share=float(random.choice((0.5, 1.0))),
        risky_share=float(random.choice((0.0, 0.4, 1.0))),
    )
