"""Console blocks of the pages: a command after ``$``, then exactly what it prints."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

from broker.cli import main

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```console\n\$ (?P<command>[^\n]*)\n(?P<output>.*?)```$", re.M | re.S)


def commands_of(page: Path) -> list[str]:
    """Return the commands of the page's console blocks."""
    return [match["command"] for match in _BLOCK.finditer(page.read_text(encoding="utf-8"))]


def printed_by(command: str) -> str:
    """Return what ``broker …`` writes to standard output; a last ``| head -N`` is honoured."""
    whole, _, head = command.partition(" | head -")
    program, *arguments = shlex.split(whole)
    assert program == "broker", f"a console block shows only broker: {command}"
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        main(arguments)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join(lines[: int(head)] if head else lines) + "\n"


def renewed(page: Path) -> str:
    """Return the page with every console block showing what its command prints now."""

    def shown(match: re.Match[str]) -> str:
        return f"```console\n$ {match['command']}\n{printed_by(match['command'])}```"

    return _BLOCK.sub(shown, page.read_text(encoding="utf-8"))
