"""Plain data to the domain's types: the one place where the validator runs.

Every fault is noted with its place. What has no fault is kept, so that later checks can speak
of the whole file at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
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
        faults.add(place, words(f"the unknown key `{key}`"), expected, nearest(key, keys))
    elif kind == "missing":
        _note_missing(place, faults)
    elif kind == "enum":
        values = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        faults.add(place, found, f"one of {', '.join(values)}", nearest(str(found), values))
    elif kind == "value_error":
        faults.add(place, found, str(detail["ctx"]["error"]))
    else:
        faults.add(place, found, _EXPECTED_OF_TYPE.get(kind, detail["msg"]))


def _note_missing(place: Place, faults: FaultList) -> None:
    owner = type_at(place[:-1])
    fact = facts_of(owner).get(str(place[-1])) if owner else None
    examples = fact.kind.examples if fact and fact.kind else ()
    remedy = f"add e.g. `{place[-1]}: {examples[0]}`" if examples else f"add `{place[-1]}:`"
    faults.add(place, words(f"no `{place[-1]}`"), fact.text if fact else "a value", remedy)


def _keys_at(place: Place) -> list[str]:
    """Return the keys that may stand at `place`."""
    owner = type_at(place)
    keys = list(facts_of(owner)) if owner else []
    if owner is not None and issubclass(owner, Workload):
        keys += SHAPE_KEYS
    return [key for key in keys if key != "written"]


def _without(data: Raw, faults: FaultList, unknown: Iterable[Place]) -> object:
    """Return `data` without unknown keys, and without list items that have other faults."""
    for place in unknown:
        data = _dropped(data, place)  # type: ignore[assignment]  # a mapping stays a mapping
    gone: dict[Place, set[int]] = {}
    for place in set(faults.found) - set(unknown):
        index = next((i for i, part in enumerate(place) if isinstance(part, int)), None)
        if index is None:
            data = _dropped(data, place)  # type: ignore[assignment]  # as above
        else:
            gone.setdefault(place[:index], set()).add(int(place[index]))
    for place, indices in gone.items():
        data = _thinned(data, place, indices, faults)
    return data


def _dropped(value: object, place: Place) -> object:
    """Return `value` without what stands at `place`, if anything does."""
    if not place:
        return {}
    head, rest = place[0], place[1:]
    if isinstance(value, dict) and head in value:
        if rest:
            return {**value, head: _dropped(value[head], rest)}
        return {key: item for key, item in value.items() if key != head}
    if isinstance(value, list) and rest:
        return [_dropped(item, rest) if i == head else item for i, item in enumerate(value)]
    return value


def _thinned(data: Raw, place: Place, indices: set[int], faults: FaultList) -> Raw:
    """Return `data` whose list at `place` has no item of `indices`; note which are kept."""
    parent: object = data
    for part in place:
        parent = parent.get(part) if isinstance(parent, dict) else None
    if not isinstance(parent, list):
        return data
    faults.kept[place] = [i for i in range(len(parent)) if i not in indices]
    return _replaced(data, place, [parent[i] for i in faults.kept[place]])


def _replaced(data: Raw, place: Place, items: list[object]) -> Raw:
    head = str(place[0])
    if len(place) == 1:
        return {**data, head: items}
    inner = data[head]
    return {**data, head: _replaced(inner, place[1:], items)} if isinstance(inner, dict) else data
