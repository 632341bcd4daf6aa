"""How good a plan is and what it was made from: levels, bound, inputs, age, baseline."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Unmet weight of one priority, and the least any plan can leave.

    Attributes:
        priority: the level.
        unmet: weight that this plan leaves unmet.
        bound: weight that every plan leaves unmet that leaves no more of priorities above.
    """

    priority: int
    unmet: Decimal
    bound: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Scarce:
    """Something shared that is scarce, and what one more of it is worth in the bound.

    Attributes:
        what: an offer's id, a quota or a cap on power, as in `binding`.
        usd: estimate of what one more would save over the period, USD: an instance, a unit of the
            quota, a kW.
    """

    what: str
    usd: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How good the plan is.

    Attributes:
        levels: from the highest priority.
        cost_bound: no plan that serves as much at every level, and overrides no more, costs less,
            USD; with `stability.min_saving`: none that also moves no more workloads.
        gap: (total - cost_bound) / max(total, 1).
        method: how the plan was found.
        offers_seen: offers of the market.
        offers_dropped: reason -> offers no plan may use.
        overridden_h: accelerator-hours that override first refusals.
        overridden_bound_h: the least that any plan that serves as much overrides.
        scarce: the prices of shared supply at which the bound was found; empty where it was found
            without. A search that begins with this plan begins with them. Files written before
            there was this field lack it, which means empty.
    """

    levels: tuple[Level, ...]
    cost_bound: Decimal
    gap: Decimal
    method: str
    offers_seen: int
    offers_dropped: tuple[tuple[str, int], ...]
    overridden_h: Decimal = Decimal(0)
    overridden_bound_h: Decimal = Decimal(0)
    scarce: tuple[Scarce, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """SHA-256 (hex) of what went in, and the program's version.

    Attributes:
        spec: of the spec in its normal form.
        market: of the market.
        latency: of the round trips used.
        program: version of the program.
    """

    spec: str
    market: str
    latency: str
    program: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceAge:
    """How old the prices are that the plan rests on.

    Attributes:
        oldest, newest: days (ISO) of the oldest and the newest; "" when there is none.
    """

    oldest: str
    newest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """Cheapest-first at the same limits: each workload in turn takes the cheapest that is left.

    Attributes:
        total_usd: its cost; None when it serves less than the plan does.
        unmet: workloads it leaves unserved in whole or part.
    """

    total_usd: Decimal | None
    unmet: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """The earlier plan from which the search began; it changes nothing of what is optimal.

    Attributes:
        plan: SHA-256 (hex) of its file, as this version writes it.
        placements: how many it has.
        standing: how many of them the search began with, whole or in part.
    """

    plan: str
    placements: int
    standing: int
