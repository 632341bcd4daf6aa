"""A child process in which engines run: a hard end for engines that ignore their limits."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

from solver.effort import Effort
from solver.model import Model

#: How often a wait looks up: a signal may reach a thread that is not Python's, and ctrl-C is then
#: seen only when the waiting ends.
_LOOK_UP_S = 0.2

#: What is asked (``integer``, ``linear``, ``unreduced``), of which model, how far.
Request = tuple[str, Model, Effort | None]


class ChildDied(Exception):
    """The process ended, or what it wrote is no answer."""


class Child:
    """A process that solves one model after another, from its making to `kill`.

    Attributes:
        process: the process.
        has_answered: False until its first answer, which takes the time that it starts in.
    """

    def __init__(self) -> None:
        """Start the process.

        Raises:
            ChildDied: the system has none left.
        """
        self.has_answered = False
        try:
            # A session of its own: ctrl-C reaches this process only, which then decides.
            self.process = subprocess.Popen(
                [sys.executable, "-m", "solver.engine"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
        except OSError as error:
            raise ChildDied from error
        if self.process.stdin is not None:
            # Never stuck in writing to a child that does not read: it counts as time.
            os.set_blocking(self.process.stdin.fileno(), False)

    def kill(self) -> None:
        """End the process, whatever it is doing."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def ask(self, request: Request, end: float | None) -> None:
        """Write down a request; the process reads while it is written.

        No thread waits for the child: to start one costs more than to build a small model.

        Raises:
            TimeoutError: the clock passed `end` (monotonic seconds) before it was read.
            ChildDied: it is not there to read it.
        """
        left = memoryview(pickle.dumps(request))
        if self.process.stdin is None:
            raise ChildDied
        into = self.process.stdin.fileno()
        try:
            while left:
                _wait([into], select.POLLOUT, end)
                left = left[os.write(into, left) :]
        except (OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise ChildDied from error

    def answer(self) -> tuple[Any, str]:
        """Return the answer (None: there is none) and what went wrong; waits for it.

        Raises:
            ChildDied: there is no answer to come.
        """
        if self.process.stdout is None:
            raise ChildDied
        try:
            answer, failure = pickle.load(self.process.stdout)  # noqa: S301 - our own child
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            raise ChildDied from error
        self.has_answered = True
        return answer, failure


def first_ready(children: Sequence[Child], end: float | None) -> Child:
    """Return the first of some children that has an answer, or died; waits for one.

    Raises:
        TimeoutError: none had by `end` (monotonic seconds; None: as long as it takes).
    """
    pipes = {child.process.stdout.fileno(): child for child in children if child.process.stdout}
    ready = _wait(list(pipes), select.POLLIN, end)
    return next(child for pipe, child in pipes.items() if pipe in ready)


def _environment() -> dict[str, str]:
    """What the child is told: where modules are, and to start no threads for linear algebra."""
    return {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _wait(pipes: Sequence[int], event: int, end: float | None) -> set[int]:
    """Return which of `pipes` are ready for `event`, or closed, once some are.

    Raises:
        TimeoutError: none was by `end`.
    """
    ready = select.poll()
    for pipe in pipes:
        ready.register(pipe, event)
    while not (found := ready.poll(_look_up_ms(end))):
        if end is not None and time.monotonic() >= end:
            raise TimeoutError
    return {pipe for pipe, _ in found}


def _look_up_ms(end: float | None) -> float:
    """Milliseconds to wait before looking up, as `poll` wants them."""
    left = _LOOK_UP_S if end is None else min(_LOOK_UP_S, end - time.monotonic())
    return max(0.0, left) * 1e3
