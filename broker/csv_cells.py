"""Cells of a market file: text to value, one parser for each column.

Every parser gets text without outer blanks, never empty, and raises `ValueError` that says
what would be right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from broker.offers import Fabric, LocationKind, Purchasable, PurchaseOption
from broker.units import PRICE_DIGITS, decimal_of, round_nano

Cell = str | int | float | Decimal | datetime | None
Parser = Callable[[str], Cell]

_LONGEST_TEXT: Final = 200
_LARGEST_PRICE: Final = Decimal(10) ** 9
_LARGEST_COUNT: Final = 2**31 - 1


def parse_text(text: str) -> str:
    """Return printable text of at most 200 characters."""
    if not text.isprintable() or len(text) > _LONGEST_TEXT:
        raise ValueError(f"printable text of at most {_LONGEST_TEXT} characters")
    return text


def parse_name(text: str) -> str:
    """Return a name that may be part of an offer's id: no blanks, no slash."""
    if "/" in text or any(character.isspace() for character in text):
        raise ValueError("a name without blanks and without '/'")
    return parse_text(text)


def parse_provider(text: str) -> str:
    """Return a provider's name in lower case."""
    return parse_name(text).lower()


def parse_price(text: str) -> Decimal:
    """Return USD of at least 0 with at most nine decimals."""
    price = _number(text, "a price in USD such as 12.5; leave it empty when unknown")
    if price >= _LARGEST_PRICE:
        raise ValueError("a price below 1e9 USD")
    exponent = price.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > PRICE_DIGITS:
        raise ValueError(f"a price with at most {PRICE_DIGITS} decimals")
    return round_nano(price)  # exact: only the written form, such as 0e-99, changes


def parse_amount(text: str) -> float:
    """Return a number of at least 0."""
    return float(_number(text, "a number of at least 0, such as 8 or 0.5"))


def parse_count(text: str) -> int:
    """Return a whole number of at least 0."""
    form = "a whole number of at least 0"
    number = _number(text, form)
    if number != number.to_integral_value() or number > _LARGEST_COUNT:
        raise ValueError(form)
    return int(number)


def parse_moment(text: str) -> datetime:
    """Return a moment from an ISO date or date and time; UTC where no zone is given."""
    form = "an ISO date or time such as 2026-08-17 or 2026-08-17T09:30:00Z"
    if re.match(r"\d{4}-\d{2}-\d{2}", text) is None:
        raise ValueError(form)
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(form) from None


def one_of(kind: type[StrEnum]) -> Parser:
    """Return a parser of the members of `kind`, which suggests the nearest."""
    values = [member.value for member in kind]

    def parse(text: str) -> str:
        if text not in values:
            near = difflib.get_close_matches(text.lower().replace("_", "-"), values, n=1)
            raise ValueError(f"{near[0]!r}" if near else f"one of {', '.join(values)}")
        return text

    return parse


def _number(text: str, form: str) -> Decimal:
    if re.fullmatch(r"\+?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", text, re.ASCII) is None:
        raise ValueError(form)
    try:
        return decimal_of(text)
    except ValueError as error:
        raise ValueError(f"{error}") from None


PARSERS: Final[Mapping[str, Parser]] = {
    "provider": parse_provider,
    "region": parse_name,
    "zone": parse_name,
    "instance_type": parse_name,
    "variant": parse_name,
    "location_kind": one_of(LocationKind),
    "option": one_of(PurchaseOption),
    "purchasable": one_of(Purchasable),
    "fabric": one_of(Fabric),
    "usd_per_hour": parse_price,
    "upfront_usd": parse_price,
    "available": parse_count,
    "vcpus": parse_count,
    "rack_hosts": parse_count,
    "accelerators": parse_amount,
    "accelerator_memory_gib": parse_amount,
    "memory_gib": parse_amount,
    "local_disk_gib": parse_amount,
    "network_gbps": parse_amount,
    "length_h": parse_amount,
    "interruptions_per_hour": parse_amount,
    "observed_at": parse_moment,
    "starts_at": parse_moment,
    "price_observed_at": parse_moment,
    "spec_observed_at": parse_moment,
    "zone_observed_at": parse_moment,
    "purchasable_observed_at": parse_moment,
    "available_observed_at": parse_moment,
    "interruptions_observed_at": parse_moment,
}
