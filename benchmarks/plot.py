"""Draw how time grows with workloads and with offers, from files of results.

    python -m benchmarks.plot docs/performance.svg benchmarks/results/*.json

Results of different sizes are points over their workloads. Results of one size on several numbers
of offers (`--offers`) are points over their offers, on axes of their own. Colours are regimes and
rules, lines are what was reached.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.results import Results, Run, read

#: What a line reaches -> its style.
LINES: Final[Mapping[str, str]] = {"first plan": ":", "first bound": "--", "end of search": "-"}
_END: Final = "end of search"
#: Colours of regimes and rules, in the order in which they are found by name.
_COLOURS: Final = ("tab:blue", "tab:orange", "tab:green", "tab:red", "tab:purple", "tab:brown")
_GREY: Final = "0.6"
#: Where gaps are written: points below the axes, from row to row; part of the width.
_GAPS_PT, _ROW_PT, _HEADING = 30.0, 11.0, 0.005


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run of the plan.

    Attributes:
        over: workloads or offers.
        seconds: what of `LINES` it reached -> processor seconds of all processes until then.
        gap: with which it ended, as a share; None: without a plan and a bound.
        is_reached: it ended because it had the gap that it was asked for.
        size: name of the size.
    """

    over: int
    seconds: Mapping[str, float]
    gap: float | None
    is_reached: bool
    size: str


def over_workloads(files: Sequence[Results]) -> dict[str, list[Point]]:
    """Return regime and rules -> the points of named sizes, by workloads."""
    named = [one for one in files if "fleet_offers" not in one["instance"]]
    return _grouped(named, "workloads", "{regime}, rules {rules}")


def over_offers(files: Sequence[Results]) -> dict[str, list[Point]]:
    """Return size, regime and rules -> the points of one fleet on several numbers of offers."""
    asked = [one for one in files if "fleet_offers" in one["instance"]]
    return _grouped(asked, "offers", "{name} {regime}, rules {rules}")


def _grouped(files: Sequence[Results], over: str, title: str) -> dict[str, list[Point]]:
    """Return filled-in title -> points; a run that reached nothing is left out."""
    found: dict[str, list[Point]] = {}
    for one in files:
        instance, run = one["instance"], one["runs"]["plan"]
        seconds = seconds_of(run)
        if seconds:
            point = Point(
                over=int(instance[over]),
                seconds=seconds,
                gap=run.get("gap"),
                is_reached=run.get("stop") == "gap",
                size=instance["name"],
            )
            found.setdefault(title.format(**instance), []).append(point)
    return {key: sorted(found[key], key=lambda point: point.over) for key in sorted(found)}


def seconds_of(run: Run) -> dict[str, float]:
    """Return what of `LINES` a run reached, with processor seconds.

    The bound is the first of blocks or of the whole; what prices alone say is not yet one. A run
    that was ended by force, or failed, has no end.
    """
    found = {}
    if "first_plan_cpu_s" in run:
        found["first plan"] = float(run["first_plan_cpu_s"])
    bounds = (one for one in run.get("progress", ()) if _has_bound(one))
    bound = next(bounds, None)
    if bound is not None:
        found["first bound"] = float(bound["cpu_s"])
    if "gap" in run:
        found[_END] = float(run["cpu_s"])
    return found


def _has_bound(line: Mapping[str, Any]) -> bool:
    return line["bound"] is not None and not line["phase"].startswith("prices")


def draw(files: Sequence[Results], target: Path) -> None:
    """Draw processor seconds on logarithmic scales, with lines of linear growth.

    Writes the same bytes for the same files.

    Args:
        files: results, of any sizes, regimes and rules.
        target: an SVG file.
    """
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "benchmarks"
    mpl.rcParams["svg.fonttype"] = "none"
    figure = _figure(over_workloads(files), over_offers(files))
    figure.savefig(target, metadata={"Date": None})


def _figure(workloads: Mapping[str, list[Point]], offers: Mapping[str, list[Point]]) -> Any:
    from matplotlib.figure import Figure

    panels = [("workloads", workloads), ("offers", offers)]
    panels = [one for one in panels if one[1]] or panels[:1]
    figure = Figure(figsize=(1.5 + 5.5 * len(panels), 5.5), layout="constrained")
    every = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, (over, groups) in zip(every, panels, strict=True):
        _panel(axes, over, groups)
    _legends(figure, every)
    return figure


