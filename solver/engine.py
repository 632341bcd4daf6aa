"""The child process that runs engines: models on standard input, answers on the output.

A process of its own because engines ignore limits and signals in some phases, and because the
program that asks then never loads OR-Tools itself. Run as ``python -m solver.engine``.
"""

from __future__ import annotations

import os
import pickle
import sys

from solver.backend import solve_integer, solve_linear
from solver.solution import SolverError


def main() -> None:
    """Answer requests until the input ends: (kind, model, effort) -> (answer, error text)."""
    # Engines print banners on standard output, which here carries answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while True:
        try:
            kind, model, effort = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our parent
        except EOFError:
            return
        answer, failure = None, ""
        try:
            answer = solve_linear(model) if kind == "linear" else solve_integer(model, effort)
        except SolverError as error:
            failure = str(error)
        pickle.dump((answer, failure), answers)
        answers.flush()


if __name__ == "__main__":
    main()
