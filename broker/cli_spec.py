"""`broker validate`, `broker schema` and `broker init`: write specs and check them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Final

import click

from broker.cli_options import CONTEXT, current_run, global_options, paint
from broker.errors import BrokerError, Fault, SpecError
from broker.output import show, write_atomic

if TYPE_CHECKING:
    from broker.workloads import Spec

#: Version of what `validate -o json` prints.
VALIDATION_FORMAT: Final = 1

_VALIDATE_EXAMPLES: Final = """\b
Examples:
  broker validate spec.yaml
  broker validate --market embedded --market prices.csv spec.yaml
  cat spec.yaml | broker validate -
  broker validate -o json spec.yaml | jq '.faults[] | {line, path}'
"""
_SCHEMA_EXAMPLES: Final = """\b
Examples:
  broker schema
  broker schema --out spec.schema.json
"""
_INIT_EXAMPLES: Final = """\b
Examples:
  broker init
  broker init fleet.yaml
  broker init - | less
"""
_READABLE_MODE: Final = 0o644


@click.command("validate", context_settings=CONTEXT, epilog=_VALIDATE_EXAMPLES)
@click.argument("spec")
@click.option(
    *("--market", "markets"),
    multiple=True,
    metavar="NAME",
    help="embedded, a market folder or a CSV file, instead of the spec's own; repeatable.",
)
@click.option(
    *("-o", "--output"),
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="json: faults and warnings on standard output, for scripts and editors.",
)
@global_options
def validate(spec: str, markets: tuple[str, ...], output: str) -> int:
    """Check SPEC, a file or - for standard input, without planning.

    Every mistake is told at once, with its line, what was found and what would be right. What
    no plan could serve is warned of, as far as arithmetic shows it.
    """
    from broker import snapshot
    from broker.impossible import impossible_of
    from broker.spec import load_spec
    from broker.spec_warnings import warnings_of

    read_market = cache(snapshot.read_market)
    try:
        read = load_spec(spec, markets=markets or None, read_market=read_market)
    except SpecError as error:
        if output == "text":
            raise
        show(_as_json(error.faults, []))
        return error.exit_code
    market = read_market(read.market)
    warnings = [
        *warnings_of(read, market),
        *(
            f"{one.workload}: cannot be served in full: {one.text}"
            for one in impossible_of(read, market)
        ),
    ]
    if output == "json":
        show(_as_json([], warnings))
        return 0
    run = current_run()
    for warning in warnings:
        run.note(f"{paint('warning:', run, fg='yellow')} {warning}")
    show(_summary(read))
    return 0


def _as_json(faults: Sequence[Fault], warnings: Sequence[str]) -> str:
    """Return what was found as JSON; `line` is 0 where none is known."""
    report = {
        "format": VALIDATION_FORMAT,
        "ok": not faults,
        "faults": [asdict(fault) for fault in faults],
        "warnings": list(warnings),
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _summary(spec: Spec) -> str:
    kinds = {"training": spec.training, "services": spec.services, "batch": spec.batch}
    counts = [f"{len(workloads)} {kind}" for kind, workloads in kinds.items() if workloads]
    noun = "workload" if len(spec.workloads) == 1 else "workloads"
    return f"ok: {len(spec.workloads)} {noun} ({', '.join(counts)})\n"


@click.command("schema", context_settings=CONTEXT, epilog=_SCHEMA_EXAMPLES)
@click.option("--out", metavar="FILE", help="Write to FILE instead of standard output.")
@global_options
def schema(out: str | None) -> None:
    """Print the JSON Schema of specs, for editors and for programs that write specs."""
    from broker.spec_schema import spec_schema

    text = json.dumps(spec_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        show(text)
    else:
        write_atomic(out, text, mode=_READABLE_MODE)


@click.command("init", context_settings=CONTEXT, epilog=_INIT_EXAMPLES)
@click.argument("file", default="spec.yaml")
@global_options
def init(file: str) -> None:
    """Write a commented starter to FILE (default spec.yaml); - prints it.

    A file that exists is never overwritten.
    """
    from broker.spec_starter import starter_spec

    if file == "-":
        show(starter_spec())
        return
    if os.path.lexists(file):
        raise BrokerError(
            f"writing a starter spec: found {file}, which exists already",
            remedy="name another file, or `-` to print it",
        )
    write_atomic(file, starter_spec())
    current_run().note(f"wrote {file}; next: broker validate {file}")
