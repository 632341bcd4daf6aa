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
    parse_kilowatts,
    parse_milliseconds,
    parse_money,
    parse_share,
    parse_tonnes,
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
        form: what it is called in the documentation.
        unit: of the value; empty where it has none.
        types: JSON types it may be written as.
        examples: as a person writes it.
    """

    parse: Parser
    form: str
    unit: str
    types: tuple[str, ...] = NUMBER_OR_TEXT
    examples: tuple[str | float, ...] = ()

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> dict[str, object]:
        """Return the validator's plain-data description, so that it needs no import here."""
        del source, handler
        return {"type": "function-plain", "function": {"type": "no-info", "function": self.parse}}

    def schema(self) -> dict[str, object]:
        """Return the JSON Schema of the written form."""
        types: object = list(self.types) if len(self.types) > 1 else self.types[0]
        return {"type": types, **({"examples": list(self.examples)} if self.examples else {})}


def _positive(parse: Callable[[object], Decimal], form: str) -> Callable[[object], Decimal]:
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


def parse_count_or_none(text: object) -> int:
    """Return a whole number of at least 0."""
    form = "a whole number of at least 0"
    try:
        number = parse_integer(text)
    except ValueError:
        raise ValueError(form) from None
    if number < 0:
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


def parse_throughput(value: object) -> Decimal | dict[str, Decimal]:
    """Return a number above 0, or one of at least 0 for each size, not all of them 0."""
    if not isinstance(value, Mapping):
        return _positive_number(value)
    rates: dict[str, Decimal] = {}
    wrong = []
    for size, rate in value.items():
        try:
            rates[parse_name(size)] = parse_amount(rate)
        except ValueError:
            wrong.append(f"`{size}: {rate}`")
    if wrong:
        raise ValueError(f"sizes with numbers of at least 0; {', '.join(wrong)} is none")
    if not any(rates.values()):
        raise ValueError("a number above 0 for at least one size")
    return rates


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
_positive_kw: Final = _positive(parse_kilowatts, "power above 0 such as 500 kW or 2 MW")
_positive_tonnes: Final = _positive(parse_tonnes, "a mass above 0 such as 120 t or 500 kg")
_positive_number: Final[Callable[[object], Decimal]] = _positive(parse_amount, "a number above 0")

_TEXT: Final = ("string",)

Name = Annotated[
    str, Kind(parse=parse_name, form="name", unit="", types=_TEXT, examples=("chat",))
]
Text = Annotated[str, Kind(parse=parse_text, form="text", unit="", types=_TEXT)]
Flag = Annotated[bool, Kind(parse=parse_flag, form="true or false", unit="", types=("boolean",))]
Day = Annotated[
    date, Kind(parse=parse_day, form="day", unit="", types=_TEXT, examples=("2026-12-01",))
]
Integer = Annotated[
    int, Kind(parse=parse_integer, form="whole number", unit="", types=("integer",))
]
Count = Annotated[
    int, Kind(parse=parse_count, form="whole number from 1", unit="", types=("integer",))
]
CountOrNone = Annotated[
    int,
    Kind(parse=parse_count_or_none, form="whole number from 0", unit="", types=("integer",)),
]
Hours = Annotated[
    Decimal, Kind(parse=_positive_hours, form="duration", unit="h", examples=("6h", "90d"))
]
HoursOrNone = Annotated[
    Decimal, Kind(parse=parse_hours, form="duration", unit="h", examples=("30s", "5m"))
]
Usd = Annotated[Decimal, Kind(parse=parse_money, form="money", unit="USD", examples=("38B",))]
Gib = Annotated[
    Decimal, Kind(parse=_positive_gib, form="memory", unit="GiB", examples=("80 GiB",))
]
Gb = Annotated[Decimal, Kind(parse=parse_gb, form="data", unit="GB", examples=("40 TB",))]
Kilowatts = Annotated[
    Decimal, Kind(parse=_positive_kw, form="power", unit="kW", examples=("500 kW", "2 MW"))
]
Tonnes = Annotated[
    Decimal, Kind(parse=_positive_tonnes, form="mass", unit="t", examples=("120 t", "500 kg"))
]
Milliseconds = Annotated[
    Decimal, Kind(parse=_positive_ms, form="round trip", unit="ms", examples=("60ms",))
]
Share = Annotated[Decimal, Kind(parse=parse_part, form="share", unit="", examples=("95%", 0.95))]
Headroom = Annotated[
    Decimal, Kind(parse=parse_share, form="share", unit="", examples=("25%", 0.25))
]
ShareOrNone = Annotated[
    Decimal, Kind(parse=parse_share, form="share", unit="", examples=("60%", 0.6))
]
Off = Annotated[Decimal, Kind(parse=parse_off, form="share", unit="", examples=("12%", 0.12))]
Amount = Annotated[Decimal, Kind(parse=parse_amount, form="number", unit="")]
Positive = Annotated[Decimal, Kind(parse=_positive_number, form="number above 0", unit="")]


Throughput = Annotated[
    Decimal | Mapping[str, Decimal],
    Kind(parse=parse_throughput, form="number above 0, or mapping of sizes to numbers", unit=""),
]


def written_names(names: Mapping[str, str]) -> dict[str, object]:
    """Return the validator's settings of a type whose unknown keys are faults.

    Args:
        names: field -> the key that users write, where the two differ.
    """
    return {"extra": "forbid", "alias_generator": lambda field: names.get(field, field)}
