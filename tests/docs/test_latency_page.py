"""Every command and program on the page about latency runs, and its table is what ships."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from broker.cli import main
from broker.latency import CERTAIN, LatencyTable, RoundTrip
from broker.reference import metros, regions

PAGE = (Path(__file__).parents[2] / "docs" / "latency.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the page's code blocks in `language`."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of the shell block ends with 0, with the page's own file of round trips."""
    monkeypatch.chdir(tmp_path)
    (own,) = blocks("csv")
    Path("my_rtt.csv").write_text(own, encoding="utf-8")
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines:
        program, *arguments = shlex.split(line)
        assert (program, main(arguments)) == ("broker", 0), line


def test_python_runs() -> None:
    """The Python example works as it stands."""
    (program,) = blocks("python")
    names: dict[str, object] = {}
    exec(program, names)  # noqa: S102 -- our own page
    assert isinstance(names["trip"], RoundTrip)
    assert isinstance(names["flags"], np.ndarray)


def test_the_page_counts_what_ships() -> None:
    """The number of metros on the page is that of the table."""
    assert f"for {len(metros())} cities" in PAGE


def test_every_class_is_explained() -> None:
    """The page has a line for every class that a lookup can answer with."""
    table = LatencyTable.load()
    found = {table.between("aws/eu-west-3", *region).kind for region in regions()}
    found |= {table.between(origin, "aws", "eu-west-3").kind for origin in ("paris", "1,1")}
    assert len(found) >= 5
    assert all(f"| `{kind}` |" in PAGE for kind in found | CERTAIN)
