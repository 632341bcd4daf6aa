"""Build the shipped transfer prices: `python -m tools.transfer DATA_FOLDER OUTPUT_FOLDER`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tools.transfer import aws, azure, gcp
from tools.transfer.rows import write_table


def build(data: Path, output: Path) -> dict[str, int]:
    """Write the three tables from the price lists in `data`, return their numbers of rows."""
    parts = [provider.read(data) for provider in (aws, azure, gcp)]
    regions = [row for part in parts for row in part.regions]
    inside = [row for part in parts for row in part.inside]
    leaving = [row for part in parts for row in part.leaving]
    write_table(output / "transfer_regions.csv", regions)
    write_table(output / "transfer_inside.csv", inside)
    write_table(output / "transfer_leaving.csv", leaving)
    return {"regions": len(regions), "inside": len(inside), "leaving": len(leaving)}


def main() -> None:
    """Read the two folders from the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the collected price lists")
    parser.add_argument("output", type=Path, help="folder for the tables, e.g. broker/data")
    arguments = parser.parse_args()
    for name, rows in build(arguments.data, arguments.output).items():
        print(f"{name}: {rows} rows")


if __name__ == "__main__":
    main()
