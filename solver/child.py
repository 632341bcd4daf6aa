"""Run engines in a child process: a hard end for engines that ignore their limits."""

from __future__ import annotations

import os
import pickle
import select
import subprocess
import sys
import time
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

import numpy as np

from solver.effort import Answer, Effort, LinearAnswer, Outcome
from solver.model import Model
from solver.solution import SolverError

#: An engine that outlives its time limit by this factor and these seconds is killed.
_PATIENCE = 1.2
_GRACE_S = 5.0
_LEAST_S = 0.5
#: How often a wait looks up: a signal may reach a thread that is not Python's, and ctrl-C is then
#: seen only when the waiting ends.
_LOOK_UP_S = 0.2

Request = tuple[str, Model, Effort | None]


class EngineProcess:
    """A child process that solves one model after another; started when first asked.

    A context manager: leaving it ends the child. Interrupting a solve kills the child, and the
    next solve starts another.
    """

    def __init__(self, *, seconds: float | None = None) -> None:
        """Start the clock: all solves together may take `seconds`; None: as long as they take."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the child."""
        self.close()

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is None:
            return
        self._child.kill()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()
        self._child.wait()
        self._child = None

    def solve_integer(self, model: Model, effort: Effort) -> Answer:
        """Solve a mixed-integer model; see `solver.backend.solve_integer`.

        An engine that does not end in time is killed and counts as having found nothing.

        Raises:
            SolverError: the engine failed, or its process died.
        """
        seconds = self._seconds_left()
        effort = effort if seconds is None else replace(effort, seconds=seconds)
        limit = None if seconds is None else seconds * _PATIENCE + _GRACE_S
        answer = self._ask(("integer", model, effort), limit)
        if answer is None:
            return Answer(
                outcome=Outcome.NO_SOLUTION, x=np.empty(0), objective=np.inf, bound=-np.inf
            )
        if not isinstance(answer, Answer):
            raise SolverError(f"the engine's process answered with {type(answer).__name__}")
        return answer

    def solve_linear(
        self, model: Model, *, seconds: float | None = None, presolve: bool = True
    ) -> LinearAnswer | None:
        """Solve the linear relaxation; None when `seconds` did not suffice.

        `presolve` as `solver.backend.solve_linear` says.

        Raises:
            SolverError: the engine failed, or its process died.
        """
        answer = self._ask(("linear" if presolve else "unreduced", model, None), seconds)
        if answer is not None and not isinstance(answer, LinearAnswer):
            raise SolverError(f"the engine's process answered with {type(answer).__name__}")
        return answer

    def _seconds_left(self) -> float | None:
        """Seconds one more solve may take; never none at all, so that something is tried."""
        if self._deadline is None:
            return None
        return max(_LEAST_S, self._deadline - time.monotonic())

    def _ask(self, request: Request, limit_s: float | None) -> Any:
        """Return the child's answer; None when it was killed at the limit."""
        end = None if limit_s is None else time.monotonic() + limit_s
        try:
            reply = _exchange(self._started(), request, end)
        except TimeoutError:
            self.close()
            return None
        except (OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
            self.close()
            raise SolverError("the engine's process died") from error
        except BaseException:
            self.close()
            raise
        answer, failure = reply
        if failure:
            raise SolverError(failure)
        return answer

    def _started(self) -> subprocess.Popen[bytes]:
        if self._child is None:
            # A session of its own: ctrl-C reaches this process only, which then decides.
            self._child = subprocess.Popen(
                [sys.executable, "-m", "solver.engine"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=_environment(),
            )
            if self._child.stdin is not None:
                # Never stuck in writing to a child that does not read: it counts as time.
                os.set_blocking(self._child.stdin.fileno(), False)
        return self._child


def _environment() -> dict[str, str]:
    """What the child is told: where modules are, and to start no threads for linear algebra."""
    return {
        "PYTHONPATH": ":".join(path for path in sys.path if path),
        "OPENBLAS_NUM_THREADS": "1",
    }


def _exchange(child: subprocess.Popen[bytes], request: Request, end: float | None) -> Any:
    """Send one request and return its reply.

    No thread waits for the child: to start one costs more than to build a small model.

    Raises:
        TimeoutError: the clock passed `end` (monotonic seconds) before the reply began.
        OSError, EOFError, ValueError, UnpicklingError: the child was killed or died.
    """
    if child.stdin is None or child.stdout is None:
        raise EOFError("the child has no pipes")
    left = memoryview(pickle.dumps(request))
    into = child.stdin.fileno()
    while left:
        _wait(into, select.POLLOUT, end)
        left = left[os.write(into, left) :]
    _wait(child.stdout.fileno(), select.POLLIN, end)
    return pickle.load(child.stdout)  # noqa: S301 - our own child wrote it


def _wait(pipe: int, event: int, end: float | None) -> None:
    """Return when `pipe` is ready for `event`, or closed.

    Raises:
        TimeoutError: it was not by `end`.
    """
    ready = select.poll()
    ready.register(pipe, event)
    while not ready.poll(_look_up_ms(end)):
        if end is not None and time.monotonic() >= end:
            raise TimeoutError


def _look_up_ms(end: float | None) -> float:
    """Milliseconds to wait before looking up, as `poll` wants them."""
    left = _LOOK_UP_S if end is None else min(_LOOK_UP_S, end - time.monotonic())
    return max(0.0, left) * 1e3
