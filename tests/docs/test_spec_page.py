"""Every command on the page about specs runs, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from broker.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the shell block ends with 0 in an empty folder."""
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "spec.md").read_text(encoding="utf-8")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
             for line in block.splitlines()]  # fmt: skip
    assert len(lines) >= 3
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert (program, main(arguments)) == ("broker", 0), line


def test_message_on_the_page_of_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example of a spec with mistakes gives exactly the text on the page."""
    monkeypatch.chdir(tmp_path)
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    (spec,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    (text,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    Path("spec.yaml").write_text(spec)
    assert main(["validate", "spec.yaml"]) == 1
    assert capsys.readouterr().err == text
