"""What is owned or promised already, what the account allows, and what is assumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from broker.fields import Amount, Count, Day, Name, Off, Positive, Text, Usd, written_names
from broker.offers import PurchaseOption


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Instances that are owned already.

    Attributes:
        pool: ``provider/region/zone/type``.
        instances: how many.
        until: last day it is held; None: no end known.
        usd_per_hour: its real, sunk rate, shown but never decided on; None: not stated.
    """

    __pydantic_config__: ClassVar = written_names({})

    pool: Text
    instances: Count
    until: Day | None = None
    usd_per_hour: Usd | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RampStep:
    """One step of a commitment's ramp; it lasts until the next step, the last to the term's end.

    Attributes:
        from_: first day of the step (written `from`).
        spend: over the whole step.
    """

    __pydantic_config__: ClassVar = written_names({"from_": "from"})

    from_: Day
    spend: Usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """Spend promised to a provider, paid whether used or not.

    Attributes:
        provider: who is owed.
        spend: over the whole term.
        from_: first day of the term (written `from`); None: all of `spend` falls into
            the period.
        to: last day of the term; given together with `from`.
        ramp: how `spend` is divided over the term, step after step; None: evenly.
    """

    __pydantic_config__: ClassVar = written_names({"from_": "from"})

    provider: Text
    spend: Usd
    from_: Day | None = None
    to: Day | None = None
    ramp: tuple[RampStep, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Discount:
    """A negotiated discount off list prices.

    Attributes:
        provider: whose list.
        types: globs over instance types; None: all.
        on: options it applies to; None: all.
        off: the part of the list price that falls away.
    """

    __pydantic_config__: ClassVar = written_names({})

    provider: Text
    types: tuple[Text, ...] | None = None
    on: tuple[PurchaseOption, ...] | None = None
    off: Off


@dataclass(frozen=True, slots=True, kw_only=True)
class SavingsPlan:
    """Money committed by the hour that pays for on-demand hours at lower rates; it is sunk.

    Attributes:
        name: what plans call it, and which of those that the market holds it replaces; None:
            its place in the list.
        provider: whose hours it pays for.
        per_hour: committed for every hour, at the lower rates.
        off: its rates are list prices less this part; None: `rates` says.
        rates: its rates are prices of the market, by option and variant of offers, such as
            ``reserved-3y/compute-savings-plan``; None: `off` says.
        types: globs over instance types; None: all.
        regions: globs over the provider's regions; None: all.
        from_: first day it is held (written `from`); None: held already.
        until: last day it is held; None: no end known.
    """

    __pydantic_config__: ClassVar = written_names({"from_": "from"})

    name: Name | None = None
    provider: Text
    per_hour: Usd
    off: Off | None = None
    rates: Text | None = None
    types: tuple[Text, ...] | None = None
    regions: tuple[Text, ...] | None = None
    from_: Day | None = None
    until: Day | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What is owned or promised already.

    Attributes:
        reservations: instances that are owned.
        commitments: spend that is promised.
        discounts: agreed reductions; of several that match, the largest alone.
        savings_plans: money committed by the hour: savings plans, committed use by spend.
    """

    __pydantic_config__: ClassVar = written_names({})

    reservations: tuple[Reservation, ...] = ()
    commitments: tuple[Commitment, ...] = ()
    discounts: tuple[Discount, ...] = ()
    savings_plans: tuple[SavingsPlan, ...] = ()


class QuotaUnit(StrEnum):
    """What a quota counts."""

    VCPUS = "vcpus"
    GPUS = "gpus"
    INSTANCES = "instances"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaLimit:
    """A limit of the account; exactly one of `family`, `accelerator`, `type` is set.

    Attributes:
        provider: whose.
        region: where, globs allowed; None: every region, each by itself.
        family: the provider's quota family.
        accelerator: model. Here: canonical name.
        type: instance type, globs allowed.
        option: purchase option it limits; None: every option but owned together.
        limit: how much, in `unit`.
        unit: what is counted.
    """

    __pydantic_config__: ClassVar = written_names({})

    provider: Text
    region: Text | None = None
    family: Text | None = None
    accelerator: Text | None = None
    type: Text | None = None
    option: PurchaseOption | None = None
    limit: Amount
    unit: QuotaUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class Assume:
    """What stands in for figures the market does not know; listed in every plan.

    Attributes:
        instances_per_pool: option -> instances, where availability is unknown.
        interruptions_per_hour: of a spot pool with no known rate.
        tags: tag -> what carries it: providers, regions, ``provider/region``,
            ``provider/region/zone``, instance types or pools; globs allowed.
        watts: accelerator model -> power of one in W, where its maker states none.
        power_overhead: power of a whole instance over that of its accelerators, e.g. with
            cooling; a published system of 8 H100 draws 10.2 kW over 5.6 kW.
        watts_per_vcpu: power of an instance without accelerators, W per vCPU.
    """

    __pydantic_config__: ClassVar = written_names({})

    instances_per_pool: Mapping[PurchaseOption, Count] = field(default_factory=dict)
    interruptions_per_hour: Amount = Decimal("0.05")
    tags: Mapping[Text, tuple[Text, ...]] = field(default_factory=dict)
    watts: Mapping[Text, Positive] = field(default_factory=dict)
    power_overhead: Positive = Decimal("1.8")
    watts_per_vcpu: Positive = Decimal(4)
