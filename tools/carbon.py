"""Build the shipped grid intensities: `python -m tools.carbon DATA_FOLDER OUTPUT_FILE`.

Google's own yearly figure for its regions; the grid subregion for regions of AWS and Azure in the
United States; for the rest the country. Of the coefficients by cloud region only the American ones
are used: two of the others are wrong by a factor of a million.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from broker.reference import Region, regions

#: ISO 3166 alpha-2 and alpha-3 of the countries in which a cloud has a region.
_COUNTRIES: Final = """
AE ARE AT AUT AU AUS BE BEL BH BHR BR BRA CA CAN CH CHE CL CHL CN CHN DE DEU DK DNK ES ESP FI FIN
FR FRA GB GBR HK HKG ID IDN IE IRL IL ISR IN IND IT ITA JP JPN KR KOR MX MEX MY MYS NL NLD NO NOR
NZ NZL PL POL QA QAT SA SAU SE SWE SG SGP TH THA TW TWN US USA ZA ZAF
"""
_CODES: Final = tuple(_COUNTRIES.split())
_ALPHA_3: Final = dict(zip(_CODES[::2], _CODES[1::2], strict=True))


class Intensity(NamedTuple):
    """Grams of CO2 equivalent per kWh, the year they are of, and who states them."""

    grams_per_kwh: str
    year: str
    source: str


def build(data: Path) -> list[tuple[str, ...]]:
    """Return (provider, region, grams per kWh, year, source) of every region that is known."""
    google = dict(_google(data / "gcp_region_carbon_2019_2024.csv"))
    american = dict(_american(data / "grid_factors_by_cloud_region_ccf.csv"))
    countries = dict(_countries(data / "country_grid_intensity_codecarbon.csv"))
    rows: list[tuple[str, ...]] = []
    for key, region in regions().items():
        found = google.get(key) or american.get(key) or _of_country(region, countries)
        if found is not None:
            rows.append((*key, *found))
    return rows


def _of_country(region: Region, countries: dict[str, Intensity]) -> Intensity | None:
    return countries.get(_ALPHA_3.get(region.country, ""))


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as lines:
        yield from csv.DictReader(lines)


def _google(path: Path) -> Iterator[tuple[tuple[str, str], Intensity]]:
    for row in sorted(_read(path), key=lambda one: one["year"]):
        if row["grid_gco2eq_per_kwh"]:
            figure = (row["grid_gco2eq_per_kwh"], row["year"], "google")
            yield ("gcp", row["region"]), Intensity(*figure)


def _american(path: Path) -> Iterator[tuple[tuple[str, str], Intensity]]:
    for row in _read(path):
        if row["source"] == "EPA":
            name = row["region"].replace(" ", "").lower()
            yield (row["provider"], name), Intensity(row["gco2eq_per_kwh"], "", "epa-subregion")


def _countries(path: Path) -> Iterator[tuple[str, Intensity]]:
    for row in _read(path):
        yield row["iso3"], Intensity(row["gco2eq_per_kwh"], row["year"], "country")


def main() -> None:
    """Read the folder and the file from the command line and build."""
    parser = argparse.ArgumentParser(description="Build the shipped grid intensities.")
    parser.add_argument("data", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    with arguments.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["provider", "region", "grams_per_kwh", "year", "source"])
        writer.writerows(build(arguments.data))


if __name__ == "__main__":
    main()
