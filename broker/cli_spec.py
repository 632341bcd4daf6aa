"""`broker validate`, `broker schema` and `broker init`: write specs and check them."""

from __future__ import annotations

import json
import os
from functools import cache

import click

from broker.cli_options import CONTEXT, current_run, global_options, paint
from broker.errors import BrokerError
from broker.output import show, write_atomic

_VALIDATE_EXAMPLES = """\b
Examples:
  broker validate spec.yaml
  broker validate --market embedded --market prices.csv spec.yaml
  cat spec.yaml | broker validate -
"""
_SCHEMA_EXAMPLES = """\b
Examples:
  broker schema
  broker schema --out spec.schema.json
"""
_INIT_EXAMPLES = """\b
Examples:
  broker init
  broker init fleet.yaml
  broker init - | less
"""
_READABLE_MODE = 0o644


@click.command("validate", context_settings=CONTEXT, epilog=_VALIDATE_EXAMPLES)
@click.argument("spec")
@click.option(
    *("--market", "markets"),
    multiple=True,
    metavar="NAME",
    help="embedded, a market folder or a CSV file, instead of the spec's own; repeatable.",
)
@global_options
def validate(spec: str, markets: tuple[str, ...]) -> None:
    """Check SPEC, a file or - for standard input, without planning.

    Every mistake is told at once, with its line, what was found and what would be right.
    """
    from broker import snapshot
    from broker.spec import load_spec
    from broker.spec_warnings import warnings_of

    read_market = cache(snapshot.read_market)
    read = load_spec(spec, markets=markets or None, read_market=read_market)
    run = current_run()
    for warning in warnings_of(read, read_market(read.market)):
        run.note(f"{paint('warning:', run, fg='yellow')} {warning}")
    counts = [
        f"{len(workloads)} {name}"
        for name, workloads in (
            ("training", read.training),
            ("services", read.services),
            ("batch", read.batch),
        )
        if workloads
    ]
    noun = "workload" if len(read.workloads) == 1 else "workloads"
    show(f"ok: {len(read.workloads)} {noun} ({', '.join(counts)})\n")


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
