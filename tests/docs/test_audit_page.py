"""The program on the page about the audit runs, and every rule it names is one."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "audit.md").read_text()


def test_python_runs() -> None:
    """The example works as it stands."""
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(program, {})  # noqa: S102 -- our own page


def test_the_table_names_every_module_and_its_rules() -> None:
    """Each module with checks has its row, and each rule that it reports stands in it."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    sources = {path.stem: path.read_text() for path in (ROOT / "broker" / "audit").glob("*.py")}
    checking = {name for name, text in sources.items() if "\nCHECKS = " in text}
    assert set(rows) == checking, "add a row to the table of docs/audit.md"
    for name, row in rows.items():
        for rule in re.findall(r'rule="([^"]+)"', sources[name]):
            assert f"`{rule}`" in row, (name, rule)
