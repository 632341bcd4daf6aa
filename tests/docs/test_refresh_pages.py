"""The pages about refreshing and about AWS tell the truth."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest

from broker.cli import main
from broker.provider import Scope
from broker.settings import read_configuration
from providers.emulation.faults import Trouble, parse_fault
from tests.providers.aws.cloud import KEYS, emulator_of, fetch, small_market

ROOT = Path(__file__).parents[2]
REFRESH = (ROOT / "docs" / "refresh.md").read_text(encoding="utf-8")
AWS = (ROOT / "docs" / "providers" / "aws.md").read_text(encoding="utf-8")

#: Service of the SDK -> prefix of its actions.
PREFIXES = {"service-quotas": "servicequotas"}


def blocks(page: str, language: str) -> list[str]:
    """Return a page's code blocks in `language`."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_policy_is_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refresh with everything on asks for exactly the actions of the policy, blocks included."""
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    (policy,) = blocks(AWS, "json")
    (statement,) = json.loads(policy)["Statement"]
    with emulator_of(small_market()) as emulator:
        sell_blocks(emulator.site)
        fetch(emulator, scope=Scope(signals=True, blocks=True))
        asked = {
            f"{PREFIXES.get(one.target.service, one.target.service)}:{one.target.operation}"
            for one in emulator.log
            if one.target.service != "spot-advisor"
        }
    assert set(statement["Action"]) == asked
    assert statement["Action"] == sorted(statement["Action"])


def sell_blocks(site: object) -> None:
    """Let the emulated P5 be sold as capacity blocks too."""
    for types in site.fixtures.types.values():  # type: ignore[attr-defined] # AWS's site
        for one in types:
            if one["InstanceType"] == "p5.48xlarge":
                one["SupportedUsageClasses"].append("capacity-block")


def test_commands_run(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line of the shell block ends with 0."""
    lines = [line for block in blocks(REFRESH, "sh") for line in block.splitlines()]
    assert len(lines) == 2
    for line in lines:
        _, *arguments = shlex.split(line)
        assert main(arguments) == 0
    assert "Examples:" in capsys.readouterr().out


def test_configurations_are_read(tmp_path: Path) -> None:
    """The page's configuration, AWS's and the commented copy hold no mistake."""
    texts = [*blocks(REFRESH, "yaml"), *blocks(AWS, "yaml")]
    texts.append((ROOT / "configs" / "broker.yaml").read_text(encoding="utf-8"))
    assert len(texts) == 3
    for number, text in enumerate(texts):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert "aws" in (read_configuration(path).providers or {})


def test_every_fault_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Each word has its row, each example is a fault, each option of the commands its row."""
    assert all(f"`{word}`" in REFRESH for word in Trouble)
    examples = re.findall(r"--fault '([^']+)'", REFRESH)
    assert [parse_fault(text).trouble for text in examples] == ["refuse", "drop-after"]
    assert main(["refresh", "--help"]) == 0
    options = set(re.findall(r"^ +(?:-o, )?--([a-z]+)", capsys.readouterr().out, re.MULTILINE))
    told = set(re.findall(r"`(?:--|-)([a-z]+)", REFRESH)) | {"output"}
    assert options - {"help", "verbose", "quiet", "no"} <= told
