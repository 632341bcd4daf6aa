"""Accelerators by the names people write: canonical name, aliases, published facts.

A bare name means the card of the training platform: ``H100`` is the 80 GB SXM module and
``H100-NVL`` a card of its own. Memory is always the nominal size; what an API reports as
usable is smaller (22.4 of a 24 GiB card) and is never matched exactly.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

#: A stated memory may differ this much from the nominal one: 22.4 or 24 for a 24 GiB card.
MEMORY_TOLERANCE: Final = 0.1

_MEMORY_SUFFIX = re.compile(r"(?P<name>.+?)[\s:_-]*(?P<gib>\d+)\s*(?:gib|gb|g)", re.IGNORECASE)
_VENDOR_PREFIX = re.compile(r"^(?:nvidia|amd|intel|aws|google)[\s_-]+", re.IGNORECASE)


class UnknownAccelerator(LookupError):
    """A name that no known accelerator carries.

    Attributes:
        name: what was asked for.
        nearest: canonical names that look like it, best first; may be empty.
    """

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        self.name = name
        self.nearest = nearest
        hint = f"; did you mean {' or '.join(nearest)}?" if nearest else ""
        super().__init__(f"unknown accelerator {name!r}{hint}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accelerator:
    """One accelerator model with the facts its vendor or a careful table publishes.

    Attributes:
        name: canonical name, as offers and specs carry it.
        family: name shared by the memory and board variants of one model.
        aliases: other names, as providers and vendors spell them.
        vendor: who makes it.
        memory_gib: nominal memory of one device.
        bandwidth_gb_per_s: memory bandwidth; None where no source was found, as below.
        bf16_dense_tflops: dense 16-bit rate, fp16 on chips that have no bf16.
        fp8_dense_tflops: dense 8-bit floating point rate.
        tdp_w: power of the device, or of its board where it carries several.
        launch_year: year of announcement.
        source: where the figures come from.
    """

    name: str
    family: str
    aliases: tuple[str, ...]
    vendor: str
    memory_gib: float
    bandwidth_gb_per_s: float | None
    bf16_dense_tflops: float | None
    fp8_dense_tflops: float | None
    tdp_w: float | None
    launch_year: int | None
    source: str


@cache
def accelerators() -> Mapping[str, Accelerator]:
    """Return every known accelerator by canonical name, in the order of the data file."""
    text = files("broker").joinpath("data/accelerators.csv").read_text(encoding="utf-8")
    known = (_accelerator(row) for row in csv.DictReader(text.splitlines()))
    return MappingProxyType({one.name: one for one in known})


def canonical(name: str) -> tuple[Accelerator, ...]:
    """Return the accelerators that `name` means, the usual one first.

    Case and punctuation do not matter, a vendor's name in front is dropped, and a memory
    size may follow: ``a100``, ``A100:80GB``, ``nvidia-tesla-t4``. ``A100`` alone means both
    sizes, so the answer may hold more than one.

    Raises:
        UnknownAccelerator: with the nearest canonical names.
    """
    for candidate in (name, _VENDOR_PREFIX.sub("", name)):
        found = _by_name().get(_key(candidate)) or _by_memory(candidate)
        if found:
            return found
    raise UnknownAccelerator(name, _nearest(name))


def identify(name: str, memory_gib: float) -> Accelerator:
    """Return the one variant of `name` whose nominal memory is nearest to `memory_gib`.

    For names as APIs give them beside the usable memory of a whole device: ``A100`` with
    40 or 80 GiB, ``V100`` with 16 or 32.

    Raises:
        UnknownAccelerator: if no accelerator carries the name.
    """
    first = canonical(name)
    family = [one for one in accelerators().values() if one.family == first[0].family]
    preferred = [*first, *family]
    return min(preferred, key=lambda one: abs(one.memory_gib - memory_gib))


def _by_memory(name: str) -> tuple[Accelerator, ...]:
    match = _MEMORY_SUFFIX.fullmatch(name.strip())
    if match is None:
        return ()
    named = _by_name().get(_key(match["name"]), ())
    families = {one.family for one in named}
    others = [one for one in accelerators().values() if one.family in families]
    for group in (named, tuple(others)):
        fits = tuple(one for one in group if _close(one.memory_gib, float(match["gib"])))
        if fits:
            return fits
    return ()


def _close(nominal_gib: float, stated_gib: float) -> bool:
    return abs(nominal_gib - stated_gib) <= MEMORY_TOLERANCE * nominal_gib


def _nearest(name: str) -> tuple[str, ...]:
    match = _MEMORY_SUFFIX.fullmatch(name.strip())
    keys = [_key(name)] + ([_key(match["name"])] if match else [])
    close = [hit for key in keys for hit in get_close_matches(key, _by_name(), n=3, cutoff=0.6)]
    names = [one.name for hit in close for one in _by_name()[hit]]
    return tuple(dict.fromkeys(names))[:3]


@cache
def _by_name() -> Mapping[str, tuple[Accelerator, ...]]:
    index: dict[str, tuple[Accelerator, ...]] = {}
    for one in accelerators().values():
        for key in dict.fromkeys(map(_key, (one.name, *one.aliases))):
            index[key] = (*index.get(key, ()), one)
    return index


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _accelerator(row: Mapping[str, str]) -> Accelerator:
    return Accelerator(
        name=row["name"],
        family=row["family"],
        aliases=tuple(filter(None, row["aliases"].split("|"))),
        vendor=row["vendor"],
        memory_gib=float(row["memory_gib"]),
        bandwidth_gb_per_s=_figure(row["bandwidth_gb_per_s"]),
        bf16_dense_tflops=_figure(row["bf16_dense_tflops"]),
        fp8_dense_tflops=_figure(row["fp8_dense_tflops"]),
        tdp_w=_figure(row["tdp_w"]),
        launch_year=int(row["launch_year"]) if row["launch_year"] else None,
        source=row["source"],
    )


def _figure(text: str) -> float | None:
    return float(text) if text else None
