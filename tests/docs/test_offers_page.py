"""Every command and program on the page about offers runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from broker.cli import main
from broker.market_csv import read_offers_csv

PAGE = (Path(__file__).parents[2] / "docs" / "offers.md").read_text()


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in `language`."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the shell blocks ends with 0, in their order, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 8
    for line in lines:
        program, *arguments = shlex.split(line, comments=True)
        assert (program, main(arguments)) == ("broker", 0), line


def test_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python example works as it stands."""
    monkeypatch.chdir(tmp_path)
    (program,) = blocks("python")
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 -- our own page
    assert (tmp_path / "copy" / "manifest.json").is_file()


def test_market_file_is_read() -> None:
    """The example of a market file is one."""
    (text,) = blocks("csv")
    assert read_offers_csv(text.encode(), name="page").offers.height == 1
