"""Work in the background ends with its result or its exception, wherever it is asked for."""

import pytest

from broker.background import Attempt, Pending


def test_a_result_comes_back() -> None:
    """What the work returns is the result, asked for once or twice."""
    pending = Pending(lambda: 7)
    assert (pending.result(), pending.result()) == (7, 7)


def test_an_exception_is_raised_where_it_is_asked_for() -> None:
    """A failure in the thread is the caller's failure."""

    def work() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        Pending(work).result()


def test_an_attempt_keeps_its_exception() -> None:
    """Inside the block an exception ends the block and nothing else."""
    with Attempt() as attempt:
        raise ValueError("kept")
    assert isinstance(attempt.error, ValueError)
