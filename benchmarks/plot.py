"""Draw how time grows with workloads, from files of results.

python -m benchmarks.plot docs/performance.svg benchmarks/results/*.json
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.results import Results, read

#: Key of a run of the plan -> what the line is called.
LINES: Final = {"first_plan_cpu_s": "first plan", "cpu_s": "whole search"}


def points(files: Sequence[Results], key: str, regime: str) -> list[tuple[int, float]]:
    """Return (workloads, processor seconds) of the plans of a regime, by workloads."""
    found = [
        (int(one["instance"]["workloads"]), float(one["runs"]["plan"][key]))
        for one in files
        if one["instance"]["regime"] == regime and key in one["runs"]["plan"]
    ]
    return sorted(found)


def draw(files: Sequence[Results], target: Path) -> None:
    """Draw both regimes on axes with logarithmic scales, and a line of linear growth.

    Writes the same bytes for the same files.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    everything = []
    for regime, style in (("normal", "-"), ("contested", "--")):
        for (key, name), colour in zip(LINES.items(), ("tab:green", "tab:blue"), strict=True):
            line = points(files, key, regime)
            everything += line if key == "cpu_s" else []
            if line:
                axes.plot(
                    *zip(*line, strict=True),
                    style,
                    marker="o",
                    color=colour,
                    label=f"{name}, {regime}",
                )
    if everything:
        least, first = min(everything)
        most = max(everything)[0]
        axes.plot([least, most], [first, first * most / least], ":", color="grey", label="linear")
    axes.set(xscale="log", yscale="log", xlabel="workloads", ylabel="CPU seconds, all processes")
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend()
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Draw the files that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(".")[0])
    parser.add_argument("target", type=Path, help="an SVG file")
    parser.add_argument("results", type=Path, nargs="+")
    asked = parser.parse_args()
    draw([read(path) for path in asked.results], asked.target)


if __name__ == "__main__":
    main()
