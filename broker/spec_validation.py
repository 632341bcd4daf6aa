"""Plain data to the domain's types: the one place where the validator runs.

Every fault is noted with its place. What has no fault is kept, so that later checks can speak
of the whole file at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from functools import cache, partial
from typing import TYPE_CHECKING, Final

from broker.spec_faults import FaultList, listed, nearest, words
from broker.spec_shapes import SHAPE_KEYS
from broker.spec_types import facts_of, type_at
from broker.spec_yaml import Place
from broker.workloads import Spec, Workload

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

_EXPECTED_OF_TYPE: Final[Mapping[str, str]] = {
    "tuple_type": "a list, such as [a, b]",
    "dict_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "dataclass_type": "a mapping of keys to values",
}

Raw = dict[str, object]


def validated(data: Raw, faults: FaultList) -> Spec | None:
    """Return the spec that the faultless part of `data` makes; None where none is left."""
    from pydantic import ValidationError

    unknown: set[Place] = set()
    try:
        complete = adapter().validate_python(data)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            place = _place(detail)
            if detail["type"] == "unexpected_keyword_argument":
                unknown.add(place)
            _note(detail, place, faults)
    else:
        if not faults.found:
            return complete
    try:
        return adapter().validate_python(_without(data, faults, unknown))
    except ValidationError:
        return None


@cache
def adapter() -> TypeAdapter[Spec]:
    """Return the validator of specs, built on first use."""
    from pydantic import TypeAdapter

    return TypeAdapter(Spec)


def _place(detail: ErrorDetails) -> Place:
    return tuple(part for part in detail["loc"] if part != "[key]")


def _note(detail: ErrorDetails, place: Place, faults: FaultList) -> None:
    kind, found = detail["type"], detail["input"]
    if kind == "unexpected_keyword_argument":
        keys = _keys_at(place[:-1])
        key = str(place[-1])
        expected = f"one of {listed(keys, most=30)}"
        faults.add(
            place, words(f"the unknown key `{key}`"), expected=expected, remedy=nearest(key, keys)
        )
    elif kind == "missing":
        _note_missing(place, faults)
    elif kind == "enum":
        values = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        faults.add(
            place,
            found,
            expected=f"one of {', '.join(values)}",
            remedy=nearest(str(found), values),
        )
    elif kind == "value_error":
        faults.add(place, found, expected=str(detail["ctx"]["error"]))
    else:
        faults.add(place, found, expected=_EXPECTED_OF_TYPE.get(kind, detail["msg"]))


def _note_missing(place: Place, faults: FaultList) -> None:
    owner = type_at(place[:-1])
    fact = facts_of(owner).get(str(place[-1])) if owner else None
    examples = fact.kind.examples if fact and fact.kind else ()
    remedy = f"add e.g. `{place[-1]}: {examples[0]}`" if examples else f"add `{place[-1]}:`"
    meaning = fact.text.rstrip(".") if fact else ""
    faults.add(
        place,
        words(f"no `{place[-1]}`"),
        expected=f"`{place[-1]}`: {meaning or 'a value'}",
        remedy=remedy,
    )


def _keys_at(place: Place) -> list[str]:
    """Return the keys that may stand at `place`."""
    owner = type_at(place)
    keys = list(facts_of(owner)) if owner else []
    if owner is not None and issubclass(owner, Workload):
        keys += SHAPE_KEYS
    return [key for key in keys if key != "written"]


def _without(data: Raw, faults: FaultList, unknown: Iterable[Place]) -> object:
    """Return `data` without its faulty parts: unknown keys, optional keys, or list items."""
    keys = set(unknown)
    items: dict[Place, set[int]] = {}
    for place in set(faults.found) - keys:
        part = _removable(place)
        if part and isinstance(part[-1], int):
            items.setdefault(part[:-1], set()).add(part[-1])
        else:
            keys.add(part)
    left: object = data
    for place in keys:
        left = _changed(left, place, None)
    for place in sorted(items, key=len, reverse=True):  # inner lists before those around them
        left = _changed(left, place, partial(_thinned, place, items[place], faults))
    return left


def _removable(place: Place) -> Place:
    """Return the smallest part around `place` without which a spec is still one."""
    for length in range(len(place), 0, -1):
        inside = place[:length]
        owner = type_at(inside[:-1])
        if isinstance(inside[-1], int):
            if type_at(inside) is not None and owner is None:
                return inside
        elif owner is not None:
            fact = facts_of(owner).get(inside[-1])
            if fact is not None and not fact.is_required:
                return inside
    return ()


def _changed(value: object, place: Place, change: Callable[[object], object] | None) -> object:
    """Return `value` with what stands at `place` changed, or taken out where `change` is None."""
    if not place:
        return change(value) if change else {}
    head, rest = place[0], place[1:]
    if isinstance(value, dict) and head in value:
        if change is None and not rest:
            return {key: item for key, item in value.items() if key != head}
        return {**value, head: _changed(value[head], rest, change)}
    if isinstance(value, list):
        return [
            _changed(item, rest, change) if index == head else item
            for index, item in enumerate(value)
        ]
    return value


def _thinned(place: Place, gone: Set[int], faults: FaultList, items: object) -> object:
    """Return a list without the items that are `gone`; note which are kept."""
    if not isinstance(items, list):
        return items
    faults.kept[place] = [index for index in range(len(items)) if index not in gone]
    return [items[index] for index in faults.kept[place]]
