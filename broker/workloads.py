"""What a user asks for: workloads, policy, holdings and assumptions, as the spec states them.

Field names are the names users write in the spec file; where a field must be called otherwise
(`from_`), its class says so. Everything here has passed validation (`broker.spec`): units are
fixed, names are canonical, and nothing is checked twice. A new field is added here alone: reader,
JSON Schema and documentation follow the annotation and the docstring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from broker.fields import (
    Amount,
    Count,
    Day,
    Flag,
    Gb,
    Gib,
    Headroom,
    Hours,
    HoursOrNone,
    Integer,
    Milliseconds,
    Name,
    Positive,
    Share,
    Text,
    written_names,
)
from broker.holdings import (
    Assume,
    Commitment,
    Discount,
    Holdings,
    QuotaLimit,
    QuotaUnit,
    Reservation,
)
from broker.offers import PurchaseOption
from broker.policy import Exclusivity, Policy, ScopeLevel, Verb

__all__ = [
    "Assume",
    "Batch",
    "Commitment",
    "Data",
    "Discount",
    "Exclusivity",
    "FabricNeed",
    "Holdings",
    "LatencyRule",
    "Load",
    "Policy",
    "QuotaLimit",
    "QuotaUnit",
    "Reservation",
    "ScopeLevel",
    "Service",
    "Shape",
    "Spec",
    "Spot",
    "Spread",
    "Training",
    "Verb",
    "Where",
    "Workload",
]

_AS_NAMED = written_names({})


class FabricNeed(StrEnum):
    """The network a shape needs between its nodes."""

    RDMA = "rdma"
    NVLINK_RACK = "nvlink-rack"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One acceptable way to run a workload.

    Attributes:
        accelerators: canonical names, any of them will do; empty for a CPU-only shape or
            when only a memory range is asked.
        accelerator_memory: (least, most) nominal GiB of one accelerator; None: not asked.
        count: accelerators in all (`per_node` x `nodes`); 0 for a CPU-only shape. Fractions
            ask for slices.
        per_node: accelerators that must stand in one instance; None: not asked.
        nodes: instances of a CPU-only shape, or nodes as written.
        speed: relative to 1.0, > 0.
        fabric: None takes the workload kind's default (training on more than one instance:
            rdma; else any).
        vcpus: least per instance; None: not asked.
        memory: least GiB per instance; None: not asked.
        throughput: of one accelerator (CPU-only: of one instance) at speed 1.0, in the
            service's own unit; None takes the service's.
        written: the short form, for messages and plans, e.g. ``H100:64``.
    """

    __pydantic_config__: ClassVar = written_names({"accelerator_memory": "gpu"})

    accelerators: tuple[Text, ...] = ()
    accelerator_memory: tuple[Gib, Gib] | None = None
    count: Amount = Decimal(0)
    per_node: Positive | None = None
    nodes: Count = 1
    speed: Positive = Decimal(1)
    fabric: FabricNeed | None = None
    vcpus: Count | None = None
    memory: Gib | None = None
    throughput: Positive | None = None
    written: Text

    @property
    def is_cpu_only(self) -> bool:
        """True when the shape asks for no accelerator."""
        return self.count == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Places a workload may use; each field narrows the choice, None leaves it open.

    Attributes:
        providers: provider names.
        regions: ``region`` or ``provider/region`` or ``provider/region/zone``, globs allowed;
            also what names Local Zones, Wavelength, government and China partitions.
        residency: ISO 3166 alpha-2 countries, groups already resolved.
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    providers: tuple[Text, ...] | None = None
    regions: tuple[Text, ...] | None = None
    residency: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A data set that must be moved to where the work runs.

    Attributes:
        place: ``provider/region`` where it lies now (written `in`).
        gb: decimal GB.
    """

    __pydantic_config__: ClassVar = written_names({"place": "in"})

    place: Text
    gb: Gb


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Leave to use spot.

    Attributes:
        checkpoint: hours to WRITE one checkpoint (d).
        restart: hours from the loss to running again (R).
        max_share: most of the workload that may run on spot, (0, 1].
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    checkpoint: HoursOrNone = Decimal(0)
    restart: HoursOrNone = Decimal(0)
    max_share: Share = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What every kind of workload has.

    Attributes:
        name: unique in the spec.
        shapes: acceptable ways to run it, at least one; the first sets the default weight.
        purchase: options it may use besides owned and on-demand (and spot with `spot`);
            None: none.
        where: places it may use.
        spot: leave to use spot; None: none.
        data: what must be moved; None: nothing.
        priority: a higher one is served first whatever it costs.
        weight: what the whole workload counts for when unmet; None: accelerator-hours of its
            first shape (CPU-only: vCPU-hours / 16).
        owner, labels: for reports.
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    name: Name
    shapes: tuple[Shape, ...]
    purchase: tuple[PurchaseOption, ...] | None = None
    where: Where = field(default_factory=Where)
    spot: Spot | None = None
    data: Data | None = None
    priority: Integer = 0
    weight: Positive | None = None
    owner: Text = ""
    labels: Mapping[Text, Text] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training(Workload):
    """A gang: all nodes are one instance type in one zone, all or nothing.

    Attributes:
        hours: useful hours every instance works, > 0, at most the period.
    """

    hours: Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Demand from one origin.

    Attributes:
        origin: metro id, ``provider/region``, or ``lat,lon`` (written `from`).
        rate: in the service's own unit, > 0.
    """

    __pydantic_config__: ClassVar = written_names({"origin": "from"})

    origin: Text
    rate: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRule:
    """How far demand may be routed.

    Attributes:
        rtt: ms; demand routed beyond it counts as far.
        share: least share of the stated demand within `rtt`.
        each_metro: True: each origin by itself instead of all together.
        rtt_max: ms; nothing goes beyond; None: no limit.
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    rtt: Milliseconds
    share: Share = Decimal(1)
    each_metro: Flag = False
    rtt_max: Milliseconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several regions at once.

    Attributes:
        regions: least number of regions with an instance.
        max_share: most of the routed demand one region may carry; None: 1 - 1/(2 x regions).
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    regions: Count = 1
    max_share: Share | None = None

    def most(self) -> Decimal:
        """Return the largest share one region may carry; 1 where one region is enough."""
        if self.max_share is not None:
            return self.max_share
        return Decimal(1) if self.regions <= 1 else 1 - Decimal(1) / (2 * self.regions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service(Workload):
    """An inference service: whole instances for the whole period, demand routed to them.

    Attributes:
        demand: loads by origin, at least one.
        throughput: of one accelerator (CPU-only: of one instance) at speed 1.0; None where
            every shape states its own.
        headroom: capacity >= (1 + headroom) x demand routed, in every region.
        latency: None: anywhere.
        spread: None: anywhere.
        survive: the loss of any ONE scope of this level must be survived; None: no.
        survive_share: of the stated demand still served within latency then.
    """

    demand: tuple[Load, ...]
    throughput: Positive | None = None
    headroom: Headroom = Decimal(0)
    latency: LatencyRule | None = None
    spread: Spread | None = None
    survive: ScopeLevel | None = None
    survive_share: Share = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Workload):
    """Divisible work with a deadline.

    Attributes:
        work: hours that ONE unit of a shape (`count` accelerators) of speed 1.0 would run.
        deadline: hours from the start; None: the period.
    """

    work: Hours
    deadline: Hours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole spec.

    Attributes:
        version: of the spec language, 1.
        period: hours.
        start: first day; None: the day the market was taken.
        market: names of markets, stacked.
        max_age: hours; oldest price allowed; None: not judged.
        providers: providers in use; None: all of the market.
        training, services, batch: the workloads.
        latency, transfer: paths of the user's own tables; None: the shipped ones alone.
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    version: Integer = 1
    period: Hours = Decimal(730)
    start: Day | None = None
    market: tuple[Text, ...] = ("embedded",)
    max_age: Hours | None = None
    providers: tuple[Text, ...] | None = None
    training: tuple[Training, ...] = ()
    services: tuple[Service, ...] = ()
    batch: tuple[Batch, ...] = ()
    policy: Policy = field(default_factory=Policy)
    holdings: Holdings = field(default_factory=Holdings)
    quotas: tuple[QuotaLimit, ...] = ()
    assume: Assume = field(default_factory=Assume)
    latency: Text | None = None
    transfer: Text | None = None

    @property
    def workloads(self) -> tuple[Training | Service | Batch, ...]:
        """Every workload: training, then services, then batch, each as written."""
        return (*self.training, *self.services, *self.batch)
