"""Machine types and what can be attached to them, from the compute API's rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from broker.provider import Row
from providers.gcp import families

_ARCHITECTURES: Final[Mapping[str, str]] = {"ARM64": "arm64", "X86_64": "x86_64"}
_TENTH: Final = Decimal("0.1")
_GONE: Final = frozenset({"OBSOLETE", "DELETED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine type of one zone, with the accelerators it holds.

    Attributes:
        zone: zone name.
        name: name it carries in offers; for n1 with attached accelerators
            ``n1-standard-16+nvidia-tesla-t4x2``.
        series_type: the machine type as the compute API names it.
        vcpus: virtual CPUs.
        memory_gib: memory.
        guest_accelerator: accelerator type as the compute API names it; None for none.
        accelerators: whole accelerators, or a fraction of one.
        local_disk_gib: bundled local SSD.
        arch: ``x86_64``, ``arm64``; None when the API does not say.
    """

    zone: str
    name: str
    series_type: str
    vcpus: int
    memory_gib: Decimal
    guest_accelerator: str | None
    accelerators: Decimal
    local_disk_gib: Decimal
    arch: str | None

    @property
    def region(self) -> str:
        """Region of the zone."""
        return self.zone.rpartition("-")[0]


def read_machines(types: Iterable[Row], attachable: Iterable[Row]) -> tuple[Machine, ...]:
    """Return every machine that can be had: the types as listed, and n1 with accelerators.

    Args:
        types: rows of the dataset ``instance-types``.
        attachable: rows of the dataset ``accelerator-types``.
    """
    listed = [_machine(row) for row in types if str(row["state"]) not in _GONE]
    cards: dict[str, list[tuple[str, int]]] = {}
    for row in attachable:
        if str(row["name"]) in families.ATTACHMENTS:
            limit = int(str(row["maximum"]))
            cards.setdefault(str(row["zone"]), []).append((str(row["name"]), limit))
    attached = (
        variant
        for machine in listed
        for card, limit in cards.get(machine.zone, ())
        for variant in _attach(machine, card, limit)
    )
    return (*listed, *attached)


def _machine(row: Row) -> Machine:
    name, guest = str(row["name"]), str(row["accelerator"])
    return Machine(
        zone=str(row["zone"]),
        name=name,
        series_type=name,
        vcpus=int(str(row["vcpus"])),
        memory_gib=_gib(int(str(row["memory_mib"]))),
        guest_accelerator=guest or None,
        accelerators=families.accelerator_count(name, int(str(row["accelerators"]))),
        local_disk_gib=Decimal(str(row["ssd_partitions"])) * families.SSD_PARTITION_GIB,
        arch=_ARCHITECTURES.get(str(row["architecture"])),
    )


def _gib(mib: int) -> Decimal:
    """Return the memory that is billed: 3.6 GiB are reported as 3,686 MiB."""
    return (Decimal(mib) / 1024).quantize(_TENTH)


def _attach(machine: Machine, card: str, limit: int) -> Iterator[Machine]:
    for count, machine_types in families.ATTACHMENTS[card].items():
        if count > limit or machine.name not in machine_types:
            continue
        yield Machine(
            zone=machine.zone,
            name=attached_name(machine.series_type, card, count),
            series_type=machine.series_type,
            vcpus=machine.vcpus,
            memory_gib=machine.memory_gib,
            guest_accelerator=card,
            accelerators=Decimal(count),
            local_disk_gib=machine.local_disk_gib,
            arch=machine.arch,
        )


def attached_name(machine_type: str, card: str, count: int) -> str:
    """Return the name of an n1 machine with attached accelerators."""
    return f"{machine_type}+{card}x{count}"
