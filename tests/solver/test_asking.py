"""Several dialogues with engines at a time: order, limits, failures, and what is abandoned."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from solver import asking
from solver.asking import Asked, Dialogue, Engine, integer, linear
from solver.child import Child
from solver.compact import build_compact
from solver.effort import Effort, Outcome
from solver.model import Model
from solver.solution import SolverError
from tests.solver.test_child import knapsack
from tests.solver.tiny import GANG, Row, problem


def priced(cost: float) -> Model:
    """A model that is solved at once, and costs 100 times as much."""
    model = build_compact(problem([Row(cost=1)], [GANG])).builder.build()
    served = model.high.copy()
    served[model.cost == 0] = 0.0
    return replace(model, cost=model.cost * cost, high=served)


def costs(model: Model, *, times: int = 1, nodes: int | None = None) -> Dialogue[float]:
    """What a model costs; asked for so many times."""
    answer = yield from integer(model, Effort(gap=0.0, nodes=nodes))
    for _ in range(times - 1):
        answer = yield from integer(model, Effort(gap=0.0, nodes=nodes))
    return answer.objective


def failing(after: int) -> Dialogue[float]:
    """Fails after so many answers."""
    for _ in range(after):
        yield from integer(priced(1), Effort())
    raise SolverError("no more")


class Children(Engine):
    """Notes whom it gives work to; starts another one at once, if not told what was lost."""

    def __init__(self, *, lost: float = 1e9) -> None:
        """Give none yet."""
        super().__init__()
        self.seen: list[Child] = []
        self.lose(lost)

    def take_child(self) -> Child:
        """Note it."""
        child = super().take_child()
        self.seen.append(child)
        return child


def test_outcomes_come_in_the_order_of_the_dialogues() -> None:
    """The first takes longest: a model is solved twice for some nodes."""
    slow = costs(knapsack(300, 20), times=2, nodes=20)
    with Children() as engine:
        found = list(engine.each([slow, costs(priced(2)), costs(priced(3))]))
    assert found[1:] == pytest.approx([200, 300])
    assert found[0] > 1000
    assert len(set(engine.seen)) == 2


def test_a_second_process_is_not_started_for_what_takes_no_time() -> None:
    """Forty small models are solved by one."""
    with Engine() as engine:
        found = list(engine.each(costs(priced(one)) for one in range(1, 41)))
        assert len(engine._idle) == 1
    assert found == pytest.approx([100 * one for one in range(1, 41)])


def test_who_waits_long_gets_a_process_of_its_own() -> None:
    """Behind a model that takes for ever, another one is solved; nothing was lost before."""
    with Children(lost=0.0) as engine:
        assert engine.run(costs(priced(2))) == pytest.approx(200)
        began = time.monotonic()
        answered: list[float] = []

        def noting() -> Dialogue[float]:
            yield from costs(priced(3))
            answered.append(time.monotonic() - began)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(engine.each([costs(knapsack()), noting()]))
        assert answered[0] < 20.0
        assert len(set(engine.seen)) == 2


def test_no_dialogue_is_looked_at_before_its_time() -> None:
    """Three are known at first, and one more for each outcome that is taken."""
    looked: list[int] = []

    def some() -> Iterator[Dialogue[float]]:
        for number in range(1, 7):
            looked.append(number)
            yield costs(priced(number))

    with Children() as engine:
        seen = [len(looked) for _ in engine.each(some(), ahead=3)]
    assert seen == [3, 4, 5, 6, 6, 6]


def test_a_failure_is_told_when_its_turn_comes() -> None:
    """What was asked before it is answered; the engine goes on working."""
    with Children() as engine:
        talks = engine.each([costs(knapsack(300, 20), nodes=20), failing(1), costs(priced(3))])
        assert next(talks) > 1000
        with pytest.raises(SolverError, match="no more"):
            next(talks)
        assert engine.run(costs(priced(2))) == pytest.approx(200)


def test_what_is_not_taken_is_ended() -> None:
    """A model that takes for ever is killed when nobody waits for it; others are solved."""
    with Children() as engine:
        endless = costs(knapsack())
        for one in engine.each([costs(priced(2)), endless]):
            assert one == pytest.approx(200)
            break
        at_work = [child for child in engine.seen if child.process.poll() is None]
        assert engine._busy == set()
        assert len(at_work) == len(engine._idle) <= 1
        assert engine.run(costs(priced(3))) == pytest.approx(300)


def test_who_is_killed_at_its_limit_does_not_hold_up_others() -> None:
    """One relaxation has a twentieth of a second, another all the time it takes."""

    def relaxed(model: Model, seconds: float | None) -> Dialogue[bool]:
        return (yield from linear(model, seconds=seconds)) is not None

    with Children() as engine:
        talks = [relaxed(knapsack(20_000, 300), 0.05), relaxed(knapsack(2_000, 60), None)]
        assert list(engine.each(talks)) == [False, True]


def test_one_process_that_dies_is_one_failure() -> None:
    """The other dialogue has its outcome; nobody waits for ever."""

    class Killed(Children):
        def take_child(self) -> Child:
            child = super().take_child()
            if len(self.seen) == 1:
                threading.Timer(0.5, child.process.kill).start()
            return child

    def caught(dialogue: Dialogue[float]) -> Dialogue[str]:
        try:
            yield from dialogue
        except SolverError as error:
            return str(error)
        return "solved"

    with Killed() as engine:
        talks = [caught(costs(knapsack())), caught(costs(priced(2)))]
        assert list(engine.each(talks)) == ["the engine's process died", "solved"]


def test_ctrl_c_ends_all_who_work(request: pytest.FixtureRequest) -> None:
    """Two models that take for ever: both processes are killed, and the engine can be used."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, former))
    with Children() as engine:
        threading.Timer(1.5, signal.raise_signal, [signal.SIGINT]).start()
        began = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            list(engine.each([costs(knapsack()), costs(knapsack(1_500))]))
        assert time.monotonic() - began < 20.0
        assert len(engine.seen) == 2
        assert all(child.process.poll() is not None for child in engine.seen)
        assert engine.run(costs(priced(2))) == pytest.approx(200)


