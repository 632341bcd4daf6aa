"""The compact model: every admitted pair a column, every rule a row.

Exact, and small enough for portfolios of a few dozen workloads; the referee of the scalable
optimizer. Each function adds one family of columns or rows and states its inequality.

Columns, per pair p = (demand d, mode, supply o):
    gang     x_p in {0, 1}: the whole gang stands on o;  k_p: units of it on the owned supply
             of the same pool instead
    service  n_p whole units;  f_{d,c,g} load of point class c routed to place g
             (loads of several sizes: to a station of it, `solver.size_rows`)
    batch    y_p in [0, 1]: share of the work;  n_p whole units where something counts them
and per demand u_d in [0, 1], its unmet share.
"""

from __future__ import annotations

import numpy as np

from solver.compact_columns import NONE, Compact, Longs, measured, units_entries
from solver.cost_rows import cap_cost
from solver.coverage_rows import add_coverage
from solver.exclusive_rows import count_exclusive
from solver.grouped import distinct, ranges
from solver.model import ModelBuilder
from solver.pairs import Pairs, enumerate_pairs, most_units
from solver.presence import Presence
from solver.problem import NO_ROW, Family, Measure, Problem, Supply
from solver.read_reductions import without_dominated
from solver.read_rows import add_reads
from solver.refusal_rows import add_overrides
from solver.scope_rows import add_apart, add_together
from solver.service_cuts import add_service_cuts
from solver.service_rows import add_service
from solver.share_rows import cap_shares
from solver.size_rows import add_sized_service
from solver.stations import has_sizes
from solver.stay_rows import add_moves, add_unbilled
from solver.tier_rows import add_tiers

#: Nobody holds so many times the units of a service that carry all its load.
_AMPLE = 10.0


def build_compact(
    problem: Problem,
    pairs: Pairs | None = None,
    *,
    loose: bool = False,
    slopes: bool = False,
    is_whole: bool = True,
) -> Compact:
    """Build the compact model of `problem` (over `pairs`, or over every admitted pair).

    Args:
        problem: what is asked.
        pairs: columns; None: of every admitted pair that is of use.
        loose: for bounds, not for plans: the survival of services may be bounded from below,
            rules that keep demands apart hold as far as capacities say so, and rows are added
            that tighten the relaxation of services.
        slopes: right sides of capacities are to move: nothing else depends on them.
        is_whole: False: leave out what is of single services alone, as `Compact.is_whole` says.
    """
    pairs = without_dominated(problem, enumerate_pairs(problem)) if pairs is None else pairs
    compact = _begun(problem, pairs, is_whole=is_whole)
    _add_gangs(compact)
    _add_batches(compact)
    if is_whole:
        _add_services(compact, loose=loose)
    else:
        _add_units_of_services(compact)
    _cover_demands(compact)
    _cap_risky_share(compact)
    _cap_supplies(compact)
    if not slopes:
        count_exclusive(compact)
    _cap_limits(compact)
    _add_accounts(compact)
    if not loose:
        add_apart(compact, counted=not slopes)
    add_together(compact)
    compact.classes = add_tiers(compact.builder, problem, pairs, compact.main, compact.presence)
    compact.reads = add_reads(compact.builder, problem, pairs, compact.main)
    cap_shares(compact)
    add_coverage(compact)
    add_moves(compact)
    add_overrides(compact)
    cap_cost(compact)
    if loose:
        add_service_cuts(compact)
    add_unbilled(compact)  # after the cap on cost, of which it is no part
    return compact


def _begun(problem: Problem, pairs: Pairs, *, is_whole: bool) -> Compact:
    """A model with nothing in it but what stays unmet."""
    count = pairs.count
    compact = Compact(
        problem=problem,
        pairs=pairs,
        builder=ModelBuilder(),
        main=np.full(count, NONE, np.int64),
        most=np.ones(count),
        units=np.full(count, NONE, np.int64),
        units_factor=np.ones(count),
        mixed=np.full(count, NONE, np.int64),
        mixed_with=np.full(count, NONE, np.int64),
        unmet=np.empty(0, np.int64),
        slack=np.full(problem.accounts.count, NONE, np.int64),
        is_whole=is_whole,
    )
    compact.unmet = compact.builder.add(np.zeros(problem.demands.count), high=1.0, integral=False)
    return compact


