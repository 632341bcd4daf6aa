"""Rows of the compact model: who may share a zone, a place or an owner, and who has to.

A demand occupies a scope as far as its columns there reach their largest values: gangs and batch
by the sum of their shares (at most 1 in all), services pair by pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from solver.compact_columns import NONE, Compact, Longs
from solver.exclusive_rows import counted_whole, exclusive_gangs
from solver.grouped import distinct
from solver.problem import Apart, Bools, Family, Level
from solver.scopes import scope_of, scopes_touched


def add_apart(compact: Compact, *, counted: bool = True) -> None:
    """A scope's units belong to one group: occupied <= a_{scope,group}, sum_group a <= 1.

    Only scopes that two groups can reach are contested and have columns. Where capacities keep
    everybody else from the scope of a gang that is alone, no row has to say so of each of them.

    Args:
        compact: gets the rows.
        counted: capacities count such gangs (`solver.exclusive_rows`).
    """
    alone = exclusive_gangs(compact.problem) if counted else {}
    for rule in compact.problem.apart:
        pair, scope, group = [], [], []
        told = _told_by_capacity(compact, rule, alone)
        for number, demands in enumerate(rule.groups):
            member = np.flatnonzero(np.isin(compact.pairs.demand, demands))
            if number == told.group:
                member = member[~told.supply[compact.pairs.supply[member]]]
            index, touched = scopes_touched(
                compact.problem, compact.pairs.supply[member], rule.level
            )
            pair.append(member[index])
            scope.append(touched)
            group.append(np.full(len(index), number, np.int64))
        if pair:
            _add_switches(
                compact, np.concatenate(pair), np.concatenate(scope), np.concatenate(group)
            )


@dataclass(frozen=True, slots=True)
class _Told:
    """The one group of a rule, if any, that capacities keep apart, on some supplies, bool[O]."""

    group: int
    supply: Bools


def _told_by_capacity(compact: Compact, rule: Apart, alone: Mapping[int, Level]) -> _Told:
    """Where each other group of a rule is a gang that counts for all its scope holds.

    `alone`: gangs that do, with their scopes: in the row of every supply `counted_whole` names.
    """
    others = [
        number
        for number, group in enumerate(rule.groups)
        if len(group) > 1 or alone.get(group[0]) != rule.level
    ]
    row = compact.rows["capacity"]
    told = (row != NONE) & counted_whole(compact.problem, rule.level)
    return _Told(others[0] if len(others) == 1 else NONE, told)


def _add_switches(compact: Compact, pair: Longs, scope: Longs, group: Longs) -> None:
    """Add a_{scope,group} where several groups meet; equal lengths: pair, its scope, its group."""
    builder = compact.builder
    owned, _, _ = distinct(scope, group)
    names, groups_at = np.unique(owned, return_counts=True)
    contested = np.isin(scope, names[groups_at > 1])
    pair, scope, group = pair[contested], scope[contested], group[contested]
    if not len(pair):
        return
    scope_of_switch, _, at = distinct(scope, group)
    switch = builder.add(np.zeros(len(scope_of_switch)), high=1.0, integral=True)
    compact.switches = np.concatenate([compact.switches, switch])
    _occupy(compact, pair, switch[at])
    _, where = np.unique(scope_of_switch, return_inverse=True)
    rows = builder.rows(int(where.max()) + 1, low=-np.inf, high=1.0)
    builder.entries(rows[where], switch, 1.0)


def add_together(compact: Compact) -> None:
    """All units in one scope: occupied <= t_scope, sum_scope t <= 1."""
    builder = compact.builder
    for rule in compact.problem.together:
        member = np.flatnonzero(np.isin(compact.pairs.demand, rule.demands))
        scope = scope_of(compact.problem, compact.pairs.supply[member], rule.level)
        names, where = np.unique(scope, return_inverse=True)
        switch = builder.add(np.zeros(len(names)), high=1.0, integral=True)
        _occupy(compact, member, switch[where])
        one = builder.rows(1, low=-np.inf, high=1.0)
        builder.entries(int(one[0]), switch, 1.0)


def _occupy(compact: Compact, pair: Longs, switch: Longs) -> None:
    """Where a pair stands, its switch is on; gangs and batch: one row per demand and switch."""
    builder, pairs = compact.builder, compact.pairs
    whole = pairs.family[pair] != Family.SERVICE
    _, shared, at = distinct(pairs.demand[pair[whole]].astype(np.int64), switch[whole])
    rows = builder.rows(len(shared), low=-np.inf, high=0.0)
    builder.entries(rows[at], compact.main[pair[whole]], 1.0)
    builder.entries(rows, shared, -1.0)
    single = pair[~whole]
    rows = builder.rows(len(single), low=-np.inf, high=0.0)
    builder.entries(rows, compact.main[single], 1.0 / compact.most[single])
    builder.entries(rows, switch[~whole], -1.0)
