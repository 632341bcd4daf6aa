"""The cheapest flows between places are exact, and no assignment of their parts is cheaper."""

from __future__ import annotations

from decimal import Decimal
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.flows import cheapest_flows

D = Decimal
PLACES = ("a", "b", "c")


def test_what_is_wanted_where_it_lies_stays() -> None:
    """Half lies in a and half in b; three quarters are wanted in a: a quarter goes."""
    cost = {(one, other): D(one != other) for one in "ab" for other in "ab"}
    flows = cheapest_flows({"a": D("0.5"), "b": D("0.5")}, {"a": D("0.75"), "b": D("0.25")}, cost)
    assert flows == {("a", "a"): D("0.5"), ("b", "a"): D("0.25"), ("b", "b"): D("0.25")}


def test_a_flow_is_taken_back_where_that_is_cheaper_for_both() -> None:
    """A serves x at 1 first; y can be served only by a at 2 or by b at 9, so b serves x at 3."""
    cost = {("a", "x"): D(1), ("a", "y"): D(2), ("b", "x"): D(3), ("b", "y"): D(9)}
    half = D("0.5")
    flows = cheapest_flows({"a": half, "b": half}, {"x": half, "y": half}, cost)
    assert flows == {("a", "y"): half, ("b", "x"): half}


def test_a_rounding_too_much_wanted_goes_to_the_largest_flow() -> None:
    """A thousandth more wanted than lies is read from where most is."""
    cost = {("a", "x"): D(1), ("b", "x"): D(0)}
    flows = cheapest_flows({"a": D("0.3"), "b": D("0.69")}, {"x": D(1)}, cost)
    assert flows == {("a", "x"): D("0.30"), ("b", "x"): D("0.70")}


def test_nothing_lies_anywhere() -> None:
    """A source without placements has no flows."""
    assert cheapest_flows({}, {"x": D(1)}, {}) == {}


@settings(max_examples=80, deadline=None, derandomize=True, database=None)
@given(
    lies=st.lists(st.sampled_from(PLACES), min_size=4, max_size=4),
    wanted=st.lists(st.sampled_from(PLACES), min_size=1, max_size=4),
    prices=st.lists(st.integers(0, 5), min_size=9, max_size=9),
)
def test_no_assignment_is_cheaper(lies: list[str], wanted: list[str], prices: list[int]) -> None:
    """Quarters at places against quarters wanted: every way to send them is tried."""
    pairs = [(one, other) for one in PLACES for other in PLACES]
    cost = {pair: D(price) for pair, price in zip(pairs, prices, strict=True)}
    quarter = D("0.25")
    flows = cheapest_flows(
        {place: quarter * lies.count(place) for place in PLACES},
        {place: quarter * wanted.count(place) for place in PLACES},
        cost,
    )
    best = min(
        sum(cost[pair] for pair in zip(sent, wanted, strict=False)) * quarter
        for sent in permutations(lies, len(wanted))
    )
    assert sum(cost[pair] * share for pair, share in flows.items()) == best
    for place in PLACES:
        assert sum(s for (_, to), s in flows.items() if to == place) == quarter * wanted.count(
            place
        )
        assert sum(s for (of, _), s in flows.items() if of == place) <= quarter * lies.count(place)
