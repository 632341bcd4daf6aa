"""Services that may not stand in one scope are bounded in pairs, and never above the optimum."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from solver.apart_bounds import Gain
from solver.asking import Engine
from solver.certificate import Certifier
from solver.decomposition import solve_decomposed
from solver.prices import Prices, no_prices
from solver.problem import Apart, Level, Problem
from solver.relaxation import service_of
from solver.solution import SearchLimits
from solver.stay_rows import unbilled_cost
from solver.tier_bounds import flat_below
from solver.ways import nothing
from tests.solver.random_problems import TOLERANCE, bounded, exactly, some_prices, unchecked
from tests.solver.random_services import services
from tests.solver.test_certificate import at_level_of, served
from tests.solver.tiny import SERVICE, Row, Rules, Want, like, problem

SEEDS = st.integers(0, 2**32 - 1)
WANT = like(SERVICE, loads=((0, 5.0),))
NONE = np.zeros(2)


def apart(*pairs: tuple[int, int], level: Level = Level.PLACE) -> tuple[Apart, ...]:
    return tuple(Apart(level=level, groups=((one,), (other,))) for one, other in pairs)


def pair_of(*costs: float, want: Want = WANT, level: Level = Level.PLACE) -> Problem:
    """Two services kept apart, and places where a unit costs so much an hour."""
    rows = [Row(cost=cost, place=place) for place, cost in enumerate(costs)]
    return problem(rows, [want, want], Rules(apart=apart((0, 1), level=level)))


def gains_of(
    one: Problem,
    engine: Engine,
    *,
    prices: Prices | None = None,
    regret: float = np.inf,
    little: float = 0.0,
) -> tuple[float, list[Gain]]:
    """Return the bound of each service alone, and what pairs gain."""
    count = one.demands.count
    certifier = Certifier(one, service_of(one, np.zeros(count), np.zeros(count)), engine)
    asked = replace(prices or no_prices(one), unmet=np.full(count, np.inf))
    alone = certifier.certify(asked, unchecked)
    regrets = np.full(count, regret)
    return alone.bound, certifier.joint.of_pairs(asked, alone.least, regrets, little, unchecked)[0]


def test_of_two_that_want_one_place_one_goes_elsewhere(engine: Engine) -> None:
    """At 1, 3 and 9 an hour: 100 each alone, 100 and 300 together."""
    one = pair_of(1.0, 3.0, 9.0)
    alone, gains = gains_of(one, engine)
    assert alone == pytest.approx(200)
    assert gains == [Gain((0, 1), pytest.approx(200))]
    assert exactly(one, engine).cost == pytest.approx(400)


def test_places_are_closed_until_both_are_somewhere(engine: Engine) -> None:
    """Both want two of four places: 1 and 2 for one of them, 4 and 8 for the other."""
    one = pair_of(1.0, 2.0, 4.0, 8.0, want=replace(WANT, least_places=2))
    alone, gains = gains_of(one, engine)
    best = exactly(one, engine)
    assert alone == pytest.approx(600)
    assert alone + gains[0].gain == pytest.approx(best.cost)


def test_owners_are_scopes_too(engine: Engine) -> None:
    """Two places of one owner at 1 and 2 an hour, and one of another at 9."""
    one = pair_of(1.0, 2.0, 9.0, level=Level.OWNER)
    one = replace(one, owner_of_place=np.array([0, 0, 1, 1], np.int32))
    assert gains_of(one, engine)[1] == [Gain((0, 1), pytest.approx(800))]


def test_whoever_stands_well_is_not_looked_at(engine: Engine) -> None:
    """No pair gains more than a plan costs too much; and no service counts in two pairs."""
    one = pair_of(1.0, 3.0)
    assert gains_of(one, engine, regret=5.0, little=10.0)[1] == []
    rows = [Row(cost=1.0, place=0), Row(cost=3.0, place=1), Row(cost=9.0, place=2)]
    three = problem(rows, [WANT] * 3, Rules(apart=apart((0, 1), (1, 2), (0, 2))))
    assert [one.members for one in gains_of(three, engine)[1]] == [(0, 1)]


def test_what_both_cannot_have_is_no_plan(engine: Engine) -> None:
    """The only place is closed to one of them, and both have to be served."""
    one = problem([Row(cost=1.0)], [WANT, WANT], Rules(apart=apart((0, 1))))
    assert gains_of(one, engine)[1] == [Gain((0, 1), np.inf)]


def test_a_gain_does_not_count_beside_units_that_both_may_hold(engine: Engine) -> None:
    """A pair gains 200 by itself; of one unit both may hold nobody knows how they share it."""
    rows = [Row(cost=1.0, capacity=1, place=0), Row(cost=3.0, place=1), Row(cost=3.0, place=2)]
    one = problem(rows, [WANT, WANT], Rules(apart=apart((0, 1))))
    certifier = Certifier(one, service_of(one, NONE, NONE), engine)
    price = np.array([100.0, 0.0, 0.0])
    asked = replace(no_prices(one), capacity=price, unmet=np.full(2, np.inf))
    least, gains = certifier.certify(asked, unchecked).least, [Gain((0, 1), 200.0)]
    units, plan = certifier.joint.by_units, nothing(np.array([0])).allocation
    alone, _ = units(asked, least, 300.0, [0], plan, unchecked)
    assert units(asked, least, 300.0, [0], plan, unchecked, gains)[0] == alone
    assert units(asked, least, 300.0, [], plan, unchecked, gains)[0] == 200.0
    assert least.sum() == pytest.approx(400)  # untouched


def test_a_search_proves_that_both_cannot_stand_there(engine: Engine) -> None:
    """Alone they would cost half of it: without pairs, no bound would come near the plan."""
    one = pair_of(1.0, 3.0, 9.0)
    found = solve_decomposed(one, SearchLimits(gap=1e-4), engine=engine)
    assert found.cost == pytest.approx(400)
    assert found.bound == pytest.approx(400)


@bounded(15)
@given(services(count=3), SEEDS, st.sampled_from(list(Level)))
def test_pairs_keep_the_bound(engine: Engine, one: Problem, seed: int, level: Level) -> None:
    """On random services without end, at any prices, alone and with units shared out."""
    assert_pairs_hold(replace(one, apart=apart((0, 1), (1, 2), level=level)), seed, engine)


@bounded(15)
@given(services(count=3, scarce=True), SEEDS, st.sampled_from(list(Level)))
def test_pairs_keep_the_bound_where_all_is_scarce(
    engine: Engine, one: Problem, seed: int, level: Level
) -> None:
    """Who is in a pair wants what others want."""
    assert_pairs_hold(replace(one, apart=apart((0, 2), level=level)), seed, engine)


@bounded(15)
@given(services(count=3, scarce=True), SEEDS)
def test_pairs_keep_the_bound_where_they_may_use_different_things(
    engine: Engine, one: Problem, seed: int
) -> None:
    """Units that are shared out are for both of a pair, for one of them, or for none."""
    assert_pairs_hold(replace(with_own_supplies(one, seed), apart=apart((0, 1))), seed, engine)


def with_own_supplies(one: Problem, seed: int) -> Problem:
    """The same, but every demand may use some three quarters of the supplies."""
    random, demands = np.random.default_rng(seed), one.demands
    own = [one.eligible[random.random(len(one.eligible)) < 0.75] for _ in range(demands.count)]
    modes = np.diff(demands.mode_start)
    return replace(
        one,
        eligible=np.concatenate(own),
        eligible_start=np.cumsum([0, *map(len, own)]),
        demands=replace(
            demands, mode_signature=np.repeat(np.arange(demands.count), modes).astype(np.int32)
        ),
    )


def assert_pairs_hold(one: Problem, seed: int, engine: Engine) -> None:
    """Bounds with what pairs gain are no higher than the optimum."""
    best = exactly(one, engine)
    optimum = best.cost + unbilled_cost(one, best.allocation)
    service, (flat, credit) = at_level_of(one, best), flat_below(one)
    assume(service.hard.all())
    certifier, room = Certifier(flat, service, engine), TOLERANCE * max(1.0, optimum / 1000)
    regret, supplies = np.full(3, np.inf), list(range(one.supply.count))
    for prices in (no_prices(one), some_prices(one, seed)):
        asked = served(one, prices, service, seed)
        alone = certifier.certify(asked, unchecked)
        gains, ways = certifier.joint.of_pairs(asked, alone.least, regret, 0.0, unchecked)
        gain = sum(one.gain for one in gains)
        assert alone.bound + gain <= optimum + credit + room
        assert all(way.unmet <= service.forced[way.demands] + TOLERANCE for way in ways)
        more, _ = certifier.joint.by_units(
            asked, alone.least, max(optimum, 1.0), supplies, best.allocation, unchecked, gains
        )
        assert alone.bound + more <= optimum + credit + room
