"""The plot of how time grows: what is a point of which line, and the drawing itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import plot


def result(name: str, workloads: int, plan: dict[str, Any], **instance: Any) -> dict[str, Any]:
    """Return made-up results of a normal day without rules."""
    whole = {"name": name, "workloads": workloads, "offers": 5_000, "regime": "normal"}
    return {"instance": whole | {"rules": "none", "seed": 1} | instance, "runs": {"plan": plan}}


def run(first: float, end: float, gap: float = 0.01, stop: str = "gap") -> dict[str, Any]:
    """Return a made-up run whose bound comes halfway to its end, and whose prices before."""
    steps = (("first plan", None), ("prices 1", 1.0), ("bound", 2.0), ("bound", 3.0))
    times = (first, end / 4, end / 2, end)
    progress = [
        {"phase": phase, "bound": bound, "best": 4.0, "cpu_s": cpu_s}
        for (phase, bound), cpu_s in zip(steps, times, strict=True)
    ]
    found = {"cpu_s": end, "gap": gap, "stop": stop, "progress": progress}
    return found | {"first_plan_cpu_s": first}


def test_seconds_are_told_to_the_plan_the_bound_and_the_end() -> None:
    """What prices say is no bound yet; who was ended by force has no end, who failed nothing."""
    whole = run(1.0, 8.0)
    assert plot.seconds_of(whole) == {"first plan": 1.0, "first bound": 4.0, "end of search": 8.0}
    killed = {key: whole[key] for key in ("cpu_s", "first_plan_cpu_s")}
    assert plot.seconds_of(killed | {"progress": whole["progress"][:2]}) == {"first plan": 1.0}
    assert plot.seconds_of({"cpu_s": 8.0, "progress": []}) == {}


def test_points_are_grouped_by_regime_and_rules_and_ordered_by_workloads() -> None:
    """Runs that failed are left out; a search that a limit ended has not reached its gap."""
    files = [
        result("M", 500, run(1, 60, stop="time")),
        result("S", 50, run(0.1, 5)),
        result("S", 50, run(0.2, 9), rules="all"),
        result("L", 2_000, {"cpu_s": 8.0, "progress": []}),
    ]
    groups = plot.over_workloads(files)
    assert list(groups) == ["normal, rules all", "normal, rules none"]
    points = [(one.over, one.size, one.is_reached) for one in groups["normal, rules none"]]
    assert points == [(50, "S", True), (500, "M", False)]


def test_results_on_other_numbers_of_offers_are_drawn_over_offers() -> None:
    """They are no points over workloads, and the sizes' own no points over offers."""
    asked = [
        result("M", 500, run(1, 60), offers=offers, fleet_offers=1_250)
        for offers in (10_000, 1_250)
    ]
    files = [result("M", 500, run(1, 60)), *asked]
    assert [one.over for one in plot.over_workloads(files)["normal, rules none"]] == [500]
    assert [one.over for one in plot.over_offers(files)["M normal, rules none"]] == [1_250, 10_000]


def test_the_plot_says_what_it_shows(tmp_path: Path) -> None:
    """Sizes, groups, gaps and both numbers stand in it; the same files give the same bytes."""
    pytest.importorskip("matplotlib")
    files = [
        result("S", 50, run(0.1, 5, gap=0.004)),
        result("XL", 10_000, run(20, 200, gap=1.0, stop="time"), offers=20_000),
        result("M", 500, run(1, 60, gap=0.0312), rules="all", offers=2_500, fleet_offers=1_250),
    ]
    for name in ("a.svg", "b.svg"):
        plot.draw(files, tmp_path / name)
    drawn = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert drawn == (tmp_path / "b.svg").read_text(encoding="utf-8")
    for text in (">0.40%<", ">none<", ">3.12%<", "normal, rules none", "M normal, rules all"):
        assert text in drawn, text
    for text in (">workloads<", ">offers<", ">XL<", ">10,000<", ">2,500<", ">linear growth<"):
        assert text in drawn, text


def test_nothing_that_ended_gives_empty_axes(tmp_path: Path) -> None:
    """Results without a plan are no error."""
    pytest.importorskip("matplotlib")
    plot.draw([result("S", 50, {"cpu_s": 1.0, "progress": []})], tmp_path / "a.svg")
    assert ">workloads<" in (tmp_path / "a.svg").read_text(encoding="utf-8")
