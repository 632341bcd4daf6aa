"""`broker doctor`: what is installed, and whether anything stands in the way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from broker.cli_options import CONTEXT, global_options
from broker.output import show

if TYPE_CHECKING:
    from broker.doctor import Finding

_FORMAT = 1
_TROUBLE = 1
_EPILOG = """\b
Examples:
  broker doctor
  broker doctor -o json
"""


@click.command("doctor", context_settings=CONTEXT, epilog=_EPILOG)
@click.option(
    *("-o", "--output"),
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Form of the result.",
)
@global_options
def command(output: str) -> None:
    """Say what is installed, and whether anything stands in the way.

    Looks at Python, the packages, the providers, other packages of our names, the embedded
    market, and the folders for configuration and state. Nothing is asked of the network. Ends
    with 1 when something needs doing.
    """
    from broker.doctor import examine

    findings = examine()
    show(_as_json(findings) if output == "json" else _as_table(findings))
    well = all(one.is_well for one in findings)
    click.get_current_context().exit(0 if well else _TROUBLE)


def _as_table(findings: Sequence[Finding]) -> str:
    from broker.report.table import text_table

    rows = [["ok" if one.is_well else "!!", one.area, one.subject, one.found] for one in findings]
    remedies = [f"!! {one.subject}: {one.remedy}\n" for one in findings if not one.is_well]
    return text_table(["", "AREA", "SUBJECT", "FOUND"], rows) + "".join(remedies)


def _as_json(findings: Sequence[Finding]) -> str:
    data = {"format": _FORMAT, "findings": [asdict(one) for one in findings]}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"
