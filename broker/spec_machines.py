"""Whether any machine of the market could hold a shape: accelerator, size, fabric."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from broker.market import Market
from broker.offers import Fabric
from broker.spec_faults import Here, listed, words
from broker.units import plain
from broker.workloads import Batch, FabricNeed, Service, Shape, Training

_COLUMNS: Final = (
    "accelerator",
    "accelerators",
    "accelerator_memory_gib",
    "vcpus",
    "memory_gib",
    "fabric",
)


@dataclass(frozen=True, slots=True)
class Machine:
    """What decides whether a shape fits; None is unknown, which never speaks against a fit."""

    accelerator: str | None
    accelerators: float | None
    accelerator_memory_gib: float | None
    vcpus: int | None
    memory_gib: float | None
    fabric: str | None


class Machines:
    """The different machines of a market, asked whether one of them holds a shape."""

    def __init__(self, market: Market) -> None:
        rows = market.offers.select(_COLUMNS).unique().iter_rows()
        self._machines = [Machine(*row) for row in rows]
        self._answers: dict[tuple[Shape, bool], tuple[str, str, str, str] | None] = {}

    def check(self, workload: Training | Service | Batch, here: Here) -> None:
        """Note each shape of `workload` that no machine of the market could hold."""
        is_gang = isinstance(workload, Training)
        for index, shape in enumerate(workload.shapes):
            key = (replace(shape, throughput=None), is_gang)  # of machines it asks nothing
            if key not in self._answers:
                self._answers[key] = self._missing(shape, is_gang=is_gang)
            answer = self._answers[key]
            if answer is not None:
                field, found, expected, remedy = answer
                inside = here.at("shapes", index, field)
                inside.fault(words(found), expected=expected, remedy=remedy)

    def _missing(self, shape: Shape, *, is_gang: bool) -> tuple[str, str, str, str] | None:
        """Return field, found, expected and remedy of the first need that nothing meets."""
        field = _chosen_by(shape)
        left = [one for one in self._machines if _has_accelerator(one, shape)]
        if not left:
            found = f"{shape.written}, which the market does not have"
            names = sorted({one.accelerator for one in self._machines if one.accelerator})
            expected = f"one of {listed(names, most=40)}"
            return (field, found, expected, "`broker offers --all` lists what there is")
        if shape.per_node is not None:
            most = max(_size(one) for one in left)
            left = [one for one in left if _size(one) >= shape.per_node]
            if not left:
                found = f"{plain(shape.per_node)} of {shape.written} in one instance"
                remedy = f"set `per_node: {most:g}` or less"
                return ("per_node", found, f"at most {most:g}, the largest there is", remedy)
        for size in ("vcpus", "memory"):
            need = getattr(shape, size)
            left = [one for one in left if need is None or _offers(one, size) >= need]
            if not left:
                found = f"{need} in one instance"
                return (size, found, "a size that some machine has", "ask for less")
        return _missing_fabric(left, shape, field, is_gang=is_gang)


def _chosen_by(shape: Shape) -> str:
    """Return the key that says what machines the shape wants."""
    if shape.is_cpu_only:
        return "memory" if shape.vcpus is None else "vcpus"
    return "gpu" if shape.accelerator_memory else "accelerators"


def _missing_fabric(
    machines: list[Machine], shape: Shape, field: str, *, is_gang: bool
) -> tuple[str, str, str, str] | None:
    need = shape.fabric or (FabricNeed.RDMA if is_gang else FabricNeed.ANY)
    if need is FabricNeed.ANY or any(_has_fabric(one, shape, need) for one in machines):
        return None
    model = "such machine" if shape.is_cpu_only else shape.written.partition(":")[0]
    if shape.fabric is None:
        found = f"{shape.written} as a gang of several nodes"
        remedy = "write `fabric: any` if slow links will do, or take another accelerator"
        return (field, found, f"machines with {need}, which no {model} has", remedy)
    return ("fabric", f"{need} with {model}", "a network that such machines have", "loosen it")


def _has_accelerator(machine: Machine, shape: Shape) -> bool:
    if shape.is_cpu_only:
        return machine.accelerator is None
    if shape.accelerator_memory is not None:
        low, high = shape.accelerator_memory
        memory = machine.accelerator_memory_gib
        return memory is not None and low <= Decimal(str(memory)) <= high
    return machine.accelerator in shape.accelerators


def _size(machine: Machine) -> float:
    return float("inf") if machine.accelerators is None else machine.accelerators


def _offers(machine: Machine, field: str) -> float:
    amount = machine.vcpus if field == "vcpus" else machine.memory_gib
    return float("inf") if amount is None else amount


def _has_fabric(machine: Machine, shape: Shape, need: FabricNeed) -> bool:
    """Return whether a shape's nodes are joined as needed; one node alone needs no RDMA."""
    if machine.fabric is None or machine.fabric == Fabric.NVLINK_RACK:
        return True
    is_alone = shape.nodes == 1 and _size(machine) >= shape.count
    return need is FabricNeed.RDMA and (is_alone or machine.fabric == Fabric.RDMA)
