"""Reading members of an answer as the types they should have."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from broker.provider import Json, Row


def text(value: Json) -> str:
    """Return a text member; "" where it is missing."""
    return value if isinstance(value, str) else ""


def part(value: Json) -> Row:
    """Return an object member; empty where it is missing."""
    return value if isinstance(value, dict) else {}


def parts(value: Json) -> list[Row]:
    """Return the objects of a list member; none where it is missing."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def number(value: Json) -> float | None:
    """Return a numeric member; None where it is missing."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def money(value: Json) -> Decimal | None:
    """Return a price exactly as written; None where it is missing or no finite number."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount >= 0 else None


def moment(value: Json) -> datetime | None:
    """Return a time with its zone; None where it is missing."""
    if not isinstance(value, str) or not value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
