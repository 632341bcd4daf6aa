"""Compact public traces of demand into the small table that benchmarks draw from.

    python -m benchmarks.build_demand TRACES_FOLDER

Reads two traces whose licence (CC-BY-4.0) allows the figures to be shipped: Microsoft's Philly
jobs and Azure's LLM requests. Writes `benchmarks/data/demand.csv`: quantiles, no row of a trace.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from benchmarks.draws import FACTS

_PROBABILITIES: Final = (*(step / 20 for step in range(20)), 0.98, 0.995, 1.0)
_PHILLY: Final = ("Microsoft Philly trace 2017", "CC-BY-4.0")
_AZURE: Final = ("Azure LLM inference trace 2023, conversation", "CC-BY-4.0")
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
#: Trainings, as apart from trials: jobs of at least this size and length.
_LEAST_GPUS, _LEAST_H = 4, 1.0

_Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def facts(folder: Path) -> list[tuple[str, _Floats, _Floats, tuple[str, str]]]:
    """Return (fact, values, weights, (source, licence)) of everything that is drawn."""
    jobs = pl.read_csv(folder / "philly_jobs.csv.gz").with_columns(
        h=pl.col("duration_s") / _HOUR_S
    )
    jobs = jobs.with_columns(gpu_h=pl.col("h") * pl.col("num_gpus"))
    long = jobs.filter((pl.col("num_gpus") >= _LEAST_GPUS) & (pl.col("h") >= _LEAST_H))
    nightly = (
        jobs.filter(pl.col("num_gpus") == 1)
        .group_by("virtual_cluster", pl.col("submit_s") // _DAY_S)
        .agg(pl.col("gpu_h").sum())
        .filter(pl.col("gpu_h") >= 1)
    )
    calls = pl.read_csv(folder / "azure_llm_2023_conversation.csv.gz")
    minutes = calls.group_by(pl.col("t_s") // 60).len()["len"].sort()[1:]
    return [
        ("job_gpus", _array(jobs["num_gpus"]), _array(jobs["gpu_h"]), _PHILLY),
        ("job_hours", _array(long["h"]), _array(long["gpu_h"]), _PHILLY),
        ("team_day_gpu_hours", _array(nightly["gpu_h"]), np.ones(nightly.height), _PHILLY),
        ("request_tokens", _array(calls["generated_tokens"]), np.ones(calls.height), _AZURE),
        ("minute_over_mean", _array(minutes / minutes.mean()), np.ones(len(minutes)), _AZURE),
    ]


def _array(column: pl.Series) -> _Floats:
    return column.cast(pl.Float64).to_numpy()


def quantiles(values: _Floats, weights: _Floats, probabilities: Sequence[float]) -> list[float]:
    """Return the weighted quantiles of `values`, four significant digits."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    rows = np.searchsorted(reached, np.asarray(probabilities) - 1e-12)
    found = values[order][np.minimum(rows, len(values) - 1)]
    return [float(f"{value:.4g}") for value in found]


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("traces", type=Path, help="folder with the traces")
    with FACTS.open("w", encoding="utf-8", newline="") as lines:
        table = csv.writer(lines, lineterminator="\n")
        table.writerow(("fact", "probability", "value", "source", "licence"))
        for name, values, weights, origin in facts(parser.parse_args().traces):
            for probability, value in zip(
                _PROBABILITIES, quantiles(values, weights, _PROBABILITIES), strict=True
            ):
                table.writerow((name, probability, value, *origin))


if __name__ == "__main__":
    main()
