"""Measure the optimizer on an instance of a stated size, beside cheapest-first and others.

    python -m benchmarks M --regime contested      (make bench SIZE=M REGIME=contested)
    python -m benchmarks M --offers 10000          (make bench SIZE=M OFFERS=10000)

Each contender runs in a process of its own and is ended at a hard limit. Writes
`benchmarks/results/M-contested-all.json` (size, regime, rules) and prints it as tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks import results
from benchmarks.contender import INTERFACES
from benchmarks.instances import FEWEST_OFFERS, SIZES, Regime, Size, on_offers
from benchmarks.processes import Measured, run

#: Size -> seconds on the clock that the optimizer may take, gap that ends it.
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "S": (30, 0.01),
    "M": (60, 0.005),
    "L": (180, 0.005),
    "XL": (600, 0.01),
    "XXL": (600, 0.02),
}
#: Size -> seconds on the clock for cheapest-first, which takes a fraction of one for a workload.
_GREEDY_S: Final = {"S": 300.0, "M": 1200.0, "L": 3600.0}
#: Sizes whose compact model other interfaces are asked to build.
_COMPACT_SIZES: Final = ("S", "M")
#: What all interfaces solve to the end, so that their optima can be compared.
TINY: Final = Size(workloads=10, offers=800)
_TINY_SEED: Final = 2
_TINY_S: Final = 60.0
#: The optimizer is ended by force when it takes this many times its limit, and these seconds.
_PATIENCE, _GRACE_S = 1.5, 60.0
_SAME: Final = 1e-6
#: Seconds on the clock in which an interface must have built its objects.
_BUILD_S: Final = 300.0

Asked = dict[str, Any]
Say = Callable[[str], None]


def _drawn(size: Size, options: argparse.Namespace) -> Asked:
    """Return what an instance is drawn from."""
    fleet = {} if size.fleet_offers is None else {"fleet_offers": size.fleet_offers}
    return {
        "workloads": size.workloads,
        "offers": size.offers,
        **fleet,
        "regime": options.regime,
        "rules": options.rules,
        "seed": options.seed,
    }


def measured(asked: Asked, *, most_s: float, most_mib: float) -> dict[str, Any]:
    """Run one contender and return what it found with what it took."""
    command = [sys.executable, "-m", "benchmarks.contender", json.dumps(asked)]
    return told(run(command, most_s=most_s, most_mib=most_mib))


def told(done: Measured) -> dict[str, Any]:
    """Return what the lines of a contender say, and how its process ended."""
    lines = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    progress = [line for line in lines if "phase" in line]
    found: dict[str, Any] = {"wall_s": done.wall_s, "cpu_s": done.cpu_s}
    for line in lines:
        found |= line.get("found", {})
        found |= {} if line.keys() & {"phase", "found"} else line
    first = next((line for line in progress if line["best"] is not None), None)
    if first is not None:
        found |= {"first_plan_wall_s": first["wall_s"], "first_plan_cpu_s": first["cpu_s"]}
    why = done.why_ended
    if done.code:
        said = [line for line in done.errors.splitlines() if line.strip() == line != ""]
        why = said[-1] if said else f"exit code {done.code}"
    return found | {"peak_mib": done.peak_mib, "why_ended": why, "progress": progress}


def compared(size: Size, options: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Run every contender that was asked for; return the runs by name."""
    seconds = options.seconds
    base = {**_drawn(size, options), "gap": options.gap, "seconds": seconds}
    limits = {"most_s": seconds * _PATIENCE + _GRACE_S, "most_mib": options.memory}
    say(f"plan: up to {seconds:g} s")
    runs = {"plan": measured(base | {"contender": "plan"}, **limits)}
    if "greedy" in options.against and options.greedy_seconds:
        say("greedy")
        greedy = base | {"contender": "greedy"}
        runs["greedy"] = measured(greedy, most_s=options.greedy_seconds, most_mib=options.memory)
        lost = sorted(_lost(runs["greedy"]) | _lost(runs["plan"]))
        if lost and all("cost" in run for run in runs.values()):
            say(f"both again, without the {len(lost)} workloads that one of them leaves unmet")
            base |= {"without": lost}
            runs["plan, served alike"] = measured(base | {"contender": "plan"}, **limits)
            runs["greedy, served alike"] = measured(
                base | {"contender": "greedy"},
                most_s=options.greedy_seconds,
                most_mib=options.memory,
            )
    return runs


def _lost(found: Mapping[str, Any]) -> set[str]:
    return set(found.get("unmet_workloads", ()))


