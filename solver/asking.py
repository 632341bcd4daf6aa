"""Asking engines: one model after another, or about several things at the same time.

What is asked about one thing may depend on what was answered before, so it is a *dialogue*: a
generator that yields requests and is sent their answers. Several go on at the same time. They have
nothing in common, and what they come to is taken in their order: how fast each goes changes
nothing.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Self, TypeVar

import numpy as np

from solver.answers import Answers
from solver.child import Child, ChildDied, Request, first_ready
from solver.effort import Answer, Effort, LinearAnswer, Outcome
from solver.model import Model
from solver.solution import SolverError

#: An engine that outlives its time limit by this factor and these seconds is killed.
_PATIENCE = 1.2
_GRACE_S = 5.0
_LEAST_S = 0.5
#: So many processes at most; another one is started once so many seconds were lost without it,
#: which is about what its start costs.
_ABREAST = 2
_LOST_S = 0.4
#: So many dialogues are known before what the first comes to is taken.
_AHEAD = 16

_DIED = "the engine's process died"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and how many seconds it may take; None: what the engine may."""

    request: Request
    seconds: float | None = None


Dialogue = Generator[Asked, Any, T]


def integer(model: Model, effort: Effort) -> Dialogue[Answer]:
    """Ask for a mixed-integer model; see `solver.backend.solve_integer`.

    An engine that does not end in time is killed and counts as having found nothing.

    Raises:
        SolverError: the engine failed, or its process died.
    """
    answer = yield Asked(("integer", model, effort))
    if answer is None:
        return Answer(outcome=Outcome.NO_SOLUTION, x=np.empty(0), objective=np.inf, bound=-np.inf)
    if not isinstance(answer, Answer):
        raise SolverError(f"the engine's process answered with {type(answer).__name__}")
    return answer


def linear(
    model: Model, *, seconds: float | None = None, presolve: bool = True
) -> Dialogue[LinearAnswer | None]:
    """Ask for the linear relaxation; None when `seconds`, or those of the engine, did not suffice.

    `presolve` as `solver.backend.solve_linear` says.

    Raises:
        SolverError: the engine failed, or its process died.
    """
    answer = yield Asked(("linear" if presolve else "unreduced", model, None), seconds)
    if answer is not None and not isinstance(answer, LinearAnswer):
        raise SolverError(f"the engine's process answered with {type(answer).__name__}")
    return answer


class Engine:
    """Solves models in child processes, which are started when they are first needed.

    A context manager: leaving it ends the children. Interrupting a solve kills those that work,
    and the next solve starts another.

    Attributes:
        answers: what was asked before is not asked again.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        """Start the clock: all solves together may take `seconds`; None: as long as they take."""
        self.answers = Answers()
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._lost = 0.0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the children."""
        self.close()

    def close(self) -> None:
        """End the children."""
        for child in [*self._idle, *self._busy]:
            child.kill()
        self._idle.clear()
        self._busy.clear()

    def solve_integer(self, model: Model, effort: Effort) -> Answer:
        """Solve a mixed-integer model, as `integer` says."""
        return self.run(integer(model, effort))

    def solve_linear(
        self, model: Model, *, seconds: float | None = None, presolve: bool = True
    ) -> LinearAnswer | None:
        """Solve the linear relaxation, as `linear` says."""
        return self.run(linear(model, seconds=seconds, presolve=presolve))

    def run(self, dialogue: Dialogue[T]) -> T:
        """Return what a dialogue comes to."""
        [found] = self.each([dialogue])
        return found

    def each(self, dialogues: Iterable[Dialogue[T]], *, ahead: int = _AHEAD) -> Iterator[T]:
        """Yield what each dialogue comes to, in their order; some go on at the same time.

        Which of `dialogues` are looked at does not depend on the clock: those beyond the first
        `ahead` are, one each time that something was yielded. What those come to that are not
        taken is lost, so they should change nothing before.

        Args:
            dialogues: as many as there are, made when they are looked at.
            ahead: how many of them are known whose outcome is not taken.

        Raises:
            SolverError: the engine failed on the dialogue whose turn it is.
        """
        source, turn = iter(dialogues), _Round[T](self)
        try:
            while True:
                for dialogue in source:
                    turn.talks.append(_Talk(dialogue))
                    if len(turn.talks) >= ahead:
                        break
                if not turn.talks:
                    return
                yield turn.first()
        finally:
            turn.abandon()

    @contextmanager
    def meanwhile(self, dialogue: Dialogue[T]) -> Iterator[Callable[[], T]]:
        """Go on with a dialogue while the caller does something else, and asks others.

        Its first request is made at once. Yields what returns its outcome; that waits for it.
        """
        turn = _Round[T](self)
        turn.talks.append(_Talk(dialogue))
        try:
            turn.begin()
            yield turn.first
        finally:
            turn.abandon()

    def has_child(self, working: int) -> bool:
        """True when a child is free, or one more is worth its start; `working`: for who asks."""
        return not working or bool(self._idle) or self.patience() <= 0

    def patience(self) -> float:
        """Seconds that may still be lost before one more child is worth its start."""
        return _LOST_S - self._lost if len(self._busy) < _ABREAST else np.inf

    def lose(self, seconds: float) -> None:
        """Note that so long something else could have been asked while children worked."""
        self._lost += seconds

    def take_child(self) -> Child:
        """Return a child that has nothing to do, for one request."""
        child = next(self._living(), None) or Child()
        self._busy.add(child)
        return child

    def _living(self) -> Iterator[Child]:
        """Idle children, no longer kept; whoever has died while it had nothing to do is gone."""
        while self._idle:
            child = self._idle.pop()
            if child.process.poll() is None:
                yield child
            else:
                child.kill()

    def give_back(self, child: Child) -> None:
        """Keep a child that has answered."""
        self._busy.remove(child)
        self._idle.append(child)

    def end(self, child: Child) -> None:
        """Kill a child that has not."""
        self._busy.discard(child)
        child.kill()

    def limited(self, asked: Asked) -> tuple[Request, float | None]:
        """Return a request that minds the clock, and when (monotonic) its process is killed."""
        (kind, model, effort), now = asked.request, time.monotonic()
        if asked.seconds is not None:
            return asked.request, now + asked.seconds
        seconds = self._seconds_left()
        if seconds is None:
            return asked.request, None
        if effort is not None:
            effort = replace(effort, seconds=seconds)
        return (kind, model, effort), now + seconds * _PATIENCE + _GRACE_S

    def _seconds_left(self) -> float | None:
        """Seconds one more solve may take; never none at all, so that something is tried."""
        if self._deadline is None:
            return None
        return max(_LEAST_S, self._deadline - time.monotonic())