def _add_gangs(compact: Compact) -> None:
    """Add x_p, and k_p where the pool holds an owned supply of the same mode."""
    pairs, stock = compact.pairs, compact.problem.supply
    gangs = np.flatnonzero(pairs.family == Family.GANG)
    mixing, partner = _mixing(pairs, stock, gangs)
    fits = pairs.amount <= most_units(compact.problem)[pairs.supply] + 1e-9
    fits[mixing] = True
    compact.main[gangs] = compact.builder.add(
        pairs.compute[gangs] + pairs.extra[gangs] + pairs.move[gangs],
        high=fits[gangs].astype(np.float64),
        integral=True,
    )
    compact.units[gangs] = compact.main[gangs]
    compact.units_factor[gangs] = pairs.amount[gangs]
    _add_mixed_units(compact, mixing, partner)


def _mixing(pairs: Pairs, stock: Supply, gangs: Longs) -> tuple[Longs, Longs]:
    """int64[n] gang pairs that owned units may be mixed into, int64[n] the supplies of these."""
    owned = gangs[stock.owned[pairs.supply[gangs]]]
    owned_of = {
        (int(pairs.mode[p]), int(stock.pool[pairs.supply[p]])): int(pairs.supply[p]) for p in owned
    }
    others = gangs[~stock.owned[pairs.supply[gangs]]]
    keys = zip(pairs.mode[others].tolist(), stock.pool[pairs.supply[others]].tolist(), strict=True)
    partner = np.array([owned_of.get(key, NONE) for key in keys], np.int64).reshape(-1)
    return others[partner != NONE], partner[partner != NONE]


def _add_mixed_units(compact: Compact, mixing: Longs, partner: Longs) -> None:
    """Add k_p: (amount - most of the supply) x_p <= k_p <= most of the owned supply x_p."""
    pairs, stock = compact.pairs, compact.problem.supply
    if not len(mixing):
        return
    amount = pairs.amount[mixing]
    hours = compact.problem.demands.mode_hours[pairs.mode[mixing]]
    spent = stock.unit_cost[partner] + hours * (stock.hour_cost + stock.extra)[partner]
    saved = (pairs.compute[mixing] + pairs.extra[mixing]) / amount - spent
    each = most_units(compact.problem)
    most = np.maximum(np.minimum(amount - 1, each[partner]), 0.0)
    columns = compact.builder.add(-saved, high=most, integral=True)
    rows = compact.builder.rows(len(mixing), low=-np.inf, high=0.0)
    compact.builder.entries(rows, columns, 1.0)
    compact.builder.entries(rows, compact.main[mixing], -most)
    least = np.maximum(amount - each[pairs.supply[mixing]], 0.0)
    short = np.flatnonzero(least)
    rows = compact.builder.rows(len(short), low=0.0, high=np.inf)
    compact.builder.entries(rows, columns[short], 1.0)
    compact.builder.entries(rows, compact.main[mixing[short]], -least[short])
    compact.mixed[mixing] = columns
    compact.mixed_with[mixing] = partner


