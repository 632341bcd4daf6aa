"""Run the installed command as a person would, from a folder that holds nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]
SPEC = """
period: 100h
start: 2026-12-01
training:
  - {name: run, accelerators: H100:16, hours: 10}
"""
MARKET = """\
provider,region,zone,instance_type,accelerator,accelerators,fabric,option,usd_per_hour,available
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,rdma,on-demand,50,5
"""


def command() -> list[str]:
    """Return how to start the command: the script beside this Python, else the module."""
    script = Path(sys.executable).with_name("broker")
    return [str(script)] if script.exists() else [sys.executable, "-m", "broker"]


def environment(home: Path) -> dict[str, str]:
    """Return an environment with an empty home; a checkout is found when nothing is installed."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    if command()[-1] == "broker" and len(command()) > 1:
        kept["PYTHONPATH"] = str(_ROOT)
    return {**kept, "HOME": str(home)}


def broker(
    *arguments: str, folder: Path, stdin: str = "", stdout: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run ``broker arguments`` in `folder` to its end."""
    return subprocess.run(  # noqa: S603 -- our own command
        [*command(), *arguments],
        cwd=folder,
        env=environment(folder),
        input=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=240,
        check=False,
    )
