"""Measure a full refresh of the three emulated clouds: wall time, CPU, memory, answers.

The emulators run in a process of their own, so that only the client is measured::

    python benchmarks/refresh.py --latency 150ms

The package must be installed (``pip install -e .``), so that its entry points are known.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CLOUDS = ("aws", "azure", "gcp")
MOST_WALL_S, MOST_CPU_S, MOST_MB = 60.0, 25.0, 1000.0


def main() -> int:
    """Run the benchmark and return 0 when it keeps to its budget."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--latency", default="150ms", help="added to every answer")
    parser.add_argument("--clouds", nargs="+", default=list(CLOUDS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        return _measured(Path(name), asked.clouds, asked.latency)


def _measured(folder: Path, clouds: list[str], latency: str) -> int:
    config = folder / "config.yaml"
    emulators = _start_emulators(config, clouds, latency)
    try:
        environment = os.environ | _credentials(config) | {"XDG_DATA_HOME": str(folder / "data")}
        return _refresh(config, environment)
    finally:
        emulators.terminate()
        emulators.wait(timeout=30)


def _start_emulators(config: Path, clouds: list[str], latency: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "broker", "-q", "emulate", *clouds, "--latency", latency]
    with config.open("w") as output:
        started = subprocess.Popen(command, stdout=output, text=True)  # noqa: S603 - our own
    for _ in range(600):
        if re.search(rf"^  {clouds[-1]}:\n    endpoints:\n", config.read_text(), re.MULTILINE):
            time.sleep(1)
            return started
        if started.poll() is not None:
            raise SystemExit("the emulators did not start")
        time.sleep(0.1)
    raise SystemExit("the emulators did not start in a minute")


def _credentials(config: Path) -> dict[str, str]:
    exports = re.findall(r"^# export (\w+)=(.*)$", config.read_text(), re.MULTILINE)
    return {**dict(exports), "AWS_EC2_METADATA_DISABLED": "true"}


def _refresh(config: Path, environment: dict[str, str]) -> int:
    command = [sys.executable, "-m", "broker", "refresh", "--config", str(config)]
    start = time.monotonic()
    started = subprocess.Popen(command, env=environment)  # noqa: S603 - our own
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    wall_s = time.monotonic() - start
    cpu_s, megabytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000
    print(f"exit code {started.returncode}")
    print(f"wall {wall_s:.1f} s (budget {MOST_WALL_S:.0f})")
    print(f"CPU {cpu_s:.1f} s (budget {MOST_CPU_S:.0f})")
    print(f"peak memory {megabytes:.0f} MB (budget {MOST_MB:.0f})")
    in_budget = wall_s < MOST_WALL_S and cpu_s < MOST_CPU_S and megabytes < MOST_MB
    return 0 if in_budget and started.returncode == 0 else 1


if __name__ == "__main__":
    raise SystemExit(main())
