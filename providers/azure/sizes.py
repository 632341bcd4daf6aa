"""What a VM size's name tells: Azure's API names no GPU model and no GPU memory anywhere.

The table below is keyed by the size's name. A size that it does not know keeps an unknown
accelerator, and the adapter lists it as a gap rather than guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from broker.accelerators import canonical

#: Sizes worth a row: GPU series, and today's general, memory and compute series without GPU.
_GPU: Final = re.compile(r"Standard_N[CDGV]", re.IGNORECASE)
_CPU: Final = re.compile(r"Standard_[DEF]\d+[a-z]*_(?P<generation>v\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The accelerator of a size.

    Attributes:
        name: canonical accelerator name.
        memory_gib: nominal memory of one whole device.
        count: devices of one instance, a fraction for slices; None: unknown.
    """

    name: str
    memory_gib: float
    count: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """One line of the table.

    Attributes:
        pattern: what the size's name matches, without ``Standard_`` in front.
        accelerator: canonical name.
        vcpus_per_device: vCPUs that come with a whole device. The API counts a slice as a whole
            GPU, or as none, so such series are counted by their vCPUs.
        count: devices of every size of the series, where the API is known to count wrong.
        slices: the series may hold slices nobody documents, so that a reported 1 is no count.
    """

    pattern: str
    accelerator: str
    vcpus_per_device: int | None = None
    count: int | None = None
    slices: bool = False


_TABLE: Final = (
    _Series(pattern=r"ND128isrf?_(NDR_)?GB200_v6", accelerator="GB200", count=4),
    _Series(pattern=r"ND128isrf?_(NDR_)?GB300_v6", accelerator="GB300", count=4),
    _Series(pattern=r"ND96isr?f?_H200_v5", accelerator="H200"),
    _Series(pattern=r"ND96isr?f?_((flex|noIB)_)?H100_v5", accelerator="H100"),
    _Series(pattern=r"ND96isr?_MI300X_v5", accelerator="MI300X", count=8),
    _Series(pattern=r"ND96amsr?_A100_v4", accelerator="A100-80"),
    _Series(pattern=r"ND96asr_(A100_)?v4", accelerator="A100-40"),
    _Series(pattern=r"ND40r?s_v2", accelerator="V100-32"),
    _Series(pattern=r"NCC?\d+adi?s_H100_v5", accelerator="H100-NVL", vcpus_per_device=40),
    _Series(pattern=r"NC\d+ads_A100_v4", accelerator="A100-80", vcpus_per_device=24),
    _Series(pattern=r"NC\d+ads_A10_v4", accelerator="A10", vcpus_per_device=16),
    _Series(pattern=r"NC\d+as_T4_v3", accelerator="T4"),
    _Series(pattern=r"NC\d+r?s_v3", accelerator="V100", vcpus_per_device=6),
    _Series(pattern=r"NC\d+r?s_v2", accelerator="P100", vcpus_per_device=6),
    _Series(pattern=r"NC\d+r?(_Promo)?", accelerator="K80", vcpus_per_device=6),
    _Series(pattern=r"NC\d+l?ds_xl_RTXPRO6000BSE_v6", accelerator="RTX-PRO-6000", slices=True),
    _Series(pattern=r"NV\d+adm?s_A10_v5", accelerator="A10", vcpus_per_device=36),
    _Series(pattern=r"NV28adms_V710_v5", accelerator="V710", count=1),
    _Series(pattern=r"NV\d+ads_V710_v5", accelerator="V710", vcpus_per_device=24),
    _Series(pattern=r"NG\d+adm?s_V620(_v1)?", accelerator="V620", vcpus_per_device=32),
    _Series(pattern=r"NV\d+as_v4", accelerator="MI25", vcpus_per_device=32),
    _Series(pattern=r"NV\d+s_v3", accelerator="M60", vcpus_per_device=12),
    _Series(pattern=r"NV\d+s?(_v2|_Promo)?", accelerator="M60", vcpus_per_device=6),
)
_COMPILED: Final = tuple((re.compile(line.pattern, re.IGNORECASE), line) for line in _TABLE)


def is_gpu_size(name: str) -> bool:
    """Return whether a size belongs to a GPU series; NP sizes carry FPGAs."""
    return _GPU.match(name) is not None


def is_wanted(name: str, cpu_generations: frozenset[str]) -> bool:
    """Return whether a size becomes offers: GPU sizes, and CPU sizes of these generations."""
    cpu = _CPU.fullmatch(name)
    return is_gpu_size(name) or (cpu is not None and cpu["generation"] in cpu_generations)


def device_of(name: str, *, vcpus: int | None, reported: Fraction | None) -> Device | None:
    """Return the accelerator of a size; None when the name is not in the table.

    Args:
        name: size name, ``Standard_NV6ads_A10_v5``.
        vcpus: its vCPUs, as the API says; taken from the name when it does not.
        reported: the API's number of GPUs; None when it does not say.
    """
    bare = name.removeprefix("Standard_")
    line = next((line for pattern, line in _COMPILED if pattern.fullmatch(bare)), None)
    if line is None:
        return None
    model = canonical(line.accelerator)[0]
    count = _count(line, vcpus or _vcpus_in(bare), reported)
    return Device(
        name=model.name,
        memory_gib=model.memory_gib,
        count=None if count is None else float(count),
    )


def family_key(family: str) -> str:
    """Return a quota family's name in the one form in which its many spellings agree."""
    return family.casefold().replace(" ", "").replace("_", "")


def _count(line: _Series, vcpus: int, reported: Fraction | None) -> Fraction | None:
    if line.count is not None:
        return Fraction(line.count)
    if line.vcpus_per_device is not None:
        return Fraction(vcpus, line.vcpus_per_device)
    if reported is None or reported <= 0 or (line.slices and reported == 1):
        return None
    return reported


def _vcpus_in(bare: str) -> int:
    digits = re.search(r"\d+", bare)
    return int(digits[0]) if digits else 0
