"""Run a program and measure it with all the processes that it starts."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_SAMPLE_S: Final = 0.2
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_MIB: Final = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A finished program.

    Attributes:
        output: its standard output; errors: its standard error.
        code: exit code; None when it was ended because it took too long or too much memory.
        why_ended: why it was ended; "" when it ended by itself.
        wall_s: seconds of the clock.
        cpu_s: processor seconds of it and of everything that it started.
        peak_mib: largest resident memory of all its processes together, sampled; None where
            the system has no /proc.
    """

    output: str
    errors: str
    code: int | None
    why_ended: str
    wall_s: float
    cpu_s: float
    peak_mib: float | None


def run(command: Sequence[str], *, most_s: float, most_mib: float) -> Measured:
    """Run `command` to its end, or until it took `most_s` on the clock or `most_mib`."""
    before_s, start = _ended_s(), time.perf_counter()
    child = subprocess.Popen(  # noqa: S603 - our own command
        list(command), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    watch = _Watch(child.pid, most_s=most_s, most_mib=most_mib)
    output, errors = child.communicate()
    wall_s = time.perf_counter() - start
    watch.finish()
    return Measured(
        output=output,
        errors=errors,
        code=None if watch.why_ended else child.returncode,
        why_ended=watch.why_ended,
        wall_s=wall_s,
        cpu_s=max(watch.cpu_s, _ended_s() - before_s),
        peak_mib=watch.peak_mib if _PROC.exists() else None,
    )


def _ended_s() -> float:
    """Processor seconds of every child that has ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree_cpu_s(pid: int) -> float:
    """Return the processor seconds so far of a process and all that it started."""
    return sum(_cpu_s(one) for one in _tree(pid))


class _Watch:
    """Samples a tree of processes, and ends it when it goes too far."""

    def __init__(self, pid: int, *, most_s: float, most_mib: float) -> None:
        self.why_ended = ""
        self.cpu_s = self.peak_mib = 0.0
        self._pid, self._most_s, self._most_mib = pid, most_s, most_mib
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Stop sampling."""
        self._is_over.set()
        self._thread.join()

    def _sample(self) -> None:
        deadline = time.monotonic() + self._most_s
        while not self._is_over.wait(_SAMPLE_S):
            tree = _tree(self._pid)
            self.cpu_s = max(self.cpu_s, sum(map(_cpu_s, tree)))
            resident_mib = sum(map(_resident_mib, tree))
            self.peak_mib = max(self.peak_mib, resident_mib)
            if time.monotonic() > deadline:
                self._end(tree, f"not done in {self._most_s:g} s")
            elif resident_mib > self._most_mib:
                self._end(tree, f"more than {self._most_mib:g} MiB")

    def _end(self, tree: Sequence[int], why: str) -> None:
        self.why_ended = self.why_ended or why
        for pid in reversed(tree):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _tree(pid: int) -> list[int]:
    """Return a process and its living descendants, parents first."""
    children: dict[int, list[int]] = {}
    for one in _PROC.iterdir() if _PROC.exists() else ():
        if one.name.isdigit():
            fields = _fields(int(one.name))
            if fields:
                children.setdefault(int(fields[1]), []).append(int(one.name))
    found = [pid]
    for parent in found:
        found.extend(children.get(parent, ()))
    return found


def _fields(pid: int) -> list[str]:
    """Fields of a process's `stat` from its state on; none where it has gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _cpu_s(pid: int) -> float:
    """Seconds of a process and of those of its children that have ended."""
    return sum(map(int, _fields(pid)[11:15])) / _TICKS_PER_S


def _resident_mib(pid: int) -> float:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * _PAGE_MIB
    except (OSError, IndexError):
        return 0.0
