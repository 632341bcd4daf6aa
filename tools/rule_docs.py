"""Renew what the pages of docs/rules show: meanings from docstrings, plans, prices and errors.

Run from the repository's root: ``python -m tools.rule_docs``. A test fails while they are not
current. On a page, people write the text and these three:

    <!-- meaning: broker.rules.budget -->   the docstring of the module stands below it
    ```yaml plan                            planned on docs/rules/market.csv; what the plan says
                                            and what its rules cost stand in the block below it
    ```yaml wrong                           its errors stand in the block below it

A spec without workloads is given one batch of 1,000 hours of 8 H100.
"""

from __future__ import annotations

import importlib
import inspect
import re
import tempfile
from pathlib import Path
from typing import Final

from broker.errors import SpecError
from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.planning import make_plan
from broker.report.plan import plan_text
from broker.report.rule_prices import rule_prices_text
from broker.rule_prices import price_rules
from broker.spec import load_spec
from solver.asking import Engine
from solver.solution import SearchLimits

FOLDER: Final = Path("docs/rules")
MARKET: Final = FOLDER / "market.csv"
_EXACT: Final = SearchLimits(gap=0.0)
_MEANING: Final = re.compile(
    r"<!-- meaning: (?P<module>\S+) -->\n.*?<!-- end of meaning -->\n", re.DOTALL
)
_SHOWN: Final = re.compile(
    r"```yaml (?P<kind>plan|wrong)\n(?P<spec>.*?)```\n(?:\n```text\n.*?```\n)?", re.DOTALL
)
_BATCH: Final = "batch: [{name: embed, accelerators: 'H100:8', work: 1000h}]\n"
_KINDS: Final = ("training:", "services:", "batch:")
#: Lines of a plan's summary that say nothing of rules.
_LEFT_OUT: Final = ("Rests on", "Otherwise", "Proof")


def pages() -> list[Path]:
    """Return the pages, by name."""
    return sorted(FOLDER.glob("*.md"))


def page_text(current: str, market: Market, engine: Engine) -> str:
    """Return a page with everything that is shown made anew; what people wrote stays."""
    text = _MEANING.sub(lambda match: _meaning(match["module"]), current)

    def shown(match: re.Match[str]) -> str:
        made = _planned if match["kind"] == "plan" else _refused
        told = made(match["spec"], market, engine)
        return f"```yaml {match['kind']}\n{match['spec']}```\n\n```text\n{told}```\n"

    return _SHOWN.sub(shown, text)


def market_of_pages() -> Market:
    """Return the market on which the examples are planned."""
    return read_offers_csv(MARKET.read_bytes(), name=MARKET.name)


def meanings(text: str) -> list[str]:
    """Return the modules whose meaning a page shows."""
    return [match["module"] for match in _MEANING.finditer(text)]


def _meaning(module: str) -> str:
    said = inspect.getdoc(importlib.import_module(module)) or ""
    return f"<!-- meaning: {module} -->\n\n{said}\n\n<!-- end of meaning -->\n"


def _planned(text: str, market: Market, engine: Engine) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(_whole(text), encoding="utf-8")
        spec = load_spec(path, read_market=lambda _: market)
    plan = make_plan(spec, market, limits=_EXACT, engine=engine).plan
    summary, _, tables = plan_text(plan).partition("\n\n")[2].partition("\n\n")
    kept, keeps = [], True
    for line in summary.splitlines():
        keeps = not line.startswith(_LEFT_OUT) if line[:1].strip() else keeps
        kept += [line] if keeps else []
    placed = tables.partition("\n\n")[0].rstrip("\n")
    priced = rule_prices_text(price_rules(plan, market, limits=_EXACT))
    table = priced.partition("\n\n")[2].partition("\n\n")[0].rstrip("\n")
    told = [line.rstrip() for line in [*kept, "", *placed.splitlines()]]
    if table.startswith("RULE"):
        told += ["", *(line.rstrip() for line in table.splitlines())]
    return "".join(f"{line}\n" for line in told)


def _refused(text: str, market: Market, engine: Engine) -> str:
    """Return the errors of a spec, as the command prints them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(_whole(text), encoding="utf-8")
        try:
            spec = load_spec(path, read_market=lambda _: market)
            make_plan(spec, market, engine=engine)
        except SpecError as error:
            return f"{str(error).replace(str(path), 'spec.yaml')}\n"
    raise ValueError(f"this spec has no error:\n{text}")


def _whole(text: str) -> str:
    start = "" if "start:" in text.partition("\n  ")[0] else "start: 2026-12-01\n"
    has_workload = any(line.startswith(_KINDS) for line in text.splitlines())
    return text + ("" if has_workload else _BATCH) + start


def main() -> None:
    """Write every page anew."""
    market = market_of_pages()
    with Engine() as engine:
        for page in pages():
            text = page.read_text(encoding="utf-8")
            page.write_text(page_text(text, market, engine), encoding="utf-8")


if __name__ == "__main__":
    main()