def _panel(axes: Any, over: str, groups: Mapping[str, list[Point]]) -> None:
    """Draw the groups of one number on axes of their own."""
    axes.set(xscale="log", yscale="log", ylabel="CPU seconds, all processes")
    for (name, points), colour in zip(groups.items(), _cycled(len(groups)), strict=True):
        for reached, style in LINES.items():
            _line(axes, [one for one in points if reached in one.seconds], reached, style, colour)
        axes.plot([], [], "-", color=colour, label=name)
    points = [one for group in groups.values() for one in group]
    _linear(axes, points)
    _gaps(axes, groups)
    marks = sorted({one.over for one in points})
    sizes = {one.over: one.size for one in points} if over == "workloads" else {}
    texts = [f"{mark:,}\n{sizes.get(mark, ' ')}" for mark in marks]
    axes.set_xticks(marks, texts)
    axes.set_xlabel(over, labelpad=len(groups) * _ROW_PT + 4)
    axes.minorticks_off()
    axes.margins(x=0.15, y=0.1)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.grid(visible=True, which="major", alpha=0.3)


def _cycled(count: int) -> list[str]:
    return [_COLOURS[number % len(_COLOURS)] for number in range(count)]


def _line(axes: Any, points: Sequence[Point], reached: str, style: str, colour: str) -> None:
    """Draw one line; ends are filled where the gap was reached, else hollow."""
    if not points:
        return
    xs, ys = [one.over for one in points], [one.seconds[reached] for one in points]
    axes.plot(xs, ys, style, color=colour, linewidth=1.2)
    if reached != _END:
        axes.plot(xs, ys, ".", color=colour, markersize=5)
        return
    for x, y, one in zip(xs, ys, points, strict=True):
        face = colour if one.is_reached else "white"
        axes.plot([x], [y], "o", color=colour, markerfacecolor=face, markersize=6)


def _linear(axes: Any, points: Sequence[Point]) -> None:
    """Draw linear growth from the least end, or from the least of what there is."""
    ends = [(one.over, one.seconds[_END]) for one in points if _END in one.seconds]
    if not ends:
        return
    x, y = min(ends)
    most = max(one.over for one in points)
    axes.plot([x, most], [y, y * most / x], "-", color=_GREY, linewidth=0.8, zorder=0)


def _gaps(axes: Any, groups: Mapping[str, list[Point]]) -> None:
    """Write the gaps below the places, a row for each group in its colour: no line is there."""
    for row, (points, colour) in enumerate(
        zip(groups.values(), _cycled(len(groups)), strict=True)
    ):
        texts = {one.over: _gap_text(one) for one in points}
        for over, text in texts.items():
            _below(axes, over, text, row=row, color=colour)
        _below(axes, _HEADING, "gap", row=row, color=colour)


def _gap_text(point: Point) -> str:
    return "none" if point.gap is None or point.gap >= 1 else f"{point.gap:.2%}"


def _below(axes: Any, over: float, text: str, *, row: int, color: str) -> None:
    """Write below the names of places; a heading stands at a part of the width instead."""
    is_heading = over == _HEADING
    axes.annotate(
        text,
        (over, 0),
        xycoords=("axes fraction" if is_heading else "data", "axes fraction"),
        xytext=(0, -_GAPS_PT - row * _ROW_PT),
        textcoords="offset points",
        ha="left" if is_heading else "center",
        va="top",
        color=color,
        fontsize=8,
    )


def _legends(figure: Any, every: Sequence[Any]) -> None:
    """Tell colours above each axes, and lines and marks once below all."""
    from matplotlib.lines import Line2D

    for axes in every:
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, fontsize=8
            )
    marks: list[dict[str, Any]] = [
        *({"linestyle": style, "label": reached} for reached, style in LINES.items()),
        {"linestyle": "", "marker": "o", "label": "gap as asked"},
        {"linestyle": "", "marker": "o", "markerfacecolor": "white", "label": "ended by a limit"},
        {"color": _GREY, "linewidth": 0.8, "label": "linear growth"},
    ]
    handles = [Line2D([], [], **{"color": "0.2", **one}) for one in marks]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=8)


def main() -> None:
    """Draw the files that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(".")[0])
    parser.add_argument("target", type=Path, help="an SVG file")
    parser.add_argument("results", type=Path, nargs="+")
    asked = parser.parse_args()
    draw([read(path) for path in asked.results], asked.target)


if __name__ == "__main__":
    main()
