"""What a person asks of the offers: `H100:8`, `A100:80GB`, `gpu:24GB..80GB`, `aws/us-*`.

Spellings follow SkyPilot (`H100:8`, `--infra cloud/region/zone`) and dstack (`24GB..80GB`,
`1..8`); a comma means "or".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from math import inf
from typing import Final

from broker.accelerators import UnknownAccelerator, canonical
from broker.errors import QueryError
from broker.offers import PurchaseOption
from broker.units import decimal_of, parse_gib

#: Asks for any accelerator, and for none.
ANY: Final = "gpu"
NONE: Final = "cpu"


class Order(StrEnum):
    """What offers are sorted by, cheapest first."""

    PRICE = "price"
    ACCELERATOR_PRICE = "gpu-price"


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Numbers from `low` to `high`, both included."""

    low: float = 0.0
    high: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One acceptable kind of instance.

    Attributes:
        names: canonical accelerator names; None: any accelerator; empty: none, a CPU type.
        count: accelerators of one instance; None: any number.
        memory_gib: nominal memory of one accelerator; None: any.
    """

    names: tuple[str, ...] | None
    count: Range | None = None
    memory_gib: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which offers to list, and in what order. Empty and None mean "no condition".

    Attributes:
        accelerators: acceptable kinds; an offer fits if it fits one.
        infra: places as ``provider[/region[/zone]]`` with ``*``, ``?`` and ``[…]``; any fits.
        options: purchase options; any fits.
        accelerator_memory_gib: nominal memory of one accelerator.
        vcpus, memory_gib: of the instance.
        most_usd_per_hour: highest rate of the instance.
        most_usd_per_accelerator_hour: highest rate divided by the accelerators.
        everything: also what cannot be planned: no price, or not sold.
        order: what to sort by.
    """

    accelerators: tuple[Wanted, ...] = ()
    infra: tuple[str, ...] = ()
    options: tuple[PurchaseOption, ...] = ()
    accelerator_memory_gib: Range | None = None
    vcpus: Range | None = None
    memory_gib: Range | None = None
    most_usd_per_hour: Decimal | None = None
    most_usd_per_accelerator_hour: Decimal | None = None
    everything: bool = False
    order: Order = Order.PRICE


def parse_accelerators(text: str) -> tuple[Wanted, ...]:
    """Parse ``NAME[:MEMORY][:COUNT]``, or several with commas; ``gpu`` is any, ``cpu`` none.

    Memory carries a unit and count none; both may be a range: ``H100:4..8``, ``L4:1+``,
    ``A100:80GB``, ``gpu:24GB..80GB``, ``24GB..:8``.

    Raises:
        ValueError: for what is not of this form, saying what is.
        QueryError: for an accelerator nobody knows, with the nearest names.
    """
    return tuple(_wanted(part.strip()) for part in text.split(","))


def parse_range(text: str, parse: Callable[[str], Decimal] = decimal_of) -> Range:
    """Parse ``8``, ``4..8``, ``4..``, ``..8`` or ``4+``.

    Args:
        text: what was written.
        parse: reads one end, e.g. `parse_gib`; raises `ValueError`.

    Raises:
        ValueError: for another form, an end below zero, or ends in the wrong order.
    """
    form = "a number or a range such as 8, 4..8, 4.. or 4+"
    text = text.strip()
    low, dots, high = text.partition("..")
    if text.endswith("+") and not dots:
        low, dots = text[:-1], ".."
    if not low and not high:
        raise ValueError(form)
    least = float(parse(low)) if low else 0.0
    most = float(parse(high)) if high else (inf if dots else least)
    if not 0 <= least <= most:
        raise ValueError(f"{form}; the smaller end first, none below 0")
    return Range(low=least, high=most)


def parse_memory(text: str) -> Range:
    """Parse memory in GiB or a range of it: ``80GB``, ``24GB..80GB``, ``64+``."""
    return parse_range(text, parse_gib)


def _wanted(text: str) -> Wanted:
    name, *rest = (part.strip() for part in text.split(":"))
    count = memory = None
    if (name[:1].isdigit() and _is_memory(name)) or name.startswith(".."):
        name, rest = ANY, [name, *rest]
    for part in rest:
        if _is_memory(part) and memory is None:
            memory = parse_memory(part)
        elif not _is_memory(part) and count is None:
            count = parse_range(part)
        else:
            raise ValueError("NAME[:MEMORY][:COUNT], such as H100:8 or A100:80GB:4")
    return Wanted(names=_names(name), count=count, memory_gib=memory)


def _names(name: str) -> tuple[str, ...] | None:
    if not name:
        raise ValueError(f"an accelerator's name, {ANY!r} or {NONE!r}")
    if name.lower() in {ANY, NONE}:
        return None if name.lower() == ANY else ()
    try:
        return tuple(one.name for one in canonical(name))
    except UnknownAccelerator as error:
        near = " or ".join(error.nearest)
        raise QueryError(
            f"reading the accelerator {name!r}: found no such accelerator",
            remedy=f"did you mean {near}?" if near else f"`{ANY}` means any accelerator",
        ) from error


def _is_memory(text: str) -> bool:
    """Tell memory (it has a unit) from a count."""
    return text.lower().endswith(("b", "g"))
