"""Loads of several sizes: mixes of machines, against brute force and a switch per slice."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sizes import PRICES, histogram, rates_by_size
from solver.asking import Engine
from solver.compact import build_compact
from solver.exact import solve_exact
from solver.problem import Level, Problem
from solver.solution import SearchLimits
from solver.stations import stations_of
from tests.solver.tiny import SERVICE, Row, Rules, like, problem, solved, used

HOURS = 100


def sized(one: Problem, amounts: list[list[float]], sizes: list[int]) -> Problem:
    """Give each mode (a row of `amounts`) its load by size, and each load its size."""
    by_mode = np.array(amounts, np.float64)
    return replace(
        one,
        demands=replace(one.demands, mode_size_amount=by_mode, mode_amount=by_mode.mean(axis=1)),
        services=replace(one.services, load_size=np.array(sizes, np.int32)),
    )


SHORT_AND_LONG = like(SERVICE, loads=((0, 60.0), (0, 40.0)))
CHEAP, DEAR = Row(cost=1.0, kind=0), Row(cost=3.0, kind=1)


def test_a_mix_beats_each_machine_alone() -> None:
    """Cheap machines take short loads, dear ones long ones; either alone costs more."""
    rates = [[30.0, 5.0], [40.0, 20.0]]
    mixed = solved(sized(problem([CHEAP, DEAR], [SHORT_AND_LONG]), rates, [0, 1]))
    assert used(mixed) == {(0, 0): 2, (0, 1): 2}
    assert mixed.cost == pytest.approx(8 * HOURS)
    # 60/30 + 40/5 = 10 cheap ones, 60/40 + 40/20 = 3.5 dear ones.
    cheap = solved(sized(problem([CHEAP], [SHORT_AND_LONG]), rates[:1], [0, 1]))
    dear = solved(sized(problem([replace(DEAR, kind=0)], [SHORT_AND_LONG]), rates[1:], [0, 1]))
    assert (cheap.cost, dear.cost) == pytest.approx((10 * HOURS, 12 * HOURS))


def test_routes_name_the_units_that_carry_them() -> None:
    """What is routed adds up to the loads, and takes no more time than the units have."""
    rates = np.array([[30.0, 5.0], [40.0, 20.0]])
    found = solved(sized(problem([CHEAP, DEAR], [SHORT_AND_LONG]), rates.tolist(), [0, 1]))
    routes = found.routes
    by_size = np.bincount(routes.size, weights=routes.amount)
    assert by_size == pytest.approx([60, 40])
    time = np.bincount(routes.supply, weights=routes.amount / rates[routes.mode, routes.size])
    assert (time <= np.array([2, 2]) + 1e-6).all()


def test_a_size_that_nothing_serves_is_unmet() -> None:
    """The rest is served, and what cannot be is the unmet share."""
    found = solved(sized(problem([CHEAP], [SHORT_AND_LONG]), [[30.0, 0.0]], [0, 1]))
    assert found.unmet.tolist() == pytest.approx([0.4])
    assert used(found) == {(0, 0): 2}


def test_without_any_unit_all_is_unmet() -> None:
    """A service whose loads have sizes and that nothing can carry is unmet whole."""
    rows = [replace(CHEAP, capacity=0)]
    found = solved(sized(problem(rows, [SHORT_AND_LONG]), [[30.0, 5.0]], [0, 1]))
    assert found.unmet.tolist() == [1.0]
    assert used(found) == {}


def test_units_that_carry_all_sizes_alike_are_one_station() -> None:
    """A machine of twice the accelerators is worth two; other mixes of rates are apart."""
    rows = [CHEAP, replace(CHEAP, kind=1), replace(CHEAP, kind=2)]
    amounts = [[30.0, 5.0], [60.0, 10.0], [30.0, 6.0]]
    one = sized(problem(rows, [SHORT_AND_LONG]), amounts, [0, 1])
    pairs = build_compact(one).pairs
    found = stations_of(
        one, pairs, np.arange(3), at=np.zeros(3, np.int64), seen=np.zeros(1, np.int64)
    )
    assert found.of_pair[0] == found.of_pair[1] != found.of_pair[2]
    assert found.weight[1] == pytest.approx(2 * found.weight[0])


def test_loads_without_a_size_make_the_same_model() -> None:
    """A problem that has sizes elsewhere leaves the model of a service without any as it was."""
    plain = problem([CHEAP, DEAR], [SHORT_AND_LONG])
    marked = replace(
        plain,
        demands=replace(plain.demands, mode_size_amount=np.ones((2, 3))),
        services=replace(plain.services, load_size=np.array([-1, -1], np.int32)),
    )
    first, second = (build_compact(one).builder.build() for one in (plain, marked))
    for name in first.__slots__:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


def test_the_unit_of_the_loads_does_not_matter() -> None:
    """Loads and rates a billion times as large make the same model, but for rounding."""
    rates = [[30.0, 5.0], [40.0, 20.0]]
    small = sized(problem([CHEAP, DEAR], [SHORT_AND_LONG]), rates, [0, 1])
    want = like(SHORT_AND_LONG, loads=((0, 60e9), (0, 40e9)))
    large = sized(problem([CHEAP, DEAR], [want]), (np.array(rates) * 1e9).tolist(), [0, 1])
    first, second = (build_compact(one).builder.build() for one in (small, large))
    for name in first.__slots__:
        assert getattr(first, name) == pytest.approx(getattr(second, name), rel=1e-12), name


def test_survival_re_routes_each_size_over_what_is_left() -> None:
    """Without any one place the others still carry both sizes."""
    rows = [replace(row, place=place) for row in (CHEAP, DEAR) for place in range(3)]
    rates = [[30.0, 5.0], [40.0, 20.0]]
    want = like(SHORT_AND_LONG, survive_level=Level.PLACE)
    found = solved(sized(problem(rows, [want]), rates, [0, 1]))
    units = used(found)
    for lost in range(3):
        left = {
            supply: count for (_, supply), count in units.items() if rows[supply].place != lost
        }
        cheap = sum(count for supply, count in left.items() if rows[supply].kind == 0)
        dear = sum(count for supply, count in left.items() if rows[supply].kind == 1)
        assert fits((cheap, dear), np.array(rates), np.array([60.0, 40.0]))
    assert found.cost > 8 * HOURS


def test_spot_is_limited_by_what_is_sent_there() -> None:
    """Half of the load may go to risky units, whatever they could carry."""
    rows = [replace(CHEAP, risk=1), replace(CHEAP, cost=2.0)]
    want = like(SHORT_AND_LONG, risky_share=0.5)
    found = solved(sized(problem(rows, [want]), [[30.0, 5.0]], [0, 1]))
    risky = found.routes.amount[found.routes.supply == 0].sum()
    assert risky <= 50 + 1e-6
    assert found.unmet.tolist() == [0.0]


def test_far_load_is_limited_over_all_sizes_of_a_point() -> None:
    """With each point by itself, its sizes together stay within the far share."""
    rows = [CHEAP, replace(DEAR, place=1)]
    want = like(SHORT_AND_LONG, near=10.0, far_share=0.4, each_point=True)
    rules = Rules(distance=[[0.0, 50.0, 0.0, 0.0]])
    found = solved(sized(problem(rows, [want], rules), [[30.0, 5.0], [40.0, 20.0]], [0, 1]))
    far = found.routes.amount[found.routes.place == 1]
    assert far.sum() == pytest.approx(40)
    assert found.routes.size[found.routes.place == 1].tolist() == [1]


def fits(counts: tuple[int, ...], rates: np.ndarray, loads: np.ndarray) -> bool:
    """Whether two sizes fit: the machines best at the second take it, until it is served."""
    with np.errstate(divide="ignore", invalid="ignore"):
        order = np.argsort(np.nan_to_num(rates[:, 0] / rates[:, 1], nan=np.inf), kind="stable")
    left = loads.astype(float)
    for kind in order:
        time = float(counts[kind])
        for size in (1, 0):
            if rates[kind, size] > 0:
                done = min(left[size], time * rates[kind, size])
                left[size] -= done
                time -= done / rates[kind, size]
    return bool((left <= 1e-9 * loads.sum()).all())


@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(st.data())
def test_cost_is_that_of_trying_every_mix(data: st.DataObject) -> None:
    """Of all counts of two or three kinds that carry two sizes none costs less."""
    kinds = data.draw(st.integers(2, 3))
    rate = st.sampled_from((1.0, 2.5, 4.0, 7.0, 12.0))
    rates = np.array([[data.draw(rate), data.draw(rate)] for _ in range(kinds)])
    rates[1:, 1] *= data.draw(st.sampled_from((0.0, 1.0)))
    costs = [data.draw(st.integers(1, 9)) for _ in range(kinds)]
    most = [data.draw(st.integers(1, 6)) for _ in range(kinds)]
    loads = np.array([data.draw(st.integers(1, 20)), data.draw(st.integers(1, 20))], float)
    rows = [
        Row(cost=cost, kind=kind, capacity=count)
        for kind, (cost, count) in enumerate(zip(costs, most, strict=True))
    ]
    want = like(SERVICE, loads=tuple((0, load) for load in loads.tolist()))
    counts = product(*(range(one + 1) for one in most))
    best = min(
        (sum(n * c for n, c in zip(one, costs, strict=True)) for one in counts
         if fits(one, rates, loads)),
        default=None,
    )  # fmt: skip
    found = solved(sized(problem(rows, [want]), rates.tolist(), [0, 1]))
    assert (found.unmet[0] > 1e-6) == (best is None)
    if best is not None:
        assert found.cost == pytest.approx(best * HOURS)


def test_a_large_histogram_is_proven_optimal() -> None:
    """10 x 10 sizes on four kinds, none best at all: proven, and cheaper than any kind alone."""
    loads, rates = histogram(10, seed=1) * 40, rates_by_size(10)
    rows = [Row(cost=price, kind=kind) for kind, price in enumerate(PRICES.values())]
    want = like(SERVICE, loads=tuple((0, load) for load in loads.tolist()))
    one = sized(problem(rows, [want]), rates.tolist(), list(range(100)))
    with Engine() as engine:
        found = solve_exact(one, SearchLimits(gap=0.0), engine=engine)
    assert found.status == "optimal"
    assert found.gap <= 1e-9
    alone = np.ceil((loads / rates).sum(axis=1)) * np.array(list(PRICES.values()))
    assert found.cost < alone.min() * HOURS
