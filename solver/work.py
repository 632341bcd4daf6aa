"""What a run of the decomposition has found so far."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from solver.asking import Engine
from solver.certificate import Certificate, Certifier
from solver.columns import Columns, Longs
from solver.idle_rows import IdleRows
from solver.level_bounds import LevelBound
from solver.prices import Prices
from solver.problem import Floats, Problem
from solver.relaxation import UNSERVED, Service, service_of
from solver.sampling import MANY
from solver.search import Search
from solver.selection import joined
from solver.solution import LevelProof, SearchLimits
from solver.tier_bounds import flat_below

#: Part of a time limit that may pass before there is a plan.
_FIRST_PART = 0.35
#: Part of what is left of it that is kept back for a bound that was put off.
_KEPT_BACK = 0.5
#: Leaving a demand unmet is fined by at least so many times what serving it costs.
_DEARER = 50.0
#: Part of the demands that is many to leave out.
_MANY_LEFT = 0.05
#: Part of what a level leaves unmet by which roundings may miss it.
_LEVEL_SLACK = 1e-9
#: More than this overridden of first refusals counts, in the units of the model's columns.
_OVERRIDDEN = 1e-6

Progress = Callable[[str, float, float], None]


class PlanFirst(Exception):
    """So much of the time has gone into the first bound that a plan comes first."""


class OutOfTime(Exception):
    """The clock of the caller has run out."""


@dataclass(slots=True)
class Best:
    """The best bound so far and what it came from; `joint`: gangs were bounded together."""

    bound: float
    prices: Prices
    certificate: Certificate
    joint: bool = False


@dataclass
class Work:
    """Everything a run has found so far.

    Columns and what bounds need are made when they are first asked for: a plan comes before.

    Attributes:
        problem: what is asked, or a part of its plans.
        search: the plan so far, in its restricted model; None: none yet.
        prices: the first ones.
        entries: of the model that they come from, or that would be one of all demands.
        best: the best bound at `service`.
        spare: a bound at a service that bounds are no longer for, and what made it; None: none.
        stake: float64[D], about what each demand costs, with the price of what it takes.
        combined: how often demands have been combined some at a time.
        is_improved: small neighbourhoods have been solved again; larger ones come next.
        dear: blocks whose ways take part in the relaxed master, others by their pairs.
        least_unmet: what every plan leaves of a priority, of those that have been looked at.
        wider: what is asked, where `problem` has only those of its plans that override no first
            refusal; None: it has all.
        idle: rows that relaxations do without.
        given_up: demands that the last round of improvement left unmet.
    """

    problem: Problem
    limits: SearchLimits
    engine: Engine
    report: Progress
    deadline: float | None
    wider: Problem | None = None
    search: Search | None = None
    certifier: Certifier | None = None
    prices: Prices | None = None
    entries: int = 0
    best: Best | None = None
    spare: tuple[Certifier, Best] | None = None
    stake: Floats = field(default_factory=lambda: np.empty(0))
    given_up: frozenset[int] = frozenset()
    combined: int = 0
    is_improved: bool = False
    dear: list[Longs] = field(default_factory=list)
    least_unmet: dict[int, LevelBound] = field(default_factory=dict)
    idle: IdleRows = field(default_factory=IdleRows)

    def widen(self) -> None:
        """Ask for all plans from now on: of what is known, prices and known columns still hold."""
        if self.wider is None:
            return
        self.problem, self.wider = self.wider, None
        former = self.__dict__.pop("columns", None)
        for name in ("_below", "service"):
            self.__dict__.pop(name, None)
        if former is not None:
            self.columns.pairs = joined(self.problem, [self.columns.pairs, former.pairs])
            self.columns.add_ways(former.ways)
        self.search = self.certifier = self.best = self.spare = None
        self.least_unmet.clear()

    @cached_property
    def _below(self) -> tuple[Problem, float]:
        return flat_below(self.problem)

    @property
    def flat(self) -> Problem:
        """What is asked, with flat moves."""
        return self._below[0]

    @property
    def credit(self) -> float:
        """What flat moves may cost too much."""
        return self._below[1]

    @cached_property
    def columns(self) -> Columns:
        """Pairs and ways known so far."""
        return Columns.of(self.problem, self.flat, few=self.problem.demands.count > MANY)

    @cached_property
    def service(self) -> Service:
        """The level of service that bounds and prices are for; it may be set to another one."""
        forced = self.columns.forced()
        return service_of(self.flat, forced, forced)

    @property
    def serves_all(self) -> bool:
        """True while bounds and prices are for serving everybody who can be served alone."""
        return bool(self.service.hard.all())

    @property
    def cost(self) -> float:
        """Cost of the plan so far; inf without one."""
        return np.inf if self.search is None else self.search.incumbent.cost

    @property
    def bound(self) -> float:
        """The best bound so far."""
        return -np.inf if self.best is None else self.best.bound

    @property
    def fines(self) -> Floats:
        """float64[D], cost at which the choice between serving a demand and not is plain."""
        if not len(self.stake):
            return self.columns.fines
        return np.maximum(self.columns.fines, _DEARER * self.stake)

    def set_aside(self) -> Search | None:
        """Go on without a plan, and return the one there was."""
        former, self.search = self.search, None
        return former

    def is_good(self) -> bool:
        """True when the plan serves what it should and is near enough to its bound."""
        return self.best is not None and self.bound >= self.bound_asked(self.best.prices)

    def bound_asked(self, prices: Prices) -> float:
        """Return the bound at `prices` that is near enough to the plan; inf: none is."""
        if self.search is None or (self.missed(self.search.unmet) > 0).any():
            return np.inf
        if self.search.overridden > _OVERRIDDEN:
            return np.inf  # no bound says that it has to be
        return self.cost - self.limits.gap * max(self.cost, 1.0) + self._loosened(prices)

    def missed(self, unmet: Floats) -> Floats:
        """float64[D], what shares that could be served and are not are fined."""
        level = self.service.level_of(self.problem)
        could = self.service.hard[level] & (unmet > self.service.forced + UNSERVED)
        return np.where(could, self.fines * unmet, 0.0)

    @property
    def leaves_many(self) -> bool:
        """True when the plan so far leaves out many of those that could be served."""
        return self.search is not None and bool(
            (self.missed(self.search.unmet) > 0).mean() > _MANY_LEFT
        )

    @property
    def fined(self) -> Floats:
        """float64[D], what leaving all of each demand is fined, if more of it could be served."""
        could = np.ones(self.problem.demands.count) > self.service.forced + UNSERVED
        return np.where(could, self.fines, 0.0)

    def _loosened(self, prices: Prices) -> float:
        """How much less a bound at `prices` says of plans that serve as much as the one so far."""
        if self.search is None or self.certifier is None:
            return 0.0
        return self.certifier.loosened(prices, self.search.unmet)

    def is_bounded(self, unmet: Floats) -> bool:
        """True when the bound holds for every plan that serves as much as one that leaves `unmet`.

        A bound at a higher level of service says nothing of them.
        """
        if self.best is None:
            return False
        soft = ~self.service.hard
        own = service_of(self.flat, unmet, self.service.forced).unmet[soft]
        within = (own <= self.service.unmet[soft] * (1 + _LEVEL_SLACK) + _LEVEL_SLACK).all()
        return bool(within) and not (self.missed(unmet) > 0).any()

    def bound_at(self, unmet: Floats) -> float:
        """What is proven of every plan that serves as much as one that leaves `unmet`.

        A bound at a higher level of service says less of them (`Certifier.serving_less`).
        """
        found = -np.inf
        made = [] if self.spare is None else [self.spare]
        if self.best is not None and self.certifier is not None:
            made.append((self.certifier, self.best))
        for certifier, best in made:
            loosened = certifier.loosened(best.prices, unmet)
            found = max(found, best.bound - loosened)
            if loosened > 0:
                less = certifier.serving_less(best.prices, best.certificate, unmet)
                found = max(found, less - self.credit)
        return found

    def levels(self, unmet: Floats) -> tuple[LevelProof, ...]:
        """Return what a plan that leaves `unmet` leaves of each priority, and what all do."""
        service = service_of(self.flat, unmet, self.service.forced)
        forced = self.problem.demands.weight * self.service.forced
        priority, proofs = self.problem.demands.priority, []
        for one, value in zip(service.priority.tolist(), service.unmet.tolist(), strict=True):
            least = float(forced[priority == one].sum())
            if one in self.least_unmet:
                least = max(least, self.least_unmet[one].at(self.flat, unmet))
            proofs.append(LevelProof(priority=one, unmet=value, bound=min(least, value)))
        return tuple(proofs)

    def tell(self, phase: str) -> None:
        """Report the plan so far, and the bound where it holds for plans that serve as much."""
        loosened = 0.0 if self.best is None else self._loosened(self.best.prices)
        self.report(phase, self.cost, self.bound - loosened)

    def check_time(self) -> None:
        """Raise when the clock has run out."""
        if self.is_late():
            raise OutOfTime

    def is_late(self) -> bool:
        """True when the clock has run out."""
        return self.deadline is not None and time.monotonic() > self.deadline

    def is_whole(self, unmet: Floats) -> bool:
        """True when a plan that leaves `unmet`, float64[D], serves whatever can be served."""
        return bool((unmet <= self.service.forced + UNSERVED).all())

    def hold_back(self) -> None:
        """Bring the end nearer, so that time is left for a bound."""
        if self.deadline is not None:
            left = self.deadline - time.monotonic()
            self.deadline -= _KEPT_BACK * max(left, 0.0)

    def check_first_part(self) -> None:
        """Raise when a plan has to come before the proof goes on."""
        if self.deadline is None or self.limits.seconds is None:
            return
        if time.monotonic() > self.deadline - (1 - _FIRST_PART) * self.limits.seconds:
            raise PlanFirst
