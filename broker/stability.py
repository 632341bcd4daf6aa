"""What runs now and how readily a plan may move it, as the spec states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import ClassVar

from broker.fields import Count, CountOrNone, HoursOrNone, Text, Usd, written_names
from broker.offers import PurchaseOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Instances of a workload that run now.

    Attributes:
        workload: name.
        pool: ``provider/region/zone/type``; the zone may be ``-``.
        option: how they are bought.
        instances: how many.
    """

    __pydantic_config__: ClassVar = written_names({})

    workload: Text
    pool: Text
    option: PurchaseOption = PurchaseOption.ON_DEMAND
    instances: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """How readily a plan may move what runs now.

    A workload moves when any of its instances stands in a pool where it does not run now.
    On-demand, reserved and owned are one there: only the bill tells them apart. What does not
    run anywhere yet does not move.

    Attributes:
        current: what runs now; None: what the market saw running under the workloads' names.
        move_cost: what one move costs: workload, globs allowed -> money, the first that
            matches counts; or one amount for all. A workload without: `restart` hours of what
            runs now at its contracted on-demand (spot: spot) price. Data it must bring along
            is under transfer already. Here: by workload's name.
        restart: from stop to running again, for workloads whose `spot` does not say.
        max_moves: most workloads that may move; None: no limit.
        min_saving: what every move must save beyond its cost; decides, and is never billed.
        freeze: workloads that stay in the pools where they run now; globs allowed. Here: names.
    """

    __pydantic_config__: ClassVar = written_names({})

    current: tuple[Running, ...] | None = None
    move_cost: Mapping[Text, Usd] = field(default_factory=dict)
    restart: HoursOrNone = Decimal(0)
    max_moves: CountOrNone | None = None
    min_saving: Usd = Decimal(0)
    freeze: tuple[Text, ...] = ()
