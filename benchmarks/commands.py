"""How long the commands take that people wait for, as whole processes.

Run `python -m benchmarks.commands SIZE` (`make bench-commands SIZE=M`) from the repository's root:
S stops at the quickstart, M also plans the lab's fleet. Seconds of the clock, processor seconds of
the command, and the largest resident memory of any process so far.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from typing import Final

_QUICK: Final = (
    "--help",
    "offers H100:8",
    "latency paris",
    "plan examples/quickstart.yaml",
)
#: Size -> commands, in their order.
SIZES: Final = {"S": _QUICK, "M": (*_QUICK, "plan examples/frontier-lab.yaml")}
#: Whole, or whole with some demand unmet.
_GOOD: Final = (0, 3)


def measure(command: str) -> str:
    """Run ``broker command`` once and return its line of the table."""
    used = _processor_s()
    start = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "broker", *command.split()], capture_output=True, check=False
    )
    wall_s = time.perf_counter() - start
    if done.returncode not in _GOOD:
        sys.exit(f"broker {command} ended with {done.returncode}: {done.stderr.decode()}")
    peak_mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return f"{command:36} {wall_s:8.2f} {_processor_s() - used:8.2f} {peak_mib:8.0f}"


def _processor_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Measure every command of the size that was asked for."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.commands", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("size", choices=SIZES)
    size = parser.parse_args().size
    print(f"{'broker …':36} {'wall s':>8} {'proc s':>8} {'peak MiB':>8}")
    for command in SIZES[size]:
        print(measure(command), flush=True)


if __name__ == "__main__":
    main()
