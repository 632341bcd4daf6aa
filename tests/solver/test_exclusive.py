"""Gangs that share their scope with nobody: rows, bounds, and what they may not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver.asking import Engine
from solver.certificate import Certifier
from solver.compact import build_compact
from solver.exclusive_rows import exclusive_gangs
from solver.joint_bounds import JointBounds
from solver.margins import marginal_prices
from solver.prices import no_prices
from solver.problem import NO_ROW, Apart, Family, Level, Problem, Supply, Together
from solver.relaxation import service_of
from tests.solver.random_gangs import owning
from tests.solver.random_problems import bounded, exactly, unchecked
from tests.solver.test_certificate import served
from tests.solver.test_owned_gangs import (
    assert_bounded_together,
    at_level_of,
    every_price,
    slack,
    weighed,
)
from tests.solver.tiny import GANG, SERVICE, Row, Rules, like, problem

SEEDS = st.integers(0, 2**32 - 1)


def alone(one: Problem, demand: int, level: Level) -> Apart:
    others = tuple(other for other in range(one.demands.count) if other != demand)
    return Apart(level=level, groups=((demand,), others))


def with_one_alone(one: Problem, seed: int) -> Problem:
    """Return a problem with gangs alone in their scopes, zones unknown, two at one place."""
    random = np.random.default_rng(seed)
    gangs = np.flatnonzero(one.demands.family == Family.GANG)
    level = Level(int(random.integers(0, 3)))
    unknown = random.random(one.supply.count) < 0.2
    ruled = replace(one, supply=_zoned(one.supply, np.where(unknown, NO_ROW, one.supply.zone)))
    chosen = random.choice(gangs, int(random.integers(1, min(len(gangs), 2) + 1)), replace=False)
    ruled = replace(ruled, apart=tuple(alone(one, int(gang), level) for gang in chosen))
    if random.random() < 0.4:
        two = tuple(int(other) for other in random.choice(gangs, 2, replace=False))
        ruled = replace(ruled, together=(Together(level=Level.PLACE, demands=two),))
    return ruled


def _zoned(supply: Supply, zone: np.ndarray) -> Supply:
    """Return supply with other zones, and so with other pools."""
    where = np.stack([supply.place, zone, supply.kind])
    pool = np.unique(where, axis=1, return_inverse=True)[1].reshape(-1)
    return replace(supply, zone=zone.astype(np.int32), pool=pool.astype(np.int32))


def in_other_words(one: Problem) -> Problem:
    """Return the problem with its rules said of one other demand at a time."""
    apart = [
        Apart(level=rule.level, groups=(rule.groups[0], (two,)))
        for rule in one.apart
        for two in rule.groups[1]
    ]
    return replace(one, apart=tuple(apart))


def assert_same_optimum(one: Problem, other: Problem, engine: Engine) -> None:
    """Two problems leave as much of each priority, and cost as much then."""
    one_way, other_way = exactly(one, engine), exactly(other, engine)
    assert [level.unmet for level in one_way.levels] == pytest.approx(
        [level.unmet for level in other_way.levels], abs=1e-6
    )
    cost = weighed(other, other_way)
    assert weighed(one, one_way) == pytest.approx(cost, abs=slack(cost))


def test_a_gang_alone_is_known_by_its_rule() -> None:
    """Apart from all others: yes; from some of them, or a service: no."""
    one = problem([Row(cost=1)], [GANG, GANG, SERVICE])
    for groups, found in (
        (((0,), (1, 2)), {0: Level.ZONE}),
        (((0,), (1,), (2,)), {0: Level.ZONE, 1: Level.ZONE}),
        (((2,), (0, 1)), {}),
        (((0,), (1,)), {}),
    ):
        rule = Apart(level=Level.ZONE, groups=groups)
        assert exclusive_gangs(replace(one, apart=(rule,))) == found


def test_a_gang_alone_pays_for_all_that_its_zone_holds(engine: Engine) -> None:
    """Two units at 1 an hour for one gang, or for two others that pay 2 elsewhere."""
    rows = [Row(cost=1, capacity=2, zone=0), Row(cost=2, zone=1)]
    rule = Apart(level=Level.ZONE, groups=((0,), (1, 2)))
    one = problem(rows, [GANG] * 3, Rules(apart=(rule,)))
    best = exactly(one, engine)
    assert best.cost == pytest.approx(200 + 100 + 100)
    service = service_of(one, np.zeros(3), np.zeros(3))
    prices = served(one, no_prices(one), service, 0)
    prices = replace(prices, capacity=np.array([100.0, 0.0]))
    assert Certifier(one, service, engine).certify(prices, unchecked).bound == pytest.approx(400)


def test_two_gangs_alone_in_two_zones_may_both_have_an_unknown_one_beside(
    engine: Engine,
) -> None:
    """A machine of unknown zone may stand in either; both gangs are served, nobody takes it."""
    rows = [Row(cost=1, zone=0), Row(cost=1, zone=1), Row(cost=9, capacity=1, zone=NO_ROW)]
    rules = tuple(Apart(level=Level.ZONE, groups=((one,), (1 - one,))) for one in (0, 1))
    best = exactly(problem(rows, [GANG] * 2, Rules(apart=rules)), engine)
    assert (best.cost, best.unmet.sum()) == (pytest.approx(200), 0)


def test_what_a_unit_more_saves_does_not_hang_on_words(engine: Engine) -> None:
    """Two of three pay 2 elsewhere while the gang alone has the cheap unit, whatever says so."""
    rows = [Row(cost=1, capacity=2, zone=0), Row(cost=2, zone=1)]
    rule = Apart(level=Level.ZONE, groups=((0,), (1, 2)))
    one = problem(rows, [like(GANG, amount=2.0), GANG, GANG], Rules(apart=(rule,)))
    one_way, other_way = (
        marginal_prices(said, np.zeros(3), engine).supply for said in (one, in_other_words(one))
    )
    assert one_way == pytest.approx(other_way)


@bounded(25)
@given(owning(), SEEDS)
def test_the_rule_in_other_words_has_the_same_optimum(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Said of one other demand at a time, no row counts the gang for its whole scope."""
    ruled = with_one_alone(one, seed)
    plain = in_other_words(ruled)
    assume(ruled.demands.count > 2)
    assert exclusive_gangs(ruled)
    assert not exclusive_gangs(plain)
    assert_same_optimum(ruled, plain, engine)


