"""The domain types as the reader, the schema and the documentation see them: field by field."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from broker.fields import Kind
from broker.spec_yaml import Place
from broker.workloads import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFact:
    """What is known of one field of a domain type.

    Attributes:
        name: the attribute.
        key: what users write.
        annotation: its type, without None.
        kind: how it is written, where it is a scalar with a kind.
        values: the names it may have, where it is an enumeration.
        default: its default; `MISSING` when it must be given.
        text: what it means, from the docstring.
    """

    name: str
    key: str
    annotation: object
    kind: Kind | None
    values: tuple[str, ...]
    default: object
    text: str

    @property
    def is_required(self) -> bool:
        """True when it has no default."""
        return self.default is MISSING


@cache
def facts_of(kind: type[Any]) -> Mapping[str, FieldFact]:
    """Return the fields of a dataclass by the key that users write."""
    hints = get_type_hints(kind, include_extras=True)
    texts = _texts(kind)
    facts = [_fact(kind, field, hints[field.name], texts) for field in dataclasses.fields(kind)]
    return {fact.key: fact for fact in facts}


def type_at(place: Place) -> type | None:
    """Return the dataclass whose keys stand at `place` of a spec; None where there is none."""
    annotation: object = Spec
    for part in place:
        annotation = _inside(annotation, part)
        if annotation is None:
            return None
    return annotation if isinstance(annotation, type) else None


def _fact(
    kind: type, field: dataclasses.Field[object], hint: object, texts: Mapping[str, str]
) -> FieldFact:
    annotation = _without_none(hint)
    default = field.default
    if field.default_factory is not MISSING:
        default = field.default_factory()
    metadata = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    is_enum = isinstance(annotation, type) and issubclass(annotation, StrEnum)
    return FieldFact(
        name=field.name,
        key=_key(kind, field.name),
        annotation=annotation,
        kind=next((one for one in metadata if isinstance(one, Kind)), None),
        values=tuple(annotation) if is_enum else (),  # type: ignore[arg-type]  # an enum's class
        default=default,
        text=texts.get(field.name, ""),
    )


def _key(kind: type, name: str) -> str:
    settings = getattr(kind, "__pydantic_config__", {})
    return str(settings["alias_generator"](name))


def _without_none(hint: object) -> object:
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        return rest[0]
    return hint


def _inside(annotation: object, part: str | int) -> object:
    """Return the type of what stands under `part` of a value of type `annotation`."""
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        fact = facts_of(annotation).get(str(part))
        return fact.annotation if fact else None
    arguments = get_args(annotation)
    if get_origin(annotation) is tuple and isinstance(part, int):
        return arguments[0]
    if get_origin(annotation) is Mapping and isinstance(part, str):
        return arguments[1]
    return None


def _texts(kind: type) -> Mapping[str, str]:
    """Return field -> meaning, from the docstrings of a type and of those it inherits from."""
    texts: dict[str, str] = {}
    for parent in reversed(kind.__mro__):
        section = inspect.cleandoc(parent.__doc__ or "").partition("Attributes:\n")[2]
        for match in re.finditer(r"^ {4}([\w, ]+): (.*(?:\n {8}.*)*)", section, re.MULTILINE):
            meaning = " ".join(match[2].split())
            texts |= dict.fromkeys((name.strip() for name in match[1].split(",")), meaning)
    return texts
