"""The integer master cut down to what may be worth having: near a plan, a relaxation and a bound.

A column's *regret* is what it costs at the prices of a bound beyond what its demand adds to the
bound. A plan costs the bound, the regrets of all it holds and the price of what it leaves idle; so
good plans are made of small regrets. (Opening what a relaxation and a plan hold is E. Danna, E.
Rothberg, C. Le Pape, "Exploring relaxation induced neighborhoods to improve MIP solutions", Math.
Programming 102, 2005, doi:10.1007/s10107-004-0518-7.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE, Compact, Longs, owners
from solver.master import Master
from solver.model import Model, with_row
from solver.prices import Prices
from solver.problem import Bools, Family, Floats
from solver.relaxation import row_prices
from solver.search import Search, held_to
from solver.ways import ways_in

#: Above this value a column is in the support of a relaxation.
SUPPORT = 1e-6


def serving_as_much(compact: Compact, model: Model, former: Search) -> Model:
    """Hold a model to serve what a plan serves, and to override first refusals no more than it.

    Both count before cost, however dear the last unit is.
    """
    high, demands, x = model.high.copy(), compact.problem.demands, former.incumbent.x
    high[compact.unmet[former.unmet <= 0]] = 0.0
    model, column = replace(model, high=high), compact.overrides
    for priority in np.unique(demands.priority[former.unmet > 0]):
        member = np.flatnonzero(demands.priority == priority)
        model = held_to(model, compact.unmet[member], demands.weight[member], x)
    if not len(column):
        return model
    return with_row(model, column, np.ones(len(column)), high=former.overridden)


def small_regrets(
    compact: Compact, master: Master, prices: Prices, least: Floats, most: tuple[float, float]
) -> Bools:
    """Return bool[N]: columns of `master` where demands may stand at little regret.

    Args:
        compact: what the master is made of.
        master: its model.
        prices: of a bound.
        least: float64[D], what each demand, or block by its first, adds to the bound.
        most: in cost, and as a part of what the demand adds.
    """
    model, kept = master.model, len(master.kept)
    price = np.zeros(len(model.row_low))
    price[: len(master.rows)] = row_prices(compact, prices, int(master.rows.max(initial=-1)) + 1)[
        master.rows
    ]
    charge = np.bincount(
        model.column, weights=model.value * price[model.row], minlength=len(model.cost)
    )
    charged, alone = model.cost + charge, np.full(len(model.cost), -np.inf)
    at = np.full(master.columns, NONE, np.int64)
    at[master.kept] = np.arange(kept)
    own = np.flatnonzero(at[compact.main] != NONE)
    main, pairs = at[compact.main[own]], compact.pairs
    alone[main] = least[pairs.demand[own]]
    alone[kept:] = [least[way.demands[0]] for way in master.ways]
    units = own[(pairs.family[own] == Family.BATCH) & (compact.units[own] != NONE)]
    hours = compact.problem.demands.mode_hours[pairs.mode[units]]
    charged[at[compact.main[units]]] += charged[at[compact.units[units]]] * (
        pairs.amount[units] / hours
    )
    return np.asarray(charged - alone <= np.minimum(most[0], most[1] * alone), np.bool_)


def near_to(
    master: Master,
    compact: Compact,
    former: Search | None,
    chosen: Bools,
    blocks: Sequence[Longs],
    *,
    leaving: Bools | None = None,
) -> Model:
    """Return the integer master over what is `chosen`, what a plan holds, and what links demands.

    Args:
        master: all there is.
        compact: what it is made of.
        former: the plan so far; ways that leave more unmet than it does are left out, and who
            has a scope that others must keep out of stays: such rules join everybody.
        chosen: bool[N].
        blocks: demands of each block that has ways.
        leaving: bool[D], of whom ways may be taken that leave more unmet; None: of nobody.
    """
    kept = len(master.kept)
    opened = chosen.copy()
    opened[:kept] |= (owners(compact)[master.kept] == NONE) | np.isin(master.kept, compact.unmet)
    low = master.model.low
    if former is not None:
        opened[:kept] |= former.incumbent.x[master.kept] > 0
        switch = np.isin(master.kept, compact.switches)
        opened[:kept] &= ~switch
        low = low.copy()
        low[:kept][switch] = np.rint(former.incumbent.x[master.kept[switch]])
        opened[kept:] |= _held_ways(master, compact, former, blocks)
        most = former.unmet + SUPPORT
        most = most if leaving is None else np.where(leaving, 1.0, most)
        less = [bool((one.unmet > most[one.demands]).any()) for one in master.ways]
        opened[kept:] &= ~np.array(less, np.bool_)
    opened[:kept] |= _counts_units(compact, master, opened)
    return replace(master.model, low=low, high=np.where(opened, master.model.high, low))


def _counts_units(compact: Compact, master: Master, opened: Bools) -> Bools:
    """bool[n]: kept columns that count the units of what `opened` ones place."""
    places = np.zeros(master.columns, np.bool_)
    places[master.kept] = opened[: len(master.kept)]
    counts = np.zeros(master.columns, np.bool_)
    for columns in (compact.units, compact.mixed):
        counts[columns[(columns != NONE) & places[compact.main]]] = True
    return np.asarray(counts[master.kept], np.bool_)


def _held_ways(master: Master, compact: Compact, former: Search, blocks: Sequence[Longs]) -> Bools:
    """bool[w]: the ways of the master that a plan holds."""
    services = compact.problem.services.demand
    held = {one.key for one in ways_in(*former.decoded(), blocks, services)}
    return np.array([one.key in held for one in master.ways], np.bool_)


def standing(
    master: Master, compact: Compact, former: Search, blocks: Sequence[Longs]
) -> Floats | None:
    """Return float64[N], a plan as a point of the master; None: the master lacks ways of it."""
    held = _held_ways(master, compact, former, blocks)
    if int(held.sum()) != len(blocks):
        return None
    return np.concatenate([former.incumbent.x[master.kept], held.astype(np.float64)])


def wanted(compact: Compact, cost: Floats) -> tuple[Longs, Longs]:
    """Return int64[D] twice, kind and place of the supply that is cheapest for each demand.

    Args:
        compact: its pairs.
        cost: float64[N], of its columns.
    """
    demand, stock = compact.pairs.demand, compact.problem.supply
    order = np.lexsort((cost[compact.main], demand))
    first = order[np.flatnonzero(np.diff(demand[order], prepend=-1))]
    supply = compact.pairs.supply[first]
    kind, place = np.zeros((2, compact.problem.demands.count), np.int64)
    kind[demand[first]], place[demand[first]] = stock.kind[supply], stock.place[supply]
    return kind, place


def some_at_a_time(wanted: tuple[Longs, Longs], size: int, number: int, seed: int) -> list[Longs]:
    """Return all demands in parts of about `size`.

    Every other time together are those that want the same, else as they are drawn.

    Args:
        wanted: int64[D] twice, kind and place that would suit each demand best.
        size: of a part.
        number: how often demands have been parted before.
        seed: of the draw.
    """
    count = len(wanted[0])
    order = np.lexsort((wanted[1], wanted[0]))
    if number % 2:
        order = np.random.default_rng([seed, number]).permutation(count)
    return [np.sort(part) for part in np.array_split(order, max(1, -(-count // size)))]
