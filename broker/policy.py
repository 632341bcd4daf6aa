"""Rules over the whole plan, as the spec states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar, Final

from broker.fields import Amount, Day, Kilowatts, Off, Share, Text, Tonnes, Usd, written_names

#: What a cap on concentration may speak of: the field of `Concentration` that is set.
DIMENSIONS: Final = ("provider", "region", "vendor", "accelerator", "country_group")


class ScopeLevel(StrEnum):
    """What a rule on places speaks of, from wide to narrow."""

    PROVIDER = "provider"
    REGION = "region"
    ZONE = "zone"


class Verb(StrEnum):
    """What a rule of exclusivity says."""

    ONLY = "only"
    NEVER = "never"
    APART = "apart"
    TOGETHER = "together"
    ALONE = "alone"
    FIRST_REFUSAL = "first_refusal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusivity:
    """One rule about who may stand where.

    Attributes:
        verb: what it says.
        workloads: whom it speaks of; globs allowed. Here: names.
        scopes: `only` / `never`: ``provider`` or ``provider/region``; `first_refusal`: the one
            provider.
        scope: `apart`, `together`, `alone`: the level.
        tenants: with `apart`, instead of `workloads`: name -> workloads; they are kept apart
            between tenants, and free within one.
        margin: `first_refusal`: how much cheaper elsewhere must be to go there unasked.
        from_: first day of the rule (written `from`); None: it holds already. A rule applies if
            any moment of it lies in the period.
        until: last day of the rule; None: no end.
        why: the reason; explanations show it.
    """

    __pydantic_config__: ClassVar = written_names({"from_": "from"})

    verb: Verb
    workloads: tuple[Text, ...] = ()
    scopes: tuple[Text, ...] = ()
    scope: ScopeLevel | None = None
    tenants: Mapping[Text, tuple[Text, ...]] | None = None
    margin: Off = Decimal(0)
    from_: Day | None = None
    until: Day | None = None
    why: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportControl:
    """Accelerator models that may not run in some countries; regions of no known country count.

    Attributes:
        accelerators: models; a name without memory stands for all of its sizes. Here: canonical
            names.
        never: countries (ISO 3166 alpha-2 codes) and groups of countries: EU, EEA, and your own.
            Here: groups are resolved.
        why: the reason; for reports.
    """

    __pydantic_config__: ClassVar = written_names({})

    accelerators: tuple[Text, ...]
    never: tuple[Text, ...]
    why: Text = ""


class Weighed(StrEnum):
    """What a cap on concentration adds up."""

    SPEND = "spend"
    GPUS = "gpus"


@dataclass(frozen=True, slots=True, kw_only=True)
class Concentration:
    """A cap on the share of any one scope in the whole plan; exactly one scope is named.

    Attributes:
        provider: largest share of one provider.
        region: largest share of one region.
        vendor: largest share of accelerators of one maker.
        accelerator: largest share of one accelerator model.
        country_group: largest share of one of your own `country_groups`.
        of: what is shared: spend (contracted compute cost, owned instances at their on-demand
            price) or gpus (accelerator-hours).
        names: the providers, regions and so on that it speaks of; left out: each.
    """

    __pydantic_config__: ClassVar = written_names({})

    provider: Share | None = None
    region: Share | None = None
    vendor: Share | None = None
    accelerator: Share | None = None
    country_group: Share | None = None
    of: Weighed = Weighed.SPEND
    names: tuple[Text, ...] = ()

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Fields of `DIMENSIONS` that are set; one in a checked spec."""
        return tuple(name for name in DIMENSIONS if getattr(self, name) is not None)

    @property
    def dimension(self) -> str:
        """What it speaks of."""
        return self.dimensions[0]

    @property
    def most(self) -> Decimal:
        """The largest share of one scope."""
        share: Decimal = getattr(self, self.dimension)
        return share


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerCap:
    """Most power that the instances of one region may draw, each region by itself.

    Attributes:
        cap: estimated from the power of the accelerators, see `assume`.
        regions: ``region`` or ``provider/region`` that it speaks of, globs allowed; left out:
            each.
    """

    __pydantic_config__: ClassVar = written_names({})

    cap: Kilowatts
    regions: tuple[Text, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carbon:
    """A price or a cap on estimated emissions, or both.

    Attributes:
        price: of a tonne of CO2e; a line of the plan's cost, no compute spend.
        cap: most the plan may emit in the period; None: no cap.
        grams_per_kwh: ``provider/region`` -> intensity of its grid; wins over the shipped one.
    """

    __pydantic_config__: ClassVar = written_names({})

    price: Usd | None = None
    cap: Tonnes | None = None
    grams_per_kwh: Mapping[Text, Amount] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules over the whole plan.

    Attributes:
        exclusivity: rules about who may stand where.
        country_groups: groups of countries of your own: name -> ISO codes or groups; for
            `residency`, `export_control` and caps on concentration.
        export_control: models that may not run in some countries; one rule or a list.
        concentration: caps on the share of one scope in the whole plan; one or a list.
        power: caps on the power of a region's instances; one or a list.
        carbon: a price or cap on emissions; None: they are not counted.
        budget: most the plan may cost in the period, all lines of its cost together; None: no
            limit.
    """

    __pydantic_config__: ClassVar = written_names({})

    exclusivity: tuple[Exclusivity, ...] = ()
    country_groups: Mapping[Text, tuple[Text, ...]] = field(default_factory=dict)
    export_control: tuple[ExportControl, ...] = ()
    concentration: tuple[Concentration, ...] = ()
    power: tuple[PowerCap, ...] = ()
    carbon: Carbon | None = None
    budget: Usd | None = None
