"""JSON Schema of what users write: for editors, and for programs that make specs."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, get_args, get_origin

from broker.fields import Kind
from broker.spec_faults import ONE_OR_MORE, VERBS
from broker.spec_shapes import SHAPE_KEYS
from broker.spec_types import FieldFact, facts_of
from broker.units import plain
from broker.workloads import Exclusivity, ScopeLevel, Shape, Spec, Workload

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_POINT: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "lat": {"type": "number", "minimum": -90, "maximum": 90},
        "lon": {"type": "number", "minimum": -180, "maximum": 180},
    },
    "required": ["lat", "lon"],
    "additionalProperties": False,
}

_THROUGHPUT: Final[Mapping[str, object]] = {
    "anyOf": [
        {"type": ["number", "string"], "examples": [12.5]},
        {
            "type": "object",
            "propertyNames": {"type": "string"},
            "additionalProperties": {"type": ["number", "string"]},
            "minProperties": 1,
            "examples": [{"short": 40, "long": 6}],
        },
    ]
}

#: (type, key) -> what may be written there beside, or instead of, what the type says.
_SHORT_FORMS: Final[Mapping[tuple[str, str], Mapping[str, object]]] = {
    ("Shape", "accelerators"): {
        "anyOf": [
            {"type": "string", "examples": ["H100:64", "A100:80GB:8"]},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    },
    ("Shape", "gpu"): {"type": "string", "examples": ["24GB..80GB", "80GB..:8"]},
    ("Stability", "move_cost"): {
        "anyOf": [
            {"type": ["number", "string"], "examples": [500]},
            {
                "type": "object",
                "propertyNames": {"type": "string"},
                "additionalProperties": {"type": ["number", "string"]},
            },
        ]
    },
    ("Shape", "throughput"): _THROUGHPUT,
    ("Service", "throughput"): _THROUGHPUT,
    ("Load", "from"): {"anyOf": [{"type": "string", "examples": ["paris"]}, _POINT]},
    ("Spec", "market"): {
        "anyOf": [
            {"type": "string", "examples": ["embedded"]},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ]
    },
}

#: (type, key) of lists whose only item may stand there by itself.
_ONE_OR_MORE: Final = frozenset(
    {*(("Policy", key) for key in ONE_OR_MORE), ("Training", "reads"), ("Batch", "reads")}
)

#: Keys whose default in the types stands for something that follows from other keys.
_DERIVED: Final = frozenset({"count"})

Node = dict[str, object]


def spec_schema() -> Node:
    """Return the JSON Schema of a spec file, with descriptions, units, defaults and examples."""
    definitions: dict[str, Node] = {}
    root = _record(Spec, definitions)
    return {"$schema": DIALECT, "title": "Spec of gpu-capacity-broker", **root} | {
        "$defs": {name: definitions[name] for name in sorted(definitions)}
    }


def _record(kind: type, definitions: dict[str, Node]) -> Node:
    """Return the schema of a mapping with the fields of `kind`; add what it refers to."""
    if kind is Exclusivity:
        return _rule(definitions)
    facts = dict(facts_of(kind))
    properties = {key: _property(kind, fact, definitions) for key, fact in facts.items()}
    required = [key for key, fact in facts.items() if fact.is_required and key != "written"]
    if issubclass(kind, Workload):
        shape = facts_of(Shape)
        short = {key: _property(Shape, shape[key], definitions) for key in SHAPE_KEYS}
        properties |= {key: node for key, node in short.items() if key != "written"}
        required.remove("shapes")
    return {
        "type": "object",
        "description": (kind.__doc__ or "").partition("\n")[0],
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _property(kind: type[Any], fact: FieldFact, definitions: dict[str, Node]) -> Node:
    node = dict(_SHORT_FORMS.get((kind.__name__, fact.key), {}))
    if not node:
        node = _node(fact.annotation, definitions)
    if (kind.__name__, fact.key) in _ONE_OR_MORE:
        node = {"anyOf": [node["items"], node]}
    if fact.text:
        node["description"] = described(fact)
    default = default_of(fact)
    if default is not None:
        node["default"] = default
    return node


def described(fact: FieldFact) -> str:
    """Return what a field means, and its unit, as users should read it."""
    meant = fact.text.partition(" Here:")[0]  # what follows is for programmers
    meant = re.sub(r" \(written `\w+`\)", "", meant).replace("``", "`")
    text = re.sub(r"\bNone\b", "left out", meant[:1].upper() + meant[1:])
    unit = fact.kind.unit if fact.kind else ""
    return f"{text} Unit: {unit}." if unit else text


def default_of(fact: FieldFact) -> object:
    """Return a field's default as JSON, or None where leaving it out has no value."""
    default = fact.default
    if (
        fact.key in _DERIVED
        or fact.is_required
        or dataclasses.is_dataclass(default)
        or default in (None, "", (), {})
    ):
        return None
    if isinstance(default, tuple):
        return [str(item) for item in default]
    return plain(default) if isinstance(default, Decimal) else default


def _node(annotation: object, definitions: dict[str, Node]) -> Node:
    """Return the schema of a type."""
    kind = next((one for one in get_args(annotation)[1:] if isinstance(one, Kind)), None)
    if kind is not None:
        return kind.schema()
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return {"type": "array", "items": _node(arguments[0], definitions), "minItems": 1}
    if origin is Mapping:
        names = _node(arguments[0], definitions)
        values = _node(arguments[1], definitions)
        return {"type": "object", "propertyNames": names, "additionalProperties": values}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"type": "string", "enum": [str(value) for value in annotation]}
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        return _reference(annotation, definitions)
    raise TypeError(f"a field of a type that no spec can hold: {annotation}")


def _reference(kind: type[Any], definitions: dict[str, Node]) -> Node:
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}
        definitions[kind.__name__] = _record(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _rule(definitions: dict[str, Node]) -> Node:
    """Return the schema of a rule of exclusivity: its verb is its key."""
    facts = facts_of(Exclusivity)
    level: Node = {"type": "string", "enum": [str(one) for one in ScopeLevel]}
    scopes = _node(facts["scopes"].annotation, definitions)
    verbs = {verb: scopes if verb in {"only", "never"} else level for verb in VERBS}
    verbs["first_refusal"] = {"type": "string", "examples": ["azure"]}
    members = {
        key: _property(Exclusivity, facts[key], definitions)
        for key in ("workloads", "tenants", "margin", "from", "until", "why")
    }
    return {
        "type": "object",
        "description": (Exclusivity.__doc__ or "").partition("\n")[0],
        "properties": {**members, **verbs},
        "oneOf": [{"required": [verb]} for verb in VERBS],
        "anyOf": [{"required": ["workloads"]}, {"required": ["tenants", "apart"]}],
        "additionalProperties": False,
    }
