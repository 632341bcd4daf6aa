"""Engines in a child process: limits, death, interruption."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from solver.asking import Asked, Engine
from solver.compact import build_compact
from solver.effort import Effort, Outcome
from solver.exact import solve_exact
from solver.model import Model, ModelBuilder
from solver.solution import SearchLimits, SolverError, Status, Stop
from tests.solver.tiny import BATCH, GANG, SERVICE, Row, like, problem, solved
from tests.solver.watched import Watched


def knapsack(columns: int = 2000, rows: int = 60) -> Model:
    """A covering problem that no engine closes within seconds."""
    random = np.random.default_rng(7)
    builder = ModelBuilder()
    x = builder.add(random.integers(10, 100, columns).astype(float), high=3.0, integral=True)
    for row in builder.rows(rows, low=1234.5, high=np.inf).tolist():
        chosen = random.permutation(columns)[: columns // 5]
        builder.entries(row, x[chosen], random.integers(1, 50, len(chosen)).astype(float))
    return builder.build()


def test_one_process_answers_many_models() -> None:
    """The second model is solved by the process that solved the first."""
    with Engine() as engine:
        small = build_compact(problem([Row(cost=2)], [GANG])).builder.build()
        first = engine.solve_integer(small, Effort())
        second = engine.solve_integer(replace(small, cost=small.cost * 2), Effort())
    assert first.outcome is second.outcome is Outcome.OPTIMAL
    assert second.objective == pytest.approx(2 * first.objective)


def test_ctrl_c_is_seen_while_an_engine_works_though_another_thread_got_the_signal(
    request: pytest.FixtureRequest,
) -> None:
    """The system may hand a signal to any thread; the one that waits is not woken by it."""

    def interrupt() -> None:
        time.sleep(1.0)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    # What runs in the background of a shell is told to ignore it.
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, former))
    with Engine() as engine:
        threading.Thread(target=interrupt, daemon=True).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            engine.solve_integer(knapsack(), Effort(gap=0.0, seconds=30.0))
    assert time.monotonic() - began < 20.0


def test_relaxation_gives_prices_of_rows() -> None:
    """One more unit of a supply two demands compete for is worth the difference to the next."""
    wants = [like(BATCH, amount=300.0), like(BATCH, amount=300.0)]
    one = problem([Row(cost=1, capacity=3), Row(cost=3)], wants)
    compact = build_compact(one)
    model = compact.builder.build()
    served = model.high.copy()
    served[compact.unmet] = 0.0
    with Engine() as engine:
        answer = engine.solve_linear(replace(model, high=served))
    assert answer is not None
    assert answer.objective == pytest.approx(300 * 1 + 300 * 3)
    assert answer.dual.min() == pytest.approx(-200)


def test_time_limit_ends_a_solve_with_what_is_known() -> None:
    """After its seconds the engine hands over its best point and a valid bound."""
    with Engine(seconds=1.0) as engine:
        answer = engine.solve_integer(knapsack(), Effort(gap=0.0))
    assert answer.outcome in {Outcome.FEASIBLE, Outcome.NO_SOLUTION}
    assert answer.bound <= answer.objective


def test_an_engine_that_ignores_its_limit_is_killed() -> None:
    """A relaxation that takes too long ends with the process; the next model gets a new one."""
    with Engine() as engine:
        assert engine.solve_linear(knapsack(20_000, 300), seconds=0.05) is None
        small = build_compact(problem([Row(cost=2)], [GANG])).builder.build()
        assert engine.solve_integer(small, Effort()).outcome is Outcome.OPTIMAL


def test_a_relaxation_ends_with_the_time_of_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines look at no clock while they relax: the process is killed, soon after."""
    monkeypatch.setattr("solver.asking._GRACE_S", 0.1)
    monkeypatch.setattr("solver.asking._LEAST_S", 0.05)
    with Engine(seconds=0.0) as engine:
        assert engine.solve_linear(knapsack(20_000, 300)) is None


def test_a_process_that_dies_is_an_error_and_not_a_hang() -> None:
    """Killing the engine from outside raises at once."""
    with Engine() as engine:
        engine.solve_integer(
            build_compact(problem([Row(cost=2)], [GANG])).builder.build(), Effort()
        )
        child = engine.take_child()
        engine.give_back(child)
        threading.Timer(0.5, child.process.kill).start()
        with pytest.raises(SolverError, match="died"):
            engine.solve_integer(knapsack(), Effort(gap=0.0))


def test_a_process_that_does_not_even_read_is_killed_at_the_limit() -> None:
    """A stopped engine takes no large model; its time runs all the same."""
    with Engine() as engine:
        small = build_compact(problem([Row(cost=2)], [GANG])).builder.build()
        engine.solve_integer(small, Effort())
        child = engine.take_child()
        engine.give_back(child)
        os.kill(child.process.pid, signal.SIGSTOP)
        assert engine.solve_linear(knapsack(20_000, 300), seconds=0.2) is None
        assert child.process.poll() is not None
        assert engine.solve_integer(small, Effort()).outcome is Outcome.OPTIMAL


ASKER = """
from tests.solver.test_child import knapsack
from solver.asking import Asked, Engine
from solver.effort import Effort
engine = Engine()
child = engine.take_child()
print(child.process.pid, flush=True)
engine.give_back(child)
engine.solve_integer(knapsack(), Effort(gap=0.0))
"""


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie; without /proc, somebody reaps those."""
    try:
        if not Path("/proc/self/stat").exists():
            os.kill(pid, 0)
            return True
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_engine_whose_asker_was_killed_ends_in_mid_model() -> None:
    """Nobody waits for the answer any more, so nobody pays for it."""
    command = [sys.executable, "-c", ASKER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as asker:  # noqa: S603
        assert asker.stdout is not None
        engine = int(asker.stdout.readline())
        time.sleep(3.0)  # the engine loads and begins
        assert is_running(engine)
        asker.kill()
    end = time.monotonic() + 10
    while is_running(engine) and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_running(engine)


class Interrupted(Watched):
    """An engine the user interrupts as soon as it starts on a whole problem."""

    def before(self, asked: Asked) -> None:
        """Be interrupted."""
        if asked.request[0] == "integer":
            raise KeyboardInterrupt


def test_an_interrupted_search_falls_back_on_its_start_with_a_bound() -> None:
    """Ctrl-C gives the plan that was there, with what the relaxation proves of it."""
    one = problem([Row(cost=2), Row(cost=3)], [GANG, SERVICE])
    start = solved(one)
    with Interrupted() as engine:
        solution = solve_exact(one, SearchLimits(gap=0.0), engine=engine, start=start)
    assert solution.stop is Stop.INTERRUPT
    assert solution.status is Status.FEASIBLE
    assert 0 < solution.bound <= solution.cost == start.cost


def test_an_interrupted_search_without_a_start_stays_interrupted() -> None:
    """There is nothing to hand over."""
    with Interrupted() as engine, pytest.raises(KeyboardInterrupt):
        solve_exact(problem([Row(cost=2)], [GANG]), SearchLimits(), engine=engine)


def test_a_failing_engine_falls_back_on_the_start() -> None:
    """An engine that dies leaves the plan that was there."""
    one = problem([Row(cost=2)], [GANG])
    start = solved(one)

    class Dead(Watched):
        def before(self, asked: Asked) -> None:
            if asked.request[0] == "integer":
                raise SolverError("the engine's process died")

    with Dead() as engine:
        solution = solve_exact(one, SearchLimits(), engine=engine, start=start)
    assert solution.stop is Stop.WORK
    assert solution.cost == start.cost
