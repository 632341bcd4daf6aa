"""One acceptable way to run a workload: accelerators or machine, how many, how fast."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from broker.fields import (
    Amount,
    Count,
    Gib,
    Positive,
    Text,
    Throughput,
    written_names,
)

_AS_NAMED = written_names({})


class FabricNeed(StrEnum):
    """The network a shape needs between its nodes."""

    RDMA = "rdma"
    NVLINK_RACK = "nvlink-rack"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """One acceptable way to run a workload.

    Attributes:
        accelerators: accelerator models, any of them will do; written as a name and a count, or
            as a list of names with `count` beside it. Here: canonical names.
        accelerator_memory: instead of a model: the range of nominal memory of one accelerator
            (written `gpu`). Here: (least, most) in GiB.
        count: accelerators in all (`per_node` x `nodes`), where the short form does not say;
            fractions ask for slices. Here: 0 for a CPU-only shape.
        per_node: accelerators that must stand in one instance; None: any packing, except that
            a service has all of `count` in one.
        nodes: instances of a CPU-only shape, or how many instances `count` is divided over.
        speed: how fast this shape is, relative to 1.0.
        fabric: the network between nodes; None: rdma for training on more than one instance,
            else any.
        vcpus: least of one instance; None: not asked.
        memory: least of one instance; None: not asked.
        throughput: of one accelerator (CPU-only: of one instance) at speed 1.0, in the
            service's own unit; with `sizes`: of each size when it serves no other, 0 where it
            cannot; None: as the service says.
        written: the short form, e.g. ``H100:64``; plans state it, people leave it out.
    """

    __pydantic_config__: ClassVar = written_names({"accelerator_memory": "gpu"})

    accelerators: tuple[Text, ...] = ()
    accelerator_memory: tuple[Gib, Gib] | None = None
    count: Amount = Decimal(0)
    per_node: Positive | None = None
    nodes: Count = 1
    speed: Positive = Decimal(1)
    fabric: FabricNeed | None = None
    vcpus: Count | None = None
    memory: Gib | None = None
    throughput: Throughput | None = None
    written: Text

    @property
    def is_cpu_only(self) -> bool:
        """True when the shape asks for no accelerator."""
        return self.count == 0
