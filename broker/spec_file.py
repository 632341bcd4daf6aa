"""Specs from disk or standard input: their bytes, their text, and what it holds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from broker.errors import BrokerError
from broker.spec_yaml import Document, parse_document, refused

STANDARD_INPUT: Final = "standard input"
MOST_BYTES: Final = 20_000_000


def read_document(source: str | Path) -> Document:
    """Return what the file `source` holds; ``-`` is standard input.

    Raises:
        BrokerError: when there is no such file, or it cannot be read.
        SpecError: when it is too large, not UTF-8, or not one YAML or JSON document.
    """
    name = STANDARD_INPUT if str(source) == "-" else str(source)
    return parse_document(_text(_content(source, name), name), source=name)


def _content(source: str | Path, name: str) -> bytes:
    try:
        if str(source) == "-":
            content = _standard_input()
        else:
            with Path(source).open("rb") as file:
                content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise BrokerError(
            f"reading the spec: found no file {name}",
            remedy="give the path of a spec, or '-' for standard input; "
            "`broker init` writes a starter",
        ) from None
    except IsADirectoryError:
        raise BrokerError(
            f"reading the spec: found a folder at {name}; expected a file",
            remedy="give the spec file inside it",
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BrokerError(
            f"reading the spec: {name} cannot be read: {reason}",
            remedy="check the path and its permissions",
        ) from None
    if len(content) > MOST_BYTES:
        raise refused(
            name,
            found=f"more than {MOST_BYTES // 10**6} MB",
            expected=f"a spec of at most {MOST_BYTES // 10**6} MB",
            remedy="check that this is the spec; group like workloads into one",
        )
    return content


def _standard_input() -> bytes:
    if sys.stdin is None:  # the process was started with it closed
        raise ValueError("it is closed")
    return sys.stdin.buffer.read(MOST_BYTES + 1)


def _text(content: bytes, name: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise refused(
            name,
            found=f"byte 0x{content[error.start]:02x}, which is not UTF-8",
            expected="a text file in UTF-8",
            remedy="save the file as UTF-8",
            line=line,
        ) from None
