"""Generate the tables of docs/plan.md from the types of a plan and their docstrings.

Run from the repository's root: ``python -m tools.plan_docs``. A test fails while the page is not
current.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, get_args, get_origin, get_type_hints

from broker.plans import Plan

PAGE: Final = Path("docs/plan.md")
MARK: Final = "<!-- The tables below are generated: python -m tools.plan_docs -->\n"
_WORDS: Final[dict[object, str]] = {
    Decimal: "decimal text",
    str: "text",
    int: "integer",
    bool: "true or false",
    dict: "mapping",
}
_ENTRY: Final = re.compile(r"    (\w[\w, ]*): (.*)")


def page_text(current: str) -> str:
    """Return the page with its tables made anew; what people wrote above them stays."""
    return current.partition(MARK)[0] + MARK + "\n" + "\n".join(_tables())


def attributes_of(kind: type) -> dict[str, str]:
    """Return field -> what its class's docstring says of it; several may share a sentence."""
    _, _, section = (inspect.getdoc(kind) or "").partition("Attributes:\n")
    said: dict[str, str] = {}
    names: list[str] = []
    for line in section.splitlines():
        entry = _ENTRY.fullmatch(line)
        if entry is not None:
            names = [name.strip() for name in entry[1].split(",")]
            said.update(dict.fromkeys(names, entry[2]))
        elif line.strip():
            said.update({name: f"{said[name]} {line.strip()}" for name in names})
    return said


def records() -> list[tuple[type, str]]:
    """Return every record of a plan with the place where it stands in the file."""
    found: list[tuple[type, str]] = [(Plan, "the file")]
    for kind, place in found:
        prefix = "" if kind is Plan else f"{place}."
        for name, hint in get_type_hints(kind).items():
            inner = _record_in(hint)
            if inner is not None and inner not in {known for known, _ in found}:
                found.append((inner, prefix + name + ("[]" if get_origin(hint) is tuple else "")))
    return found


def _tables() -> Iterator[str]:
    for kind, place in records():
        summary = (inspect.getdoc(kind) or "").partition("\n")[0]
        yield f"### {place}\n\n{summary}\n"
        yield "| key | is | meaning |\n| --- | --- | --- |"
        if kind is Plan:
            yield "| `format` | integer | version of this layout |"
        hints, said = get_type_hints(kind), attributes_of(kind)
        for one in fields(kind):
            meaning = said[one.name].replace("``", "`").replace("None", "null").rstrip(".")
            yield f"| `{one.name}` | {_words(hints[one.name])} | {meaning} |"
        if "total" in vars(kind):
            yield "| `total` | decimal text | sum of the lines; under the plan's `cost` only |"
        yield ""


def _record_in(hint: Any) -> type | None:
    candidates = [hint, *get_args(hint)]
    return next((one for one in candidates if isinstance(one, type) and is_dataclass(one)), None)


def _words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is types.UnionType:
        return f"{_words(inner[0])} or null"
    if origin is tuple and inner[-1] is Ellipsis:
        return f"list of {_words(inner[0])}"
    if origin is tuple:
        return f"[{', '.join(map(_words, inner))}]"
    return "record" if is_dataclass(hint) else _WORDS[origin or hint]


if __name__ == "__main__":
    PAGE.write_text(page_text(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
