"""The child process that runs engines: models on standard input, answers on the output.

A process of its own because engines ignore limits and signals in some phases, and because the
program that asks then never loads OR-Tools itself. Run as ``python -m solver.engine``.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time

from solver.backend import solve_integer, solve_linear
from solver.effort import Answer, LinearAnswer
from solver.solution import SolverError

#: How often the process looks whether anyone still waits for its answer.
_LOOK_UP_S = 0.5


def main() -> None:
    """Answer requests until the input ends: (kind, model, effort) -> (answer, error text)."""
    threading.Thread(target=_end_when_alone, args=(os.getppid(),), daemon=True).start()
    # Engines print banners on standard output, which here carries answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            kind, model, effort = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our parent
        except EOFError:
            return
        answer: Answer | LinearAnswer | None = None
        failure = ""
        try:
            if kind == "integer":
                answer = solve_integer(model, effort)
            else:
                answer = solve_linear(model, presolve=kind == "linear")
        except SolverError as error:
            failure = str(error)
        pickle.dump((answer, failure), answers)
        answers.flush()


def _end_when_alone(parent: int) -> None:
    """End this process, in the middle of a model, too, once its parent was killed.

    Engines let other threads run. The system's own signal for this (`PR_SET_PDEATHSIG`) is sent
    when the thread ends that started the process, which may be long before the program does.
    """
    while os.getppid() == parent:
        time.sleep(_LOOK_UP_S)
    os._exit(1)


if __name__ == "__main__":
    main()
