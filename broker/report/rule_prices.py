"""Prices of rules as text for a terminal and as data for scripts."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any, Final

from broker.report.plan import money
from broker.report.table import text_table
from broker.rule_prices import RulePrice, RulePrices
from broker.units import HOURS_PER_MONTH, plain

#: Margins that the text shows.
_SHOWN: Final = 12
#: Columns of what a rule says, below its line.
_WIDTH: Final = 96
#: What roundings of cost and bound can make of nothing.
_CENT: Final = Decimal("0.01")


def rule_prices_text(found: RulePrices) -> str:
    """Return the table of rules, and the margins below it."""
    parts = [*_head(found), *_table(found), *_margins(found)]
    return "".join(f"{line}\n" for line in parts)


def rule_prices_json(found: RulePrices) -> str:
    """Return all of it as JSON, decimals as strings."""
    return json.dumps({"format": 1, **_data(found)}, indent=1, ensure_ascii=False) + "\n"


def _head(found: RulePrices) -> Iterator[str]:
    gap = found.total_usd - found.bound_usd
    yield (
        f"Under all rules: {money(found.total_usd)} for {plain(found.period_h)} h, proven to "
        f"within {money(gap)}"
    )
    yield ""


def _table(found: RulePrices) -> Iterator[str]:
    if not found.prices:
        yield "The spec states no rule."
        return
    header = ["RULE", "COSTS $", "AT LEAST", "AT MOST", "A MONTH $", ""]
    month = HOURS_PER_MONTH / found.period_h
    rows = [_row(one, month) for one in found.prices]
    first, *lines = text_table(header, rows, right="lrrrrl").splitlines()
    yield first
    for one, line in zip(found.prices, lines, strict=True):
        yield line
        says = one.says if not one.why else f"{one.says} ({one.why})"
        yield from textwrap.wrap(
            says, _WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )


def _row(one: RulePrice, month: Decimal) -> list[str]:
    cells = [one.rule, _amount(one.usd), _amount(one.least_usd), _amount(one.most_usd)]
    if one.serves_more:
        more = ", ".join(
            f"{plain(weight)} at priority {level}" for level, weight in one.serves_more
        )
        return [*cells, "", f"without it, more is served: {more}"]
    if not one.is_distinct:
        words = "nothing" if one.most_usd <= _CENT else "not distinguishable from 0"
        return [one.rule, "", "0.00", cells[3], "", words]
    return [*cells, _amount(one.usd * month), ""]


def _amount(usd: Decimal) -> str:
    return f"{usd:,.2f}"


def _margins(found: RulePrices) -> Iterator[str]:
    yield ""
    if not found.margins:
        yield "At the margin: a little more of any limit would save nothing (an estimate)."
        return
    yield "At the margin, estimates from the relaxation (machines taken as divisible):"
    for one in found.margins[:_SHOWN]:
        saves = f"{money(one.saves_usd)}, {money(one.saves_usd_per_hour)} an hour"
        yield f"  {one.kind} {one.what}: {one.step} would save {saves}"
    if len(found.margins) > _SHOWN:
        yield f"  and {len(found.margins) - _SHOWN} more; `-o json` lists all"


def _data(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, RulePrice):
        return {**_fields(value), "distinct": value.is_distinct}
    if isinstance(value, tuple):
        return [_data(one) for one in value]
    return value if isinstance(value, str | int) else _fields(value)


def _fields(value: Any) -> dict[str, Any]:
    return {one.name: _data(getattr(value, one.name)) for one in fields(value)}
