"""The pages about providers tell the truth: commands run, the role covers what is asked."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from broker.cli import main
from broker.provider import FaultKind, Scope
from broker.testing import ProviderContract
from providers.emulation.gcp import GoogleEmulator
from providers.gcp.clients import ENDPOINTS
from tests.providers.gcp.cloud import fixtures, refresh

ROOT = Path(__file__).parents[2]
PROVIDERS = (ROOT / "docs" / "providers.md").read_text(encoding="utf-8")
GOOGLE = (ROOT / "docs" / "providers" / "gcp.md").read_text(encoding="utf-8")

#: Permission behind each operation, by Google's reference of methods.
PERMISSIONS = {
    "regions.list": "compute.regions.list",
    "machineTypes.aggregatedList": "compute.machineTypes.list",
    "acceleratorTypes.aggregatedList": "compute.acceleratorTypes.list",
    "reservations.aggregatedList": "compute.reservations.list",
    "commitments.aggregatedList": "compute.commitments.list",
    "instances.aggregatedList": "compute.instances.list",
    "quotaInfos.list": "cloudquotas.quotas.get",
    "advice.capacity": "compute.advice.capacity",
    "advice.capacityHistory": "compute.advice.capacityHistory",
    "advice.calendarMode": "compute.advice.calendarMode",
}


def blocks(page: str, language: str) -> list[str]:
    """Return a page's code blocks in `language`."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with the page's files, and the broker's own entry points in reach."""
    metadata = tmp_path / "metadata"
    metadata.mkdir()
    setup = "from setuptools import setup; setup()"
    command = [sys.executable, "-c", setup, "-q", "egg_info", "--egg-base", str(metadata)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own
    monkeypatch.syspath_prepend(str(metadata))
    monkeypatch.chdir(tmp_path)
    (quotes,) = blocks(PROVIDERS, "csv")
    (config,) = blocks(PROVIDERS, "yaml")
    Path("quotes.csv").write_text(quotes, encoding="utf-8")
    Path("config.yaml").write_text(config, encoding="utf-8")
    return tmp_path


def test_the_commands_run(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's files refresh into a market, and its offers are listed."""
    lines = [line for block in blocks(PROVIDERS, "sh") for line in block.splitlines()]
    for line in lines:
        program, *arguments = shlex.split(line)
        assert (program, main(arguments)) == ("broker", 0), line
    assert "neocloud" in capsys.readouterr().out
    assert (workplace / "market" / "manifest.json").is_file()


@pytest.mark.usefixtures("workplace")
def test_the_contract_example_works() -> None:
    """The page's test class passes as it stands."""
    (program,) = blocks(PROVIDERS, "python")
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 - our own page
    example = names["TestQuotes"]
    assert isinstance(example, type)
    assert issubclass(example, ProviderContract)
    checks = [name for name in dir(example) if name.startswith("test_")]
    for check in checks:
        getattr(example(), check)()
    assert len(checks) == 18


def test_every_kind_of_fault_is_explained() -> None:
    """The table names each kind once."""
    assert re.findall(r"^\| `([A-Z]+)` \|", PROVIDERS, re.MULTILINE) == [
        "THROTTLED",
        "TRANSIENT",
        "BROKEN",
        "DENIED",
        "DISABLED",
        "EXPIRED",
        "UNCONFIGURED",
    ]
    assert len(FaultKind) == 7


def test_the_google_role_is_what_a_refresh_asks_for() -> None:
    """Every operation on the wire has its permission in the role, and nothing else is granted."""
    roles = [yaml.safe_load(block) for block in blocks(GOOGLE, "yaml")]
    (role,) = [role for role in roles if "includedPermissions" in role]
    with GoogleEmulator(fixtures()) as emulator:
        refresh(emulator, Scope(signals=True, blocks=True))
        asked = {logged.target.operation for logged in emulator.http.log}
    assert {PERMISSIONS[operation] for operation in asked} | {"serviceusage.services.use"} == set(
        role["includedPermissions"]
    )


def test_google_datasets_and_endpoints_are_listed() -> None:
    """The page names every dataset of a refresh and every endpoint."""
    with GoogleEmulator(fixtures()) as emulator:
        fetched, _ = refresh(emulator, Scope(signals=True, blocks=True))
    for name in (*fetched, *ENDPOINTS):
        assert f"`{name}`" in GOOGLE