def test_an_engine_works_while_its_asker_does_something_else() -> None:
    """It asks others meanwhile, whose answers come before."""
    with Children() as engine:
        with engine.meanwhile(costs(knapsack(300, 20), nodes=50)) as outcome:
            assert len(engine._busy) == 1
            assert engine.run(costs(priced(2))) == pytest.approx(200)
            assert outcome() > 1000
        assert engine._busy == set()
        with pytest.raises(ZeroDivisionError), engine.meanwhile(costs(knapsack())):
            raise ZeroDivisionError
        assert engine._busy == set()


def test_dialogues_share_no_more_processes_than_there_may_be() -> None:
    """Nobody who asks meanwhile waits for a process; others share two."""
    with Children() as engine, engine.meanwhile(costs(knapsack())):
        found = list(engine.each(costs(priced(one)) for one in (1, 2, 3)))
    assert found == pytest.approx([100, 200, 300])
    assert len(set(engine.seen)) == asking._ABREAST


def test_an_answer_of_another_kind_is_an_error() -> None:
    """A relaxation is no integer answer."""
    with Engine() as engine:
        wrong = Asked(("linear", priced(1), None))

        def crossed() -> Dialogue[Outcome]:
            dialogue = integer(priced(1), Effort())
            dialogue.send(None)
            try:
                dialogue.send((yield wrong))
            except StopIteration as end:
                return Outcome(end.value.outcome)
            return Outcome.INFEASIBLE

        with pytest.raises(SolverError, match="LinearAnswer"):
            engine.run(crossed())


def test_nothing_found_in_time_is_an_answer() -> None:
    """It has no point, and a bound that says nothing."""
    dialogue = integer(priced(1), Effort())
    dialogue.send(None)
    with pytest.raises(StopIteration) as end:
        dialogue.send(None)
    assert end.value.value.outcome is Outcome.NO_SOLUTION
    assert end.value.value.bound == -np.inf


def test_who_died_while_it_had_nothing_to_do_is_not_asked() -> None:
    """The system may kill a process that sleeps; the next question goes to a new one."""
    with Engine() as engine:
        assert engine.run(costs(priced(2))) == pytest.approx(200)
        engine._idle[0].process.kill()
        engine._idle[0].process.wait()
        assert engine.run(costs(priced(3))) == pytest.approx(300)


def test_leaving_an_engine_ends_those_at_work() -> None:
    """Somebody still holds the outcomes that were not taken."""
    with Children() as engine:
        outcomes = engine.each([costs(priced(2)), costs(knapsack())])
        assert next(outcomes) == pytest.approx(200)
    assert all(child.process.poll() is not None for child in engine.seen)
    del outcomes
    assert engine._busy == set()
