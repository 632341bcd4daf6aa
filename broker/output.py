"""Results leave the program here: to standard output, or whole into a file."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

from broker.errors import OutputError

#: May hold contract terms: only the owner reads it.
PRIVATE_MODE = 0o600


def show(text: str) -> None:
    """Write `text` to standard output and flush it.

    A reader that has closed the pipe has seen enough: the rest is dropped without a word.

    Raises:
        OutputError: when standard output cannot be written for another reason, e.g. a full disk.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        _mute_standard_output()
    except OSError as error:
        _mute_standard_output()
        raise OutputError(
            f"writing to standard output: {error.strerror or error}",
            remedy="write to a place with room, or name a file with --out",
        ) from error


def write_atomic(path: str | Path, text: str, *, mode: int = PRIVATE_MODE) -> None:
    """Write `text` as the file `path`: the whole of it, or nothing.

    The text goes to a temporary file beside `path`, to the disk, and only then under its name,
    so that a reader never sees half of it and a failed run leaves the earlier file.

    Args:
        path: the file; its folder must exist.
        text: what to write, as UTF-8.
        mode: permissions of the file.

    Raises:
        OutputError: where that cannot be done; nothing is left behind.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        if target.exists() and not target.is_file():  # a device cannot be renamed onto
            target.write_text(text, encoding="utf-8", newline="")
            return
        handle, name = tempfile.mkstemp(prefix=".", dir=target.parent)
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target.resolve())
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(
            f"writing {target}: {reason}",
            remedy="name a file in a folder that exists, can be written and has room",
        ) from error


def _mute_standard_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's exit stays quiet."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
