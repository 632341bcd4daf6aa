"""The columns of the compact model: where they stand, and what they add up to by supply."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from solver.model import ModelBuilder
from solver.pairs import Pairs
from solver.presence import Presence
from solver.problem import Family, Floats, Measure, Problem, Supply
from solver.read_rows import ReadColumns
from solver.service_rows import ServiceColumns
from solver.tier_rows import ClassColumns

Longs = NDArray[np.int64]
NONE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRows:
    """Where a cap on shares stands: a row per scope (int64[S]), column and row of the whole."""

    scopes: Longs
    rows: Longs
    total: int
    whole: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutRows:
    """Rows (int64[n]) that tighten the relaxation of a service, and what they say it needs."""

    service: int
    rows: Longs
    need: Floats
    slack: Floats


@dataclass(slots=True)
class Compact:
    """The growing compact model and where its columns stand.

    Attributes:
        problem, pairs: what it is built from.
        builder: the model so far; its costs are the cost of the plan.
        main: int64[P], column of x_p, n_p (service) or y_p (batch).
        most: float64[P], its largest value.
        units: int64[P], column that counts units held by the pair (`NONE`: nothing counts
            them); units held = units_factor x column - mixed column.
        units_factor: float64[P].
        mixed: int64[P], gang: column k_p; `NONE` where no owned supply can be mixed in.
        mixed_with: int64[P], supply the mixed units stand on.
        unmet: int64[D], column of u_d.
        slack: int64[A], column of an account's slack.
        services: row of `Services` -> its columns.
        presence: where services have columns that say where they have a unit.
        spans: row of `Services` -> (first, last + 1) of every column added for it alone.
        moved: int64[R], columns of `Problem.stay`.
        switches: int64[.], columns of `Problem.apart`: which group has a scope.
        overrides: int64[R], columns of `Problem.refusals`, in units of `override_scale`.
        override_scale: what one unit of these columns is worth.
        rows: "capacity" (int64[O]), "limit" (int64[R]), "low" and "high" (of accounts,
            int64[A]), "coverage" (int64[H]) -> the row; `NONE` where there is none; "cost" and
            "moves" (int64[1]) where the plan's cost or moves have a limit.
        cost_scale: what the row "cost" multiplies costs with.
        share_caps: one for each of `Problem.shares`.
        cuts: of services, where the model is for bounds.
        classes: columns of `Problem.tiers`.
        reads: columns of `Problem.reads`.
        is_whole: False where single services have no columns but those that others share rows
            with: plans can be judged by what demands share, and none can be found.
    """

    problem: Problem
    pairs: Pairs
    builder: ModelBuilder
    main: Longs
    most: Floats
    units: Longs
    units_factor: Floats
    mixed: Longs
    mixed_with: Longs
    unmet: Longs
    slack: Longs
    services: dict[int, ServiceColumns] = field(default_factory=dict)
    presence: Presence = field(default_factory=lambda: Presence.of(np.empty(0, np.int32), {}))
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    moved: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    switches: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    overrides: Longs = field(default_factory=lambda: np.empty(0, np.int64))
    override_scale: float = 1.0
    cost_scale: float = 1.0
    rows: dict[str, Longs] = field(default_factory=dict)
    share_caps: list[ShareRows] = field(default_factory=list)
    cuts: list[CutRows] = field(default_factory=list)
    classes: list[ClassColumns] = field(default_factory=list)
    reads: list[ReadColumns] = field(default_factory=list)
    is_whole: bool = True


def owners(compact: Compact) -> Longs:
    """Return int64[N], the demand that each column is of; `NONE`: it links several."""
    owner = np.full(compact.builder.columns, NONE, np.int64)
    demand = compact.pairs.demand.astype(np.int64)
    for columns in (compact.main, compact.units, compact.mixed):
        known = columns != NONE
        owner[columns[known]] = demand[known]
    owner[compact.unmet] = np.arange(len(compact.unmet))
    for service, (first, end) in compact.spans.items():
        owner[first:end] = int(compact.problem.services.demand[service])
    owner[compact.presence.column] = compact.presence.demand
    if compact.problem.stay is not None:
        owner[compact.moved] = compact.problem.stay.demand
    return owner


def ties(compact: Compact) -> tuple[Longs, Longs]:
    """Return int64[n] twice: columns of reads, and demands, both ends of each."""
    reads = compact.problem.reads
    if reads is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    each = [np.concatenate([one.stay, one.move]) for one in compact.reads]
    column = np.concatenate([np.empty(0, np.int64), *each])
    edge = np.repeat(np.arange(len(each)), [len(one) for one in each])
    ends = np.concatenate([reads.reader[edge], reads.source[edge]])
    return np.concatenate([column, column]), ends.astype(np.int64)


def units_entries(compact: Compact) -> tuple[Longs, Longs, Floats]:
    """Return (supply, column, factor) triples whose sum is the units held of each supply."""
    pairs = compact.pairs
    counted = np.flatnonzero(compact.units != NONE)
    mixing = np.flatnonzero(compact.mixed != NONE)
    supply: list[Longs] = [
        pairs.supply[counted].astype(np.int64),
        pairs.supply[mixing].astype(np.int64),
        compact.mixed_with[mixing],
    ]
    column = [compact.units[counted], compact.mixed[mixing], compact.mixed[mixing]]
    factor = [compact.units_factor[counted], np.full(len(mixing), -1.0), np.ones(len(mixing))]
    return np.concatenate(supply), np.concatenate(column), np.concatenate(factor)


def measured(compact: Compact, measure: Measure) -> tuple[Longs, Longs, Floats]:
    """Return (supply, column, amount) triples whose sum over a supply is its measure."""
    problem, pairs = compact.problem, compact.pairs
    stock, demands = problem.supply, problem.demands
    spoilage = demands.spoilage[demands.spoilage_row[pairs.demand], stock.risk[pairs.supply]]
    is_gang, is_batch = pairs.family == Family.GANG, pairs.family == Family.BATCH
    hours = demands.mode_hours[pairs.mode] * np.where(is_gang, spoilage, 1.0)
    hours = np.where(is_batch, pairs.amount, hours * np.where(is_gang, pairs.amount, 1.0))
    with_cost = measure in {Measure.COST, Measure.VALUE}
    amount = hours * _per_hour(stock, measure)[pairs.supply] + with_cost * pairs.compute
    supply: list[Longs] = [pairs.supply.astype(np.int64)]
    column, value = [compact.main], [amount]
    if with_cost:
        held = np.flatnonzero((compact.units != NONE) & (pairs.unit_cost > 0))
        supply.append(pairs.supply[held].astype(np.int64))
        column.append(compact.units[held])
        value.append(pairs.unit_cost[held])
    mixing = np.flatnonzero(compact.mixed != NONE)
    partner = compact.mixed_with[mixing]
    supply += [pairs.supply[mixing].astype(np.int64), partner]
    column += [compact.mixed[mixing]] * 2
    value += [-amount[mixing] / pairs.amount[mixing], _of_partner(compact, mixing, measure)]
    return np.concatenate(supply), np.concatenate(column), np.concatenate(value)


def _per_hour(stock: Supply, measure: Measure) -> Floats:
    """float64[O]: what one used hour adds to a measure beside its cost."""
    if measure is Measure.VALUE:
        return stock.hour_value
    if measure is Measure.SIZE:
        return stock.size
    return np.full(stock.count, float(measure is Measure.HOURS))


def _of_partner(compact: Compact, mixing: Longs, measure: Measure) -> Floats:
    """Measure of one mixed unit on the owned supply it stands on."""
    stock, partner = compact.problem.supply, compact.mixed_with[mixing]
    hours = compact.problem.demands.mode_hours[compact.pairs.mode[mixing]]
    amount = hours * _per_hour(stock, measure)[partner]
    if measure in {Measure.COST, Measure.VALUE}:
        amount = amount + stock.unit_cost[partner] + hours * stock.hour_cost[partner]
    return np.asarray(amount, np.float64)
