"""Results are written whole or not at all, and a closed pipe is no error."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from broker.errors import OutputError
from broker.output import write_atomic


def test_file_holds_the_text_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    """A new and a replaced file hold exactly the text."""
    path = tmp_path / "plan.json"
    for text in ("first\n", "zweite\r\n€\n"):
        write_atomic(path, text)
        assert path.read_bytes() == text.encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_symbolic_link_stays_a_link(tmp_path: Path) -> None:
    """Writing through a link changes its target."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomic(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("name", [".", "gone/plan.json", "file/plan.json", "nul\0l", "x" * 300])
def test_place_that_cannot_be_written_is_one_error(tmp_path: Path, name: str) -> None:
    """Folders, missing folders and impossible names are refused and nothing is left."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError) as caught:
        write_atomic(f"{tmp_path}/{name}", "text")
    assert caught.value.remedy
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_full_disk_is_one_error() -> None:
    """A device without room says so."""
    with pytest.raises(OutputError, match="No space left"):
        write_atomic("/dev/full", "text" * 10_000)


def started(program: str, *, stdout: IO[str] | int) -> subprocess.Popen[str]:
    """Start `program` in a new process."""
    arguments = [sys.executable, "-c", program]
    return subprocess.Popen(  # noqa: S603 -- our own interpreter and program
        arguments, stdout=stdout, stderr=subprocess.PIPE, text=True
    )


def test_standard_output_without_room_is_one_error() -> None:
    """`> /dev/full` raises once and does not break the interpreter's exit."""
    program = (
        "from broker.output import show\nfrom broker.errors import OutputError\nimport sys\n"
        "try: show('x' * 99999)\nexcept OutputError as error: sys.exit(error.exit_code)"
    )
    with Path("/dev/full").open("w") as full:
        writer = started(program, stdout=full)
    _, message = writer.communicate()
    assert (writer.returncode, message) == (1, "")


def test_closed_pipe_is_quiet() -> None:
    """A reader that leaves early changes nothing: no message, no other code."""
    program = "from broker.output import show\nfor _ in range(9): show('x' * 99999)"
    writer = started(program, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    assert writer.stderr.read() == ""
    writer.stderr.close()
    assert writer.wait() == 0
