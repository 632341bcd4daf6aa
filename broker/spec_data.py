"""A spec as plain data: what plans embed, and what the reader of specs reads back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from broker.spec_types import facts_of
from broker.units import plain
from broker.workloads import Exclusivity, Shape, Spec, Verb

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ALWAYS = frozenset({"version", "period", "market"})
_SCALARS = frozenset({str, int, float, bool, type(None)})


def spec_to_data(spec: Spec) -> dict[str, object]:
    """Return a spec as JSON-able data in the spec language; decimals are strings.

    Fields that have their default are left out, except version, period and market.
    `broker.spec.spec_from_data` gives the same spec back.
    """
    always = {key: _plain(getattr(spec, key)) for key in sorted(_ALWAYS)}
    return always | _fields(spec)


def _fields(value: DataclassInstance) -> dict[str, object]:
    """Return the fields of a dataclass that differ from their defaults."""
    parts = ((key, getattr(value, one.name), one) for key, one in facts_of(type(value)).items())
    return {
        key: _plain(part)
        for key, part, one in parts
        if part is not one.default and part != one.default
    }


def _plain(value: object) -> object:
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, StrEnum | date):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in sorted(value.items())}
    return _record(value) if is_dataclass(value) and not isinstance(value, type) else value


def _record(value: DataclassInstance) -> dict[str, object]:
    if isinstance(value, Exclusivity):
        return _rule(value)
    return _shape(value) if isinstance(value, Shape) else _fields(value)


def _rule(rule: Exclusivity) -> dict[str, object]:
    """Return a rule with its verb as the key, as people write it."""
    fields = _fields(rule)
    verb = str(fields.pop("verb"))
    said = fields.pop("scopes", None) or fields.pop("scope", None)
    if rule.verb is Verb.FIRST_REFUSAL:
        said = rule.scopes[0]
    return {verb: said, **fields}


def _shape(shape: Shape) -> dict[str, object]:
    """Return a shape with its memory range as people write it."""
    fields = _fields(shape)
    if shape.accelerator_memory is not None:
        fields["gpu"] = "GB..".join(map(plain, shape.accelerator_memory)) + "GB"
    return fields
