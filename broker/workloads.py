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
from typing import ClassVar

from broker.fields import (
    Count,
    Day,
    Flag,
    Gb,
    Headroom,
    Hours,
    HoursOrNone,
    Integer,
    Milliseconds,
    Name,
    Positive,
    Share,
    ShareOrNone,
    Text,
    Throughput,
    written_names,
)
from broker.holdings import (
    Assume,
    Commitment,
    Discount,
    Holdings,
    QuotaLimit,
    QuotaUnit,
    RampStep,
    Reservation,
    SavingsPlan,
)
from broker.offers import PurchaseOption
from broker.policy import (
    Carbon,
    Concentration,
    Exclusivity,
    ExportControl,
    Policy,
    PowerCap,
    ScopeLevel,
    Verb,
    Weighed,
)
from broker.shapes import FabricNeed, Shape
from broker.stability import Running, Stability

__all__ = [
    "Assume",
    "Batch",
    "Carbon",
    "Commitment",
    "Concentration",
    "Data",
    "Discount",
    "Exclusivity",
    "ExportControl",
    "FabricNeed",
    "Holdings",
    "LatencyRule",
    "Load",
    "Policy",
    "PowerCap",
    "QuotaLimit",
    "QuotaUnit",
    "RampStep",
    "Reads",
    "Reservation",
    "Running",
    "SavingsPlan",
    "ScopeLevel",
    "Service",
    "Shape",
    "Spec",
    "Spot",
    "Spread",
    "Stability",
    "Training",
    "Verb",
    "Weighed",
    "Where",
    "Workload",
]

_AS_NAMED = written_names({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Places a workload may use; each field narrows the choice, None leaves it open.

    Attributes:
        providers: names of providers; None: all.
        regions: ``region`` or ``provider/region`` or ``provider/region/zone``, globs allowed;
            also what names Local Zones, Wavelength, government and China partitions.
        residency: countries (ISO 3166 alpha-2 codes) and groups of countries in which it may
            run: EU, EEA, and the spec's own; None: anywhere. Here: groups are resolved.
        requires: tags of `assume.tags`, all of which a place or machine must carry; None: none.
    """

    __pydantic_config__: ClassVar = _AS_NAMED

    providers: tuple[Text, ...] | None = None
    regions: tuple[Text, ...] | None = None
    residency: tuple[Text, ...] | None = None
    requires: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """A data set that must be moved to where the work runs.

    Attributes:
        place: ``provider/region`` where it lies now (written `in`).
        gb: how much.
    """

    __pydantic_config__: ClassVar = written_names({"place": "in"})

    place: Text
    gb: Gb


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """What a workload reads of what another one writes.

    Attributes:
        source: the other workload, a training or a batch (written `from`).
        gb: all of it; read once in the period.
    """

    __pydantic_config__: ClassVar = written_names({"source": "from"})

    source: Name
    gb: Gb


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Leave to use spot.

    Attributes:
        checkpoint: time to WRITE one checkpoint (d).
        restart: time from the loss of an instance to running again (R).
        max_share: most of the workload that may run on spot.
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
        shapes: acceptable ways to run it, at least one; the first sets the default weight. The
            keys of a single shape may stand in the workload itself.
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
        hours: useful hours every instance works, at most the period.
        reads: what it reads of others' output (one, or a list); the places of a whole
            pipeline are chosen together.
    """

    hours: Hours
    reads: tuple[Reads, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Demand from one origin.

    Attributes:
        origin: where users are (written `from`): a metro, a region, or {lat, lon}. Here: metro
            id, ``provider/region`` or ``lat,lon``.
        rate: in the service's own unit.
    """

    __pydantic_config__: ClassVar = written_names({"origin": "from"})

    origin: Text
    rate: Positive


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRule:
    """How far demand may be routed.

    Attributes:
        rtt: round trip; demand routed beyond it counts as far.
        share: least share of the stated demand within `rtt`.
        each_metro: True: each origin by itself instead of all together.
        rtt_max: nothing goes beyond; None: no limit.
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
        sizes: size of request -> its share of every origin's rate, 100% in all; names are
            yours, such as ``in512-out128``; None: requests are not told apart.
        throughput: of one accelerator (CPU-only: of one instance) at speed 1.0, in your
            own unit; with `sizes`: one number for all, or one for each size, of that size
            alone; None: every shape states its own.
        headroom: capacity >= (1 + headroom) x demand routed, in every region.
        latency: how far demand may be routed; None: anywhere.
        spread: over how many regions it must stand; None: as few as are cheapest.
        survive: the loss of any ONE scope of this level must be survived; None: no.
        survive_share: of the stated demand still served within latency then.
    """

    demand: tuple[Load, ...]
    sizes: Mapping[Name, ShareOrNone] = field(default_factory=dict)
    throughput: Throughput | None = None
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
        deadline: from the start; None: the period.
        reads: what it reads of others' output (one, or a list), each part of the work its
            part of the data; the places of a whole pipeline are chosen together.
    """

    work: Hours
    deadline: Hours | None = None
    reads: tuple[Reads, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A whole spec.

    Attributes:
        version: of the spec language.
        period: what is planned; 730 hours are a billing month.
        start: first day; None: the day the market was taken.
        market: embedded, a market folder or a CSV file; of several, stacked, a later one
            replaces equal offers.
        max_age: how old the oldest price may be; None: not judged.
        providers: providers in use; None: all of the market.
        training: gangs, all or nothing.
        services: inference, the whole period.
        batch: divisible work with a deadline.
        policy: rules over the whole plan.
        holdings: what is owned or promised already.
        quotas: limits of the account; each replaces the market's of the same provider, region,
            selector and option.
        assume: what stands in for figures the market does not know.
        latency: a table of your own, ``metro,region,rtt_ms``; it wins over the shipped one.
        transfer: a table of your own, ``from,to,usd_per_gb``; it wins over the shipped one.
        stability: how readily what runs now is moved; None: as if nothing ran.
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
    stability: Stability | None = None

    @property
    def stages(self) -> tuple[Training | Batch, ...]:
        """Every workload that may be part of a pipeline: training, then batch."""
        return (*self.training, *self.batch)

    @property
    def workloads(self) -> tuple[Training | Service | Batch, ...]:
        """Every workload: training, then services, then batch, each as written."""
        return (*self.training, *self.services, *self.batch)
