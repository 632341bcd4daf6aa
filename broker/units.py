"""Money, hours, memory, data, latency, shares and counts as people write them.

Parsing accepts the forms of the spec language and nothing else; each parser raises
`ValueError` whose text says what would be right. Money is `Decimal` USD.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

HOURS_PER_MONTH: Final = 730
HOURS_PER_YEAR: Final = 8760
CENT: Final = Decimal("0.01")
NANO: Final = Decimal("1e-9")
PRICE_DIGITS: Final = 9

_NUMBER = r"([0-9][0-9_]*(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?|\.[0-9]+)"
_MONEY_SUFFIX: Mapping[str, int | Decimal] = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9}
_HOURS_SUFFIX: Mapping[str, int | Decimal] = {
    "s": Decimal(1) / 3600,
    "m": Decimal(1) / 60,
    "min": Decimal(1) / 60,
    "h": Decimal(1),
    "d": Decimal(24),
    "w": Decimal(168),
    "y": Decimal(HOURS_PER_YEAR),
}
_TONNES_SUFFIX: Mapping[str, int | Decimal] = {"t": 1, "kg": Decimal("0.001")}
_KW_SUFFIX: Mapping[str, int | Decimal] = {"kW": 1, "MW": 10**3, "GW": 10**6}
_GIB_SUFFIX: Mapping[str, int | Decimal] = {
    "GiB": 1,
    "GB": 1,
    "G": 1,
    "TiB": 1024,
    "TB": 1024,
    "MiB": Decimal(1) / 1024,
}
_GB_SUFFIX: Mapping[str, int | Decimal] = {
    "MB": Decimal("0.001"),
    "GB": 1,
    "TB": 1000,
    "PB": 10**6,
}
_LARGEST = Decimal("1e15")


def round_cents(amount: Decimal) -> Decimal:
    """Return `amount` USD rounded half-even to whole cents, as every cost line is."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def round_nano(quantity: Decimal) -> Decimal:
    """Return hours or factors rounded half-even to nine decimals, as the plan states them."""
    return quantity.quantize(NANO, rounding=ROUND_HALF_EVEN)


def plain(number: Decimal) -> str:
    """Return a decimal without exponent or trailing zeros, the canonical form in files."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"", "-0"} else text


def decimal_of(text: object) -> Decimal:
    """Return a finite number of at most 1e15 in size.

    Raises:
        ValueError: for booleans, NaN, infinities, overflow and non-numbers.
    """
    if isinstance(text, bool) or not isinstance(text, int | float | str | Decimal):
        raise ValueError("a number")
    try:
        number = Decimal(str(text).replace("_", ""))
    except InvalidOperation:
        raise ValueError("a number") from None
    if not number.is_finite() or abs(number) > _LARGEST:
        raise ValueError("a finite number below 1e15")
    return number


def _with_suffix(text: object, suffixes: Mapping[str, int | Decimal], form: str) -> Decimal:
    match = re.fullmatch(rf"\s*{_NUMBER}\s*([A-Za-z]*)\s*", str(text))
    if isinstance(text, bool) or match is None or match[2] not in suffixes:
        raise ValueError(form)
    return decimal_of(match[1]) * suffixes[match[2]]


def parse_money(text: object) -> Decimal:
    """Parse USD: ``12.5``, ``1.2k``, ``3M``, ``38B``."""
    if isinstance(text, int | float | Decimal) and not isinstance(text, bool):
        amount = decimal_of(text)
    else:
        amount = _with_suffix(
            str(text).lstrip("$ "), _MONEY_SUFFIX, "an amount of USD such as 12.5, 1.2k, 3M or 38B"
        )
    if amount < 0:
        raise ValueError("an amount of at least 0 USD")
    return amount


def parse_hours(text: object) -> Decimal:
    """Parse a duration to hours: ``30s``, ``10m``, ``6h``, ``90d``; a bare number is hours."""
    form = "a duration such as 30s, 10m, 6h or 90d"
    if isinstance(text, int | float | Decimal) and not isinstance(text, bool):
        hours = decimal_of(text)
    else:
        hours = _with_suffix(text, {"": Decimal(1), **_HOURS_SUFFIX}, form)
    if hours < 0:
        raise ValueError(form)
    return hours


def parse_deadline(text: object) -> float:
    """Parse the time a piece of work may take to seconds, more than none."""
    seconds = float(parse_hours(text) * 3600)
    if seconds <= 0:
        raise ValueError("a duration of more than 0, such as 4m")
    return seconds


def parse_gib(text: object) -> Decimal:
    """Parse memory to GiB: ``80 GiB``; a card's ``80GB`` is its nominal size, taken as 80."""
    return _with_suffix(text, {"": Decimal(1), **_GIB_SUFFIX}, "memory such as 80 GiB")


def parse_gb(text: object) -> Decimal:
    """Parse data to decimal GB: ``500 GB``, ``40 TB``, ``1 PB``; a bare number is GB."""
    return _with_suffix(
        text, {"": Decimal(1), **_GB_SUFFIX}, "an amount of data such as 500 GB or 40 TB"
    )


def parse_kilowatts(text: object) -> Decimal:
    """Parse power to kW: ``500 kW``, ``2 MW``; a bare number is kW."""
    return _with_suffix(text, {"": Decimal(1), **_KW_SUFFIX}, "power such as 500 kW or 2 MW")


def parse_tonnes(text: object) -> Decimal:
    """Parse a mass to tonnes: ``120 t``, ``500 kg``; a bare number is tonnes."""
    return _with_suffix(text, {"": Decimal(1), **_TONNES_SUFFIX}, "a mass such as 120 t or 500 kg")


def parse_milliseconds(text: object) -> Decimal:
    """Parse a round trip to ms: ``60ms``, ``0.2s``; a bare number is ms."""
    return _with_suffix(
        text, {"": Decimal(1), "ms": Decimal(1), "s": Decimal(1000)}, "a round trip such as 60ms"
    )


def parse_share(text: object) -> Decimal:
    """Parse a share to a fraction in [0, 1]: ``0.95`` or ``95%``; ``95`` alone is refused."""
    form = "a share such as 0.95 or 95%"
    raw = str(text).strip()
    if isinstance(text, bool):
        raise ValueError(form)
    try:
        number = decimal_of(raw.removesuffix("%").strip())
    except ValueError:
        raise ValueError(form) from None
    share = number / 100 if raw.endswith("%") else number
    if not 0 <= share <= 1:
        hint = f"{form}; did you mean {plain(number)}%?" if 1 < number <= 100 else form
        raise ValueError(hint)
    return share
