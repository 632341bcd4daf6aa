"""Changes between two markets as a table, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from broker.market import Market
from broker.offer_changes import CHANGE, RELATIVE, Change, change_counts
from broker.offer_selection import RATE
from broker.offers import UNKNOWN_ZONE, offer_id
from broker.report.offers import NARROW, json_value, market_json, money
from broker.report.table import text_table, widest

#: Version of the JSON form.
CHANGES_FORMAT: Final = 1
_FIGURES: Final = ("change", "$/h before", "after", "by")
_STATES: Final = frozenset({Change.OPENED, Change.CLOSED})
_ROOM: Final = frozenset({Change.MORE, Change.FEWER})

Row = Mapping[str, Any]


def changes_table(changes: pl.DataFrame, *, shown: int, width: int = NARROW) -> str:
    """Return changes as text for people.

    Args:
        changes: what `offer_changes` returned.
        shown: how many to show; 0: all.
        width: columns of the terminal; where one line does not fit, a change takes two.
    """
    if changes.is_empty():
        return "Nothing changed.\n"
    rows = (changes.head(shown) if shown else changes).with_columns(offer_id()).rows(named=True)
    wide = _one_line_each(rows)
    text = wide if widest(wide) <= width else _two_lines_each(rows)
    counts = ", ".join(f"{count} {change}" for change, count in change_counts(changes).items())
    return f"{text}Shown {len(rows)} of {changes.height} changes: {counts}.\n"


def changes_json(changes: pl.DataFrame, before: Market, after: Market) -> str:
    """Return changes as JSON: a stable form with a version, decimals as text."""
    rows = changes.with_columns(offer_id()).iter_rows(named=True)
    counts = change_counts(changes)
    document = {
        "format": CHANGES_FORMAT,
        "before": market_json(before),
        "after": market_json(after),
        "counts": {change.value: counts.get(change, 0) for change in Change},
        "changes": [_json_row(row) for row in rows],
    }
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def changes_csv(changes: pl.DataFrame) -> str:
    """Return changes as CSV, a column for each figure before and after."""
    return changes.write_csv()


def relative_text(relative: float | None) -> str:
    """Return a move in percent with its sign; "" when there is none."""
    if not relative:
        return ""
    return f"{relative:+.1%}" if abs(relative) >= 0.0005 else f"{relative:+.4%}"


def _json_row(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        **{name: json_value(value) for name, value in row.items() if name not in {"id", RELATIVE}},
        RELATIVE: None if row[RELATIVE] is None else round(row[RELATIVE], 9),
    }


def _figures(row: Row) -> tuple[str, ...]:
    return row[CHANGE], *_before_and_after(row), relative_text(row[RELATIVE])


def _before_and_after(row: Row) -> tuple[str, str]:
    """Return what the change is about: prices, whether it is sold, or room in instances."""
    if row[CHANGE] in _STATES:
        return row["purchasable_before"] or "?", row["purchasable_after"] or "?"
    if row[CHANGE] in _ROOM:
        return f"{row['available_before']} free", f"{row['available_after']} free"
    return money(row[f"{RATE}_before"]), money(row[f"{RATE}_after"])


def _one_line_each(rows: Sequence[Row]) -> str:
    header = (*_FIGURES, "option", "type", "where")
    cells = [
        (
            *_figures(row),
            f"{row['option']} {row['variant']}".strip(),
            row["instance_type"],
            _where(row),
        )
        for row in rows
    ]
    return text_table(header, cells, right="lrrr")


def _two_lines_each(rows: Sequence[Row]) -> str:
    first = text_table(_FIGURES, [_figures(row) for row in rows], right="lrrr").splitlines()
    lines = [first[0]]
    for row, figures in zip(rows, first[1:], strict=True):
        lines += [figures, f"    {row['id']}"]
    return "".join(f"{line}\n" for line in lines)


def _where(row: Row) -> str:
    place = f"{row['provider']}/{row['region']}"
    return place if row["zone"] == UNKNOWN_ZONE else f"{place}/{row['zone']}"
