"""Offers in a CSV file: private contracts, other clouds, a what-if price.

One row is one offer. Columns and their meaning are those of `OFFER_SCHEMA`; `source` and
`observed_at` speak for everything the row states. An empty cell means "unknown".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import polars as pl

from broker.accelerators import MEMORY_TOLERANCE, Accelerator, UnknownAccelerator, canonical
from broker.csv_cells import PARSERS, Cell, parse_text
from broker.csv_sheet import Sheet, quoted, read_sheet, refused
from broker.errors import Fault
from broker.market import Market, Source
from broker.market_digest import content_digest
from broker.offers import MOMENT, OFFER_KEY, OFFER_SCHEMA, UNKNOWN_ZONE

#: Columns in the order of the documented header; any other of `OFFER_SCHEMA` may follow.
HEADER: Final = (
    *("provider", "region", "zone", "instance_type", "accelerator", "accelerators"),
    *("memory_gib", "vcpus", "fabric", "option", "usd_per_hour", "available"),
    *("interruptions_per_hour", "source", "observed_at"),
)
_PRICE_PROVENANCE: Final = ("price_source", "price_observed_at")
COLUMNS: Final = (
    *HEADER,
    *(name for name in OFFER_SCHEMA if name not in HEADER and name not in _PRICE_PROVENANCE),
)
REQUIRED: Final = ("provider", "region", "instance_type", "option", "usd_per_hour")
#: `taken_at` of a file in which no row says when it was observed.
UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Source of a price whose row names none.
UNNAMED_SOURCE: Final = "user-file"

_TYPES: Final = {**OFFER_SCHEMA, "source": pl.String, "observed_at": MOMENT}
_ACCELERATOR_COLUMNS: Final = ("accelerator", "accelerators", "accelerator_memory_gib")
_REST: Final[Mapping[str, Cell]] = {
    "zone": UNKNOWN_ZONE,
    "variant": "",
    "location_kind": "region",
    "purchasable": "yes",
    "upfront_usd": Decimal(0),
}
#: Prefix of provenance columns -> whether a row states what they stand for.
_STATED: Final[Mapping[str, pl.Expr]] = {
    "price": pl.lit(value=True),
    "spec": pl.any_horizontal(
        pl.col("accelerator", "vcpus", "memory_gib", "fabric", "arch").is_not_null()
    ),
    "zone": pl.col("zone") != UNKNOWN_ZONE,
    "purchasable": pl.col("purchasable") != _REST["purchasable"],
    "available": pl.col("available").is_not_null(),
    "interruptions": pl.col("interruptions_per_hour").is_not_null(),
}


def read_offers_csv(content: bytes, *, name: str) -> Market:
    """Return the market of the offers in a CSV file.

    Args:
        content: the file, UTF-8 with or without a byte order mark, any line ends.
        name: the file's name, for messages and plans.

    Raises:
        MarketError: with every faulty cell (the first twenty), each with line and remedy.
    """
    sheet = read_sheet(content, name=name, known=(*COLUMNS, *_PRICE_PROVENANCE), required=REQUIRED)
    faults: list[Fault] = []
    columns = {column: _parsed(sheet, column, faults=faults) for column in sheet.columns}
    if not faults:
        columns = _with_accelerators(columns, sheet, faults=faults)
    if faults:
        raise refused(name, faults)
    offers = _frame(columns, rows=len(sheet.lines))
    _check_unique(offers, sheet.lines, name)
    offers = offers.select(list(OFFER_SCHEMA)).sort(OFFER_KEY)
    newest = offers["price_observed_at"].max()
    return Market(
        name=name,
        digest=content_digest({"offers": offers}),
        taken_at=newest if isinstance(newest, datetime) else UNDATED,
        offers=offers,
        sources=_sources(offers, name),
    )


def offers_csv(offers: pl.DataFrame) -> str:
    """Return `offers` as CSV text that `read_offers_csv` reads back to the same rows."""
    price = pl.col("usd_per_hour", "upfront_usd").cast(pl.String)
    shown = offers.with_columns(
        price.str.strip_chars_end("0").str.strip_chars_end("."),
        pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").str.replace(".000000Z", "Z"),
    ).rename({"price_source": "source", "price_observed_at": "observed_at"})
    return shown.select(COLUMNS).write_csv()


def _parsed(sheet: Sheet, column: str, *, faults: list[Fault]) -> pl.Series:
    """Return the column's values; each different text is parsed once, faults are appended."""
    parse = PARSERS.get(column, parse_text)
    may_be_empty = column not in REQUIRED or column == "usd_per_hour"
    known: dict[str, Cell] = {}
    wrong: dict[str, str] = {}
    texts = pl.Series(column, sheet.columns[column], dtype=pl.String)
    for text in texts.unique():
        cell = text.strip()
        try:
            known[text] = parse(cell) if cell else _REST.get(column)
        except ValueError as error:
            wrong[text] = str(error)
        if not cell and not may_be_empty:
            wrong[text] = "a value; only other columns may be empty"
    faults.extend(
        Fault(path=column, found=quoted(text.strip()), expected=wrong[text], line=line)
        for text, line in zip(texts if wrong else (), sheet.lines, strict=False)
        if text in wrong
    )
    values = pl.Series(list(known.values()), dtype=_TYPES[column])
    return texts.replace_strict(list(known), values, default=None, return_dtype=_TYPES[column])


