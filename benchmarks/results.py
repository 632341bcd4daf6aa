"""Results of benchmarks: files that can be kept and compared, and the table people read."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from broker.report.table import text_table

#: Version of the files; a reader refuses another one.
FORMAT: Final = 1
FOLDER: Final = Path(__file__).parent / "results"
_CPUINFO: Final = Path("/proc/cpuinfo")
_PACKAGES: Final = ("numpy", "ortools", "polars", "pulp")
_LINES: Final = ("compute", "rework", "transfer", "moves", "carbon", "shortfall", "total")

Run = Mapping[str, Any]
Results = Mapping[str, Any]


def machine() -> dict[str, object]:
    """Name the machine: model of its processor and how many cores may be used, nothing else."""
    model = platform.machine()
    if _CPUINFO.exists():
        lines = _CPUINFO.read_text(encoding="utf-8").splitlines()
        models = [
            line.partition(":")[2].strip() for line in lines if line.startswith("model name")
        ]
        model = models[0] if models else model
    return {"cpu": model, "cores": len(os.sched_getaffinity(0))}


def versions() -> dict[str, str]:
    """Return the versions of Python and of what does the work; packages not installed are out."""
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def file_name(instance: Mapping[str, Any]) -> str:
    """Return the name of the file of an instance's results.

    Size, regime and rules always stand in it; the number of offers where it was asked for, and
    a seed other than 1.
    """
    parts = [instance["name"], instance["regime"], instance["rules"]]
    if "fleet_offers" in instance:
        parts.append(f"{instance['offers']}-offers")
    if instance["seed"] != 1:
        parts.append(f"seed-{instance['seed']}")
    return "-".join(parts) + ".json"


def write(results: Results, path: Path) -> None:
    """Write results to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    """Return the results of a file.

    Raises:
        ValueError: it is no file of results, or of another version.
    """
    found: Any = json.loads(path.read_text(encoding="utf-8"))
    version = found.get("format") if isinstance(found, dict) else None
    if version != FORMAT:
        raise ValueError(f"{path}: found format {version}, expected {FORMAT}; run it again")
    return dict(found)


def plan_table(runs: Mapping[str, Run]) -> str:
    """Return cost, service and effort of the optimizer and of cheapest-first."""
    names = [name for name in ("plan", "greedy", "plan, served alike") if name in runs]
    rows = [_cost_row(line, [runs[name] for name in names]) for line in _LINES]
    for text, key, form in (
        ("unmet workloads", "unmet_workloads", "count"),
        ("unmet, accelerator-hours", "unmet", "{:,.0f}"),
        ("bound, USD", "bound", "{:,.0f}"),
        ("gap", "gap", "{:.3%}"),
        ("first plan, CPU s", "first_plan_cpu_s", "{:.2f}"),
        ("first plan, wall s", "first_plan_wall_s", "{:.2f}"),
        ("CPU s, all processes", "cpu_s", "{:.1f}"),
        ("wall s", "wall_s", "{:.1f}"),
        ("peak memory, MiB", "peak_mib", "{:,.0f}"),
        ("ended", "why_ended", "{}"),
    ):
        rows.append((text, *(_cell(runs[name], key, form) for name in names)))
    return text_table(("", *names), rows, right="l" + "r" * len(names))


def _cost_row(line: str, runs: Sequence[Run]) -> tuple[str, ...]:
    cells = (f"{run['cost'][line]:,.0f}" if "cost" in run else "-" for run in runs)
    return (f"{line}, USD", *cells)


def _cell(run: Run, key: str, form: str) -> str:
    value = run.get(key)
    if value is None or value == "":
        return "-"
    return str(len(value)) if form == "count" else form.format(value)


def compact_table(runs: Mapping[str, Run]) -> str:
    """Return what each interface takes to build the compact model, and what it finds."""
    header = ("through", "columns", "from arrays", "x", "in all", "x", "best", "wall s")
    ours = next((run for run in runs.values() if "arrays_cpu_s" in run), None)
    rows = [_compact_row(name, run, ours) for name, run in runs.items()]
    return text_table(header, rows, right="lrrrrrrr")


def _compact_row(name: str, run: Run, ours: Run | None) -> tuple[str, ...]:
    if "build_cpu_s" not in run or ours is None:
        return (name, *"-----", str(run.get("why_ended") or "failed"), "-")
    is_ours = name.startswith("arrays")
    alike_s, own_s = _from_arrays_s(run), _from_arrays_s(ours)
    # Finding the numbers counts in our time alone.
    own_ready_s = own_s + float(ours["arrays_cpu_s"])
    ready_s = own_ready_s if is_ours else alike_s
    best = f"{run['objective']:,.2f}" if "objective" in run else str(run.get("outcome", "-"))
    best += "" if run.get("outcome", "optimal") == "optimal" else " (not proven)"
    best += "" if run.get("is_feasible", True) else " (breaks a row)"
    return (
        name,
        f"{run['columns']:,}",
        f"{alike_s:.3f}",
        f"{alike_s / own_s:.1f}",
        f"{ready_s:.3f}",
        f"{ready_s / own_ready_s:.1f}",
        str(run["why_ended"]) if run.get("why_ended") else best,
        f"{run['wall_s']:.1f}" if "objective" in run else "-",
    )


def _from_arrays_s(run: Run) -> float:
    """Return processor seconds from finished arrays to what the engine is given."""
    return float(run["build_cpu_s"]) + float(run["hand_over_cpu_s"])
