"""A token bucket lets through its burst at once and its rate after, in any stretch of time."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from broker.token_bucket import TokenBucket


def test_burst_then_rate() -> None:
    """Two at once, then one each half second."""
    bucket = TokenBucket(per_second=2, burst=2)
    assert [bucket.reserve(10.0) for _ in range(4)] == [10.0, 10.0, 10.5, 11.0]


def test_a_rest_fills_it_up_to_the_burst_and_no_more() -> None:
    """After a long rest there is room for the burst again."""
    bucket = TokenBucket(per_second=2, burst=2)
    for _ in range(2):
        bucket.reserve(0.0)
    assert [bucket.reserve(100.0) for _ in range(3)] == [100.0, 100.0, 100.5]


def test_a_hold_keeps_everybody_waiting() -> None:
    """Nobody goes before the hold ends; the later of two holds counts."""
    bucket = TokenBucket(per_second=100, burst=100)
    bucket.hold(5.0)
    bucket.hold(3.0)
    assert (bucket.reserve(1.0), bucket.held_until) == (5.0, 5.0)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    pauses=st.lists(st.integers(min_value=0, max_value=30), min_size=1, max_size=40),
    per_second=st.integers(min_value=1, max_value=8),
    burst=st.integers(min_value=1, max_value=6),
)
def test_no_window_holds_more_than_burst_and_rate(
    pauses: list[int], per_second: int, burst: int
) -> None:
    """Between any two calls there are at most the burst and what the time refills."""
    bucket = TokenBucket(per_second=per_second, burst=burst)
    now, starts = 0.0, []
    for pause in pauses:
        now += pause / 10
        starts.append(bucket.reserve(now))
    for first in range(len(starts)):
        for last in range(first, len(starts)):
            allowed = burst + per_second * (starts[last] - starts[first])
            assert last - first + 1 <= allowed + 1e-6
    assert starts == sorted(starts)
