"""Compare two files of results of one instance.

python -m benchmarks.compare OLD.json NEW.json
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from benchmarks.results import Results, read
from broker.report.table import text_table

#: What is compared: name of the row, keys from a run to the number, form.
_MEASURES: Final = (
    ("total, USD", ("cost", "total"), "{:,.0f}"),
    ("unmet, accelerator-hours", ("unmet",), "{:,.0f}"),
    ("bound, USD", ("bound",), "{:,.0f}"),
    ("gap", ("gap",), "{:.3%}"),
    ("first plan, CPU s", ("first_plan_cpu_s",), "{:.2f}"),
    ("CPU s", ("cpu_s",), "{:.1f}"),
    ("wall s", ("wall_s",), "{:.1f}"),
    ("peak memory, MiB", ("peak_mib",), "{:,.0f}"),
)


def comparison(old: Results, new: Results) -> str:
    """Return old, new and new / old of every contender that both have.

    Raises:
        ValueError: the files are of different instances.
    """
    if old["instance"] != new["instance"]:
        raise ValueError(f"found {new['instance']}, expected the instance {old['instance']}")
    rows = [row for name in old["runs"] for row in _rows(name, old, new)]
    text = text_table(("contender", "measure", "old", "new", "new / old"), rows, right="llrrr")
    if old["machine"] != new["machine"]:
        text += f"on different machines: {old['machine']}, {new['machine']}\n"
    return text


def _rows(name: str, old: Results, new: Results) -> Iterator[tuple[str, ...]]:
    before, after = old["runs"][name], new["runs"].get(name)
    if after is None:
        return
    for text, keys, form in _MEASURES:
        values = [_value(run, keys) for run in (before, after)]
        if values != [None, None]:
            cells = ("-" if value is None else form.format(value) for value in values)
            yield (name, text, *cells, _ratio(*values))


def _value(run: Any, keys: tuple[str, ...]) -> float | None:
    for key in keys:
        run = run.get(key) if run is not None else None
    return None if run is None else float(run)


def _ratio(old: float | None, new: float | None) -> str:
    return f"{new / old:.3f}" if old and new is not None else "-"


def main() -> None:
    """Print the comparison of two files."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(".")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    files = parser.parse_args()
    print(comparison(read(files.old), read(files.new)), end="")


if __name__ == "__main__":
    main()