def _with_accelerators(
    columns: Mapping[str, pl.Series], sheet: Sheet, *, faults: list[Fault]
) -> dict[str, pl.Series]:
    """Return the columns with canonical names and nominal memory; append contradictions."""
    rows = len(sheet.lines)
    stated = pl.DataFrame(
        [columns.get(name, _constant(name, rows=rows)) for name in _ACCELERATOR_COLUMNS]
    )
    kinds = stated.unique()
    answers = [_resolved(*kind) for kind in kinds.iter_rows()]
    wrong = {
        kind: answer
        for kind, answer in zip(kinds.iter_rows(), answers, strict=True)
        if isinstance(answer, Fault)
    }
    faults.extend(
        replace(wrong[kind], line=line)
        for kind, line in zip(stated.iter_rows() if wrong else (), sheet.lines, strict=False)
        if kind in wrong
    )
    found = [(None, None, None) if isinstance(answer, Fault) else answer for answer in answers]
    resolved = pl.DataFrame(found, schema=stated.schema, orient="row")
    table = pl.concat([kinds, resolved.select(pl.all().name.suffix("_found"))], how="horizontal")
    joined = stated.join(
        table, on=_ACCELERATOR_COLUMNS, how="left", nulls_equal=True, maintain_order="left"
    )
    return {
        **columns,
        **{name: joined[f"{name}_found"].alias(name) for name in _ACCELERATOR_COLUMNS},
    }


def _resolved(
    name: str | None, count: float | None, memory_gib: float | None
) -> tuple[str | None, float | None, float | None] | Fault:
    """Return canonical name, count and nominal memory, or what is wrong with them."""
    if name is None:
        if count:
            return Fault(path="accelerator", found="no name", expected="the accelerator's name")
        return None, 0.0, memory_gib
    if count == 0:
        return Fault(path="accelerator", found=f"{name} with a count of 0", expected="more")
    try:
        known = canonical(name)
    except UnknownAccelerator as error:
        near = ", ".join(error.nearest) or "H100"
        expected = f"a known accelerator, perhaps {near}"
        return Fault(path="accelerator", found=quoted(name), expected=expected)
    fitting = [one for one in known if memory_gib is None or _is_near(memory_gib, one)]
    if len(fitting) == 1:
        return fitting[0].name, count, fitting[0].memory_gib
    expected = " or ".join(f"{one.name} ({one.memory_gib:g} GiB)" for one in known)
    return Fault(path="accelerator", found=quoted(name), expected=expected)


def _is_near(memory_gib: float, accelerator: Accelerator) -> bool:
    nominal = accelerator.memory_gib
    return abs(memory_gib - nominal) <= MEMORY_TOLERANCE * nominal


def _constant(column: str, *, rows: int) -> pl.Series:
    """Return what an absent column holds."""
    value = pl.Series(column, [_REST.get(column)], dtype=_TYPES[column])
    return value.new_from_index(0, rows)


def _frame(columns: Mapping[str, pl.Series], *, rows: int) -> pl.DataFrame:
    """Return the offers in the file's order, with what a row does not state filled in."""
    frame = pl.DataFrame([columns.get(name, _constant(name, rows=rows)) for name in _TYPES])
    fills = [
        pl.when(stated).then(pl.col(field)).alias(f"{prefix}_{field}")
        for prefix, stated in _STATED.items()
        for field in ("source", "observed_at")
        if f"{prefix}_{field}" not in columns
    ]
    unnamed = pl.when(pl.col("usd_per_hour").is_not_null()).then(pl.lit(UNNAMED_SOURCE))
    return frame.with_columns(fills).with_columns(pl.col("price_source").fill_null(unnamed))


def _check_unique(offers: pl.DataFrame, lines: Sequence[int], name: str) -> None:
    keys = offers.select(OFFER_KEY).with_columns(pl.Series("line", lines, dtype=pl.Int64))
    twice = keys.group_by(OFFER_KEY, maintain_order=True).agg("line")
    twice = twice.filter(pl.col("line").list.len() > 1)
    faults = [
        Fault(
            path="",
            found=f"the offer {'/'.join(part for part in row[:-1] if part)} again "
            f"(first on line {row[-1][0]})",
            expected="each offer once",
            remedy="remove one, or tell them apart by a column `variant`",
            line=row[-1][1],
        )
        for row in twice.iter_rows()
    ]
    if faults:
        raise refused(name, faults)


def _sources(offers: pl.DataFrame, name: str) -> dict[str, Source]:
    newest = offers.group_by("price_source").agg(pl.col("price_observed_at").max())
    return {
        key: Source(
            key=key,
            name=f"stated in {name}",
            observed_on=moment.date().isoformat() if moment else "unknown",
            licence="",
        )
        for key, moment in newest.sort("price_source").iter_rows()
        if key is not None
    }
