"""Rules over the whole plan, as the spec states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from broker.fields import Text, written_names


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusivity:
    """One rule about who may stand where.

    Attributes:
        verb: what it says.
        workloads: names it speaks of (globs already resolved).
        scopes: `only` / `never`: ``provider`` or ``provider/region``.
        scope: `apart`, `together`, `alone`: the level.
        tenants: `apart` between tenants: name -> workloads; None: between any two workloads.
        why: the reason, shown in explanations.
    """

    __pydantic_config__: ClassVar = written_names({})

    verb: Verb
    workloads: tuple[Text, ...] = ()
    scopes: tuple[Text, ...] = ()
    scope: ScopeLevel | None = None
    tenants: Mapping[Text, tuple[Text, ...]] | None = None
    why: Text = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Rules over the whole plan.

    Attributes:
        exclusivity: rules about who may stand where.
        country_groups: the user's own groups: name -> ISO countries.
    """

    __pydantic_config__: ClassVar = written_names({})

    exclusivity: tuple[Exclusivity, ...] = ()
    country_groups: Mapping[Text, tuple[Text, ...]] = field(default_factory=dict)
