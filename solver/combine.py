"""Combining known ways and pairs into plans: the master as an integer model, near the known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from solver.asking import Dialogue, integer
from solver.combination import (
    SUPPORT,
    near_to,
    serving_as_much,
    small_regrets,
    some_at_a_time,
    standing,
    wanted,
)
from solver.compact import build_compact
from solver.compact_columns import Compact, Longs, owners
from solver.effort import Answer, Effort, Outcome
from solver.master import Master, build_master, tied
from solver.model import Model
from solver.neighbourhood import Cut, Incumbent
from solver.problem import Bools, Floats
from solver.relaxation import charges
from solver.rounds import know, rank
from solver.search import Planned, Search
from solver.solution import Solution
from solver.work import Work

#: Gap of the master as an integer model: so much, or such a part of the one that is asked for if
#: that is more. Where less is missing, such a part of that, down to the finest; its nodes.
#: What takes part in it may be above the bound by so much of the gap and of what its demand costs,
#: until it finds something better: with a third less, the engine takes a tenth of the time.
_MASTER_GAP = 2e-4
_MASTER_PART = 0.1
_FINEST = 5e-5
_MASTER_NODES = 200
_NEAR = ((0.005, 0.05), (0.02, 0.3), (0.05, 1.0))
#: Above so many demands, so many take part in the integer master at a time; at least so many.
_MANY = 700
_AT_A_TIME = 250
_FEWEST = 60
#: So many parts are solved at a time, while what others hold stays.
_ABREAST = 2
#: Up to so many demands, the first master is an integer model whole.
_WHOLE_MASTER = 200


def combine(work: Work, start: Solution | None) -> None:
    """Combine known ways into a plan; go on from it, or from the plan there was."""
    work.check_time()
    compact = build_compact(work.problem, work.columns.pairs)
    model = compact.builder.build()
    known = work.search.decoded() if work.search is not None else _planned(start)
    former = None
    if known is not None:
        former = Search.holding(known, compact, model, work.engine)
    if former is not None:
        know(work, former.decoded())  # as this model writes it down, whose classes may be others
    best = former
    for near in _NEAR:
        found = _combined(work, compact, model, former, near)
        if best is None or rank(work, found) < rank(work, best):
            best = found
            break
    # One that today's model does not hold may still be the better one.
    if former is not None or not _is_worse(work, best):
        work.search = best
    work.tell("plan")


def _is_worse(work: Work, found: Search | None) -> bool:
    """True when the plan so far is better than one that was found without it."""
    now = work.search
    return now is not None and (found is None or rank(work, now) < rank(work, found))


def _combined(
    work: Work,
    compact: Compact,
    model: Model,
    former: Search | None,
    near: tuple[float, float],
) -> Search:
    """Solve the master as an integer model, near what is known; what it says of links is settled.

    Near is what the relaxation or the plan so far holds, and what is at small regret: up to a part
    of the gap, and a part of what its demand costs, as `near` says. Very many demands are taken
    some at a time, without the relaxation.
    """
    fined = replace(model, cost=model.cost.copy(), high=model.high.copy())
    level = work.service.level_of(work.problem)
    fined.cost[compact.unmet] += np.where(work.service.hard[level], work.fines, 0.0)
    if former is not None:
        fined = serving_as_much(compact, fined, former)
    x = _point(work, compact, work.idle.without(compact, fined), former, near)
    x = work.idle.completed(compact, fined, x)
    if len(x) and work.idle.learn(compact, fined, x):
        x = _point(work, compact, fined, former, near)
    return Search(compact, model, work.engine, x if len(x) else None)


def _point(
    work: Work,
    compact: Compact,
    fined: Model,
    former: Search | None,
    near: tuple[float, float],
) -> Floats:
    """A point of the model; empty: none was found. Arguments as for `_combined`."""
    blocks = work.columns.blocks.models
    master = build_master(compact, fined, blocks, work.columns.ways)
    known = None if former is None else standing(master, compact, former, blocks)
    in_parts = known is not None and work.problem.demands.count > _MANY
    if former is None and work.problem.demands.count <= _WHOLE_MASTER:
        opened = master.model
    else:
        chosen = _worth_opening(work, compact, master, near, relaxed=not in_parts)
        opened = near_to(master, compact, former, chosen, blocks)
    if in_parts and known is not None and former is not None:
        point = _in_parts(work, master, opened, former, known)
    else:
        point = work.engine.solve_integer(opened, _master_effort(work, known)).x
    return master.point(point) if len(point) else point


def _master_effort(work: Work, known: Floats | None, *, least: float = 0.0) -> Effort:
    """How far the engine may go; a gap of `least` is near enough."""
    return Effort(gap=max(_gap_asked(work), least), nodes=_MASTER_NODES, known=known)


def _gap_asked(work: Work) -> float:
    is_known = work.best is not None and np.isfinite(work.cost)
    now = 1.0 - work.bound / max(work.cost, 1.0) if is_known else np.inf
    return master_gap(work.limits.gap, now)


def master_gap(asked: float, now: float) -> float:
    """Return the gap to which the master is solved; smaller when little is missing.

    Args:
        asked: gap that is asked of the plan.
        now: gap of the plan so far; inf: not known.
    """
    usual = max(_MASTER_GAP, _MASTER_PART * asked)
    return min(usual, max(_FINEST, _MASTER_PART * (now - asked)))


def _worth_opening(
    work: Work, compact: Compact, master: Master, near: tuple[float, float], *, relaxed: bool
) -> Bools:
    """bool[N]: columns of the master in the support of its relaxation, or at small regret."""
    chosen = np.zeros(len(master.model.cost), np.bool_)
    if relaxed:
        answer = work.engine.solve_linear(master.model)
        if answer is None or answer.outcome is not Outcome.OPTIMAL:
            return ~chosen
        chosen = answer.x > SUPPORT
    if work.best is not None and np.isfinite(work.cost):
        prices, least = work.best.prices, work.best.certificate.least
        most = (near[0] * (work.cost - work.bound), near[1])
        chosen |= small_regrets(compact, master, prices, least, most)
    return chosen


def _in_parts(work: Work, master: Master, opened: Model, former: Search, known: Floats) -> Floats:
    """Point of the master: `known`, improved for some demands at a time, the others held.

    A part may miss its share of what the whole may, however little it costs by itself: of cheap
    ones a gap of their own cost would ask for more than the whole is asked for.
    """
    demand = owners(former.compact)[master.kept]
    owner = np.concatenate([demand, [int(way.demands[0]) for way in master.ways]])
    follows = np.flatnonzero(np.isin(master.kept, former.compact.switches))
    first = work.columns.blocks.first_of(work.problem.demands.count)
    incumbent = Incumbent(
        opened, owner.astype(np.int64), known, follows, tied(master, former.compact, first)
    )
    want = _wanted(work, former)
    parts = some_at_a_time(want, _AT_A_TIME, work.combined, work.limits.seed)
    each = _gap_asked(work) * work.cost / max(len(parts), 1)
    work.combined += 1
    while parts:
        for part, cut, answer in work.engine.each(
            _solving(work, incumbent, parts, each), ahead=_ABREAST
        ):
            if len(answer.x) and answer.objective < float(cut.model.cost @ cut.known):
                if not incumbent.take_beside(cut, answer.x):
                    parts.append(part)  # others have taken what it wants
            elif not len(answer.x) and len(part) > _FEWEST:  # the engine has lost its way: fewer
                parts[:0] = [part[::2], part[1::2]]
    return incumbent.x


def _solving(
    work: Work, incumbent: Incumbent, parts: list[Longs], each: float
) -> Iterator[Dialogue[tuple[Longs, Cut, Answer]]]:
    """Dialogues about one part after another, gone from `parts`; each may miss so much."""

    def solving(part: Longs, cut: Cut) -> Dialogue[tuple[Longs, Cut, Answer]]:
        least = each / max(float(cut.model.cost @ cut.known), 1.0)
        answer = yield from integer(cut.model, _master_effort(work, cut.known, least=least))
        return part, cut, answer

    while parts:
        work.check_time()
        part = parts.pop(0)
        yield solving(part, incumbent.cut(part))


def _wanted(work: Work, former: Search) -> tuple[Longs, Longs]:
    """int64[D] twice, kind and place of the supply cheapest for each at the best prices."""
    compact, model = former.compact, former.incumbent.model
    cost = model.cost
    if work.best is not None:
        cost = cost + charges(compact, model, work.best.prices)
    return wanted(compact, cost)


def _planned(start: Solution | None) -> Planned | None:
    return None if start is None else (start.allocation, start.routes, start.unmet)
