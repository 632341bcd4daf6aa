"""The one thing the optimizer is asked: demands, supply, and what couples them, as arrays.

Index letters used in shapes: O supplies, G places, W owners of places, D demands, M modes
(a demand's way to run on one kind of machine), S signatures (sets of supplies a mode may use),
P points services are asked from, V services, N loads, B sizes, R limits, A accounts, F spoilage
classes, K risks, X data rows, C classes of moves, H pools of coverage.

Nothing here forms demand x supply pairs: a mode names a machine kind and a signature, and a
supply names its kind, place and risk, so every coefficient of a pair is a product of short
arrays (see `Problem`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from solver.coverage import Coverage
from solver.preferences import Refusals, Stay
from solver.tiers import Tiers

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

NO_ROW = -1


class Family(IntEnum):
    """How a demand is served."""

    GANG = 0  # all its units at once, of one kind, in one pool; all or nothing
    SERVICE = 1  # whole units anywhere for the whole period, loads routed to them
    BATCH = 2  # unit-hours, divisible over supplies


class Level(IntEnum):
    """The scopes rules speak of, from wide to narrow."""

    OWNER = 0
    PLACE = 1
    ZONE = 2


class Measure(IntEnum):
    """What an account adds up over the units placed."""

    COST = 0  # compute cost: unit cost + hours x hour cost, spoilage included
    VALUE = 1  # the same plus hours x value of an hour
    SIZE = 2  # hours x size
    HOURS = 3  # hours used


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What can be held, one row each.

    Attributes:
        hour_cost: float64[O], cost of one unit for one used hour, >= 0.
        unit_cost: float64[O], cost of holding one unit, used or not, >= 0.
        hour_value: float64[O], worth of one used hour for `Measure.VALUE` beside what it costs;
            0 for what is paid for.
        size: float64[O], size of one unit for `Measure.SIZE`.
        capacity: float64[O], units; inf when unlimited.
        kind: int32[O], machine kind.
        place: int32[O], place.
        zone: int32[O], zone, `NO_ROW` when unknown: it then counts as every zone of its place.
        pool: int32[O], one id per (kind, zone); rows of one pool may be mixed by a gang.
        risk: int32[O], column of `Demands.spoilage` and `Demands.carry`; 0 is "never lost".
        owned: bool[O], already paid; a gang may mix it with one other row of its pool.
        hour_extra: float64[O], cost of one used hour that is no compute cost: part of the cost,
            of no measure; None: none.
    """

    hour_cost: Floats
    unit_cost: Floats
    hour_value: Floats
    size: Floats
    capacity: Floats
    kind: Ints
    place: Ints
    zone: Ints
    pool: Ints
    risk: Ints
    owned: Bools
    hour_extra: Floats | None = None

    @property
    def count(self) -> int:
        """Number of supplies O."""
        return len(self.hour_cost)

    @property
    def extra(self) -> Floats:
        """`hour_extra`, spelt out: float64[O]."""
        return np.zeros(self.count) if self.hour_extra is None else self.hour_extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What is to be served, one row each, with its modes.

    Attributes:
        family: int32[D], `Family`.
        priority: int32[D]; a higher one is served first, whatever it costs.
        weight: float64[D], what the whole demand counts for when it is not served.
        mode_start: int64[D+1]; the modes of demand d are `mode_start[d]:mode_start[d+1]`.
        mode_kind: int32[M], machine kind.
        mode_shape: int32[M], the caller's number of the shape; carried to the allocation.
        mode_signature: int32[M], row of `Problem.eligible_start`.
        mode_amount: float64[M]: gang: whole units it takes; service: load one unit carries;
            batch: unit-hours the whole work takes on a supply that is never lost.
        mode_hours: float64[M]: gang: hours every unit works; service: hours every unit is held;
            batch: hours one unit can work at most (its deadline).
        spoilage_row: int32[D], row of `spoilage` and `carry`.
        spoilage: float64[F, K], factor >= 1 on the hours of gangs and batch; inf: not admitted.
        carry: float64[F, K], factor in [0, 1] on the load a service's unit carries; 0: not
            admitted.
        risky_share: float64[D], most of the demand that may run on supplies with risk > 0.
        data_amount: float64[D], amount to move (services and gangs: whole, to every place used;
            batch: in proportion to the work done there).
        data_row: int32[D], row of `move_cost`, `NO_ROW` when nothing moves.
        move_cost: float64[X, G], cost of moving one unit of data to a place; where
            `Problem.tiers` holds: of its dearest step, inf as elsewhere when it cannot go.
        mode_size_amount: float64[M, B], load of each size that one unit of a service's mode
            carries when it carries no other; 0: it cannot. `mode_amount` is then what it
            carries of the stated mix of those it can. None: no load has a size.
    """

    family: Ints
    priority: Ints
    weight: Floats
    mode_start: NDArray[np.int64]
    mode_kind: Ints
    mode_shape: Ints
    mode_signature: Ints
    mode_amount: Floats
    mode_hours: Floats
    spoilage_row: Ints
    spoilage: Floats
    carry: Floats
    risky_share: Floats
    data_amount: Floats
    data_row: Ints
    move_cost: Floats
    mode_size_amount: Floats | None = None

    @property
    def count(self) -> int:
        """Number of demands D."""
        return len(self.family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Where the loads of services come from and how they may be routed; one row a service.

    Attributes:
        demand: int32[V], the row of `Demands`.
        load_start: int64[V+1]; the loads of service v are `load_start[v]:load_start[v+1]`.
        load_point: int32[N], point.
        load: float64[N], amount asked from there, > 0.
        distance: float64[P, G], distance from point to place.
        near: float64[V], a load routed farther than this is *far*; inf: never far.
        far_share: float64[V], far load is at most this share of the service's stated load ...
        each_point: bool[V], ... or of each load by itself.
        farthest: float64[V], nothing is routed farther; inf: no limit.
        least_places: int32[V], places with a unit when the service is placed at all (1: free).
        most_share: float64[V], no place carries more than this share of what is routed.
        survive_level: int32[V], `Level` of which any ONE may be lost; `NO_ROW`: none.
        survive_share: float64[V], share of the stated load that must then still be routable
            within `near` over what is left.
        load_size: int32[N], size of each load, column of `Demands.mode_size_amount`; all
            loads of a service have one, or none (`NO_ROW`). None: no load has a size.
    """

    demand: Ints
    load_start: NDArray[np.int64]
    load_point: Ints
    load: Floats
    distance: Floats
    near: Floats
    far_share: Floats
    each_point: Bools
    farthest: Floats
    least_places: Ints
    most_share: Floats
    survive_level: Ints
    survive_share: Floats
    load_size: Ints | None = None

    @property
    def count(self) -> int:
        """Number of services V."""
        return len(self.demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Shared limits on units held: sum over o of weight[r, o] x units[o] <= high[r].

    Attributes:
        start: int64[R+1], row pointers into `supply` and `weight`.
        supply: int32[.], supplies of a row, ascending.
        weight: float64[.], > 0.
        high: float64[R].
    """

    start: NDArray[np.int64]
    supply: Ints
    weight: Floats
    high: Floats

    @property
    def count(self) -> int:
        """Number of limits R."""
        return len(self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Linear rows over a measure: low <= sum of factor[a, o] x measure(o) (+ slack) <= high.

    Attributes:
        measure: int32[A], `Measure`.
        factor: float64[A, O].
        low: float64[A], -inf when open. A missed low may be bought by `slack_cost`.
        high: float64[A], inf when open.
        slack_cost: float64[A], cost per unit by which `low` is missed; inf: a hard row.
    """

    measure: Ints
    factor: Floats
    low: Floats
    high: Floats
    slack_cost: Floats

    @classmethod
    def none(cls, supplies: int) -> Accounts:
        """Return no accounts, of a problem of so many `supplies`."""
        open_end = np.empty(0)
        return cls(
            measure=np.empty(0, np.int32),
            factor=np.empty((0, supplies)),
            low=open_end,
            high=open_end,
            slack_cost=open_end,
        )

    @property
    def count(self) -> int:
        """Number of accounts A."""
        return len(self.measure)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareCap:
    """No scope takes more than a share of the whole plan: m(scope) <= most x m(everything).

    Attributes:
        measure: what m adds up.
        most: the share, in (0, 1).
        scope: int32[O], scope of each supply; `NO_ROW`: in none, it counts in the whole alone.
    """

    measure: Measure
    most: float
    scope: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Demands that read what other demands write; E of them, gangs and batches at both ends.

    What is written lies where it was written, in proportion to the work done there. A reader's
    share of its work takes the same share of `amount`, from no source more than lies there:

        flow[e, g, h] >= 0;   sum_g flow[e, g, h] = share of the reader at h
        sum_h flow[e, g, h] <= share of the source at g
        cost = amount[e] x cost[class(g), class(h)] x flow[e, g, h];   0 where g = h

    Attributes:
        reader, source: int32[E], demands.
        amount: float64[E].
        class_of_place: int32[G]: places of one class cost alike.
        cost: float64[N, N], of one unit from a place to another one, by class; inf: impossible.
    """

    reader: Ints
    source: Ints
    amount: Floats
    class_of_place: Ints
    cost: Floats

    @property
    def count(self) -> int:
        """Number of reads E."""
        return len(self.reader)


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """No scope of `level` may hold units of demands of two different `groups`."""

    level: Level
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """All units of `demands` stand in one scope of `level`."""

    level: Level
    demands: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Demands, supply and rules; costs and bounds are in one unit of cost.

    The pair (mode m of demand d, supply o) exists when `o` is in the signature of `m`,
    `kind[o] == mode_kind[m]`, its spoilage is finite (service: carry > 0), and the spoilt hours
    fit: gang `hours[m] x spoilage <= period`; batch: any, capacity-hours limit it. Then, with
    s = spoilage[spoilage_row[d], risk[o]] and c = carry[...], hours = mode_hours[m]:

    * gang: amount units; cost amount x (unit_cost + hours x s x hour_cost) + data x move_cost.
      (Wherever hours cost `hour_cost`, they cost `hour_extra` too, which no measure counts.)
    * service: a unit carries amount x c and costs unit_cost + hours x hour_cost; each place
      with a unit costs data x move_cost once. Where loads have sizes b, what units of a mode
      carry there takes their time: sum_b load_b / size_amount_b <= units x c.
    * batch: a share y of the work takes amount x s x y unit-hours and whole units
      >= unit-hours / hours[m]; cost unit-hours x hour_cost + units x unit_cost +
      y x data x move_cost.

    Levels, in strict order: for each priority from the highest, minimise the sum of
    weight x unmet share; then what is overridden; then cost (with what accounts' slacks cost).

    Attributes:
        period_h: length of the period, hours.
        supply, demands, services, limits, accounts: see there. owner_of_place: int32[G].
        eligible_start: int64[S+1], row pointers into `eligible`.
        eligible: int32[.], supplies of a signature sorted by (kind, supply).
        apart, together: rules on scopes; only placed demands count.
        shares: caps on the share of a scope in the whole plan.
        most_cost: most the whole plan may cost, slacks of accounts included; inf: no limit.
        tiers: moves that cost by the volume of their class instead of data x move_cost.
        stay, reads, refusals, coverage: where demands stand already, what they read of others,
            which an owner may claim first, what pays for their hours; None: none.
    """

    period_h: float
    supply: Supply
    demands: Demands
    services: Services
    limits: Limits
    accounts: Accounts
    owner_of_place: Ints
    eligible_start: NDArray[np.int64]
    eligible: Ints
    apart: tuple[Apart, ...] = ()
    together: tuple[Together, ...] = ()
    shares: tuple[ShareCap, ...] = ()
    most_cost: float = float("inf")
    tiers: Tiers | None = None
    stay: Stay | None = None
    reads: Reads | None = None
    refusals: Refusals | None = None
    coverage: Coverage | None = None
    labels: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def is_coupled(self) -> bool:
        """True when a row over the whole plan may refuse what each demand alone would do."""
        hard_low = (self.accounts.low > -np.inf) & np.isinf(self.accounts.slack_cost)
        hard = hard_low | np.isfinite(self.accounts.high)
        few_moves = self.stay is not None and np.isfinite(self.stay.most)
        return bool(self.shares or hard.any() or np.isfinite(self.most_cost) or few_moves)

    def supplies_of(self, mode: int) -> Ints:
        """Return int32[.], the supplies a mode may use, ascending; spoilage not judged yet."""
        row = self.demands.mode_signature[mode]
        block = self.eligible[self.eligible_start[row] : self.eligible_start[row + 1]]
        kinds = self.supply.kind[block]
        first = np.searchsorted(kinds, self.demands.mode_kind[mode], side="left")
        last = np.searchsorted(kinds, self.demands.mode_kind[mode], side="right")
        return block[first:last]

    def modes_of(self, demand: int) -> range:
        """Return the mode numbers of a demand."""
        return range(
            int(self.demands.mode_start[demand]), int(self.demands.mode_start[demand + 1])
        )
