"""What every command of the command line shares: verbosity, colour, output format."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import click

#: Settings of every click context.
CONTEXT: Final[dict[str, Any]] = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 100,
}

_Function = TypeVar("_Function", bound=Callable[..., Any])


@dataclass(slots=True, kw_only=True)
class Run:
    """How this run talks: filled from options before the command starts.

    Attributes:
        verbosity: -1 quiet, 0 normal, 1 and more: tell more.
        color: whether `--no-color` was absent; terminal and NO_COLOR are judged in `paint`.
    """

    verbosity: int = 0
    color: bool = True

    def note(self, text: str) -> None:
        """Tell the user something on standard error, unless `-q` was given."""
        if self.verbosity >= 0:
            click.echo(text, err=True)


def global_options(function: _Function) -> _Function:
    """Add `-v`, `-q` and `--no-color`, which act wherever on the line they stand."""
    for option in (
        click.option(
            *("--no-color", "no_color"),
            is_flag=True,
            expose_value=False,
            callback=_no_color,
            help="No colours (NO_COLOR does the same).",
        ),
        click.option(
            *("-q", "--quiet"),
            is_flag=True,
            expose_value=False,
            callback=_quiet,
            help="Only results and errors.",
        ),
        click.option(
            *("-v", "--verbose"),
            count=True,
            expose_value=False,
            callback=_verbose,
            help="Tell more; twice: debug.",
        ),
    ):
        function = option(function)
    return function


def current_run() -> Run:
    """Return the settings of the running command."""
    return click.get_current_context().ensure_object(Run)


def paint(text: str, run: Run, *, stream: str = "stderr", **style: Any) -> str:
    """Return `text` styled for a terminal, plain where colour is unwanted or cannot be shown.

    Args:
        text: what to show.
        run: the settings of this run.
        stream: name of the stream in `sys` that the text will go to.
        style: as for `click.style`.
    """
    wanted = run.color and not os.environ.get("NO_COLOR")
    return click.style(text, **style) if wanted and getattr(sys, stream).isatty() else text


def _run_of(ctx: click.Context) -> Run:
    return ctx.ensure_object(Run)


def _no_color(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        _run_of(ctx).color = False


def _quiet(ctx: click.Context, _: click.Parameter, given: bool) -> None:
    if given:
        _run_of(ctx).verbosity = -1
        logging.getLogger("broker").setLevel(logging.ERROR)


def _verbose(ctx: click.Context, _: click.Parameter, count: int) -> None:
    if count:
        _run_of(ctx).verbosity = count
        logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
        logging.getLogger("broker").setLevel(logging.DEBUG if count > 1 else logging.INFO)
