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
from broker.spec_faults import Here, listed, shown, words
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

_MOST_NODES: Final = 1_000_000
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


def expand_shapes(workload: Raw, here: Here) -> Raw:
    """Return a workload's data with `shapes` written out, whatever form it had."""
    short = {key: value for key, value in workload.items() if key in SHAPE_KEYS}
    rest: Raw = {key: value for key, value in workload.items() if key not in SHAPE_KEYS}
    whole = here.place[0] == "services"
    if "shapes" not in workload:
        if not short:
            remedy = "write e.g. `accelerators: H100:8`, or `vcpus: 16` for a CPU-only workload"
            here.at("shapes").fault(
                words("no shape"), expected="what it may run on", remedy=remedy
            )
            return rest
        return {"shapes": [_expanded(short, here, whole=whole)], **rest}
    for key in short:
        remedy = "move it into each of the `shapes`"
        here.at(key).fault(
            words(f"`{key}` beside `shapes`"), expected="only one of them", remedy=remedy
        )
    shapes = rest["shapes"]
    if isinstance(shapes, list):
        rest["shapes"] = [
            _expanded(shape, here.at("shapes", index), whole=whole)
            if isinstance(shape, dict)
            else shape
            for index, shape in enumerate(shapes)
        ]
    return rest


def _expanded(shape: Raw, here: Here, *, whole: bool) -> Raw:
    """Return one shape's data in the normal form.

    Args:
        shape: as written.
        here: its place.
        whole: True: without `per_node`, all accelerators stand in one instance.
    """
    chosen = _chosen(shape, here) or _Chosen(written="?")
    rest: Raw = {k: v for k, v in shape.items() if k not in {"accelerators", "gpu", "written"}}
    if isinstance(shape.get("written"), str):
        rest["written"] = shape["written"]
    else:
        rest["written"] = chosen.written
    if not chosen.names and chosen.range_gib is None:
        return rest if here.is_faulty else _cpu_only(rest, here)
    if chosen.names:
        rest["accelerators"] = list(chosen.names)
    if chosen.range_gib is not None:
        rest["gpu"] = list(chosen.range_gib)
    return _counted(rest, here, count=chosen.count, whole=whole)


def _chosen(shape: Raw, here: Here) -> _Chosen | None:
    if "accelerators" in shape and "gpu" in shape:
        found = words("both `accelerators` and `gpu`")
        here.at("gpu").fault(found, expected="one of them", remedy="keep the one you mean")
        return None
    if "accelerators" in shape:
        return _chosen_accelerators(shape["accelerators"], here.at("accelerators"))
    if "gpu" in shape:
        return _chosen_range(shape["gpu"], here.at("gpu"))
    return _Chosen(written=_cpu_text(shape))


def _chosen_accelerators(value: object, here: Here) -> _Chosen | None:
    if isinstance(value, str):
        return _chosen_by_text(value, here)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        here.fault(value, expected=_NAME_FORM)
        return None
    parts = [_chosen_by_text(name, here.at(i)) for i, name in enumerate(value)]
    names: list[str] = []
    for index, part in enumerate(parts):
        if part is not None and part.count is not None:
            remedy = "write `count:` beside `accelerators`, or one of the `shapes` for each"
            here.at(index).fault(
                value[index], expected="a name without a count in a list", remedy=remedy
            )
        names += part.names if part is not None else ()
    if not names or here.is_faulty:
        return None
    return _Chosen(names=tuple(dict.fromkeys(names)), written=",".join(value))


def _chosen_by_text(text: str, here: Here) -> _Chosen | None:
    """Return what ``MODEL[:MEMORY][:COUNT]`` says; note what is wrong with it."""
    model, colon, last = text.rpartition(":")
    count = _number(last.strip()) if colon else None
    if count is None:
        model = text
    try:
        known = canonical(model)
    except UnknownAccelerator as error:
        expected, remedy = _accelerator_advice(model, error)
        here.fault(text, expected=expected, remedy=remedy)
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


def _chosen_range(value: object, here: Here) -> _Chosen | None:
    text = re.sub(r"\s+", "", str(value))
    low_text, dots, rest = text.partition("..")
    high_text, colon, count_text = (rest if dots else low_text).partition(":")
    try:
        low = parse_gib(low_text.partition(":")[0] or ("1" if high_text else ""))
        high = parse_gib(high_text) if dots and high_text else NO_UPPER_END_GIB
        count = parse_count(count_text) if colon else None
    except ValueError:
        remedy = "to ask for a model, write `accelerators:`" if text[:1].isalpha() else ""
        here.fault(value, expected=_RANGE_FORM, remedy=remedy)
        return None
    if low > high:
        here.fault(value, expected="a range whose first end is the smaller one")
        return None
    return _Chosen(
        range_gib=(low, high), count=None if count is None else Decimal(count), written=text
    )


def _counted(shape: Raw, here: Here, *, count: Decimal | None, whole: bool) -> Raw:
    """Return an accelerated shape with `count`, `per_node` and `nodes` made to agree."""
    total = _total(shape, here, count=count)
    if total is None:
        return shape
    if not re.search(r":[0-9.]+$", str(shape["written"])):
        shape["written"] = f"{shape['written']}:{plain(total)}"
    shape["count"] = total
    per_node, nodes = _number(shape.get("per_node")), _number(shape.get("nodes"))
    if per_node is None and "per_node" not in shape and (nodes or whole):
        per_node = total / (nodes or Decimal(1))
    if per_node is None:
        return shape
    wanted = total / per_node
    is_whole = _is_whole(wanted) and (per_node < 1 or _is_whole(per_node))
    if is_whole and nodes in {None, wanted} and wanted <= _MOST_NODES:
        return {**shape, "per_node": per_node, "nodes": int(wanted)}
    parts = f"per_node {plain(per_node)}" + (f" x nodes {plain(nodes)}" if nodes else "")
    here.at("per_node" if "per_node" in shape else "nodes").fault(
        words(f"{parts} for {plain(total)} accelerators"),
        expected=f"count = per_node x nodes, both whole, at most {_MOST_NODES} nodes",
        remedy="change one of them, or leave one out",
    )
    return shape


def _is_whole(number: Decimal) -> bool:
    return number == number.to_integral_value()


def _total(shape: Raw, here: Here, *, count: Decimal | None) -> Decimal | None:
    """Return the accelerators in all: as the short form or `count` says, else by the nodes."""
    stated = _number(shape.get("count"))
    if "count" in shape and stated is None:
        here.at("count").fault(shape["count"], expected="a count above 0")
        return None
    if count is not None and stated not in {None, count}:
        found = words(f"{shown(shape['count'])} beside {shape['written']}")
        here.at("count").fault(found, expected="one count", remedy="keep one of the two")
        return None
    by_nodes = (_number(shape.get("per_node")) or 1) * (_number(shape.get("nodes")) or 1)
    return count or stated or Decimal(by_nodes)


def _cpu_only(shape: Raw, here: Here) -> Raw:
    for key in ("count", "per_node"):
        if key in shape:
            found = words(f"`{key}` without accelerators")
            here.at(key).fault(
                found, expected="`nodes` for CPU instances", remedy="rename it to `nodes`"
            )
    if "vcpus" not in shape and "memory" not in shape:
        here.fault(
            words("no accelerators, gpu, vcpus or memory"),
            expected="one of them",
            remedy="write e.g. `accelerators: H100:8`, `gpu: 24GB..80GB` or `vcpus: 16`",
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
