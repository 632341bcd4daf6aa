"""Lists of offers as a table, as JSON and as CSV that is a market file again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import polars as pl

from broker.freshness import freshness
from broker.market import Market
from broker.market_csv import offers_csv
from broker.offer_selection import LEFT_OUT, RATE
from broker.offers import (
    OFFER_SCHEMA,
    UNKNOWN_ZONE,
    LocationKind,
    Purchasable,
    offer_id,
    pool_id,
)
from broker.report.table import text_table, widest
from broker.units import HOURS_PER_MONTH, plain, round_cents, round_nano

#: Version of the JSON form.
OFFERS_FORMAT: Final = 1
NARROW: Final = 80
_FINEST_SLICE: Final = 64

Row = Mapping[str, Any]


def offers_table(selected: pl.DataFrame, *, total: int, width: int = NARROW) -> str:
    """Return offers as text for people.

    Args:
        selected: the offers to show, as `select` returns them.
        total: how many there were before a limit was applied.
        width: columns of the terminal. Where one line an offer does not fit, each offer takes
            two lines, the second with its place and its source.
    """
    rows = selected.with_columns(offer_id()).rows(named=True)
    if not rows:
        return "No offer fits.\n"
    wide = _one_line_each(rows)
    text = wide if widest(wide) <= width else _two_lines_each(rows)
    return f"{text}{_summary(selected, total=total)}"


def offers_json(selected: pl.DataFrame, market: Market, *, total: int) -> str:
    """Return offers as JSON: a stable form with a version, decimals as text.

    Args:
        selected: the offers to show, as `select` returns them.
        market: where they come from.
        total: how many there were before a limit was applied.
    """
    rows = selected.with_columns(offer_id(), pool_id()).iter_rows(named=True)
    document = {
        "format": OFFERS_FORMAT,
        "market": market_json(market),
        "total": total,
        "shown": selected.height,
        "offers": [_json_row(row) for row in rows],
    }
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def offers_as_csv(selected: pl.DataFrame) -> str:
    """Return offers in the columns of a market file, so that `--market` reads them back."""
    return offers_csv(selected)


def groups_table(groups: pl.DataFrame, *, by: str) -> str:
    """Return one line a group: its offers and its cheapest one."""
    header = (by, "offers", "from $/h", "from $/GPU-h", "cheapest")
    rows = [
        (
            row["group"],
            str(row["offers"]),
            money(row[RATE]),
            money(_decimal(row["usd_per_accelerator_hour"])),
            f"{row['provider']}/{row['region']} {row['option']}",
        )
        for row in groups.iter_rows(named=True)
    ]
    return text_table(header, rows, right="lrrr") if rows else "No offer fits.\n"


def groups_json(groups: pl.DataFrame, market: Market, *, by: str) -> str:
    """Return the groups as JSON, decimals as text."""
    rows = groups.with_columns(offer_id()).iter_rows(named=True)
    document = {
        "format": OFFERS_FORMAT,
        "market": market_json(market),
        "group_by": by,
        "groups": [
            {
                "group": row["group"],
                "offers": row["offers"],
                RATE: json_value(row[RATE]),
                "usd_per_accelerator_hour": json_value(_decimal(row["usd_per_accelerator_hour"])),
                "cheapest": row["id"],
            }
            for row in rows
        ],
    }
    return f"{json.dumps(document, indent=1, ensure_ascii=False)}\n"


def groups_csv(groups: pl.DataFrame, *, by: str) -> str:
    """Return the groups as CSV."""
    shown = groups.with_columns(offer_id().alias("cheapest"))
    return shown.select(
        pl.col("group").alias(by), "offers", RATE, "usd_per_accelerator_hour", "cheapest"
    ).write_csv()


def money(amount: Decimal | None) -> str:
    """Return USD for a table: at least two decimals, four below one, thousands apart."""
    if amount is None:
        return "-"
    return f"{amount:,.4f}" if amount < 1 else f"{amount:,.2f}"


def usd_per_accelerator_hour(row: Row) -> Decimal | None:
    """Return the rate of one accelerator, to nine decimals; None where there is none."""
    rate, count = row[RATE], row["accelerators"]
    return None if rate is None or not count else round_nano(rate / Decimal(str(count)))


def usd_per_month(row: Row) -> Decimal | None:
    """Return what 730 hours cost, to the cent."""
    return None if row[RATE] is None else round_cents(row[RATE] * HOURS_PER_MONTH)


def accelerators_text(row: Row) -> str:
    """Return ``8 x H100``, ``1/6 x V710``, or vCPUs and memory for CPU types."""
    if row["accelerator"]:
        return f"{_count_text(row['accelerators'])} x {row['accelerator']}"
    vcpus = "?" if row["vcpus"] is None else row["vcpus"]
    memory = "?" if row["memory_gib"] is None else f"{row['memory_gib']:g}"
    return f"{vcpus} vCPU {memory} GiB"


def _count_text(count: float | None) -> str:
    """Return a whole number as such and a slice as a fraction: ``1/6``."""
    return "?" if count is None else str(Fraction(count).limit_denominator(_FINEST_SLICE))


def _figures(row: Row) -> tuple[str, ...]:
    month = usd_per_month(row)
    return (
        money(row[RATE]),
        money(usd_per_accelerator_hour(row)),
        "-" if month is None else f"{month:,.0f}",
        accelerators_text(row),
        f"{row['option']} {row['variant']}".strip(),
    )


_FIGURES: Final = ("$/h", "$/GPU-h", "$/month", "instance", "option")


def _one_line_each(rows: Sequence[Row]) -> str:
    header = [*_FIGURES, "where", "type", "seen", "source", "note"]
    cells = [
        [*_figures(row), _where(row), row["instance_type"], *_provenance(row), _note(row)]
        for row in rows
    ]
    columns = len(header) if any(line[-1] for line in cells) else len(header) - 1
    return text_table(header[:columns], [line[:columns] for line in cells], right="rrr")


def _two_lines_each(rows: Sequence[Row]) -> str:
    first = text_table(_FIGURES, [_figures(row) for row in rows], right="rrr").splitlines()
    lines = [first[0]]
    for row, figures in zip(rows, first[1:], strict=True):
        seen, source = _provenance(row)
        lines.append(figures)
        lines.extend(_folded((row["id"], f"seen {seen}", source, _note(row))))
    return "".join(f"{line}\n" for line in lines)


def _folded(parts: tuple[str, ...]) -> list[str]:
    """Return `parts` on as few indented lines as fit 80 columns."""
    lines = [""]
    for part in filter(None, parts):
        joined = f"{lines[-1]}, {part}" if lines[-1] else f"    {part}"
        if lines[-1] and len(joined) > NARROW:
            lines.append(f"    {part}")
        else:
            lines[-1] = joined
    return lines


def _where(row: Row) -> str:
    place = f"{row['provider']}/{row['region']}"
    return place if row["zone"] == UNKNOWN_ZONE else f"{place}/{row['zone']}"


def _provenance(row: Row) -> tuple[str, str]:
    seen = row["price_observed_at"]
    return seen.date().isoformat() if seen else "?", row["price_source"] or "?"


def _note(row: Row) -> str:
    """Return what keeps a planner from an offer that the list shows."""
    notes = [row[LEFT_OUT]] if row[LEFT_OUT] else []
    if row["purchasable"] == Purchasable.UNKNOWN.value:
        notes.append("not known to be sold")
    if row["location_kind"] not in {LocationKind.REGION.value, None}:
        notes.append(f"{row['location_kind']}: planned only where named")
    return "; ".join(notes)


def _summary(selected: pl.DataFrame, *, total: int) -> str:
    shown = f"Shown {selected.height} of {total} offers"
    seen = freshness(selected)
    dates = ""
    if seen.oldest is not None:
        until = f" to {seen.newest}" if seen.newest != seen.oldest else ""
        dates = f"; prices seen {seen.oldest}{until}"
    upfront = "$/h spreads upfront fees over the term.\n" if _has_upfront(selected) else ""
    return f"{shown}{dates}.\n{upfront}"


def _has_upfront(selected: pl.DataFrame) -> bool:
    return bool(selected.select((pl.col("upfront_usd") > 0).any()).item())


def market_json(market: Market) -> dict[str, str]:
    """Return what a JSON document says of the market it speaks of."""
    return {
        "name": market.name,
        "digest": market.digest,
        "taken_at": _moment(market.taken_at),
    }


def _json_row(row: Row) -> dict[str, object]:
    return {
        "id": row["id"],
        "pool": row["pool"],
        **{column: json_value(row[column]) for column in OFFER_SCHEMA},
        RATE: json_value(row[RATE]),
        "rate_usd_per_accelerator_hour": json_value(usd_per_accelerator_hour(row)),
        "rate_usd_per_month": json_value(usd_per_month(row)),
        LEFT_OUT: row[LEFT_OUT],
    }


def json_value(value: object) -> object:
    """Return a cell as JSON holds it: decimals and moments as text."""
    if isinstance(value, Decimal):
        return plain(value)
    return _moment(value) if isinstance(value, datetime) else value


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _decimal(number: float | None) -> Decimal | None:
    return None if number is None else round_nano(Decimal(str(number)))
