"""Plans as canonical JSON: the same plan gives the same bytes; decimals are strings."""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from broker.errors import BrokerError
from broker.plans import PLAN_FORMAT, Plan, Proof
from broker.units import plain

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

#: Amounts of money are whole cents and keep both digits: ``9000.00``.
_CENTS = -2
#: Fields that came when files of this format had been written; where a file lacks one, the
#: default holds.
_LATER: Final = frozenset({(Plan, "warm_start"), (Proof, "scarce")})


def plan_to_json(plan: Plan) -> str:
    """Return `plan` as canonical JSON text with a final newline."""
    data = {"format": PLAN_FORMAT, **_to_data(plan)}
    data["cost"]["total"] = str(plan.cost.total)
    return json.dumps(data, indent=1, ensure_ascii=False, sort_keys=False) + "\n"


def read_plan(path: Path | str) -> Plan:
    """Read a plan file.

    Raises:
        BrokerError: missing, not JSON, another format, or not whole.
    """
    where = f"reading the plan {path}"
    remedy = "give a file that `broker plan --out FILE` wrote"
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BrokerError(f"{where}: {error}", remedy=remedy) from error
    except json.JSONDecodeError as error:
        raise BrokerError(f"{where}: not JSON: {error}", remedy=remedy) from error
    found = data.get("format") if isinstance(data, dict) else None
    if found != PLAN_FORMAT:
        text = f"{where}: found format {found}; this program reads format {PLAN_FORMAT}"
        raise BrokerError(text, remedy=remedy)
    return plan_from_data(data, where)


def plan_from_data(data: Mapping[str, Any], where: str = "reading a plan") -> Plan:
    """Return the plan that `plan_to_json` wrote as `data`.

    Raises:
        BrokerError: a field is missing or of another kind.
    """
    try:
        plan = _from_data(data, Plan)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        remedy = "give a file that `broker plan --out FILE` wrote"
        raise BrokerError(f"{where}: not a whole plan: {error!r}", remedy=remedy) from error
    assert isinstance(plan, Plan)  # noqa: S101 - narrows what the generic reader returns
    return plan


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def _to_data(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format(value, "f") if value.as_tuple().exponent == _CENTS else plain(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _to_data(getattr(value, name)) for name in _names(type(value))}
    if isinstance(value, tuple | list):
        return [_to_data(one) for one in value]
    if isinstance(value, dict):
        return {key: _to_data(one) for key, one in value.items()}
    return value


def _from_data(data: Any, kind: Any) -> Any:
    return _reader(kind)(data)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How values of a kind are read; what is of another kind raises."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        known = _reader(next(one for one in inner if one is not type(None)))
        return lambda data: None if data is None else known(data)
    if origin is tuple:
        return _tuple_reader(inner)
    if is_dataclass(kind) and isinstance(kind, type):
        return _dataclass_reader(kind)
    if kind is Decimal:
        return _finite
    return partial(_checked, kind) if kind in {str, int, bool} else lambda data: data


def _tuple_reader(inner: tuple[Any, ...]) -> Callable[[Any], Any]:
    each = [_reader(one) for one in inner if one is not Ellipsis]
    if inner[-1] is Ellipsis:
        return lambda data: tuple(map(each[0], data))
    return lambda data: tuple(read(one) for one, read in zip(data, each, strict=True))


def _dataclass_reader(kind: type[DataclassInstance]) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = [(one.name, _reader(hints[one.name])) for one in fields(kind)]
    later = {name for owner, name in _LATER if owner is kind}

    def read(data: Any) -> Any:
        return kind(
            **{
                name: value(data[name])
                for name, value in readers
                if name in data or name not in later
            }
        )

    return read


def _checked(kind: type[Any], data: Any) -> Any:
    if not isinstance(data, kind):
        raise TypeError(f"found {data!r}, expected {kind.__name__}")
    return data


def _finite(data: Any) -> Decimal:
    value = Decimal(data)
    if not value.is_finite():
        raise ValueError(f"found {data!r}, expected a number")
    return value
