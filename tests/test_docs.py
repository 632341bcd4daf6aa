"""The pages are true: what they show is what comes out, and they leave nothing out."""

from __future__ import annotations

import csv
import inspect
import re
import runpy
import shutil
from pathlib import Path

import click
import pytest

from broker import errors
from broker.cli import COMMANDS, program
from broker.cli_options import global_options
from broker.spec import load_spec
from tests.console_blocks import renewed

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MANUAL = "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def command(name: str) -> click.Command:
    """Return one command of the command line."""
    with click.Context(program) as context:
        found = program.get_command(context, name)
    assert found is not None
    return found


def code(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder that holds the examples, as a reader of the pages would."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_specs_of_tutorial(folder: Path) -> None:
    """Write the tutorial's spec and the two that it makes of it."""
    (spec,) = code("docs/tutorial.md", "yaml")
    hours = "    hours: 300\n"
    assert hours in spec
    (folder / "fleet.yaml").write_text(spec)
    (folder / "fleet-eu.yaml").write_text(
        spec.replace(hours, hours + "    where: {residency: [EU]}\n")
    )
    (folder / "fleet-large.yaml").write_text(spec.replace("H100:64", "H100:1024"))


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "docs/tutorial.md", "docs/command-line.md"),
        *sorted(f"docs/examples/{path.name}" for path in (ROOT / "docs/examples").glob("*.md")),
    ],
)
def test_what_pages_show_is_what_comes_out(page: str, folder: Path, update_golden: bool) -> None:
    """Every command of the page runs, and prints to the letter what the page shows."""
    if page == "docs/tutorial.md":
        write_specs_of_tutorial(folder)
    text = (ROOT / page).read_text(encoding="utf-8")
    now = renewed(text)
    if update_golden:
        (ROOT / page).write_text(now, encoding="utf-8")
    assert update_golden or now == text


@pytest.mark.parametrize("page", ["README.md", "docs/plan.md"])
def test_python_on_pages_runs(page: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The Python that a page shows prints something and fails nowhere."""
    for number, text in enumerate(code(page, "python")):
        path = folder / f"page{number}.py"
        path.write_text(text)
        runpy.run_path(str(path))
    assert capsys.readouterr().out


def test_python_example_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """examples/python_api.py plans, explains, and plans again from plain data."""
    runpy.run_path(str(folder / "examples" / "python_api.py"), run_name="__main__")
    text = capsys.readouterr().out
    for part in ("proven to within", "finetune: ", "offers may run finetune", "in the EU: "):
        assert part in text


def test_numbers_in_the_readme_are_true() -> None:
    """The fleet's workloads, the metros and the regions are as many as the README says."""
    fleet = load_spec(ROOT / "examples" / "frontier-lab.yaml")
    counts = {}
    for name in ("metros", "regions"):
        with (ROOT / "broker" / "data" / f"{name}.csv").open(encoding="utf-8") as file:
            counts[name] = len(list(csv.DictReader(file)))
    assert f"a lab's fleet of {len(fleet.workloads)} workloads" in README
    assert f"{counts['metros']} cities to {counts['regions']} regions" in README.replace("\n", " ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_documented(name: str) -> None:
    """A command has its line in docs/command-line.md; each of its options stands on a page."""
    assert f"`broker {name}`" in COMMAND_LINE

    @click.command()
    @global_options
    def bare() -> None:
        """Hold the options that every command has."""

    shared = {option for parameter in bare.params for option in parameter.opts}
    options = {
        option
        for parameter in command(name).params
        if isinstance(parameter, click.Option)
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    missing = {one for one in options - shared if not re.search(rf"{one}\b", MANUAL)}
    assert missing == set()


def test_every_exit_code_is_documented() -> None:
    """The page lists the same codes with the same words as `broker --help`."""
    told = re.findall(r"^ +(\d+)  (.+)$", program.epilog or "", re.M)
    assert len(told) == 11
    plain = COMMAND_LINE.replace("`", "")
    assert [line for line in told if f"| {line[0]} | {line[1]} |" not in plain] == []


def test_every_error_is_documented() -> None:
    """docs/errors.md names every error class with its exit code."""
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    classes = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.BrokerError)
    ]
    assert [
        kind for kind in classes if f"| `{kind.__name__}` | {kind.exit_code} |" not in page
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file or folder of the repository."""
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    lost = [one for one in links if "://" not in one and not (page.parent / one).exists()]
    assert lost == []


def test_every_page_is_in_the_index() -> None:
    """docs/index.md leads to every page; decisions are listed by their folder."""
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [path.relative_to(ROOT / "docs") for path in PAGES if "docs" in path.parts]
    assert [
        str(page)
        for page in pages
        if page.parts[0] != "adr" and str(page) != "index.md" and f"({page})" not in index
    ] == []