def _add_batches(compact: Compact) -> None:
    """Add y_p, and n_p with amount y_p <= hours n_p where units are counted or cost money.

    A part of the work that one unit has hours enough for takes that unit: y_p <= n_p holds, too.
    """
    pairs, problem = compact.pairs, compact.problem
    batch = np.flatnonzero(pairs.family == Family.BATCH)
    compact.main[batch] = compact.builder.add(
        pairs.compute[batch] + pairs.extra[batch] + pairs.move[batch], high=1.0, integral=False
    )
    counted = np.isfinite(most_units(problem))
    counted[problem.limits.supply] = True
    need = batch[counted[pairs.supply[batch]] | (pairs.unit_cost[batch] > 0)]
    hours = problem.demands.mode_hours[pairs.mode[need]]
    most = np.maximum(np.ceil(pairs.amount[need] / hours - 1e-9), 1.0)
    most = np.minimum(most, most_units(problem)[pairs.supply[need]])
    columns = compact.builder.add(pairs.unit_cost[need], high=most, integral=True)
    rows = compact.builder.rows(len(need), low=-np.inf, high=0.0)
    compact.builder.entries(rows, compact.main[need], np.maximum(pairs.amount[need], hours))
    compact.builder.entries(rows, columns, -hours)
    compact.units[need] = columns


def _add_services(compact: Compact, *, loose: bool) -> None:
    services, pairs = compact.problem.services, compact.pairs
    first = pairs.first_of_demand(compact.problem.demands.count)
    for service in range(services.count):
        demand = int(services.demand[service])
        rows = np.arange(first[demand], first[demand + 1])
        before = compact.builder.columns
        unmet = int(compact.unmet[demand])
        if has_sizes(compact.problem, service):
            columns = add_sized_service(
                compact.builder, compact.problem, pairs, service=service, rows=rows, unmet=unmet
            )
        else:
            columns = add_service(
                compact.builder,
                compact.problem,
                pairs,
                service=service,
                rows=rows,
                unmet=unmet,
                loose=loose,
            )
        compact.services[service] = columns
        compact.spans[service] = (before, compact.builder.columns)
        compact.main[rows] = compact.units[rows] = columns.units
        compact.most[rows] = columns.most_units
    compact.presence = Presence.of(services.demand, compact.services)


def _add_units_of_services(compact: Compact) -> None:
    """Add n_p of all services at once, and z_g of those that move data; no row is theirs."""
    problem, pairs = compact.problem, compact.pairs
    services, demands = problem.services, problem.demands
    rows = np.flatnonzero(pairs.family == Family.SERVICE)
    owner = np.repeat(services.demand, np.diff(services.load_start))
    load = np.bincount(owner, services.load, demands.count)[pairs.demand[rows]]
    most = _AMPLE * np.ceil(load / pairs.amount[rows] + 1.0)
    most = np.maximum(np.minimum(most, most_units(problem)[pairs.supply[rows]]), 1.0)
    cost = pairs.compute[rows] + pairs.extra[rows]
    columns = compact.builder.add(cost, high=most, integral=True)
    compact.main[rows] = compact.units[rows] = columns
    compact.most[rows] = most
    moving = rows[demands.data_row[pairs.demand[rows]] != NO_ROW]
    stands = problem.supply.place[pairs.supply[moving]].astype(np.int64)
    demand, place, at = distinct(pairs.demand[moving].astype(np.int64), stands)
    cost = np.zeros(len(demand))
    cost[at] = pairs.move[moving]
    present = compact.builder.add(cost, high=1.0, integral=True)
    compact.presence = Presence(column=present, demand=demand, place=place)


def _cover_demands(compact: Compact) -> None:
    """Gangs and batch: sum of shares + u_d = 1 (services: in their own rows)."""
    problem, pairs, builder = compact.problem, compact.pairs, compact.builder
    plain = np.flatnonzero(problem.demands.family != Family.SERVICE)
    row_of = np.full(problem.demands.count, NONE, np.int64)
    row_of[plain] = builder.rows(len(plain), low=1.0, high=1.0)
    builder.entries(row_of[plain], compact.unmet[plain], 1.0)
    shared = np.flatnonzero(pairs.family != Family.SERVICE)
    builder.entries(row_of[pairs.demand[shared]], compact.main[shared], 1.0)


