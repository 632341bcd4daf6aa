"""Short forms of shapes, written out: ``accelerators: H100:64`` and its kin.

Works on plain data before it is validated: what is not of the expected type is left as it is,
for the validator to complain about, so that one mistake gives one message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from broker.accelerators import UnknownAccelerator, canonical
from broker.fields import parse_amount, parse_count
from broker.spec_faults import FaultList, listed, shown, words
from broker.spec_yaml import Place
from broker.units import parse_gib, plain

#: Keys of a shape that may stand in the workload itself when it has one shape only.
SHAPE_KEYS: Final = (
    "accelerators",
    "count",
    "gpu",
    "per_node",
    "nodes",
    "speed",
    "fabric",
    "vcpus",
    "memory",
    "written",
)

#: Upper end of a memory range that has none, GiB.
NO_UPPER_END_GIB: Final = Decimal(1_000_000)

_NAME_FORM: Final = "an accelerator and a count such as H100:64 or A100:80GB:8"
_RANGE_FORM: Final = "a range of accelerator memory such as 24GB..80GB, 24GB.. or 24GB..80GB:2"

Raw = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """What the short form of a shape says.

    Attributes:
        names: canonical names.
        range_gib: (least, most) memory of an accelerator.
        count: None where not stated.
        written: the form, for messages.
    """

    names: tuple[str, ...] = ()
    range_gib: tuple[Decimal, Decimal] | None = None
    count: Decimal | None = None
    written: str


def expand_shapes(workload: Raw, place: Place, faults: FaultList) -> Raw:
    """Return a workload's data with `shapes` written out, whatever form it had."""
    short = {key: value for key, value in workload.items() if key in SHAPE_KEYS}
    rest: Raw = {key: value for key, value in workload.items() if key not in SHAPE_KEYS}
    whole = place[0] == "services"
    if "shapes" not in workload:
        if not short:
            remedy = "write e.g. `accelerators: H100:8`, or `vcpus: 16` for a CPU-only workload"
            faults.add((*place, "shapes"), words("no shape"), "what it may run on", remedy)
            return rest
        return {"shapes": [_expanded(short, place, faults, whole=whole)], **rest}
    for key in short:
        remedy = "move it into each of the `shapes`"
        faults.add((*place, key), words(f"`{key}` beside `shapes`"), "only one of them", remedy)
    shapes = rest["shapes"]
    if isinstance(shapes, list):
        rest["shapes"] = [
            _expanded(shape, (*place, "shapes", index), faults, whole=whole)
            if isinstance(shape, dict)
            else shape
            for index, shape in enumerate(shapes)
        ]
    return rest


def _expanded(shape: Raw, place: Place, faults: FaultList, *, whole: bool) -> Raw:
    """Return one shape's data in the normal form.

    Args:
        shape: as written.
        place: where.
        faults: takes what is wrong.
        whole: True: without `per_node`, all accelerators stand in one instance.
    """
    chosen = _chosen(shape, place, faults) or _Chosen(written="?")
    rest: Raw = {k: v for k, v in shape.items() if k not in {"accelerators", "gpu", "written"}}
    if isinstance(shape.get("written"), str):
        rest["written"] = shape["written"]
    else:
        rest["written"] = chosen.written
    if not chosen.names and chosen.range_gib is None:
        return rest if faults.has(place) else _cpu_only(rest, place, faults)
    if chosen.names:
        rest["accelerators"] = list(chosen.names)
    if chosen.range_gib is not None:
        rest["gpu"] = list(chosen.range_gib)
    return _counted(rest, chosen.count, place, faults, whole=whole)


def _chosen(shape: Raw, place: Place, faults: FaultList) -> _Chosen | None:
    if "accelerators" in shape and "gpu" in shape:
        found = words("both `accelerators` and `gpu`")
        faults.add((*place, "gpu"), found, "one of them", "keep the one you mean")
        return None
    if "accelerators" in shape:
        return _chosen_accelerators(shape["accelerators"], (*place, "accelerators"), faults)
    if "gpu" in shape:
        return _chosen_range(shape["gpu"], (*place, "gpu"), faults)
    return _Chosen(written=_cpu_text(shape))


def _chosen_accelerators(value: object, place: Place, faults: FaultList) -> _Chosen | None:
    if isinstance(value, str):
        return _chosen_by_text(value, place, faults)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        faults.add(place, value, _NAME_FORM)
        return None
    parts = [_chosen_by_text(name, (*place, i), faults) for i, name in enumerate(value)]
    names: list[str] = []
    for index, part in enumerate(parts):
        if part is not None and part.count is not None:
            remedy = "write `count:` beside `accelerators`, or one of the `shapes` for each"
            faults.add((*place, index), value[index], "a name without a count in a list", remedy)
        names += part.names if part is not None else ()
    if not names or faults.has(place):
        return None
    return _Chosen(names=tuple(dict.fromkeys(names)), written=",".join(value))


def _chosen_by_text(text: str, place: Place, faults: FaultList) -> _Chosen | None:
    """Return what ``MODEL[:MEMORY][:COUNT]`` says; note what is wrong with it."""
    model, colon, last = text.rpartition(":")
    count = _number(last.strip()) if colon else None
    if count is None:
        model = text
    try:
        known = canonical(model)
    except UnknownAccelerator as error:
        faults.add(place, text, *_accelerator_advice(model, error))
        return None
    names = tuple(one.name for one in known)
    return _Chosen(names=names, count=count, written=re.sub(r"\s+", "", text))


