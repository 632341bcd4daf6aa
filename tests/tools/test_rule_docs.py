"""The pages of rules show what comes out: meanings, plans, prices and errors."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker import rules
from broker.market import Market
from solver.asking import Engine
from tools.rule_docs import market_of_pages, meanings, page_text, pages

#: Modules of rules that are no rule, and a page about what is asked for, which no rule is.
HELPERS = {"rule", "violation"}
ASKED_FOR = {"request_sizes"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


@pytest.fixture(scope="module")
def market() -> Market:
    return market_of_pages()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_page_is_current(page: Path, market: Market, engine: Engine) -> None:
    """What the page shows is what `python -m tools.rule_docs` makes of it."""
    text = page.read_text(encoding="utf-8")
    assert page_text(text, market, engine) == text


@pytest.mark.parametrize(
    "page", [one for one in pages() if one.stem not in ASKED_FOR], ids=lambda page: page.stem
)
def test_page_has_every_part(page: Path) -> None:
    """A meaning, an example that is planned, a mistake with its error, and a line in the index."""
    text = page.read_text(encoding="utf-8")
    assert meanings(text)
    assert "```yaml plan\n" in text
    assert "```yaml wrong\n" in text
    assert f"(rules/{page.name})" in (page.parents[1] / "index.md").read_text(encoding="utf-8")


def test_every_rule_has_its_page() -> None:
    """Each module of broker/rules but the helpers is the meaning on some page."""
    shown = {name for page in pages() for name in meanings(page.read_text(encoding="utf-8"))}
    families = {one.name for one in pkgutil.iter_modules(rules.__path__)} - HELPERS
    assert {f"broker.rules.{name}" for name in families} <= shown | {"broker.rules.quotas"}


def test_every_meaning_says_what_must_hold() -> None:
    """The docstring on a page has a relation in symbols, or says when an offer falls."""
    shown = {name for page in pages() for name in meanings(page.read_text(encoding="utf-8"))}
    said = {name: inspect.getdoc(importlib.import_module(name)) or "" for name in shown}
    signs = ("<=", ">=", "  =  ", "row is admitted when", "row is refused when")
    assert [name for name, text in said.items() if not any(sign in text for sign in signs)] == []
