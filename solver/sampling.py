"""Prices from a sample of very many demands, each of which stands in for others like it.

The relaxation over all demands is a linear model that grows with them; the prices of what they
share hardly depend on any one of them. Blocks are drawn with chances in proportion to what they
cost, each then counts for as many as one over its chance (M. H. Hansen, W. N. Hurwitz, "On the
theory of sampling from finite populations", Ann. Math. Statist. 14, 1943): dear ones come in once,
cheap ones stand in for many. Drawing is systematic, along blocks sorted by family and cost, so the
same problem gives the same sample. Nothing is proven: any prices make a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from solver.blocks import Blocks
from solver.compact_columns import NONE, Compact, Longs, owners
from solver.model import Model
from solver.pairs import Pairs
from solver.problem import Bools, Family, Floats, Problem
from solver.service_pairs import unit_costs
from solver.slices import Slice, slice_demands

#: Above so many demands, the first prices come from samples.
MANY = 4_000
#: What is added to the cost of a block, as a part of the mean: no block stands in for too many.
_LEAST = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some demands as a problem of their own, and what each counts for.

    Attributes:
        part: the demands.
        block: int64[d], equal for demands of one block.
        weight: float64[d], >= 1; equal within a block.
    """

    part: Slice
    block: Longs
    weight: Floats


def stakes_of(problem: Problem, pairs: Pairs, *, dearest: bool = False) -> Floats:
    """Return float64[D]: about what each demand costs at the cheapest of `pairs`; 0: no pair.

    `dearest`: at the dearest of them. What is owned may cost nothing, and not be there for all.
    """
    demands, services = problem.demands, problem.services
    load = np.zeros(demands.count)
    of_load = np.repeat(services.demand, np.diff(services.load_start))
    np.add.at(load, of_load, services.load)
    asked = load[pairs.demand]
    cost = unit_costs(pairs) + pairs.move
    serves, works = pairs.family == Family.SERVICE, pairs.family == Family.BATCH
    cost[serves] *= asked[serves] / np.minimum(pairs.amount, asked)[serves]
    held = pairs.amount[works] / demands.mode_hours[pairs.mode[works]]
    cost[works] += held * pairs.unit_cost[works]
    stake = np.full(demands.count, -np.inf if dearest else np.inf)
    (np.maximum if dearest else np.minimum).at(stake, pairs.demand, cost)
    return np.where(np.isfinite(stake), np.maximum(stake, 0.0), 0.0)


def sample(problem: Problem, blocks: Blocks, stake: Floats, *, size: int, offset: float) -> Sample:
    """Draw about `size` blocks of `problem`.

    Args:
        problem: what is asked.
        blocks: its blocks.
        stake: float64[D], what demands cost.
        size: blocks to draw, about.
        offset: in [0, 1), where in its step the first draw falls; another one, another sample.
    """
    number = np.full(problem.demands.count, NONE, np.int64)
    single = np.concatenate([blocks.plain, blocks.lone]).astype(np.int64)
    number[single] = np.arange(len(single))
    for one, block in enumerate(blocks.models):
        number[block] = len(single) + one
    count = len(single) + len(blocks.models)
    value = np.bincount(number, weights=stake, minlength=count).astype(np.float64)
    chance = _chances(value + _LEAST * max(float(value.mean()), 1e-9), size)
    family = np.zeros(count, np.int64)
    family[number] = problem.demands.family
    order = np.lexsort((value, family))
    total = np.cumsum(chance[order])
    drawn = np.zeros(count, np.bool_)
    drawn[order] = np.floor(total + offset) > np.floor(total - chance[order] + offset)
    drawn |= chance >= 1
    chosen = np.flatnonzero(drawn[number])
    return Sample(
        part=slice_demands(problem, chosen),
        block=number[chosen],
        weight=1.0 / chance[number[chosen]],
    )


def _chances(value: Floats, size: int) -> Floats:
    """float64[n]: in proportion to `value` > 0, at most 1, `size` in all or all that there are."""
    sure = np.zeros(len(value), np.bool_)
    while True:
        left = max(size - int(sure.sum()), 0)
        rest = float(value[~sure].sum())
        chance = np.where(sure, 1.0, value * (left / rest if rest > 0 else 0.0))
        more = ~sure & (chance >= 1)
        if not more.any():
            return np.maximum(chance, 1e-12)
        sure |= more


def weighed(drawn: Sample, compact: Compact, model: Model) -> Model:
    """Return `model` with what each demand costs and takes of shared rows times its weight."""
    owner = owners(compact)
    weight = np.where(owner == NONE, 1.0, drawn.weight[owner])
    block = np.where(owner == NONE, NONE, drawn.block[owner])
    shared = _shared(compact, model, block)
    value = np.where(shared[model.row], model.value * weight[model.column], model.value)
    return replace(model, cost=model.cost * weight, value=value)


def _shared(compact: Compact, model: Model, block: Longs) -> Bools:
    """bool[K]: rows over the plan; the others are of one block each."""
    least = np.full(len(model.row_low), np.iinfo(np.int64).max)
    most = np.full(len(model.row_low), NONE, np.int64)
    np.minimum.at(least, model.row, block[model.column])
    np.maximum.at(most, model.row, block[model.column])
    shared = (least != most) | (least == NONE)
    for rows in compact.rows.values():
        shared[rows[rows != NONE]] = True
    return np.asarray(shared, np.bool_)