@bounded(25)
@given(owning(), SEEDS)
def test_one_rule_for_all_that_are_alone_has_the_same_optimum(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Others have no row where capacities keep them out, and have one where a zone is unknown."""
    ruled = with_one_alone(one, seed)
    gangs = exclusive_gangs(ruled)
    assume(ruled.demands.count > len(gangs))
    rest = tuple(other for other in range(ruled.demands.count) if other not in gangs)
    level = next(iter(gangs.values()))
    groups = (*((gang,) for gang in gangs), rest)
    merged = replace(ruled, apart=(Apart(level=level, groups=groups),))
    assert_same_optimum(merged, in_other_words(ruled), engine)


def test_capacities_keep_others_from_a_scope() -> None:
    """Zones are named; but what is of no known zone may be in either of two."""
    rows = [Row(cost=1, capacity=9, place=place, zone=place) for place in range(2)]
    rows += [Row(cost=1, capacity=9, place=2, zone=zone) for zone in (2, 3, NO_ROW)]
    one = problem(rows, [GANG] * 3)
    compact = build_compact(replace(one, apart=(alone(one, 0, Level.ZONE),)))
    model = compact.builder.build()
    rows_of = np.unique(model.row[np.isin(model.column, compact.switches)])
    named = compact.main[(compact.pairs.demand > 0) & (compact.pairs.supply < 4)]
    unnamed = compact.main[(compact.pairs.demand > 0) & (compact.pairs.supply == 4)]
    held = [np.isin(model.row[np.isin(model.column, some)], rows_of) for some in (named, unnamed)]
    assert not held[0].any()
    assert held[1].any()


@bounded(40)
@given(owning(), SEEDS)
def test_gangs_alone_are_bounded_at_any_prices(engine: Engine, one: Problem, seed: int) -> None:
    """With owned units mixed in, unknown zones, homes, and another gang at the same place."""
    ruled = with_one_alone(one, seed)
    best = exactly(ruled, engine)
    service = at_level_of(ruled, best)
    certifier = Certifier(ruled, service, engine)
    for prices in every_price(ruled, service, seed, engine):
        bound = certifier.certify(prices, unchecked).bound
        assert bound <= weighed(ruled, best) + slack(weighed(ruled, best))


@bounded(20)
@given(owning(roomy=True), SEEDS)
def test_gangs_alone_are_bounded_together_with_all(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Gangs and batches as one, and everybody as one."""
    ruled = with_one_alone(one, seed)
    for together in (JointBounds.of_rivals, JointBounds.of_all):
        assert_bounded_together(ruled, seed, engine, together)
