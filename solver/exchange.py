"""Exchange of places: demands that stand far above their bound, and who holds what they want.

The integer master of `solver.combine`, for some at a time: everybody else stays. A plan that was
good yesterday is good today but for a few demands, and these are where regrets are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solver.combination import near_to, serving_as_much, small_regrets, standing
from solver.compact import build_compact
from solver.compact_columns import NONE, Compact, Longs, owners
from solver.effort import Effort
from solver.handy import HandyWays
from solver.master import Master, build_master, tied
from solver.neighbourhood import Incumbent
from solver.prices import Prices, priced
from solver.problem import Bools, Floats
from solver.relaxation import row_prices
from solver.rounds import know, rank
from solver.search import Search
from solver.way_costs import known_costs
from solver.ways import ways_in
from solver.work import Best, Work

#: The first exchange is of those with so much of all regret, later ones of so many; with company,
#: so many at most.
_PART = 0.6
_FIRST = 150
_SEEDS = 8
_MOST = 50
#: Columns are opened at regret up to a part of the gap, and of what the demand costs.
_NEAR = (0.1, 1.0)
#: Gap of an exchange as a part of the one asked for, of the whole plan, and at least; nodes.
_GAP = 0.05
_LEAST_GAP = 1e-4
_NODES = 30
#: Demands that nothing came of are tried less; regret below this part of the gap is not.
_TIRED = 0.1
#: Ways are looked for where regret is more than this part of the gap.
_WORTH = 0.005
_NOTHING = 0.01


def exchange(work: Work, steps: int) -> None:
    """Make the plan cheaper where it is far above the bound, in up to `steps` exchanges.

    Raises:
        OutOfTime: the clock of the caller has run out.
        SolverError: the engine failed.
    """
    if work.search is None or work.best is None:
        return
    _find_ways(work, work.search, work.best)
    known = _known(work, work.search, work.best)
    if known is None:
        return
    fresh = np.ones(work.problem.demands.count)
    for number in range(steps):
        regret = known.regrets() * fresh
        worth = regret > _NOTHING * max(known.incumbent.cost - work.bound, 0.0)
        seeds = _seeds(np.where(worth, regret, 0.0), first=not number)
        if not len(seeds) or _is_near(work, known.incumbent.cost):
            break
        work.check_time()
        if not _exchanged(work, known, seeds, regret, _MOST if number else _FIRST):
            fresh[seeds] *= _TIRED
    _take(work, known)


def _find_ways(work: Work, search: Search, best: Best) -> None:
    """Find ways of the services with regret, on what others leave."""
    allocation, routes, unmet = search.decoded()
    blocks = work.columns.blocks.models
    problem = priced(work.flat, best.prices)
    held = ways_in(allocation, routes, unmet, blocks, work.problem.services.demand)
    cost = known_costs(problem, best.prices, blocks, held)
    regret = cost - best.certificate.least[[block[0] for block in blocks]]
    finder = HandyWays(work.flat, allocation)
    for row in np.flatnonzero(regret > _WORTH * (work.cost - work.bound)).tolist():
        way = finder.way(problem, blocks[row])
        if way is not None:
            work.columns.add_ways([way])


def _is_near(work: Work, cost: float) -> bool:
    return cost - work.bound <= work.limits.gap * cost


def _seeds(regret: Floats, *, first: bool) -> Longs:
    """Those with most regret."""
    order = np.argsort(-regret, kind="stable")
    before = np.cumsum(regret[order]) - regret[order]
    chosen = order[(before < _PART * regret.sum()) & (regret[order] > 0)]
    return np.asarray(chosen if first else chosen[:_SEEDS], np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A plan as a point of an integer master, with the prices of a bound.

    Attributes:
        search: the plan, in the restricted model of `master`.
        master: all that is known, held to serve as much.
        incumbent: the plan; of the master over what is at small regret.
        owner: int64[N], demand of each column, a block by its first; `LINK`.
        charged: float64[N], cost with the prices of what it takes.
        chosen: bool[N], columns at small regret.
        scarce: bool[O], supplies that have a price.
        least: float64[D], what each block adds to the bound, by its first demand.
        block: int64[D], the first demand of each one's block.
    """

    search: Search
    master: Master
    incumbent: Incumbent
    owner: Longs
    charged: Floats
    chosen: Bools
    scarce: Bools
    least: Floats
    block: Longs

    def regrets(self) -> Floats:
        """float64[D], what each block costs at the prices beyond its part of the bound."""
        own = self.owner != NONE
        cost = (self.charged * self.incumbent.x)[own]
        total = np.bincount(self.owner[own], weights=cost, minlength=len(self.least))
        over = np.maximum(total - self.least, 0.0)
        return np.where(np.isfinite(over) & (self.block == np.arange(len(over))), over, 0.0)

    def wanted(self, seeds: Longs) -> Longs:
        """int64[.], the scarce supplies of columns at small regret of `seeds`."""
        compact, master = self.search.compact, self.master
        at = np.full(master.columns, NONE, np.int64)
        at[master.kept] = np.arange(len(master.kept))
        main, pairs = at[compact.main], compact.pairs
        opened = np.isin(self.block[pairs.demand], seeds) & (main != NONE)
        opened[opened] = self.chosen[main[opened]]
        few, chosen = set(seeds.tolist()), self.chosen[len(master.kept) :].tolist()
        of_ways = [
            way.allocation.supply
            for way, is_open in zip(master.ways, chosen, strict=True)
            if is_open and int(way.demands[0]) in few
        ]
        found = np.unique(np.concatenate([pairs.supply[opened], *of_ways])).astype(np.int64)
        return found[self.scarce[found]]

    def holders(self, supplies: Longs) -> Longs:
        """int64[.], first demands of the blocks that hold some of `supplies`."""
        held = np.zeros(len(self.scarce), np.bool_)
        held[supplies] = True
        compact, master = self.search.compact, self.master
        x = master.point(self.incumbent.x)
        pairs = compact.pairs
        return np.unique(self.block[pairs.demand[held[pairs.supply] & (x[compact.main] > 0)]])


