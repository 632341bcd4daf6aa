"""What a bound gains where scarce supplies are shared out in whole units.

A price sells every unit of a supply to everybody for the same, and half a unit to each of two who
want one. Let F be some supplies, C_s their units and w_s their prices, least_k what block k costs
at all prices, and v_k(n) what it costs where those of F are free and it holds at most n_s of each.
Plans hold no more than C_s, so what they cost is at least the rest of the bound and the least sum
of v_k(n_k) over whole n_k >= 0 with sum_k n_ks <= C_s. With what n units save a block,

    a_k(n) = least_k - v_k(n),    the bound gains sum_s w_s C_s - most of sum_k a_k(n_k)

Three things are known of a_k before anybody is asked: at prices v_k(n) >= least_k - sum_s w_s n_s,
so a_k(n) <= sum_s w_s n_s; fewer units save no more; and where only some supplies G of F are free,
units of the others are paid for: a_k(n) <= (a_k of G alone)(n of G) + sum over the others w_s n_s.
So sharing out more supplies together begins with what is known of fewer. Each block is asked for
a_k(C), then for what it gets in the best way to share out so far (`solver.sharing`), until nothing
in that is a guess. Some supplies together tell what each does not: a gang may have all units of
the one or of the other, and who wants either gets what is left. So what blocks want more of than
the plan gives them, where some supplies are shared out, is shared out next, together with those.

Units are whole for all who hold them: services and batches hold whole machines, and where a gang
may take parts nothing is shared out.

Two blocks may be known to cost more together (`solver.apart_bounds`). Where one of them may use F,
what both cost is as above with what they gain added to its least, and to its a; where none may, to
either. Where both may, it is not known how they share F, and the gain does not count.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from solver.apart_bounds import Gain
from solver.blocks import Longs
from solver.held_costs import HeldCosts
from solver.prices import Prices
from solver.problem import Family, Floats, Problem
from solver.sharing import Sharing
from solver.solution import Allocation

#: Supplies of more units are not shared out, nor those that more blocks could use, or more blocks
#: that have models: each is asked what units are worth to it.
_MOST_UNITS = 64
_MOST_USERS = 150
_MOST_MODELS = 24
#: Of more demands, supplies are wanted by too many, and one of them matters little.
_MOST_DEMANDS = 1_000
#: So many supplies are tried.
_TRIED = 8
#: What gains no more than such a part of what is missing brings nothing; a block whose bound stays
#: farther than that below the best way found of it is not asked again.
_LITTLE = 0.02
#: Those shared out together may be held in so many ways, at most.
_MOST_STATES = 4_000
#: Supplies about which plan and bound differ by no more than such a part of it are not tried.
_MATTERS = 0.02
#: Who is asked so often what units are worth, while some supplies are shared out; what is known by
#: then counts.
_ASKED = 300
#: Part of a block's cost by which roundings may have raised a bound of it.
_ROUNDING = 1e-7


class UnitBounds:
    """Shares out supplies of a problem at prices."""

    def __init__(
        self,
        costs: HeldCosts,
        least: Floats,
        plan: Allocation,
        check: Callable[[], None],
    ) -> None:
        """Know who may hold what.

        Args:
            costs: of blocks that hold some units.
            least: float64[D], what each block costs at the prices, by its first demand.
            plan: the plan so far.
            check: called between blocks; may raise to end it.
        """
        self._costs = costs
        self._problem, self._price = costs.stock.problem, costs.stock.prices.capacity
        self._least, self._plan, self._check = least.copy(), plan, check
        self._shared: dict[tuple[int, ...], _Shared] = {}
        self._barred: set[int] = set()
        self._little = np.inf

    def raised(self, supplies: Sequence[int], enough: float, gains: Sequence[Gain] = ()) -> float:
        """Return what the bound gains; asked once.

        Args:
            supplies: most promising first; of these, others than a few are not looked at.
            enough: what does.
            gains: of pairs of blocks, no block in two; part of what is returned.

        Raises:
            SolverError: the engine failed on a block.
        """
        self._little = _LITTLE * enough
        suited = list(islice(self._suited(supplies), _TRIED))
        counted = self._counted(gains, suited)
        chosen: tuple[int, ...] = ()
        best, tried = 0.0, set[int]()
        while counted + best < enough and len(tried) < _TRIED:
            wanted = list(self._wanted(chosen))
            one = self._joining(chosen, [*wanted, *suited], tried)
            if one is None:
                break
            tried.add(one)
            more = tuple(sorted((*chosen, one)))
            gain = self._gain(more)
            # What is wanted brings something with what is wanted next, if not by itself.
            if one in wanted or gain > best + self._little:
                chosen = more
            best = max(best, gain)
        return counted + best

    def _joining(
        self, chosen: tuple[int, ...], supplies: Sequence[int], tried: set[int]
    ) -> int | None:
        """The first supply not tried so far that can be shared out together with those chosen."""
        for one in supplies:
            if one not in tried and self._states((*chosen, one)) <= _MOST_STATES:
                return one
        return None

    def _states(self, supplies: Sequence[int]) -> int:
        """In how many ways somebody can hold units of some supplies."""
        return math.prod(units + 1 for units in self._units(supplies))

    def _units(self, supplies: Sequence[int]) -> tuple[int, ...]:
        return tuple(map(int, self._problem.supply.capacity[list(supplies)]))

    def _wanted(self, chosen: tuple[int, ...]) -> Iterator[int]:
        """What blocks would have more of than in the plan, if the chosen supplies were shared out.

        Those with models, who are known to stand somewhere then; most valuable first.
        """
        if not chosen:
            return
        users, share = self._shared[chosen].users, self._shared[chosen].share
        more = np.zeros(self._problem.supply.count)
        for block, units in zip(users, share.tolist(), strict=True):
            way = self._costs.ways.get((block, self._costs.own(block, chosen, units)))
            if way is not None:
                np.add.at(more, way.allocation.supply, way.allocation.units)
                held = np.isin(self._plan.demand, way.demands)
                np.subtract.at(more, self._plan.supply[held], self._plan.units[held])
        value = self._price * more
        order = np.argsort(-value, kind="stable")
        yield from self._suited([int(one) for one in order if value[one] > self._little])

    def _suited(self, supplies: Sequence[int]) -> Iterator[int]:
        """Those that can be shared out."""
        demands, capacity = self._problem.demands, self._problem.supply.capacity
        is_gang = np.repeat(demands.family == Family.GANG, np.diff(demands.mode_start))
        amount = demands.mode_amount[is_gang]
        if (amount != np.rint(amount)).any() or demands.count > _MOST_DEMANDS:
            return  # units would not be whole, or it takes too long
        for one in supplies:
            is_whole = 0 < capacity[one] <= _MOST_UNITS and capacity[one] == np.rint(capacity[one])
            if not is_whole or self._price[one] <= 0:
                continue
            users = self._costs.users_of(one)
            few = len(users) <= _MOST_USERS and self._costs.models_of(one) <= _MOST_MODELS
            if few and self._barred.isdisjoint(users):
                yield one

    def _counted(self, gains: Sequence[Gain], supplies: Sequence[int]) -> float:
        """Add what pairs gain to what one member costs, where the other may use no `supplies`.

        What that other one may use is not shared out later on either.
        """
        users = set[int]().union(*(self._costs.users_of(one) for one in supplies))
        counted = 0.0
        for pair in gains:
            mine = [one for one in pair.members if one in users]
            if len(mine) <= 1:
                keeper = (mine or list(pair.members))[0]
                self._least[keeper] += pair.gain
                self._barred.update(set(pair.members) - {keeper})
                counted += pair.gain
        return counted

    def _gain(self, supplies: tuple[int, ...]) -> float:
        """What sharing out some supplies brings."""
        users = sorted(set[int]().union(*(self._costs.users_of(one) for one in supplies)))
        sharing, units = self._begun(supplies, users), self._units(supplies)
        asked = [(row, units) for row in range(len(users))]
        known, most = set(asked), _ASKED + len(asked)
        while True:
            self._check()
            self._costs.learn(
                [(users[row], self._costs.own(users[row], supplies, held)) for row, held in asked],
                self._little,
                self._check,
            )
            for row, held in asked:
                self._check()
                sharing.learn(row, held, self._saved_by(users[row], supplies, held))
            total, share = sharing.most()
            asked = [
                (row, self._at_most(users[row], supplies, held))
                for row, held in enumerate(share.tolist())
                if sharing.wants(row)
            ]
            asked = [one for one in asked if one not in known]
            known.update(asked)
            if not asked or len(known) > most:
                break
        self._shared[supplies] = _Shared(users, sharing.worth, share)
        return max(float(self._price[list(supplies)] @ units) - total, 0.0)

    def _at_most(
        self, block: int, supplies: Sequence[int], held: Sequence[int]
    ) -> tuple[int, ...]:
        """What a block holds, and all units of what it may not use: those make no difference."""
        every = zip(supplies, held, self._units(supplies), strict=True)
        return tuple(
            units if block in self._costs.users_of(one) else most for one, units, most in every
        )

    def _begun(self, supplies: tuple[int, ...], users: Sequence[int]) -> Sharing:
        """What is known of sharing out some supplies: prices, and sharings of fewer of them."""
        worth = np.zeros((len(users), *(units + 1 for units in self._units(supplies))))
        for row, block in enumerate(users):
            worth[row] = self._paid(supplies, block, ())
        for fewer, known in self._shared.items():
            if not set(fewer) <= set(supplies):
                continue
            inside = tuple(slice(None) if one in fewer else None for one in supplies)
            for row, block in enumerate(users):
                if block in known.users:
                    least = known.worth[known.users.index(block)][inside]
                    rest = self._paid(supplies, block, fewer)
                    worth[row] = np.minimum(worth[row], least + rest)
        return Sharing(worth)

    def _paid(self, supplies: Sequence[int], block: int, free: Sequence[int]) -> Floats:
        """float64[C_1 + 1, ...]: the price of units a block may use, but for what is `free`."""
        price = [
            0.0 if one in free or block not in self._costs.users_of(one) else self._price[one]
            for one in supplies
        ]
        states = np.indices(tuple(units + 1 for units in self._units(supplies)))
        return np.asarray(np.tensordot(price, states, axes=1), np.float64)

    def _saved_by(self, block: int, supplies: Sequence[int], held: Sequence[int]) -> float:
        """a_k: what a block saves by at most so many units of each supply, for nothing."""
        least = float(self._least[block])
        cost = self._costs.cost(block, self._costs.own(block, supplies, held), self._little)
        return least - cost + _ROUNDING * max(1.0, abs(least))


@dataclass(frozen=True, slots=True)
class _Shared:
    """Some supplies shared out: who may use them, what is known of them, who gets how many."""

    users: list[int]
    worth: Floats
    share: Longs


def contested(
    problem: Problem,
    prices: Prices,
    regret: Floats,
    holds: tuple[Longs, Longs],
    idle: Floats,
    enough: float,
) -> list[int]:
    """Return supplies with a price, those first about which a plan and a bound differ most.

    Args:
        problem: what is asked.
        prices: of the bound.
        regret: float64[D], what a plan's blocks cost at the prices beyond what they must, by
            first demand.
        holds: int64[n] blocks and int64[n] supplies, who holds or wants what.
        idle: float64[O], the price of what a plan leaves of each supply.
        enough: how much better a bound does; supplies that hardly matter for it are left out.
    """
    block, supply = np.unique(np.stack(holds, axis=1), axis=0).T
    scarce = prices.capacity > 0
    ends = np.where(scarce, prices.capacity * np.where(scarce, problem.supply.capacity, 0.0), 0.0)
    value = np.where(scarce, idle, 0.0)
    np.add.at(value, supply, np.minimum(regret[block], ends[supply]))
    order = np.argsort(-value, kind="stable")
    return [int(one) for one in order if value[one] > _MATTERS * enough]