def interfaces(size: Size, options: argparse.Namespace, say: Say, *, seconds: float) -> Asked:
    """Build the compact model through every interface, and solve it where `seconds` are given."""
    found = {}
    for name in INTERFACES:
        say(f"compact model of {size.workloads} workloads: {name}")
        asked = {
            "contender": "compact",
            "interface": name,
            **_drawn(size, options),
            "gap": 0.0,
            "seconds": seconds,
        }
        limit_s = seconds * _PATIENCE + _BUILD_S
        found[name] = measured(asked, most_s=limit_s, most_mib=options.memory)
    return found


def ratio_to_greedy(runs: Mapping[str, Any]) -> float | None:
    """Return cost of cheapest-first over that of the plan where both serve the same; else None."""
    for names in (("plan", "greedy"), ("plan, served alike", "greedy, served alike")):
        both = [runs[name] for name in names if name in runs and "cost" in runs[name]]
        if len(both) == len(names) and not (_lost(both[0]) or _lost(both[1])):
            plan, greedy = (one["cost"]["total"] for one in both)
            return float(greedy / plan)
    return None


def report(found: Mapping[str, Any]) -> str:
    """Return everything that was measured as text."""
    size = found["instance"]
    what = f"{size['name']} {size['regime']}: {size['workloads']} workloads x {size['offers']}"
    parts = [
        f"{what} offers, rules {size['rules']}, seed {size['seed']}\n",
        results.plan_table(found["runs"]),
    ]
    ratio = ratio_to_greedy(found["runs"])
    if ratio is not None:
        parts.append(f"cheapest-first costs {ratio:.3f} x the plan at equal served demand\n")
    elif "greedy" in found["runs"]:
        parts.append("no costs of cheapest-first and a plan that serve the same: not compared\n")
    for title, key in (("built", "compact"), ("solved to the end", "compact_tiny")):
        if found.get(key):
            parts.append(f"compact model, {title}; CPU s\n{results.compact_table(found[key])}")
    if found.get("compact_tiny"):
        parts.append(_agreement(found["compact_tiny"]))
    return "\n".join(parts)


def _agreement(runs: Mapping[str, Any]) -> str:
    done = {
        name: run["objective"] for name, run in runs.items() if run.get("outcome") == "optimal"
    }
    if len(done) < 2:
        return "fewer than two interfaces came to an end: no optima to compare\n"
    least, most = min(done.values()), max(done.values())
    is_same = most - least <= _SAME * abs(most)
    verdict = "the same optimum" if is_same else f"optima from {least:,.2f} to {most:,.2f}"
    return f"{', '.join(done)}: {verdict}\n"


def _offers(text: str) -> int:
    offers = int(text)
    if offers < FEWEST_OFFERS:
        raise argparse.ArgumentTypeError(f"found {text}, expected {FEWEST_OFFERS} or more")
    return offers


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line; limits that are not given are those of the size."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("--regime", choices=[one.value for one in Regime], default="normal")
    parser.add_argument("--rules", choices=("all", "none"), default="all")
    parser.add_argument(
        "--offers", type=_offers, help="how many; every number of them has the same fleet"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="for the optimizer, on the clock")
    parser.add_argument("--gap", type=float, help="that ends the optimizer")
    parser.add_argument(
        "--greedy-seconds", type=float, default=600.0, help="for each of the others"
    )
    parser.add_argument(
        "--solve-seconds", type=float, default=0.0, help="for each to solve the compact model"
    )
    parser.add_argument("--memory", type=float, default=4096.0, help="most MiB of one contender")
    parser.add_argument(
        "--against", nargs="*", choices=("greedy", "compact"), default=["greedy", "compact"]
    )
    parser.add_argument("--output", type=Path, help="file of results; - for none")
    options = parser.parse_args(arguments)
    seconds, gap = LIMITS[options.size]
    options.seconds, options.gap = options.seconds or seconds, options.gap or gap
    options.greedy_seconds = options.greedy_seconds or _GREEDY_S.get(options.size, 0.0)
    return options


def _say(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measure and report."""
    options = parse()
    size = SIZES[options.size]
    if options.offers is not None:
        size = on_offers(size, options.offers)
    found: dict[str, Any] = {
        "format": results.FORMAT,
        "machine": results.machine(),
        "versions": results.versions(),
        "instance": {"name": options.size, **_drawn(size, options)},
        "runs": compared(size, options, _say),
    }
    if "compact" in options.against:
        if options.size in _COMPACT_SIZES:
            found["compact"] = interfaces(size, options, _say, seconds=options.solve_seconds)
        options.seed = _TINY_SEED
        found["compact_tiny"] = interfaces(TINY, options, _say, seconds=_TINY_S)
    print(report(found), end="")
    if str(options.output) != "-":
        path = options.output or results.FOLDER / results.file_name(found["instance"])
        results.write(found, path)


if __name__ == "__main__":
    main()
