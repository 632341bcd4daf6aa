"""Reading single fields of Azure's JSON: text, numbers, booleans, moments, places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from broker.provider import Json, Row
from broker.units import round_nano

_LARGEST: Final = 10**9


def text_of(row: Json, *path: str) -> str:
    """Return the text at `path` inside nested objects; "" when there is none."""
    found = value_of(row, *path)
    return found if isinstance(found, str) else ""


def value_of(row: Json, *path: str) -> Json:
    """Return what stands at `path` inside nested objects; None when there is nothing."""
    found: Json = row
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def rows_of(row: Json, *path: str) -> list[Row]:
    """Return the objects of the list at `path`."""
    found = value_of(row, *path)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def texts_of(row: Json, *path: str) -> list[str]:
    """Return the texts of the list at `path` that are not empty."""
    found = value_of(row, *path)
    return (
        [one for one in found if isinstance(one, str) and one] if isinstance(found, list) else []
    )


def number_of(value: Json) -> Decimal | None:
    """Return a number from 0 to 1e9 written as a JSON number or as text; None for anything else.

    A float keeps the digits it was sent with. No quantity of Azure's is outside these bounds; -1
    stands for a limit that is not known.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number <= _LARGEST else None


def usd_of(value: Json) -> Decimal | None:
    """Return a positive amount of USD to nine decimals, as the tables hold it; None for 0."""
    number = number_of(value)
    return round_nano(number) or None if number is not None else None


def moment_of(text: str) -> datetime | None:
    """Return the moment of an ISO text, in UTC when it names no zone; None if unreadable."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def region_key(place: str) -> str:
    """Return a region's name from any of its spellings: ``West US 3``, ``WestUS3``."""
    return place.replace(" ", "").casefold()


def only(texts: Sequence[str]) -> str:
    """Return the one text of a list; "" when there is none or more than one."""
    return texts[0] if len(texts) == 1 else ""
