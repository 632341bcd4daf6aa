"""`broker plan`: from a spec to an audited plan on one screen, or as a file."""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from broker.cli_options import CONTEXT, Run, current_run, global_options
from broker.output import show, write_atomic

if TYPE_CHECKING:
    from broker.plans import Plan, WarmStart
    from solver.solution import SearchLimits

UNMET = 3
STALE = 5
SHORT_OF_GAP = 6
#: Seconds after which a search tells a terminal how it goes.
_PATIENCE_S = 1.0

_EPILOG = """\b
Examples:
  broker plan examples/quickstart.yaml
  broker plan lab.yaml --out plan.json
  broker plan lab.yaml --market snapshots/latest --gap 0.5% -o json
  broker plan lab.yaml --warm-start yesterday.json --out today.json
"""


@click.command("plan", context_settings=CONTEXT, epilog=_EPILOG)
@click.argument("spec_file", metavar="SPEC")
@click.option(
    *("--market", "markets"),
    multiple=True,
    metavar="NAME",
    help="Takes the place of the spec's market: embedded, a folder or a CSV file; repeated ones "
    "are stacked.",
)
@click.option("--out", metavar="FILE", help="Write the plan as JSON to FILE (mode 0600).")
@click.option(
    *("-o", "--output"),
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="Form of the result on standard output.",
)
@click.option(
    "--gap",
    default="0.5%",
    show_default=True,
    metavar="SHARE",
    help="Good enough: how far the cost may be above the proven bound.",
)
@click.option(
    "--time-limit",
    metavar="DURATION",
    help="Stop searching after this long, such as 30s; the plan is then no longer reproducible.",
)
@click.option(
    "--work-limit",
    type=click.IntRange(min=1),
    metavar="NODES",
    help="Stop after this much search; reproducible.",
)
@click.option(
    "--warm-start",
    metavar="FILE",
    help="Begin with an earlier plan that --out wrote: sooner done, with the same optimum.",
)
@click.option(
    "--baseline/--no-baseline",
    default=True,
    show_default=True,
    help="Also work out what cheapest-first would cost.",
)
@global_options
def command(  # noqa: PLR0913 - one parameter per option, as click calls it
    spec_file: str,
    markets: tuple[str, ...],
    out: str | None,
    output: str,
    gap: str,
    time_limit: str | None,
    work_limit: int | None,
    *,
    warm_start: str | None,
    baseline: bool,
) -> None:
    """Plan SPEC: what to run where, bought how, at the least expected cost, with proof.

    SPEC is a YAML or JSON file; - is standard input. Nothing is written without --out.
    """
    from broker.plan_file import plan_to_json, read_plan
    from broker.report.plan import placements_csv
    from broker.workflow import plan_file

    run = current_run()
    limits = _limits(gap, time_limit, work_limit)
    plan = plan_file(
        spec_file,
        markets=markets or None,
        limits=limits,
        baseline=baseline,
        progress=_progress(run),
        warm_start=None if warm_start is None else read_plan(warm_start),
    )
    if plan.warm_start is not None:
        run.note(_began_with(plan.warm_start, str(warm_start)))
    if out is not None:
        write_atomic(out, plan_to_json(plan))
        run.note(f"plan written to {out}")
    render = {"json": plan_to_json, "csv": placements_csv, "table": _for_terminal}[output]
    show(render(plan))
    click.get_current_context().exit(exit_code(plan))


def exit_code(plan: Plan) -> int:
    """Return the documented exit code of a finished plan."""
    if plan.unmet:
        return UNMET
    return 0 if plan.status == "optimal" else SHORT_OF_GAP


def _began_with(earlier: WarmStart, name: str) -> str:
    """Return one line that says how much of an earlier plan was still there to begin with."""
    still, every = earlier.standing, earlier.placements
    rest = "" if still == every else "; the others no longer stand"
    return f"began with {still} of the {every} placements of {name}{rest}"


def _for_terminal(plan: Plan) -> str:
    """Fit the text to the terminal; a file or pipe gets it as wide as it is."""
    from broker.report.plan import plan_text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    return plan_text(plan, width)


def _limits(gap: str, time_limit: str | None, work_limit: int | None) -> SearchLimits:
    from broker.units import parse_hours, parse_share
    from solver.solution import SearchLimits

    try:
        share = float(parse_share(gap))
    except ValueError as error:
        raise click.BadParameter(f"found {gap!r}; expected {error}", param_hint="--gap") from error
    try:
        seconds = None if time_limit is None else float(parse_hours(time_limit)) * 3600
    except ValueError as error:
        text = f"found {time_limit!r}; expected {error}"
        raise click.BadParameter(text, param_hint="--time-limit") from error
    return SearchLimits(gap=share, seconds=seconds, work=work_limit)


def _progress(run: Run) -> Callable[[str, float, float], None]:
    """Tell every phase with -v; on a terminal without it, those of a search that takes longer."""
    begun = time.monotonic()

    def report(phase: str, best: float, bound: float) -> None:
        is_long = sys.stderr.isatty() and time.monotonic() - begun > _PATIENCE_S
        if run.verbosity > 0 or is_long:
            run.note(progress_line(phase, best, bound))

    return report


def progress_line(phase: str, best: float, bound: float) -> str:
    """Return one line about a search: its phase, the best cost, the bound and their gap."""
    if not math.isfinite(best):
        return f"{phase}: no plan yet, bound {bound:,.2f}"
    if not math.isfinite(bound):
        return f"{phase}: best {best:,.2f}, no bound yet"
    gap = max(0.0, (best - bound) / max(best, 1.0))
    return f"{phase}: best {best:,.2f}, bound {bound:,.2f}, gap {gap:.2%}"
