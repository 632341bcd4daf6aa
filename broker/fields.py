"""Kinds of value in a spec: how each is written, its unit, and how it is read.

A domain type says what a field holds by its annotation, e.g. ``hours: Hours``; to a type
checker that is `Decimal`. The reader of specs, the JSON Schema and the documentation take
form and unit from the `Kind` inside the annotation, so that they are stated once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Final

from broker.units import (
    decimal_of,
    parse_gb,
    parse_gib,
    parse_hours,
    parse_milliseconds,
    parse_money,
    parse_share,
)

Parser = Callable[[object], object]
NUMBER_OR_TEXT: Final = ("number", "string")

#: Names of workloads: no glob characters, no slash, nothing that needs quoting in a shell.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of value.

    Attributes:
        parse: from what was read to the value; `ValueError` says what would be right.
        unit: of the value; empty where it has none.
        types: JSON types it may be written as.
        examples: as a person writes it.
    """

    parse: Parser
    unit: str
    types: tuple[str, ...]
    examples: tuple[str | int | float | bool, ...]

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> dict[str, object]:
        """Return the validator's plain-data description, so that it needs no import here."""
        del source, handler
        return {"type": "function-plain", "function": {"type": "no-info", "function": self.parse}}

    def __get_pydantic_json_schema__(self, schema: object, handler: object) -> dict[str, object]:
        """Return the JSON Schema of the written form."""
        del schema, handler
        types = list(self.types)
        return {"type": types if len(types) > 1 else types[0], "examples": list(self.examples)}


def _positive(parse: Callable[[object], Decimal], form: str) -> Parser:
    def above_zero(text: object) -> Decimal:
        try:
            number = parse(text)
        except ValueError:
            raise ValueError(form) from None
        if number <= 0:
            raise ValueError(form)
        return number

    return above_zero


def parse_text(text: object) -> str:
    """Return a text that is not empty; several lines become one."""
    if not isinstance(text, str):
        raise ValueError("a text; put it in quotes")
    line = " ".join(part.strip() for part in text.strip().splitlines())
    if not line or not all(one.isprintable() or one.isspace() for one in line):
        raise ValueError("a text that is not empty, without control characters")
    return line


def parse_name(text: object) -> str:
    """Return a name of letters, digits, ``.``, ``_`` and ``-``."""
    if not isinstance(text, str):
        raise ValueError("a name; put it in quotes")
    if not _NAME.fullmatch(text):
        raise ValueError("a name of letters, digits, '.', '_' and '-', at most 100 of them")
    return text


def parse_integer(text: object) -> int:
    """Return a whole number, positive or negative."""
    form = "a whole number"
    try:
        number = decimal_of(text)
    except ValueError:
        raise ValueError(form) from None
    if number != number.to_integral_value():
        raise ValueError(form)
    return int(number)


def parse_count(text: object) -> int:
    """Return a whole number of at least 1."""
    form = "a whole number of at least 1"
    try:
        number = parse_integer(text)
    except ValueError:
        raise ValueError(form) from None
    if number < 1:
        raise ValueError(form)
    return number


def parse_amount(text: object) -> Decimal:
    """Return a number of at least 0; ``k``, ``M`` and ``B`` stand for thousands and so on."""
    form = "a number of at least 0"
    if "$" in str(text):
        raise ValueError(form)
    try:
        return parse_money(text)
    except ValueError:
        raise ValueError(form) from None


def parse_part(text: object) -> Decimal:
    """Return a share above 0."""
    share = parse_share(text)
    if share == 0:
        raise ValueError("a share above 0, such as 0.95 or 95%")
    return share


def parse_off(text: object) -> Decimal:
    """Return a share below 1, as a discount is."""
    share = parse_share(text)
    if share == 1:
        raise ValueError("a share below 100%, such as 12%")
    return share


def parse_day(text: object) -> date:
    """Return a day written as ``2026-12-01``."""
    form = "a day such as 2026-12-01"
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(form)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{form}; there is no such day") from None


def parse_flag(text: object) -> bool:
    """Return true or false, written so; ``yes`` and ``on`` are texts."""
    if not isinstance(text, bool):
        raise ValueError("true or false")
    return text


_DURATION: Final = "a duration above 0 such as 10m, 6h or 90d"
_positive_hours: Final = _positive(parse_hours, _DURATION)
_positive_ms: Final = _positive(parse_milliseconds, "a round trip above 0 such as 60ms")
_positive_gib: Final = _positive(parse_gib, "memory above 0 such as 80 GiB")
_positive_number: Final = _positive(parse_amount, "a number above 0")

_HOURS_EXAMPLES: Final = ("6h", "90d", 730)

Name = Annotated[str, Kind(parse=parse_name, unit="", types=("string",), examples=("chat",))]
Text = Annotated[str, Kind(parse=parse_text, unit="", types=("string",), examples=("research",))]
Flag = Annotated[bool, Kind(parse=parse_flag, unit="", types=("boolean",), examples=(True,))]
Day = Annotated[
    date, Kind(parse=parse_day, unit="day", types=("string",), examples=("2026-12-01",))
]
Integer = Annotated[int, Kind(parse=parse_integer, unit="", types=("integer",), examples=(10,))]
Count = Annotated[int, Kind(parse=parse_count, unit="", types=("integer",), examples=(8,))]
Hours = Annotated[
    Decimal,
    Kind(parse=_positive_hours, unit="h", types=NUMBER_OR_TEXT, examples=_HOURS_EXAMPLES),
]
HoursOrNone = Annotated[
    Decimal, Kind(parse=parse_hours, unit="h", types=NUMBER_OR_TEXT, examples=("5m", "30s", 0))
]
Usd = Annotated[
    Decimal, Kind(parse=parse_money, unit="USD", types=NUMBER_OR_TEXT, examples=(12.5, "38B"))
]
Gib = Annotated[
    Decimal, Kind(parse=_positive_gib, unit="GiB", types=NUMBER_OR_TEXT, examples=("80 GiB", 64))
]
Gb = Annotated[
    Decimal, Kind(parse=parse_gb, unit="GB", types=NUMBER_OR_TEXT, examples=("40 TB", 500))
]
Milliseconds = Annotated[
    Decimal, Kind(parse=_positive_ms, unit="ms", types=NUMBER_OR_TEXT, examples=("60ms", 60))
]
Share = Annotated[
    Decimal,
    Kind(parse=parse_part, unit="share", types=NUMBER_OR_TEXT, examples=("95%", 0.95)),
]
Headroom = Annotated[
    Decimal,
    Kind(parse=parse_share, unit="share", types=NUMBER_OR_TEXT, examples=("25%", 0.25)),
]
Off = Annotated[
    Decimal, Kind(parse=parse_off, unit="share", types=NUMBER_OR_TEXT, examples=("12%", 0.12))
]
Amount = Annotated[
    Decimal, Kind(parse=parse_amount, unit="", types=NUMBER_OR_TEXT, examples=(0, 64))
]
Positive = Annotated[
    Decimal, Kind(parse=_positive_number, unit="", types=NUMBER_OR_TEXT, examples=(1.5, "900"))
]


def written_names(names: Mapping[str, str]) -> dict[str, object]:
    """Return the validator's settings of a type whose unknown keys are faults.

    Args:
        names: field -> the key that users write, where the two differ.
    """
    return {"extra": "forbid", "alias_generator": lambda field: names.get(field, field)}
