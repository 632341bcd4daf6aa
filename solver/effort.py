"""How far an engine may go and what it answers; known to both sides of the process border."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from solver.problem import Floats


class Outcome(StrEnum):
    """What an engine says of a model."""

    OPTIMAL = "optimal"  # within the asked gap
    FEASIBLE = "feasible"  # stopped by a limit with a solution
    INFEASIBLE = "infeasible"
    NO_SOLUTION = "no-solution"  # stopped by a limit without one


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How far an engine may go.

    Attributes:
        gap: relative gap that is good enough.
        nodes: branch-and-bound nodes; None: no limit. Deterministic.
        seconds: wall seconds; None: no limit.
        engine: ``highs``, ``scip`` or ``cp-sat``.
        known: float64[N], a point that keeps the model: HiGHS starts from it; None: none.
        restarts: HiGHS may begin again once it has fixed much at the root. Models of single
            services take three fifths of the time without, and end as near.
        plain: HiGHS takes a model as it is, and looks for plans by branching alone. Of thousands
            of columns in few rows, its presolve takes seconds, and once more for every smaller
            model that it makes of one.
    """

    gap: float = 1e-4
    nodes: int | None = None
    seconds: float | None = None
    engine: str = "highs"
    known: Floats | None = None
    restarts: bool = True
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an engine found.

    Attributes:
        outcome: what is known.
        x: float64[N], the best point; empty when there is none.
        objective: of `x`; inf when there is none.
        bound: lower bound on the objective of every point; -inf when none is known.
    """

    outcome: Outcome
    x: Floats
    objective: float
    bound: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearAnswer:
    """The optimum of a linear relaxation: point, objective and row prices.

    Attributes:
        outcome: `OPTIMAL` or `INFEASIBLE`.
        x: float64[N]; dual: float64[K], d objective / d row bound.
    """

    outcome: Outcome
    x: Floats
    objective: float
    dual: Floats