def _accelerator_advice(model: str, error: UnknownAccelerator) -> tuple[str, str]:
    """Return what was expected instead of `model`, and the remedy."""
    name, colon, _ = model.partition(":")
    if colon:
        try:
            sizes = listed(f"{one.name} ({one.memory_gib:g} GB)" for one in canonical(name))
        except UnknownAccelerator as unknown:
            error = unknown
        else:
            return _NAME_FORM, f"the count is a number above 0; {name} is {sizes}"
    if name[:1].isdigit():
        return _NAME_FORM, "for a range of memory write `gpu: 24GB..80GB`"
    remedy = f"did you mean {' or '.join(error.nearest)}?" if error.nearest else ""
    return "a known accelerator", remedy or "`broker offers` lists the accelerators on sale"


def _chosen_range(value: object, place: Place, faults: FaultList) -> _Chosen | None:
    text = re.sub(r"\s+", "", str(value))
    low_text, dots, rest = text.partition("..")
    high_text, colon, count_text = (rest if dots else low_text).partition(":")
    try:
        low = parse_gib(low_text.partition(":")[0] or ("1" if high_text else ""))
        high = parse_gib(high_text) if dots and high_text else NO_UPPER_END_GIB
        count = parse_count(count_text) if colon else None
    except ValueError:
        remedy = "to ask for a model, write `accelerators:`" if text[:1].isalpha() else ""
        faults.add(place, value, _RANGE_FORM, remedy)
        return None
    if low > high:
        faults.add(place, value, "a range whose first end is the smaller one")
        return None
    return _Chosen(
        range_gib=(low, high), count=None if count is None else Decimal(count), written=text
    )


def _counted(
    shape: Raw, count: Decimal | None, place: Place, faults: FaultList, *, whole: bool
) -> Raw:
    """Return an accelerated shape with `count`, `per_node` and `nodes` made to agree."""
    stated = _number(shape.get("count"))
    if count is not None and stated is not None and count != stated:
        found = words(f"{shown(shape['count'])} beside {shape['written']}")
        faults.add((*place, "count"), found, "one count", "keep one of the two")
        return shape
    per_node, nodes = _number(shape.get("per_node")), _number(shape.get("nodes"))
    total = count if count is not None else stated
    if total is None:
        if "count" in shape:
            faults.add((*place, "count"), shape["count"], "a count above 0")
            return shape
        total = (per_node or Decimal(1)) * (nodes or Decimal(1))
    if count is None and (stated is None or not _ends_with_count(shape["written"])):
        shape["written"] = f"{shape['written']}:{plain(total)}"
    if per_node is None and "per_node" not in shape and (nodes or whole):
        per_node = total / (nodes or Decimal(1))
    shape["count"] = total
    return _divided(shape, per_node, nodes, place, faults)


def _ends_with_count(written: object) -> bool:
    return re.search(r":[0-9.]+$", str(written)) is not None


def _divided(
    shape: Raw,
    per_node: Decimal | None,
    nodes: Decimal | None,
    place: Place,
    faults: FaultList,
) -> Raw:
    """Return the shape with `nodes` = count / per_node, which must be whole."""
    total = shape["count"]
    if not isinstance(total, Decimal) or not per_node:
        return shape
    wanted = total / per_node
    is_whole = wanted == wanted.to_integral_value() and (per_node < 1 or per_node % 1 == 0)
    if (nodes is not None and nodes != wanted) or not is_whole:
        parts = f"per_node {plain(per_node)}" + (f" x nodes {plain(nodes)}" if nodes else "")
        found = words(f"{parts} for {plain(total)} accelerators")
        expected = "count = per_node x nodes, both whole"
        key = "per_node" if "per_node" in shape else "nodes"
        faults.add((*place, key), found, expected, "change one of them, or leave one out")
        return shape
    return {**shape, "per_node": per_node, "nodes": int(wanted)}


def _cpu_only(shape: Raw, place: Place, faults: FaultList) -> Raw:
    for key in ("count", "per_node"):
        if key in shape:
            found = words(f"`{key}` without accelerators")
            faults.add((*place, key), found, "`nodes` for CPU instances", "rename it to `nodes`")
    if "vcpus" not in shape and "memory" not in shape:
        faults.add(
            place,
            words("no accelerators, gpu, vcpus or memory"),
            "one of them",
            "write e.g. `accelerators: H100:8`, `gpu: 24GB..80GB` or `vcpus: 16`",
        )
    return shape


def _cpu_text(shape: Mapping[str, object]) -> str:
    parts = [f"{shape['vcpus']} vCPU"] if "vcpus" in shape else []
    parts += [str(shape["memory"])] if "memory" in shape else []
    text = ", ".join(parts) or "CPU"
    return f"{text} x {shape['nodes']}" if "nodes" in shape else text


def _number(value: object) -> Decimal | None:
    try:
        number = parse_amount(value)
    except ValueError:
        return None
    return number if number > 0 else None
