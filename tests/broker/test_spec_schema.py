"""The JSON Schema takes what the reader takes, and the documentation tells every field."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest

from broker import errors
from broker.spec import load_spec
from broker.spec_faults import VERBS
from broker.spec_schema import spec_schema
from broker.spec_starter import starter_spec
from broker.spec_types import facts_of
from broker.spec_yaml import parse_document
from tests.broker.bad_specs import FIELDS, SHAPES
from tests.broker.test_spec_data import EVERYTHING
from tools.spec_docs import PAGE, SCHEMA, SECTIONS, UNWRITTEN, page_text, schema_text

_BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def as_json(value: object) -> object:
    """Return data of the reader with its decimals as JSON numbers."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value if value is None or isinstance(value, str | bool | int) else float(str(value))


def complaints(text: str) -> list[str]:
    """Return what the schema has against a spec."""
    validator = jsonschema.Draft202012Validator(spec_schema())
    data = as_json(parse_document(text, source="spec").data)
    return [error.message for error in validator.iter_errors(data)]


def test_schema_is_one() -> None:
    """It keeps to the rules of JSON Schema itself."""
    jsonschema.Draft202012Validator.check_schema(spec_schema())


@pytest.mark.parametrize("text", [EVERYTHING, starter_spec(), *_BLOCKS])
def test_good_specs_fit(text: str, tmp_path: Path) -> None:
    """What the reader takes fits the schema: the starter, and every example of the page."""
    path = tmp_path / "spec.yaml"
    path.write_text(text)
    load_spec(path)
    assert complaints(text) == []


@pytest.mark.parametrize(
    "name",
    ["unknown section", "typo", "foreign key", "list for a mapping", "text for a list", "fabric",
     "empty list", "name missing", "hours missing", "priority high", "number for accelerators",
     "typo in a shape"],
)  # fmt: skip
def test_bad_specs_do_not_fit(name: str) -> None:
    """An editor with the schema marks unknown and missing keys, wrong types and names."""
    bad = next(one for one in [*FIELDS, *SHAPES] if one.name == name)
    assert complaints(bad.text)


def test_generated_files_are_current() -> None:
    """Schema and page are as `python -m tools.spec_docs` writes them."""
    assert SCHEMA.read_text(encoding="utf-8") == schema_text()
    page = PAGE.read_text(encoding="utf-8")
    assert page == page_text(page)


def test_every_field_says_what_it_means() -> None:
    """No field is without a meaning, and every key stands on the page."""
    page = PAGE.read_text(encoding="utf-8")
    for kind, _ in SECTIONS:
        for key, fact in facts_of(kind).items():
            assert fact.text, f"{kind.__name__}.{fact.name}"
            assert f"| `{key}` |" in page or key in UNWRITTEN.get(kind, ())
    assert all(f"| `{verb}` |" in page for verb in VERBS)


def test_every_error_is_documented_with_its_exit_code() -> None:
    """Each error class stands in docs/errors.md, with its code and an example."""
    page = Path("docs/errors.md").read_text(encoding="utf-8")
    pending, classes = [errors.BrokerError], []
    while pending:
        one = pending.pop()
        classes.append(one)
        pending += one.__subclasses__()
    for one in classes:
        if one.__module__ == "broker.errors":
            assert f"| `{one.__name__}` | {one.exit_code} |" in page
            assert page.count(f"`{one.__name__}`") >= (1 if one is errors.SpecError else 2)
