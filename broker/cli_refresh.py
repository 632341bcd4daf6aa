"""`broker refresh`: ask the clouds and write a snapshot. `broker emulate`: stand in for them."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from broker.background import LOOK_UP_S
from broker.cli_options import CONTEXT, Run, current_run, global_options
from broker.output import show
from broker.units import parse_deadline, parse_milliseconds

if TYPE_CHECKING:
    from broker.emulation import Emulation
    from broker.provider import Fetched, Scope
    from broker.refresh import Progress, Refreshed
    from broker.settings import Configuration

_GAPS: Final = 5
_REFRESH_EXAMPLES: Final = """\b
Examples:
  broker refresh
  broker refresh --provider aws --region us-east-1 --region eu-west-1
  broker refresh --signals --blocks --out market/
  broker plan spec.yaml --market "$XDG_DATA_HOME/broker/markets/latest"
"""
_EMULATE_EXAMPLES: Final = """\b
Examples:
  broker emulate aws --port 4100 > emulated.yaml
  broker emulate aws azure gcp --latency 150ms
  broker emulate aws --fault 'refuse operation=DescribeRegions code=RequestLimitExceeded times=3'
  broker refresh --config emulated.yaml
"""


def _parsed(parse: Callable[[str], Any]) -> Callable[..., Any]:
    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        if value is None:
            return None
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(
                f"found {value!r}; expected {error}", ctx=ctx, param=param
            ) from error

    return callback


def _some_text(text: str) -> str:
    if not text.strip():
        raise ValueError("the key of a tag")
    return text


@click.command(context_settings=CONTEXT, epilog=_REFRESH_EXAMPLES)
@click.option("--provider", "names", multiple=True, metavar="NAME", help="Only this one; repeat.")
@click.option("--region", "regions", multiple=True, help="Only this region; repeat.")
@click.option("--signals", is_flag=True, help="Ask for capacity signals too (rate-limited).")
@click.option("--blocks", is_flag=True, help="Ask for capacity blocks and calendar offers too.")
@click.option(
    "--tag",
    metavar="KEY",
    callback=_parsed(_some_text),
    help="Tag that names an instance's workload.",
)
@click.option(
    "--deadline",
    callback=_parsed(parse_deadline),
    help="Time that one provider may take, e.g. 4m.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    envvar="BROKER_CONFIG",
    help="Configuration file.  [default: $XDG_CONFIG_HOME/broker/config.yaml]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Write the market as this folder.  [default: a new snapshot]",
)
@click.option(
    *("-o", "--output", "form"),
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to show what came.",
)
@global_options
def refresh(config: Path | None, out: Path | None, form: str, **asked: Any) -> int:
    """Ask every configured cloud what it sells and what you own, and write a market.

    Ends with what is fresh, stale and missing; exit code 5 when anything is. Only this command
    talks to clouds, and it changes nothing there.
    """
    from broker.refresh_run import run_refresh
    from broker.settings import read_configuration

    if current_run().verbosity <= 0:
        logging.getLogger().addHandler(logging.NullHandler())  # the table tells what failed
    configuration = _overridden(read_configuration(config), asked)
    ticker = _Ticker(current_run())
    try:
        done = run_refresh(configuration, names=asked["names"], out=out, heard=ticker.heard)
    finally:
        ticker.done()
    render = _as_json if form == "json" else _as_table
    show(render(done.refreshed, done.path))
    return _GAPS if done.refreshed.has_gaps else 0


def _overridden(configuration: Configuration, asked: Mapping[str, Any]) -> Configuration:
    scope: Scope = configuration.scope
    scope = replace(
        scope,
        regions=asked["regions"] or scope.regions,
        signals=asked["signals"] or scope.signals,
        blocks=asked["blocks"] or scope.blocks,
        tag=asked["tag"] or scope.tag,
    )
    deadline_s = asked["deadline"] or configuration.deadline_s
    return replace(configuration, scope=scope, deadline_s=deadline_s)


def _as_table(found: Refreshed, path: Path) -> str:
    head = ("provider", "dataset", "fresh", "stale", "missing", "code")
    rows = [head, *(_cells(line) for line in found.progress)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if 2 <= column <= 4 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    left_out = [f"{name}: not set up, left out" for name in found.left_out]
    counted = f"{found.market.offers.height:,} offers, {found.market.gaps.height} gaps"
    told = [*lines, *left_out, *_gap_lines(found), counted, f"market: {path}", ""]
    return "\n".join(told)


def _gap_lines(found: Refreshed) -> list[str]:
    """Return what to do about the gaps, one line for each kind, with the first place it hit."""
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for gap in found.market.gaps.to_dicts():
        kind = (gap["provider"], gap["code"], gap["remedy"] or gap["reason"])
        kinds.setdefault(kind, []).append(f"{gap['dataset']} {gap['region']}".strip())
    return [
        f"{provider} {code}: {places[0]}{_and_more(places)}: {remedy}".strip()
        for (provider, code, remedy), places in kinds.items()
    ]


def _and_more(places: list[str]) -> str:
    return f" and {len(places) - 1} more" if len(places) > 1 else ""


def _cells(line: Progress) -> tuple[str, ...]:
    counts = (str(line.fresh), str(line.stale), str(line.missing))
    return (line.provider, line.dataset, *counts, line.code)


def _as_json(found: Refreshed, path: Path) -> str:
    market = found.market
    stated = {
        "format": 1,
        "market": str(path),
        "digest": market.digest,
        "taken_at": market.taken_at.isoformat().replace("+00:00", "Z"),
        "offers": market.offers.height,
        "gaps": market.gaps.height,
        "left_out": sorted(found.left_out),
        "datasets": [
            {
                "provider": line.provider,
                "dataset": line.dataset,
                "fresh": line.fresh,
                "stale": line.stale,
                "missing": line.missing,
                "code": line.code,
            }
            for line in found.progress
        ],
    }
    return json.dumps(stated, indent=2) + "\n"


class _Ticker:
    """Counts answers on a terminal while a refresh runs longer than a second."""

    def __init__(self, run: Run) -> None:
        self._shows = run.verbosity >= 0 and sys.stderr.isatty()
        self._starts_at = time.monotonic() + 1
        self._answers = 0
        self._lock = threading.Lock()

    def heard(self, fetched: Fetched) -> None:
        """Count one answer."""
        with self._lock:
            self._answers += 1
            if self._shows and time.monotonic() > self._starts_at:
                where = f"{fetched.dataset} {fetched.region}"[:50]
                click.echo(f"\r{self._answers} answers; {where:<50}", nl=False, err=True)

    def done(self) -> None:
        """Clear the line."""
        if self._shows and self._answers:
            click.echo(f"\r{'':<70}\r", nl=False, err=True)


@click.command(context_settings=CONTEXT, epilog=_EMULATE_EXAMPLES)
@click.argument("names", nargs=-1, required=True, metavar="aws|azure|gcp...")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the first cloud; 0: any free one.",
)
@click.option(
    "--latency",
    "latency_ms",
    default="0ms",
    callback=_parsed(parse_milliseconds),
    help="Added to every answer, e.g. 150ms.",
)
@click.option("--fault", "faults", multiple=True, help="What goes wrong; docs/refresh.md.")
@click.option("--market", "markets", multiple=True, help="What they sell.  [default: embedded]")
@global_options
def emulate(names: tuple[str, ...], port: int, latency_ms: Any, **asked: Any) -> None:
    """Serve local stand-ins for the clouds' APIs, until interrupted.

    Prints the configuration that points `broker refresh` at them, with the variables to export
    as comments. Nothing leaves this machine.
    """
    from broker.errors import BrokerError
    from broker.registry import emulator
    from broker.snapshot import EMBEDDED, read_market

    make = {name: emulator(name) for name in dict.fromkeys(names)}
    market = read_market(list(asked["markets"]) or [EMBEDDED])
    started: dict[str, Emulation] = {}
    for number, (name, emulated) in enumerate(make.items()):
        place = port + number if port else 0
        try:
            started[name] = emulated(
                market,
                port=place,
                latency_s=float(latency_ms) / 1000,
                faults=asked["faults"],
            )
        except ValueError as error:
            raise click.UsageError(f"--fault: expected {error}") from error
        except (OSError, OverflowError) as error:
            raise BrokerError(
                f"emulating {name} on port {place}: {getattr(error, 'strerror', '') or error}",
                remedy="name another port with --port, or leave it out for any free one",
            ) from error
    _serve(started)


def _serve(started: Mapping[str, Emulation]) -> None:
    for one in started.values():
        one.start()
    show(_as_configuration(started))
    current_run().note("serving; stop with ctrl-C")
    try:
        while True:
            time.sleep(LOOK_UP_S)
    except KeyboardInterrupt:
        current_run().note("stopped")
    finally:
        for one in started.values():
            one.stop()


def _as_configuration(started: Mapping[str, Emulation]) -> str:
    lines = [
        f"# export {name}={value}"
        for one in started.values()
        for name, value in one.environment.items()
    ]
    lines.append("providers:")
    for name, one in started.items():
        lines += [f"  {name}:", "    endpoints:"]
        lines += [f'      {service}: "{url}"' for service, url in one.endpoints.items()]
        lines += ["    options:"] if one.options else []
        lines += [f'      {option}: "{value}"' for option, value in one.options.items()]
    return "\n".join([*lines, ""])
