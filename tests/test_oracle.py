"""Plans agree with brute force on tiny cases of every kind: unmet by priority, then cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.market_csv import read_offers_csv
from broker.planning import make_plan
from broker.plans import Plan
from broker.spec import spec_from_data
from solver.asking import Engine
from solver.solution import SearchLimits
from tests import oracle
from tests.oracle import Ask, Case, Gang, Offer, Pieces, Savings, Serving

FILES = Path(__file__).parent / "broker" / "worked_example"
ZONES = (
    ("aws", "us-east-1", "use1-az1"),
    ("aws", "us-east-1", "use1-az2"),
    ("azure", "westeurope", "-"),
    ("gcp", "europe-west4", "europe-west4-a"),
)
#: The optimizer may leave this much of a weight unmet, and this many USD on the table.
TOLERANCE = 0.05


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def planned(case: Case, engine: Engine) -> Plan:
    """Plan a case to a gap of nothing."""
    market = read_offers_csv(oracle.market_csv(case).encode(), name="case")
    spec = replace(
        spec_from_data(oracle.spec_data(case)),
        latency=str(FILES / "round_trips.csv"),
        transfer=str(FILES / "transfer.csv"),
    )
    return make_plan(spec, market, limits=SearchLimits(gap=0.0), engine=engine).plan


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw two to four offers and one to three workloads."""
    keys = st.tuples(st.sampled_from(ZONES), st.sampled_from(("buy", "buy", "spot")))
    offers = [
        Offer(
            provider=zone[0],
            region=zone[1],
            zone=zone[2],
            usd_per_hour=draw(st.integers(1, 60)),
            available=draw(st.integers(1, 3)),
            losses=draw(st.sampled_from((0, 0.01, 0.05, 0.3))) if how == "spot" else None,
        )
        for zone, how in draw(st.lists(keys, min_size=2, max_size=3, unique=True))
    ]
    if draw(st.booleans()):
        # Owned instances are of a pool that the market sells too.
        first = offers[0]
        count = draw(st.integers(1, 2))
        offers.append(replace(first, usd_per_hour=0, available=count, losses=None, owned=True))
    asks = tuple(draw(_asks(f"w{i}")) for i in range(draw(st.integers(1, 3))))
    return Case(
        offers=tuple(offers),
        asks=asks,
        quota=draw(st.sampled_from((None, None, 2))),
        apart=len(asks) > 1 and draw(st.integers(0, 4)) == 0,
    )


@st.composite
def _asks(draw: st.DrawFn, name: str) -> Ask:
    spot = draw(st.sampled_from((None, 0.5, 1.0)))
    priority = draw(st.integers(0, 1))
    never = draw(st.sampled_from(("", "", "", "gcp", "aws")))
    data_gb = draw(st.sampled_from((0, 0, 700)))
    kind = draw(st.sampled_from(("gang", "pieces", "serving")))
    if kind == "gang":
        return Gang(
            name=name,
            priority=priority,
            spot=spot,
            never=never,
            data_gb=data_gb,
            instances=draw(st.integers(1, 3)),
            hours=draw(st.sampled_from((20, 50, 97))),
        )
    if kind == "pieces":
        return Pieces(
            name=name,
            priority=priority,
            spot=spot,
            never=never,
            data_gb=data_gb,
            work=draw(st.sampled_from((33, 120, 250))),
            deadline=draw(st.sampled_from((40, 100))),
        )
    metros = draw(st.sampled_from((("paris",), ("paris", "new-york"))))
    return Serving(
        name=name,
        priority=priority,
        spot=spot,
        never=never,
        data_gb=data_gb,
        rates=tuple((metro, draw(st.sampled_from((40, 90, 160)))) for metro in metros),
        rtt=draw(st.sampled_from((50, 100))),
        far=draw(st.sampled_from((0.0, 0.2, 0.4))),
        regions=draw(st.sampled_from((1, 1, 2))),
    )


@settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(case=cases())
def test_plans_are_as_good_as_the_best_of_all_choices(case: Case, engine: Engine) -> None:
    """Same unmet weight at every priority, same cost; bound <= optimum <= plan."""
    unmet, cost = oracle.best(case)
    plan = planned(case, engine)
    levels = [float(level.unmet) for level in plan.proof.levels]
    assert levels == pytest.approx(list(unmet), abs=TOLERANCE)
    assert float(plan.cost.total) == pytest.approx(cost, abs=TOLERANCE, rel=1e-6)
    assert float(plan.proof.cost_bound) <= cost + TOLERANCE
    for level, least in zip(plan.proof.levels, unmet, strict=True):
        assert float(level.bound) <= least + TOLERANCE


@st.composite
def covered_cases(draw: st.DrawFn) -> Case:
    """Draw a case without divisible work, and a savings plan at one of its providers."""
    case = draw(cases().filter(lambda one: not any(isinstance(o, Pieces) for o in one.asks)))
    savings = Savings(
        provider=draw(st.sampled_from([o.provider for o in case.offers])),
        per_hour=draw(st.integers(1, 80)),
        off=draw(st.sampled_from((0.2, 0.5))),
    )
    return replace(case, savings=savings)


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(case=covered_cases())
def test_savings_plans_are_used_as_well_as_can_be(case: Case, engine: Engine) -> None:
    """Same unmet weight, same cost, with committed money that pays for hours of any workload."""
    unmet, cost = oracle.best(case)
    plan = planned(case, engine)
    levels = [float(level.unmet) for level in plan.proof.levels]
    assert levels == pytest.approx(list(unmet), abs=TOLERANCE)
    assert float(plan.cost.total) == pytest.approx(cost, abs=TOLERANCE, rel=1e-6)
    assert float(plan.proof.cost_bound) <= cost + TOLERANCE


def test_a_level_of_nothing_does_not_stop_the_engine(engine: Engine) -> None:
    """Nothing may stay unmet at priority 1, which leaves a row HiGHS gives up on."""
    zones = ((ZONES[0], 1), (ZONES[1], 2))
    case = Case(
        offers=tuple(
            Offer(
                provider=zone[0],
                region=zone[1],
                zone=zone[2],
                usd_per_hour=1,
                available=available,
                losses=0,
            )
            for zone, available in zones
        ),
        asks=(
            Gang(name="w0", priority=0, spot=0.5, instances=1, hours=20),
            Pieces(name="w1", priority=1, spot=1.0, work=120, deadline=40),
        ),
        apart=True,
    )
    plan = planned(case, engine)
    assert [level.unmet for level in plan.proof.levels] == [0, 160]
    assert plan.cost.total == 120
