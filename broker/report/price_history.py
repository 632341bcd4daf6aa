"""A price history drawn in the terminal, and as JSON and CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from broker.offer_selection import RATE
from broker.offers import PurchaseOption
from broker.price_history import SERIES, PriceHistory
from broker.report.offer_changes import relative_text
from broker.report.offers import NARROW, json_value, money
from broker.report.table import GAP, text_table, widest

#: Version of the JSON form.
HISTORY_FORMAT: Final = 1
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_CHART_ROWS: Final = 5
_LEAST_SPARK: Final = 8
_MOST_SPARK: Final = 60
_MOST_CHART: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """One line of the history.

    Attributes:
        place: provider/region.
        option: purchase option, with its variant.
        prices: moment -> rate.
    """

    place: str
    option: str
    prices: dict[datetime, Decimal]

    @property
    def first(self) -> Decimal:
        return self.prices[min(self.prices)]

    @property
    def last(self) -> Decimal:
        return self.prices[max(self.prices)]


def history_drawn(history: PriceHistory, *, shown: int, width: int = NARROW) -> str:
    """Return the history as drawings for people.

    First a chart of the cheapest place of each purchase option, then a line for each place, the
    cheapest first.

    Args:
        history: what `price_history` returned.
        shown: how many places to list; 0: all.
        width: columns of the terminal.
    """
    moments = history.moments
    if history.points.is_empty():
        return f"No price of {history.instance_type} is known in these markets.\n"
    series = _ordered(history)
    days = f"{_day(moments[0])} to {_day(moments[-1])}"
    title = f"{history.instance_type}: {len(moments)} market{'s'[: len(moments) > 1]}, {days}\n"
    charts = [_chart(one, moments, width) for one in _cheapest_of_each_option(series)]
    listed = series[:shown] if shown else series
    return f"{title}\n{''.join(charts)}{_list(listed, moments, width)}{_foot(listed, series)}"


def history_json(history: PriceHistory) -> str:
    """Return the history as JSON: a stable form with a version, decimals as text."""
    points = [
        {name: json_value(value) for name, value in row.items()}
        for row in history.points.iter_rows(named=True)
    ]
    document = {
        "format": HISTORY_FORMAT,
        "instance_type": history.instance_type,
        "markets": [json_value(moment) for moment in history.moments],
        "points": points,
    }
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def history_csv(history: PriceHistory) -> str:
    """Return the history as CSV, one line for each price."""
    return history.points.write_csv()


def spark(values: Sequence[Decimal | None]) -> str:
    """Return one character for each value, its height between the lowest and the highest.

    Unknown values are blank; where all are equal they stand in the middle.
    """
    known = [value for value in values if value is not None]
    return "".join(_mark(value, known) for value in values)


def in_force(
    prices: dict[datetime, Decimal], moments: Sequence[datetime], columns: int
) -> list[Decimal | None]:
    """Return the price in force at `columns` evenly spaced moments from the first to the last.

    A market's price holds until the next market; None where that market has none.
    """
    start, span = moments[0], moments[-1] - moments[0]
    steps = [start + span * column / max(1, columns - 1) for column in range(columns)]
    return [prices.get(max(at for at in moments if at <= step)) for step in steps]


def _ordered(history: PriceHistory) -> list[_Series]:
    """Return the series, the cheapest first; those that the newest market lacks come last."""
    series = []
    for key, rows in history.points.group_by(SERIES, maintain_order=True):
        provider, region, option, variant = map(str, key)
        prices = dict(rows.select("taken_at", RATE).rows())
        series.append(
            _Series(
                place=f"{provider}/{region}", option=f"{option} {variant}".strip(), prices=prices
            )
        )
    newest = history.moments[-1]
    return sorted(
        series, key=lambda one: (newest not in one.prices, one.last, one.place, one.option)
    )


def _cheapest_of_each_option(series: Sequence[_Series]) -> Iterator[_Series]:
    for option in PurchaseOption:
        of_option = (one for one in series if one.option.split()[0] == option)
        cheapest = next(of_option, None)
        if cheapest is not None and len(set(cheapest.prices.values())) > 1:
            yield cheapest


def _chart(one: _Series, moments: Sequence[datetime], width: int) -> str:
    """Return a chart five lines high, its lowest and highest price beside it, days below."""
    low, high = min(one.prices.values()), max(one.prices.values())
    labels = [money(high), *[""] * (_CHART_ROWS - 2), money(low)]
    margin = max(map(len, labels))
    columns = max(_LEAST_SPARK, min(width - margin - 3, _MOST_CHART))
    values = in_force(one.prices, moments, columns)
    rows = [
        f"{label.rjust(margin)} ┤{''.join(_cell(value, low, high, row) for value in values)}"
        for label, row in zip(labels, reversed(range(_CHART_ROWS)), strict=True)
    ]
    days = f"{_day(moments[0])}{_day(moments[-1]).rjust(columns - 10)}"
    head = f"{one.option}, {one.place}, $/h"
    lines = [head, *rows, f"{' ' * margin}  {days}", ""]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cell(value: Decimal | None, low: Decimal, high: Decimal, row: int) -> str:
    """Return what a column shows in chart row `row` (0 at the bottom)."""
    if value is None:
        return " "
    eighths = 1 + round((value - low) / (high - low) * (_CHART_ROWS * 8 - 1))
    filled = min(8, max(0, eighths - row * 8))
    return _LEVELS[filled - 1] if filled else " "


def _list(series: Sequence[_Series], moments: Sequence[datetime], width: int) -> str:
    header = ("price", "first", "last", "by", "option", "where")
    cells = [_figures(one, moments[-1]) for one in series]
    others = widest(text_table(header[1:], cells, right="rrr"))
    columns = min(_MOST_SPARK, max(_LEAST_SPARK, width - others - len(GAP)))
    sparks = [spark(in_force(one.prices, moments, columns)) for one in series]
    lines = [(drawn, *figures) for drawn, figures in zip(sparks, cells, strict=True)]
    return text_table(header, lines, right="lrrr")


def _figures(one: _Series, newest: datetime) -> tuple[str, ...]:
    by = relative_text(float(one.last / one.first) - 1) if one.first else ""
    gone = "" if newest in one.prices else " (gone)"
    return money(one.first), money(one.last), by, one.option, f"{one.place}{gone}"


def _foot(listed: Sequence[_Series], series: Sequence[_Series]) -> str:
    return f"Shown {len(listed)} of {len(series)}; $/h of the cheapest zone of each region.\n"


def _mark(value: Decimal | None, known: Sequence[Decimal]) -> str:
    if value is None:
        return " "
    low, high = min(known), max(known)
    if low == high:
        return _LEVELS[3]
    return _LEVELS[round((value - low) / (high - low) * (len(_LEVELS) - 1))]


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