def _exchanged(work: Work, known: _Known, seeds: Longs, regret: Floats, most: int) -> bool:
    """Solve for `seeds` and who holds what they want; return whether that was worth it."""
    holders = np.setdiff1d(known.holders(known.wanted(seeds)), seeds)
    holders = holders[np.argsort(-regret[holders], kind="stable")]
    some = np.sort(np.concatenate([seeds, holders])[:most].astype(np.int64))
    cut = known.incumbent.cut(some)
    held = known.incumbent.x[cut.free]
    now = float(cut.model.cost @ held)
    gap = _GAP * work.limits.gap * known.incumbent.cost / max(now, 1.0)
    effort = Effort(gap=max(gap, _LEAST_GAP), nodes=_NODES, known=held)
    answer = work.engine.solve_integer(cut.model, effort)
    if not len(answer.x) or answer.objective >= now:
        return False
    known.incumbent.take(cut, answer.x)
    work.report("exchanged", known.incumbent.cost, work.bound)
    return now - answer.objective > _NOTHING * work.limits.gap * work.cost


def _take(work: Work, known: _Known) -> None:
    """Let the exchanged plan be the plan so far, if it is better."""
    search = known.search
    x = known.master.point(known.incumbent.x)
    found = Search(search.compact, search.incumbent.model, work.engine, x)
    work.search = search  # whose model has all that is known
    if found.settle_links() and rank(work, found) < rank(work, search):
        work.search = found
        know(work, found.decoded())


def _known(work: Work, plan: Search, best: Best) -> _Known | None:
    """The plan and what is at small regret; None: the model of today's columns lacks the plan."""
    compact = build_compact(work.problem, work.columns.pairs)
    model = compact.builder.build()
    search = Search.holding(plan.decoded(), compact, model, work.engine)
    if search is None:
        return None
    know(work, search.decoded())  # as this model writes it down, whose classes may be others
    blocks = work.columns.blocks.models
    master = build_master(
        compact, serving_as_much(compact, model, search), blocks, work.columns.ways
    )
    point = standing(master, compact, search, blocks)
    if point is None:
        return None
    most = (_NEAR[0] * (work.cost - work.bound), _NEAR[1])
    chosen = small_regrets(compact, master, best.prices, best.certificate.least, most)
    block, owner = _owners(compact, master, blocks)
    return _Known(
        search=search,
        master=master,
        incumbent=Incumbent(
            near_to(master, compact, search, chosen, blocks),
            owner,
            point,
            tied=tied(master, compact, block),
        ),
        owner=owner,
        charged=_charged(search, master, best.prices),
        chosen=chosen,
        scarce=best.prices.capacity > 0,
        least=best.certificate.least,
        block=block,
    )


def _owners(compact: Compact, master: Master, blocks: Sequence[Longs]) -> tuple[Longs, Longs]:
    """The first demand of the block of each demand, int64[D], and of each column, int64[N]."""
    block = np.arange(compact.problem.demands.count)
    for one in blocks:
        block[one] = one[0]
    own = owners(compact)[master.kept]
    of_ways = [int(way.demands[0]) for way in master.ways]
    owner = np.concatenate([np.where(own == NONE, NONE, block[own]), of_ways]).astype(np.int64)
    return block, owner


def _charged(search: Search, master: Master, prices: Prices) -> Floats:
    """float64[N], the cost of columns of the master with the prices of what they take."""
    model, rows = master.model, int(master.rows.max(initial=-1)) + 1
    price = np.zeros(len(model.row_low))
    price[: len(master.rows)] = row_prices(search.compact, prices, rows)[master.rows]
    taken = np.bincount(
        model.column, weights=model.value * price[model.row], minlength=len(model.cost)
    )
    return np.asarray(model.cost + taken, np.float64)
