"""Build the shipped latency tables: `python -m tools.latency DATA_FOLDER OUTPUT_FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.latency.bands import region_bands
from tools.latency.kriging import Settings, fit
from tools.latency.measurements import (
    city_rows,
    cloud_rows,
    metro_sites,
    pairs_of,
    region_sites,
    within_site_ms,
)
from tools.latency.metro_rows import metro_bands, metro_model, metro_rows
from tools.latency.region_rows import region_rows
from tools.latency.tables import measured_pairs, write


def build(data: Path, output: Path) -> dict[str, int]:
    """Fit both models to the measurements in `data`, write the tables, return their sizes."""
    inside, between = cloud_rows(data), city_rows(data)
    sites = region_sites()
    clouds = fit(sites, pairs_of(sites, inside), Settings())
    regions = region_rows(clouds, region_bands(clouds), within_site_ms(inside))
    everything = metro_model(sites, metro_sites(), inside, between)
    metros = metro_rows(everything, metro_bands(everything))
    parts = {
        "regions": (regions, measured_pairs(clouds)),
        "metros": (metros, measured_pairs(everything)),
    }
    write(output, parts)
    return {name: len(rows) for name, (rows, _) in parts.items()}


def main() -> None:
    """Read the two folders from the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the measured round trips")
    parser.add_argument(
        "output", type=Path, help="folder for the tables, e.g. broker/data/latency"
    )
    arguments = parser.parse_args()
    for name, rows in build(arguments.data, arguments.output).items():
        print(f"{name}: {rows} rows")


if __name__ == "__main__":
    main()