@dataclass(slots=True)
class _Talk(Generic[T]):
    """A dialogue, what it asks, who works on it until when, and what it came to."""

    dialogue: Dialogue[T]
    asked: Asked | None = None
    key: bytes | None = None
    child: Child | None = None
    end: float | None = None
    is_begun: bool = False
    found: list[T] = field(default_factory=list)
    error: SolverError | None = None

    @property
    def is_over(self) -> bool:
        return bool(self.found) or self.error is not None

    def begin(self) -> None:
        """Go on to the first request."""
        self.is_begun = True
        self._go_on(lambda: self.dialogue.send(None))

    def hear(self, answer: Any, failure: str) -> None:
        """Go on with an answer."""
        self.asked = None
        if failure:
            self._go_on(lambda: self.dialogue.throw(SolverError(failure)))
        else:
            self._go_on(lambda: self.dialogue.send(answer))

    def _go_on(self, step: Callable[[], Asked]) -> None:
        try:
            self.asked = step()
        except StopIteration as end:
            self.found.append(end.value)
        except SolverError as error:
            self.error = error


class _Round(Generic[T]):
    """Dialogues that go on at the same time."""

    def __init__(self, engine: Engine) -> None:
        self.talks: deque[_Talk[T]] = deque()
        self._engine = engine

    def begin(self) -> None:
        """Ask as much as can be asked."""
        while self._asks_another():
            pass

    def first(self) -> T:
        """What the first dialogue comes to; the others go on meanwhile."""
        while not self.talks[0].is_over:
            if not self._asks_another():
                self._wait()
        talk = self.talks.popleft()
        if talk.error is not None:
            raise talk.error
        return talk.found[0]

    def _asks_another(self) -> bool:
        """Ask what is to be asked next, or make it ready; False: there is nothing or nobody."""
        waiting = next((one for one in self.talks if one.asked and one.child is None), None)
        if waiting is None:
            fresh = next((one for one in self.talks if not one.is_begun), None)
            if fresh is not None:
                fresh.begin()
            return fresh is not None
        if not self._engine.has_child(len(self._working())):
            return False
        self._ask(waiting)
        return True

    def _working(self) -> list[_Talk[T]]:
        return [one for one in self.talks if one.child is not None]

    def _ask(self, talk: _Talk[T]) -> None:
        if talk.asked is None:
            return
        talk.key = self._engine.answers.key(talk.asked.request)
        known = self._engine.answers.of(talk.key)
        if known is not None:
            talk.hear(known, "")
            return
        request, talk.end = self._engine.limited(talk.asked)
        try:
            talk.child = self._engine.take_child()
            talk.child.ask(request, talk.end)
        except TimeoutError:
            self._ended(talk, "")
        except ChildDied:
            self._ended(talk, _DIED)

    def _wait(self) -> None:
        """Wait for an answer, for the end of somebody's time, or until another child pays."""
        working, began = self._working(), time.monotonic()
        at_work = [one.child for one in working if one.child is not None]
        is_losing = all(child.has_answered for child in at_work) and any(
            one.asked and one.child is None for one in self.talks
        )
        patience = self._engine.patience() if is_losing else np.inf
        end = min([began + patience, *(one.end for one in working if one.end is not None)])
        try:
            ready = first_ready(at_work, end if np.isfinite(end) else None)
        except TimeoutError:
            ready = None
        if is_losing:
            self._engine.lose(time.monotonic() - began)
        if ready is not None:
            self._hear(next(one for one in working if one.child is ready), ready)
            return
        for talk in working:
            if talk.end is not None and talk.end <= time.monotonic():
                self._ended(talk, "")

    def _hear(self, talk: _Talk[T], child: Child) -> None:
        try:
            answer, failure = child.answer()
        except ChildDied:
            self._ended(talk, _DIED)
            return
        talk.child = None
        self._engine.give_back(child)
        self._engine.answers.keep(talk.key, answer)
        talk.hear(answer, failure)

    def _ended(self, talk: _Talk[T], failure: str) -> None:
        """Kill the child of a dialogue, which is told of a failure, or that there is no answer."""
        if talk.child is not None:
            self._engine.end(talk.child)
        talk.child = None
        talk.hear(None, failure)

    def abandon(self) -> None:
        """Kill who still works."""
        for talk in self._working():
            if talk.child is not None:
                self._engine.end(talk.child)
            talk.child = None
