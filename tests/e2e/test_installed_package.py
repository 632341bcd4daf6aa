"""The installed package is whole: its data, its entry points, its types."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from .commands import broker, environment


def test_commands_that_read_packaged_files_work(tmp_path: Path) -> None:
    """Starter, schema, offers and round trips come from files inside the package."""
    assert broker("init", "spec.yaml", folder=tmp_path).returncode == 0
    assert broker("validate", "spec.yaml", folder=tmp_path).returncode == 0
    schema = broker("schema", folder=tmp_path)
    assert json.loads(schema.stdout)["$schema"]
    offers = broker("offers", "H100:8", "--limit", "1", "-o", "json", folder=tmp_path)
    assert json.loads(offers.stdout)["offers"]
    assert broker("latency", "paris", "aws/eu-west-3", folder=tmp_path).stdout.startswith("paris")


def test_doctor_finds_nothing_wrong(tmp_path: Path) -> None:
    """All packages, the providers' adapters and the market are there; the names are ours."""
    done = broker("doctor", "-o", "json", folder=tmp_path)
    findings = json.loads(done.stdout)["findings"]
    assert [one for one in findings if one["remedy"]] == []
    assert done.returncode == 0
    found = {(one["area"], one["subject"]) for one in findings}
    assert {("provider", name) for name in ("aws", "azure", "flatfile", "gcp")} <= found
    assert ("package", "ortools") in found


def test_every_adapter_and_emulator_can_be_loaded(tmp_path: Path) -> None:
    """Each entry point leads to a function, with nothing but what was installed."""
    program = (
        "from importlib.metadata import entry_points\n"
        "for group in ('capacity_broker.providers', 'capacity_broker.emulators'):\n"
        "    for point in entry_points(group=group):\n"
        "        assert callable(point.load()), point\n"
        "        print(point.name)\n"
    )
    printed = subprocess.check_output(  # noqa: S603 -- our interpreter
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path), text=True
    )
    assert set(printed.split()) >= {"aws", "azure", "flatfile", "gcp"}


def test_types_are_shipped(tmp_path: Path) -> None:
    """Type checkers of other projects find the markers that say we are typed."""
    program = (
        "from importlib.resources import files\n"
        "for name in ('broker', 'providers', 'solver'):\n"
        "    assert files(name).joinpath('py.typed').is_file(), name\n"
        "print('typed')\n"
    )
    printed = subprocess.check_output(  # noqa: S603 -- our interpreter
        [sys.executable, "-c", program], cwd=tmp_path, env=environment(tmp_path), text=True
    )
    assert printed == "typed\n"
