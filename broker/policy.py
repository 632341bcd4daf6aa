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
        workloads: whom it speaks of; globs allowed. Here: names.
        scopes: `only` / `never`: ``provider`` or ``provider/region``.
        scope: `apart`, `together`, `alone`: the level.
        tenants: with `apart`, instead of `workloads`: name -> workloads; they are kept apart
            between tenants, and free within one.
        why: the reason; explanations show it.
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
        country_groups: groups of countries of your own: name -> ISO codes or groups; for
            `residency`.
    """

    __pydantic_config__: ClassVar = written_names({})

    exclusivity: tuple[Exclusivity, ...] = ()
    country_groups: Mapping[Text, tuple[Text, ...]] = field(default_factory=dict)
