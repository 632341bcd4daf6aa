"""Moto, an emulator by others, agrees with the AWS adapter on what it serves well.

Moto is 290 MB with what its server needs, so it is no dependency: install ``moto[ec2,server]``,
and this file runs.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.second_opinion import main

pytestmark = pytest.mark.skipif(find_spec("moto") is None, reason="moto is not installed")


@pytest.fixture
def server() -> Iterator[str]:
    """Start moto's server in a process of its own and return its address."""
    started = subprocess.Popen(
        [sys.executable, "-u", "-m", "moto.server", "-p", "0"],
        env=os.environ | {"NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert started.stdout is not None
        lines = iter(started.stdout.readline, "")
        found = (re.search(r"http://127\.0\.0\.1:\d+", line) for line in lines)
        address = next(match[0] for match in found if match)
        _wait_for(address)
        yield address
    finally:
        started.kill()
        started.communicate()


def _wait_for(address: str) -> None:
    for _ in range(600):
        if _answers(address):
            return
        time.sleep(0.1)
    raise TimeoutError(f"moto does not answer at {address}")


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"{address}/moto-api/", timeout=10).close()  # noqa: S310 - ours
    except OSError:
        return False
    return True


def test_moto_agrees(server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Types, accelerators and zone offerings over HTTP are those that moto packages."""
    spec = find_spec("moto")
    assert spec is not None
    assert spec.origin is not None
    code = main([server, str(Path(spec.origin).parent)])
    told = capsys.readouterr().out
    assert code == 0, told
    assert told.count("ok  ") == 6