def _cap_risky_share(compact: Compact) -> None:
    """Risky part <= risky_share of the whole (gang: units; service: load; batch: work)."""
    problem, pairs, builder = compact.problem, compact.pairs, compact.builder
    share = problem.demands.risky_share[pairs.demand]
    gangs = np.flatnonzero((pairs.family == Family.GANG) & pairs.risky & (share < 1))
    rows = builder.rows(len(gangs), low=-np.inf, high=0.0)
    builder.entries(rows, compact.main[gangs], pairs.amount[gangs] * (1 - share[gangs]))
    mixing = compact.mixed[gangs] != NONE
    builder.entries(rows[mixing], compact.mixed[gangs][mixing], -1.0)
    sized = [s.rows for s in compact.services.values() if s.stations is not None]
    others = (pairs.family != Family.GANG) & (share < 1)
    others &= compact.is_whole | (pairs.family != Family.SERVICE)
    others[np.concatenate([np.empty(0, np.int64), *sized])] = False  # see `solver.size_rows`
    others = np.flatnonzero(others)
    bound = np.unique(pairs.demand[others[pairs.risky[others]]])
    row_of = np.full(problem.demands.count, NONE, np.int64)
    row_of[bound] = builder.rows(len(bound), low=-np.inf, high=0.0)
    members = others[row_of[pairs.demand[others]] != NONE]
    weight = np.where(pairs.family[members] == Family.SERVICE, pairs.amount[members], 1.0)
    signed = weight * (pairs.risky[members] - share[members])
    builder.entries(row_of[pairs.demand[members]], compact.main[members], signed)


def _cap_supplies(compact: Compact) -> None:
    """Units held of o <= capacity[o], for finite capacities."""
    stock, builder = compact.problem.supply, compact.builder
    supply, column, factor = units_entries(compact)
    used = np.unique(supply)
    tight = used[np.isfinite(stock.capacity[used])]
    row_of = np.full(stock.count, NONE, np.int64)
    row_of[tight] = builder.rows(len(tight), low=-np.inf, high=stock.capacity[tight])
    compact.rows["capacity"] = row_of
    member = row_of[supply] != NONE
    builder.entries(row_of[supply[member]], column[member], factor[member])


def _cap_limits(compact: Compact) -> None:
    """Sum of weight x units <= high, for every limit."""
    limits, builder = compact.problem.limits, compact.builder
    supply, column, factor = units_entries(compact)
    order = np.argsort(supply, kind="stable")
    supply, column, factor = supply[order], column[order], factor[order]
    rows = builder.rows(limits.count, low=-np.inf, high=limits.high)
    compact.rows["limit"] = rows
    row = np.repeat(rows, np.diff(limits.start))
    first = np.searchsorted(supply, limits.supply, side="left")
    size = np.searchsorted(supply, limits.supply, side="right") - first
    where = ranges(first, size)
    builder.entries(
        np.repeat(row, size), column[where], factor[where] * np.repeat(limits.weight, size)
    )


def _add_accounts(compact: Compact) -> None:
    """Low <= sum of factor x measure + slack, and sum of factor x measure <= high."""
    accounts, builder = compact.problem.accounts, compact.builder
    low_row, high_row = np.full((2, accounts.count), NONE, np.int64)
    compact.rows |= {"low": low_row, "high": high_row}
    for account in range(accounts.count):
        supply, column, value = measured(compact, Measure(accounts.measure[account]))
        signed = accounts.factor[account][supply] * value
        if np.isfinite(accounts.low[account]):
            row = builder.rows(1, low=accounts.low[account], high=np.inf)
            low_row[account] = row[0]
            builder.entries(row[0], column, signed)
            if np.isfinite(accounts.slack_cost[account]):
                slack = builder.add(
                    accounts.slack_cost[account : account + 1], high=np.inf, integral=False
                )
                builder.entries(row[0], int(slack[0]), 1.0)
                compact.slack[account] = slack[0]
        if np.isfinite(accounts.high[account]):
            row = builder.rows(1, low=-np.inf, high=accounts.high[account])
            high_row[account] = row[0]
            builder.entries(row[0], column, signed)
