"""The command line: quick help, one message for every mistake, documented exit codes."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import click
import pytest

from broker import cli
from broker.cli import COMMANDS, main
from broker.cli_options import Run, current_run, global_options, paint
from broker.errors import BrokerError, GateFailed, MarketError

_PROBE = (
    "import sys\nfrom broker.cli import main\ncode = main({arguments!r})\n"
    "names = {{name.partition('.')[0] for name in sys.modules}}\n"
    "foreign = names - set(sys.stdlib_module_names) - set({ignored!r})\n"
    "print(code, sorted(foreign))"
)


def modules_after(*arguments: str) -> str:
    """Return the exit code and the foreign modules that a run of the command imports."""
    known = "import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    fresh = [sys.executable, "-c", known]
    ignored = subprocess.check_output(fresh, text=True).split()  # noqa: S603 -- our interpreter
    program = _PROBE.format(arguments=list(arguments), ignored=ignored)
    probe = [sys.executable, "-c", program]
    return subprocess.check_output(probe, text=True).splitlines()[-1]  # noqa: S603 -- the same


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_help_imports_click_and_the_standard_library_only(arguments: list[str]) -> None:
    """Help is quick because nothing heavy is imported for it."""
    assert modules_after(*arguments).endswith(" ['broker', 'click']")


def test_offers_needs_no_optimizer_and_no_sdk(tmp_path: Path) -> None:
    """Listing offers imports Polars, and neither validator, optimizer nor a cloud's SDK."""
    path = tmp_path / "m.csv"
    path.write_text("provider,region,instance_type,option,usd_per_hour\naws,r,t,spot,1\n")
    found = modules_after("offers", "-q", "--market", str(path))
    assert found.startswith("0 ")
    assert "'polars'" in found
    for heavy in ("ortools", "pydantic", "yaml", "scipy", "boto3", "azure", "google", "solver"):
        assert f"'{heavy}'" not in found


def test_help_lists_commands_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Every command with its line, and every exit code, stand in `--help`."""
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text and line in text for name, (_, line) in COMMANDS.items())
    for code in (0, 1, 2, 3, 4, 5, 6, 64, 70, 75, 130):
        assert f"\n    {code:>3}  " in text


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_loads_and_has_help_with_an_example(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each line of the table leads to a command whose help shows how it is used."""
    assert main([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: broker {name}" in text
    assert f"\n    broker {name}" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ofers"], "Did you mean 'offers'?"),
        (["zzz"], "No such command 'zzz'."),
        (["--nonsense"], "No such option"),
        (["offers", "--limit", "-1"], "--limit"),
        (["offers", "--option", "rented"], "capacity-block"),
        (["offers", "H100:x"], "expected a number"),
        (["offers", "--max-price", "nan"], "--max-price"),
        (["offers", "--memory", "8 apples"], "expected memory such as 80 GiB"),
    ],
)
def test_wrong_usage_is_64(
    arguments: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mistakes on the command line end with 64 and one message on standard error."""
    assert main(arguments) == 64
    caught = capsys.readouterr()
    assert expected in caught.err
    assert caught.out == ""


class Harness:
    """Runs `main` with one extra command that ends as a test wants."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def run(self, error: BaseException, *arguments: str) -> int:
        """Return the exit code of a command that raises `error`."""

        @click.command()
        @global_options
        def ending() -> None:
            raise error

        self._monkeypatch.setattr(sys.modules[__name__], "ENDING", ending)
        table = {"ending": (f"{__name__}:ENDING", "End.")}
        self._monkeypatch.setattr(cli, "COMMANDS", table)
        return main(["ending", *arguments])


ENDING = click.Command("ending")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    """Return a harness for one test."""
    return Harness(monkeypatch)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (MarketError("found nothing", remedy="look again"), 1),
        (GateFailed("over budget"), 4),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError("1/0"), 70),
        (RecursionError(), 70),
    ],
)
def test_every_end_has_its_code_and_no_traceback(
    harness: Harness, error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors of the user, of the machine and of ours each end with one short message."""
    assert harness.run(error) == code
    caught = capsys.readouterr()
    assert caught.out == ""
    assert "Traceback" not in caught.err
    assert caught.err.count("\n") <= 3
    if isinstance(error, BrokerError):
        assert str(error) in caught.err


def test_traceback_only_on_request(harness: Harness, capsys: pytest.CaptureFixture[str]) -> None:
    """A bug shows where it is with -v and only then."""
    assert harness.run(ZeroDivisionError("1/0"), "-v") == 70
    assert "Traceback" in capsys.readouterr().err


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_colour_needs_a_terminal_and_nobody_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Colour is for terminals, unless --no-color or NO_COLOR is set."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("x", Run(), fg="red") == "x"
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert paint("x", Run(), fg="red") == "\x1b[31mx\x1b[0m"
    assert paint("x", Run(color=False), fg="red") == "x"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", Run(), fg="red") == "x"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], (0, True)),
        (["-q"], (-1, True)),
        (["-vv", "--no-color"], (2, False)),
    ],
)
def test_global_options_act_before_and_after_the_command(
    arguments: list[str], expected: tuple[int, bool]
) -> None:
    """-v, -q and --no-color mean the same on both sides of the command's name."""
    seen = []

    @click.group()
    @global_options
    def outer() -> None:
        pass

    @outer.command()
    @global_options
    def inner() -> None:
        seen.append((current_run().verbosity, current_run().color))

    outer.main(["inner", *arguments], standalone_mode=False, obj=Run())
    outer.main([*arguments, "inner"], standalone_mode=False, obj=Run())
    assert seen == [expected, expected]


def test_module_runs_as_a_program() -> None:
    """`python -m broker` is the command and hands its exit code to the shell."""
    arguments = [sys.executable, "-m", "broker", "nonsense"]
    done = subprocess.run(arguments, check=False, capture_output=True)  # noqa: S603 -- ours
    assert done.returncode == 64
