"""Commands on pages: console blocks show what a command prints, shell blocks what to type."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from typing import Final

from broker.cli import main

_BLOCK: Final = re.compile(r"^```(?P<kind>console|sh)\n(?P<text>.*?)^```$", re.M | re.S)
#: Whole, or whole with some demand unmet.
_GOOD: Final = (0, 3)


def run(command: str) -> str:
    """Return what ``broker …`` writes to standard output; a last ``| head -N`` is honoured."""
    whole, _, head = command.partition(" | head -")
    program, *arguments = shlex.split(whole, comments=True)
    assert program == "broker", f"pages show only broker and make: {command}"
    text, notes = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(notes):
        code = main(arguments)
    assert code in _GOOD, f"{command}: exit code {code}: {notes.getvalue()}"
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join(lines[: int(head)] if head else lines) + "\n"


def renewed(page: str) -> str:
    """Return a page with its console blocks as they print now.

    All commands are run in the order of the page, in the current folder; a command that shell
    blocks repeat is run once, and what begins with make is left to the person.
    """
    done: set[str] = set()

    def shown(match: re.Match[str]) -> str:
        if match["kind"] == "console":
            command = match["text"].partition("\n")[0].removeprefix("$ ")
            return f"```console\n$ {command}\n{run(command)}```"
        for line in match["text"].splitlines():
            command = line.partition("#")[0].strip()
            if command and not command.startswith("make") and command not in done:
                done.add(command)
                run(command)
        return match[0]

    return _BLOCK.sub(shown, page)
