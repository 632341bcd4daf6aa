"""The example provider works from outside: its entry point is found, its offers refresh."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from broker.fetching import ConcurrentFetcher
from broker.provider import Scope, Settings
from broker.registry import connect, provider_names

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "fourth_provider"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package with the metadata its build tool writes, on the import path."""
    folder = tmp_path / "site"
    shutil.copytree(EXAMPLE, folder)
    setup = [sys.executable, "-c", "from setuptools import setup; setup()", "-q", "egg_info"]
    subprocess.run(setup, cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_its_entry_point_makes_it_a_provider(installed: Path) -> None:
    """Nothing but the package's own line in pyproject.toml makes the name known."""
    assert "neocloud" in provider_names()
    assert connect("neocloud", Settings()).name == "neocloud"
    assert (installed / "broker_neocloud.egg-info" / "entry_points.txt").is_file()


@pytest.mark.usefixtures("installed")
def test_a_cloud_that_is_away_is_a_fault() -> None:
    """The broker's fetcher gets a classified fault, so that a refresh goes on without it."""
    provider = connect("neocloud", Settings(endpoints={"api": "http://127.0.0.1:9"}))
    (outcome,) = provider.collect(Scope(), ConcurrentFetcher())
    assert outcome.fault is not None
    assert outcome.fault.code == "URLError"


def test_its_own_tests_pass(installed: Path) -> None:
    """The contract class runs in the package's folder, as its author would run it."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_neocloud.py"]
    environment = {"PYTHONPATH": f"{installed}:{ROOT}", "PATH": ""}
    run = subprocess.run(  # noqa: S603 - our own
        command, cwd=installed, env=environment, check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "18 passed" in run.stdout
