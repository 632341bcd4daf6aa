"""Writes the shipped tables: `regions.parquet`, `metros.parquet` and their `measured.parquet`.

The two tables share one layout; a row's basis points into the list of measured pairs, so
that an estimate can name what it rests on. Same input, same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from tools.latency.kriging import Kriging
from tools.latency.measurements import series_of
from tools.latency.rows import REASONS, Row

Measured = tuple[str, str, float, str, str]


def measured_pairs(model: Kriging) -> list[Measured]:
    """Return first, second, rtt_ms, source and date of each measured pair of a model."""
    names, networks = model.sites.names, model.sites.networks
    found: list[Measured] = []
    for first, second, rtt_ms in zip(
        model.pairs.first.tolist(),
        model.pairs.second.tolist(),
        model.pairs.rtt_ms.tolist(),
        strict=True,
    ):
        series = series_of(networks[first])
        place = series.source, series.observed_on
        found.append((names[first], names[second], round(rtt_ms, 1), *place))
    return found


def table(
    rows: Iterable[Row], pairs: list[Measured], number_of: dict[Measured, int]
) -> pl.DataFrame:
    """Return rows as a frame; `number_of` gives each measured pair its row in the shared list."""
    records = [
        (
            *(row.origin, row.provider, row.region, row.rtt_ms, row.half_band_ms),
            *(row.kind, row.source, row.observed_on),
            *basis_numbers(row, pairs, number_of),
        )
        for row in rows
    ]
    basis = {f"basis_{number + 1}": pl.UInt16 for number in range(REASONS)}
    schema = {
        **dict.fromkeys(("origin", "provider", "region"), pl.String),
        **dict.fromkeys(("rtt_ms", "half_band_ms"), pl.Float64),
        **dict.fromkeys(("class", "source", "date"), pl.String),
        **basis,
    }
    return pl.DataFrame(records, schema=schema, orient="row")


def basis_numbers(
    row: Row, pairs: list[Measured], number_of: dict[Measured, int]
) -> tuple[int | None, ...]:
    """Return the shared numbers of a row's measured pairs, filled up with None."""
    numbers = [number_of[pairs[pair]] for pair in row.basis]
    return (*numbers, *[None] * (REASONS - len(numbers)))


def numbered(used: Iterable[Measured]) -> dict[Measured, int]:
    """Return a number for each measured pair that is used, in sorted order."""
    return {pair: number for number, pair in enumerate(sorted(set(used)))}


def write(folder: Path, parts: dict[str, tuple[list[Row], list[Measured]]]) -> None:
    """Write the tables of `parts` (name to rows and the pairs they point to) into `folder`."""
    used = (pairs[pair] for rows, pairs in parts.values() for row in rows for pair in row.basis)
    number_of = numbered(used)
    folder.mkdir(parents=True, exist_ok=True)
    for name, (rows, pairs) in parts.items():
        write_parquet(table(rows, pairs, number_of), folder / f"{name}.parquet")
    columns = ["first", "second", "rtt_ms", "source", "date"]
    shared = pl.DataFrame(list(number_of), schema=columns, orient="row")
    write_parquet(shared, folder / "measured.parquet")


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame with settings that leave nothing to chance."""
    frame.write_parquet(path, compression="zstd", compression_level=9, statistics=False)
