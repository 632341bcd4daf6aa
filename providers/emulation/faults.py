"""Faults on request: what an emulated cloud does wrong, where, and how often."""

from __future__ import annotations

import math
import shlex
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Final


class Trouble(StrEnum):
    """What goes wrong."""

    REFUSE = "refuse"  # an error answer in the cloud's own form, with `status` and `code`
    DROP_BEFORE = "drop-before"  # the connection closes before the work is done
    DROP_AFTER = "drop-after"  # the connection closes after the work is done
    SLOW = "slow"  # the right answer, `delay_s` late
    GARBAGE = "garbage"  # 200 and a body nobody can read


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request asks for.

    Attributes:
        service: e.g. ``ec2``, ``Microsoft.Compute``, ``compute``.
        operation: e.g. ``DescribeRegions``.
        region: region asked about; "" when the request is global.
        page: 1 for the first page of a list, 2 for the next, ...
    """

    service: str
    operation: str
    region: str = ""
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One kind of trouble for the requests it matches.

    Attributes:
        trouble: what goes wrong.
        service, operation, region: shell patterns over the target.
        page: only this page of a list; None: any.
        times: how many requests it hits before it is used up; None: all.
        after: how many matching requests pass unharmed first.
        status, code, message: of the answer of `Trouble.REFUSE`.
        retry_after_s: seconds in a Retry-After header; None: no such header.
        delay_s: seconds `Trouble.SLOW` waits.
    """

    trouble: Trouble
    service: str = "*"
    operation: str = "*"
    region: str = "*"
    page: int | None = None
    times: int | None = 1
    after: int = 0
    status: int = 503
    code: str = "ServiceUnavailable"
    message: str = "a fault asked for"
    retry_after_s: float | None = None
    delay_s: float = 0.0

    def matches(self, target: Target) -> bool:
        """Return whether the fault is meant for `target`."""
        return (
            fnmatchcase(target.service, self.service)
            and fnmatchcase(target.operation, self.operation)
            and fnmatchcase(target.region, self.region)
            and self.page in {None, target.page}
        )


#: Conditions and details that are whole numbers: least and most.
_WHOLE_NUMBERS: Final = {
    "page": (1, 10**6),
    "times": (1, 10**6),
    "after": (0, 10**6),
    "status": (400, 599),
}


def parse_fault(text: str) -> Fault:
    """Parse ``TROUBLE [name=value ...]``, e.g. ``refuse operation=Describe* code=Throttling``.

    Raises:
        ValueError: the text says what would be right.
    """
    try:
        head, *rest = shlex.split(text) or [""]
    except ValueError:
        raise ValueError(f"closed quotation marks in {text!r}") from None
    if head not in set(Trouble):
        raise ValueError(f"one of {', '.join(Trouble)}, then name=value pairs")
    values: dict[str, object] = {}
    for pair in rest:
        name, _, value = pair.partition("=")
        values[name] = _parse_value(name, value)
    return Fault(trouble=Trouble(head), **values)  # type: ignore[arg-type] # checked by name


def _parse_value(name: str, value: str) -> object:
    if name in {"service", "operation", "region", "code", "message"}:
        return value
    if (name, value) == ("times", "all"):
        return None
    if name in _WHOLE_NUMBERS:
        least, most = _WHOLE_NUMBERS[name]
        if value.isdecimal() and least <= int(value) <= most:
            return int(value)
        raise ValueError(f"{name}= a whole number from {least} to {most}, found {value!r}")
    if name in {"retry_after_s", "delay_s"}:
        return _seconds(name, value)
    raise ValueError(
        "service, operation, region, page, times, after, status, code, message, "
        "retry_after_s or delay_s"
    )


def _seconds(name: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{name}= seconds of 0 or more, found {value!r}")
    return seconds


class FaultPlan:
    """The faults of one emulator, used up as requests come."""

    def __init__(self, faults: Sequence[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._entries: list[tuple[Fault, list[int]]] = []
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Put `fault` behind those already there."""
        with self._lock:
            self._entries.append((fault, [0]))

    def clear(self) -> None:
        """Forget every fault."""
        with self._lock:
            self._entries.clear()

    def strike(self, target: Target) -> Fault | None:
        """Return the first fault that hits `target` now, counting it as used."""
        with self._lock:
            for fault, seen in self._entries:
                if fault.matches(target) and self._hits(fault, seen):
                    return fault
        return None

    @staticmethod
    def _hits(fault: Fault, seen: list[int]) -> bool:
        if fault.times is not None and seen[0] >= fault.after + fault.times:
            return False
        seen[0] += 1
        return seen[0] > fault.after
