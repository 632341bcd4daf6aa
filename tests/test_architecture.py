"""The shape of the source: who imports what, how long things may be, what is public."""

from __future__ import annotations

import ast
import io
import pkgutil
import subprocess
import sys
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

import broker

ROOT = Path(__file__).parents[1]
PACKAGES = ("broker", "providers", "solver")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

#: Outside package -> modules that may import it.
DOORS = {
    "click": ["broker.cli", "broker.cli_*"],
    "ortools": ["solver.backend"],
    "pybind11_abseil": ["solver.backend"],
    "pydantic": ["broker.spec_*"],
    "yaml": ["broker.spec_*"],
    "boto3": ["providers.aws*"],
    "botocore": ["providers.aws*", "providers.emulation.aws*"],
    "azure": ["providers.azure*"],
    "google": ["providers.gcp*", "providers.emulation.gcp*"],
}

MOST_LINES = 400
MOST_TEST_LINES = 600
MOST_BODY_LINES = 45
USUAL_BODY_LINES = 25  # of 95 functions in 100
MOST_NESTING = 4
MOST_PARAMETERS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function's measures."""

    where: str
    body_lines: int
    nesting: int
    parameters: int


def module_of(path: Path) -> str:
    """Return the dotted name of a source file."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    return name.removesuffix(".__init__")


def outside_imports(path: Path) -> set[str]:
    """Return the root packages that a file imports anywhere, types included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def functions_of(path: Path) -> Iterator[Function]:
    """Measure every function of a file; a nested one counts for itself and in what holds it."""
    text = path.read_text(encoding="utf-8")
    code = code_lines(text)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            span = range(body[0].lineno, (node.end_lineno or 0) + 1) if body else range(0)
            yield Function(
                where=f"{path.relative_to(ROOT)}:{node.lineno} {node.name}",
                body_lines=sum(line in code for line in span),
                nesting=max(map(nesting_of, node.body)),
                parameters=0 if is_command(node) else count_parameters(node.args),
            )


def too_long(paths: Iterable[Path], most: int) -> dict[str, int]:
    """Return the files of more than `most` lines, with their lengths."""
    lengths = {str(path.relative_to(ROOT)): path.read_text().count("\n") for path in paths}
    return {path: lines for path, lines in lengths.items() if lines > most}


def code_lines(text: str) -> set[int]:
    """Return the lines that hold code: neither blank nor comment alone."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def nesting_of(node: ast.stmt) -> int:
    """Return how deep compound statements stand in each other; `elif` is no deeper than `if`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return 0
    inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]
    inner += [
        statement
        for child in ast.iter_child_nodes(node)
        if isinstance(child, ast.ExceptHandler | ast.match_case)
        for statement in child.body
    ]
    deepest = 0
    for child in inner:
        is_elif = isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
        deepest = max(deepest, nesting_of(child) - is_elif)
    return deepest + 1 if inner else 0


def count_parameters(arguments: ast.arguments) -> int:
    """Return the number of parameters, self and cls left out."""
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return sum(argument.arg not in {"self", "cls"} for argument in named)


def is_command(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether click calls the function, with one parameter for each option."""
    return any("click.command" in ast.unparse(decorator) for decorator in node.decorator_list)


FUNCTIONS = [function for path in FILES for function in functions_of(path)]


def test_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """The layers and prohibitions of setup.cfg are kept."""
    monkeypatch.chdir(ROOT)
    assert lint_imports(no_logo=True) == 0


@pytest.mark.parametrize("package", sorted(DOORS))
def test_each_foreign_package_has_its_door(package: str) -> None:
    """A package from outside is imported only where DOORS says, and there it is."""
    users = {module_of(path) for path in FILES if package in outside_imports(path)}
    assert users
    assert {
        user for user in users if not any(fnmatchcase(user, pattern) for pattern in DOORS[package])
    } == set()


def test_files_are_short() -> None:
    """No file of the source is longer than 400 lines, none of the tests longer than 600."""
    assert too_long([*FILES, *(ROOT / "tools").rglob("*.py")], MOST_LINES) == {}
    assert too_long((ROOT / "tests").rglob("*.py"), MOST_TEST_LINES) == {}


def test_functions_are_short() -> None:
    """No body is longer than 45 lines of code, and 95 of 100 are no longer than 25."""
    lengths = sorted(function.body_lines for function in FUNCTIONS)
    assert {f.where: f.body_lines for f in FUNCTIONS if f.body_lines > MOST_BODY_LINES} == {}
    assert lengths[int(len(lengths) * 0.95)] <= USUAL_BODY_LINES


def test_functions_are_flat() -> None:
    """No function nests compound statements deeper than four."""
    assert {f.where: f.nesting for f in FUNCTIONS if f.nesting > MOST_NESTING} == {}


def test_functions_take_few_parameters() -> None:
    """No function but a command takes more than seven parameters."""
    assert {f.where: f.parameters for f in FUNCTIONS if f.parameters > MOST_PARAMETERS} == {}


def test_measures_see_what_they_should() -> None:
    """The measures above count a function that is known."""
    (measured,) = [f for f in functions_of(Path(__file__)) if f.where.endswith(" nesting_of")]
    assert (measured.body_lines, measured.nesting, measured.parameters) == (14, 1, 1)
    (method,) = ast.parse(
        "def f(self, a, *, b):\n  for x in a:\n    if x: pass\n    elif b: pass"
    ).body
    assert isinstance(method, ast.FunctionDef)
    assert (max(map(nesting_of, method.body)), count_parameters(method.args)) == (2, 2)


def test_importing_the_package_is_light() -> None:
    """`import broker` loads only the standard library; the first use of a name loads the rest."""
    program = (
        "import sys; before = set(sys.modules); import broker; "
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}; "
        "print(sorted(new - set(sys.stdlib_module_names))); print(broker.Plan.__name__)"
    )
    printed = subprocess.check_output([sys.executable, "-c", program], cwd=ROOT, text=True)  # noqa: S603 -- our interpreter
    assert printed.splitlines() == ["['broker']", "Plan"]


def test_public_names_are_there() -> None:
    """Every name of `__all__` can be loaded, has documentation, and hides no module."""
    modules = {module.name for module in pkgutil.iter_modules(broker.__path__)}
    for name in broker.__all__:
        assert getattr(broker, name).__doc__, name
    assert set(broker.__all__) & modules == set()
    assert set(broker.__all__) < set(dir(broker))
    with pytest.raises(AttributeError, match="no attribute 'plans_'"):
        broker.plans_  # noqa: B018 -- the access is the test
