"""The command `broker`: finds the subcommand, runs it, turns its end into an exit code.

Only click and the standard library are imported here; a subcommand's module is imported when
it is called, so that `broker --help` is quick. To add a command, add its line to `COMMANDS`.
"""

from __future__ import annotations

import difflib
import importlib
import io
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final

import click

from broker import __version__
from broker.cli_options import CONTEXT, Run, global_options, paint
from broker.errors import BrokerError

#: Name -> (module:attribute of the click command, one line of help), in the order of `--help`.
COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "plan": ("broker.cli_plan:command", "Plan a spec: what to run where, bought how."),
    "explain": ("broker.cli_explain:command", "Say why a plan is as it is."),
    "validate": ("broker.cli_spec:validate", "Check a spec without planning."),
    "schema": ("broker.cli_spec:schema", "Print the JSON Schema of specs."),
    "init": ("broker.cli_spec:init", "Write a commented starter spec."),
    "offers": ("broker.cli_offers:offers", "List what can be bought, cheapest first."),
    "latency": ("broker.cli_latency:command", "Show round trips from a place to the regions."),
    "refresh": ("broker.cli_refresh:refresh", "Ask the clouds and write a new market."),
    "doctor": ("broker.cli_doctor:command", "Say what is installed and what is in the way."),
    "emulate": ("broker.cli_refresh:emulate", "Stand in for the clouds' APIs, locally."),
}

OK: Final = 0
USAGE: Final = 64
BUG: Final = 70
INTERRUPTED: Final = 130

_EPILOG: Final = """\b
Exit codes:
    0  done
    1  an error in the input or the environment
    2  the plan differs (only with --detailed-exitcode)
    3  plan written, some demand unmet
    4  a gate failed: budget, moves or savings
    5  prices older than the max_age you set, or a refresh with gaps
    6  stopped by a limit short of the asked gap
   64  wrong usage of the command line
   70  a bug of ours
   75  locked by another run
  130  interrupted

Results go to standard output, everything else to standard error.
"""


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is called, and lists them without importing."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names in the order of `COMMANDS`."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command `cmd_name`, importing its module, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}:{attribute} is no click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that `args` begin with; suggest the nearest to an unknown one."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {name!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings=CONTEXT, epilog=_EPILOG)
@click.version_option(__version__, "--version", message="broker %(version)s")
@global_options
def program() -> None:
    """Plan GPU and CPU capacity over AWS, Azure and Google Cloud at the least cost.

    Everything works on files: no server, no account and no network are needed.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        arguments: without the program's name; those of the process when None.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    run = Run()
    try:
        code = program.main(
            None if arguments is None else list(arguments),
            prog_name="broker",
            standalone_mode=False,
            obj=run,
        )
        return code if isinstance(code, int) else OK
    except click.UsageError as error:
        error.show()
        return USAGE
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except BrokerError as error:
        _say(f"{paint('error:', run, fg='red')} {error}")
        return error.exit_code
    except Exception as error:  # the last handler: any bug ends with its code and one message
        _say(_bug_report(error, verbose=run.verbosity > 0))
        return BUG


def _bug_report(error: Exception, *, verbose: bool) -> str:
    if verbose:
        return "".join(traceback.format_exception(error)).rstrip()
    return (
        f"this is a bug of ours: {type(error).__name__}: {error}\n"
        "  remedy: run it again with -v and report what it says; no result was written"
    )


def _say(text: str) -> None:
    click.echo(text, err=True)
