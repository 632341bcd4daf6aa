"""Whom to move so that one demand gets what suits it: holders that lose least by leaving.

What a demand wants is taken; that others are there is seldom dear for all of them. Each holder of
what is wanted is asked what it would lose by standing elsewhere, alone, on what is left. Those
that lose least for what they free go along into a neighbourhood, if all they lose is less than
what the demand gains. The estimate only chooses: the neighbourhood is solved as a model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from solver.compact_columns import NONE, Compact, Longs
from solver.neighbourhood import Incumbent
from solver.problem import Bools, Family, Floats
from solver.solution import Allocation

#: Supplies that a gang or batch may want, and holders at most that go along, of services at most.
_WANTED = 8
_HOLDERS = 24
_SERVICES = 3
#: What a service is taken to lose by leaving a supply, as a part of what it costs.
_SERVICE_LOSS = 0.02
#: Holders beyond those that free enough: an estimate may be wrong.
_MORE = 2
_ROUNDING = 1e-9


class Room:
    """Looks for room in one plan at the prices of a bound."""

    def __init__(
        self,
        incumbent: Incumbent,
        compact: Compact,
        charged: Floats,
        ways: Mapping[int, Allocation],
    ) -> None:
        """Look at a plan.

        Args:
            incumbent: the plan, as it changes.
            compact: where its columns stand.
            charged: float64[N], cost of each column at the prices.
            ways: what services would take at the prices, by demand.
        """
        self._incumbent = incumbent
        self._compact = compact
        self._charged = charged
        self._ways = ways
        pairs = compact.pairs
        self._cost, self._units = _whole(compact, charged)
        self._of_demand = np.searchsorted(
            pairs.demand, np.arange(compact.problem.demands.count + 1)
        )
        self._order = np.argsort(pairs.supply, kind="stable")
        count = compact.problem.supply.count
        self._of_supply = np.searchsorted(pairs.supply[self._order], np.arange(count + 1))
        self._row = compact.rows["capacity"]

    def company(self, demand: int, costs_now: Floats) -> Longs | None:
        """Return int64[.], a demand and who makes room for it; None: it is not worth a try.

        Args:
            demand: who wants something else.
            costs_now: float64[D], what each costs in the plan at the prices, unmet at its worth.
        """
        left = self._left()
        best: tuple[float, list[int]] = (_ROUNDING * max(1.0, abs(costs_now[demand])), [])
        for cost, wanted in self.wishes(demand, costs_now[demand]):
            found = self._freed(demand, wanted, costs_now, left)
            if found is not None and costs_now[demand] - cost - found[0] > best[0]:
                best = (costs_now[demand] - cost - found[0], [demand, *found[1]])
        return np.array(best[1], np.int64) if best[1] else None

    def wishes(self, demand: int, now: float) -> list[tuple[float, dict[int, float]]]:
        """Return what would suit a demand better: its cost, and the units it takes of supplies.

        Args:
            demand: by its number.
            now: what it costs in the plan at the prices.
        """
        compact = self._compact
        if compact.problem.demands.family[demand] == Family.SERVICE:
            way = self._ways.get(demand)
            if way is None:
                return []
            units = {
                int(one): float(count) for one, count in zip(way.supply, way.units, strict=True)
            }
            return [(self._cost_of_way(demand, units), units)]
        own = np.arange(self._of_demand[demand], self._of_demand[demand + 1])
        stock = compact.problem.supply
        fits = self._units[own] <= stock.capacity[compact.pairs.supply[own]] + _ROUNDING
        own = own[fits & (self._cost[own] < now)]
        own = own[np.argsort(self._cost[own], kind="stable")[:_WANTED]]
        return [
            (float(self._cost[one]), {int(compact.pairs.supply[one]): float(self._units[one])})
            for one in own
        ]

    def _cost_of_way(self, demand: int, units: Mapping[int, float]) -> float:
        """What a service's units cost at the prices."""
        own = np.arange(self._of_demand[demand], self._of_demand[demand + 1])
        supply = self._compact.pairs.supply[own]
        known = own[np.isin(supply, list(units))]
        each = self._charged[self._compact.main[known]]
        count = [units[int(one)] for one in self._compact.pairs.supply[known]]
        return float(each @ np.array(count)) if len(known) else np.inf

    def _freed(
        self, demand: int, wanted: Mapping[int, float], costs_now: Floats, left: Floats
    ) -> tuple[float, list[int]] | None:
        """What holders lose that free what is wanted, and who they are; None: too few can."""
        loss, company = 0.0, []
        for supply, units in wanted.items():
            need = units - left[supply] - self._held(demand, supply)
            if need <= _ROUNDING:
                continue
            holders, freed = self._holders(supply, demand)
            if not len(holders):
                return None
            lost = self._losses(holders, supply, costs_now, left)
            order = np.argsort(lost / freed, kind="stable")
            order = self._few_services(order, holders)
            enough = int(np.searchsorted(np.cumsum(freed[order]), need - _ROUNDING)) + 1
            if enough > len(order) or not np.isfinite(lost[order[:enough]]).all():
                return None
            loss += float(lost[order[:enough]].sum())
            company += holders[order[: enough + _MORE]].tolist()
        if len(set(company)) > _HOLDERS:
            return None
        return loss, sorted(set(company))

    def _few_services(self, order: Longs, holders: Longs) -> Longs:
        serves = self._compact.problem.demands.family[holders[order]] == Family.SERVICE
        return np.asarray(order[~serves | (np.cumsum(serves) <= _SERVICES)], np.int64)

    def _holders(self, supply: int, but: int) -> tuple[Longs, Floats]:
        """Demands that hold a supply, `but` one, and how many units each."""
        compact, x = self._compact, self._incumbent.x
        rows = self._order[self._of_supply[supply] : self._of_supply[supply + 1]]
        rows = rows[(compact.units[rows] != NONE) & (compact.pairs.demand[rows] != but)]
        units = compact.units_factor[rows] * x[compact.units[rows]]
        held = units > _ROUNDING
        demand, at = np.unique(compact.pairs.demand[rows[held]], return_inverse=True)
        freed = np.bincount(at, weights=units[held], minlength=len(demand))
        return demand.astype(np.int64), freed.astype(np.float64)

    def _held(self, demand: int, supply: int) -> float:
        compact, x = self._compact, self._incumbent.x
        own = np.arange(self._of_demand[demand], self._of_demand[demand + 1])
        own = own[(compact.pairs.supply[own] == supply) & (compact.units[own] != NONE)]
        return float(compact.units_factor[own] @ x[compact.units[own]])

    def _losses(self, holders: Longs, supply: int, costs_now: Floats, left: Floats) -> Floats:
        """float64[n], what each holder loses by standing elsewhere on what is left."""
        compact = self._compact
        first, size = self._of_demand[holders], np.diff(self._of_demand)[holders]
        ends = np.cumsum(size)
        rows = np.repeat(first - (ends - size), size) + np.arange(int(ends[-1]))
        other = compact.pairs.supply[rows]
        fits = (other != supply) & (self._units[rows] <= left[other] + _ROUNDING)
        cost = np.where(fits, self._cost[rows], np.inf)
        least = np.minimum.reduceat(cost, ends - size)
        serves = compact.problem.demands.family[holders] == Family.SERVICE
        now = costs_now[holders]
        return np.where(serves, _SERVICE_LOSS * now, np.maximum(least - now, 0.0))

    def _left(self) -> Floats:
        """float64[O], units that nobody holds."""
        incumbent, left = self._incumbent, self._compact.problem.supply.capacity.copy()
        known = np.flatnonzero(self._row != NONE)
        row = self._row[known]
        left[known] = incumbent.model.row_high[row] - incumbent.activity[row]
        return left


def _whole(compact: Compact, charged: Floats) -> tuple[Floats, Floats]:
    """float64[P] twice: what all of a gang or batch costs at each pair, and the units it takes."""
    pairs, hours = compact.pairs, compact.problem.demands.mode_hours
    works = pairs.family == Family.BATCH
    units = np.where(works, np.ceil(pairs.amount / hours[pairs.mode] - _ROUNDING), pairs.amount)
    cost = charged[compact.main].copy()
    counted: Bools = works & (compact.units != NONE)
    cost[counted] += units[counted] * charged[compact.units[counted]]
    cost[pairs.family == Family.SERVICE] = np.inf
    return cost, units
