"""Plain text tables: aligned columns, as wide as their cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

GAP: Final = "  "


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Return a table as text, one line each, without trailing blanks.

    Args:
        header: names of the columns.
        rows: cells; every row as long as `header`.
        right: one character a column: ``r`` aligns it right; missing ones are left.
    """
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    sides = right.ljust(len(header), "l")
    return "".join(f"{_line(line, widths, sides)}\n" for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int], sides: str) -> str:
    padded = (
        cell.rjust(width) if side == "r" else cell.ljust(width)
        for cell, width, side in zip(cells, widths, sides, strict=True)
    )
    return GAP.join(padded).rstrip()


def widest(text: str) -> int:
    """Return the length of the longest line of `text`."""
    return max(map(len, text.splitlines()), default=0)
