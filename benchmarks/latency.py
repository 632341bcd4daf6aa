"""How far the shipped latency estimates are off: cross-validation against the aims.

    python -m benchmarks.latency DATA_FOLDER [--no-metros]

Errors are in ms, on unordered pairs that the fit had not seen. The part on metros fits one
large model and takes a minute or two.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from broker.distance import great_circle_km
from broker.reference import metros
from broker.report.table import text_table
from tools.latency.bands import (
    factors,
    half_band_ms,
    one_cloud_from_another,
    pair_errors,
    rows_of,
    site_errors,
)
from tools.latency.kriging import Kriging, Settings, fit
from tools.latency.measurements import (
    city_rows,
    cloud_rows,
    metro_sites,
    pairs_of,
    region_sites,
)
from tools.latency.metro_rows import SETTINGS, metro_pairs
from tools.latency.sites import CITY_NETWORK, Floats, Indices, Mask, Pairs, Sites, stack

FOLDS = 5
SEEDS = 4
CLOUDS = ("aws", "azure")
MEAN_AIMS_MS = {
    "unseen pair": {"aws": 7.0, "azure": 5.0},
    "region without measurements": {"aws": 13.0, "azure": 9.5},
    "one cloud from the other": {"aws": 18.0, "azure": 16.0},
}
METRO_MEAN_AIM_MS, METRO_MEDIAN_AIM_MS = 17.0, 8.0
COVERAGE_AIM = (0.87, 0.95)
#: The contours end at 150 ms, so a city is judged only where the estimate is well below.
CONTOUR_RANGE_MS = (10.0, 120.0)
MOVED_KM = 100.0


@dataclass(frozen=True, kw_only=True)
class Result:
    """Errors of one kind of estimate, and its aims.

    Attributes:
        name: what was estimated.
        error_ms: estimate less measurement, [pairs].
        mean_aim_ms: largest mean absolute error that is good enough; None without an aim.
        median_aim_ms: the same for the median.
        is_covered: whether the band holds the measurement, [pairs]; None where not judged.
    """

    name: str
    error_ms: Floats
    mean_aim_ms: float | None = None
    median_aim_ms: float | None = None
    is_covered: Mask | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the result as cells of a table, aims in brackets."""
        size_ms = np.abs(self.error_ms)
        covered = "" if self.is_covered is None else f"{self.is_covered.mean():.2f}"
        return (
            self.name,
            str(len(size_ms)),
            f"{size_ms.mean():.1f}{_aim(self.mean_aim_ms)}",
            f"{np.median(size_ms):.1f}{_aim(self.median_aim_ms)}",
            f"{np.quantile(size_ms, 0.95):.0f}",
            covered,
        )

    def meets_aims(self) -> bool:
        """Return whether every aim is met."""
        size_ms = np.abs(self.error_ms)
        mean_is_met = self.mean_aim_ms is None or size_ms.mean() <= self.mean_aim_ms
        median_is_met = self.median_aim_ms is None or np.median(size_ms) <= self.median_aim_ms
        return bool(mean_is_met and median_is_met)


def _aim(aim_ms: float | None) -> str:
    return "" if aim_ms is None else f" (aim {aim_ms:g})"


def folded(sites: Sites, pairs: Pairs) -> Iterator[tuple[Kriging, Pairs]]:
    """Yield a model of each training part and the pairs it has not seen."""
    for seed in range(SEEDS):
        fold = np.random.default_rng(seed).permutation(len(pairs)) % FOLDS
        for number in range(FOLDS):
            model = fit(sites, pairs.take(fold != number), Settings())
            yield model, pairs.take(fold == number)


def unseen_pairs(sites: Sites, pairs: Pairs) -> list[Result]:
    """Judge pairs of measured regions; bands are calibrated on the training part alone."""
    found: dict[str, list[tuple[Floats, Floats]]] = {cloud: [] for cloud in CLOUDS}
    for model, test in folded(sites, pairs):
        for cloud in CLOUDS:
            part = test.take(rows_of(sites, test, cloud))
            found[cloud].append(errors_and_bands(model, part, cloud))
    return [_unseen(cloud, parts) for cloud, parts in found.items()]


def _unseen(cloud: str, parts: list[tuple[Floats, Floats]]) -> Result:
    error_ms, band_ms = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Result(
        name=f"{cloud}: unseen pair",
        error_ms=error_ms,
        mean_aim_ms=MEAN_AIMS_MS["unseen pair"][cloud],
        is_covered=np.abs(error_ms) <= band_ms,
    )


def errors_and_bands(model: Kriging, test: Pairs, network: str) -> tuple[Floats, Floats]:
    """Return error and half band of each unseen pair of `network`."""
    rtt_ms, deviation_ms = model.estimate(test.first, test.second)
    distance_km = model.sites.distance_km[test.first, test.second]
    factor = factors(pair_errors(model, network))
    return rtt_ms - test.rtt_ms, half_band_ms(factor, deviation_ms, distance_km)


def unseen_regions(sites: Sites, pairs: Pairs) -> list[Result]:
    """Judge regions with all their measurements left out, one after the other."""
    model = fit(sites, pairs, Settings())
    return [
        Result(
            name=f"{cloud}: region without pings",
            error_ms=site_errors(model, cloud)[0],
            mean_aim_ms=MEAN_AIMS_MS["region without measurements"][cloud],
        )
        for cloud in CLOUDS
    ]


def other_clouds(sites: Sites, pairs: Pairs) -> list[Result]:
    """Judge one cloud estimated from the other, the stand-in for a third cloud."""
    return [
        Result(
            name=f"{cloud}: from the other cloud",
            error_ms=error_ms,
            mean_aim_ms=MEAN_AIMS_MS["one cloud from the other"][cloud],
        )
        for cloud, (error_ms, _) in one_cloud_from_another(sites, pairs, Settings()).items()
    ]


def metro_results(data: Path) -> list[Result]:
    """Judge city pings of a kept-out tenth, cities without pings, and published contours."""
    sites = stack((region_sites(), metro_sites()))
    pairs = metro_pairs(sites, cloud_rows(data), city_rows(data))
    is_kept_out = rows_of(sites, pairs, CITY_NETWORK)
    is_kept_out &= np.random.default_rng(0).random(len(pairs)) < 0.1
    model, test = fit(sites, pairs.take(~is_kept_out), SETTINGS), pairs.take(is_kept_out)
    error_ms, band_ms = errors_and_bands(model, test, CITY_NETWORK)
    return [
        _metro("metro: unseen city ping", error_ms, band_ms),
        Result(name="metro: without any ping", error_ms=site_errors(model, CITY_NETWORK)[0]),
        contour_result(model, data),
    ]


def contour_result(model: Kriging, data: Path) -> Result:
    """Judge metros against the contours of AWS regions, where those can tell."""
    first, second, contour_ms = contours(model, data)
    rtt_ms, deviation_ms = model.estimate(first, second)
    factor = factors(pair_errors(model, CITY_NETWORK))
    band_ms = half_band_ms(factor, deviation_ms, model.sites.distance_km[first, second])
    judged = (contour_ms > CONTOUR_RANGE_MS[0]) & (rtt_ms < CONTOUR_RANGE_MS[1])
    name = "metro: AWS contours of 2023"
    return _metro(name, (rtt_ms - contour_ms)[judged], band_ms[judged])


def _metro(name: str, error_ms: Floats, band_ms: Floats) -> Result:
    return Result(
        name=name,
        error_ms=error_ms,
        mean_aim_ms=METRO_MEAN_AIM_MS,
        median_aim_ms=METRO_MEDIAN_AIM_MS,
        is_covered=np.abs(error_ms) <= band_ms,
    )


def contours(model: Kriging, data: Path) -> tuple[Indices, Indices, Floats]:
    """Return metro, region and contour of the cities that stand where the contours put them."""
    metro_of = placed_alike(data)
    path = next(data.glob("city_to_region_rtt_contour_*.csv.gz"))
    rows = csv.reader(gzip.decompress(path.read_bytes()).decode().splitlines())
    next(rows)
    known = [
        (metro_of[city], f"{provider}/{region}", float(rtt_ms))
        for city, provider, region, rtt_ms in rows
        if city in metro_of
    ]
    number = model.sites.index_of_name
    first = np.array([number[metro] for metro, _, _ in known])
    second = np.array([number[region] for _, region, _ in known])
    return first, second, np.array([rtt_ms for _, _, rtt_ms in known])


def placed_alike(data: Path) -> dict[str, str]:
    """Return the metro of each city whose position in the data is also ours."""
    with (data / "cities.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["latitude"]]
    position_of = {row["city"]: (float(row["latitude"]), float(row["longitude"])) for row in rows}
    return {
        metro.ping_city: metro.metro
        for metro in metros().values()
        if metro.ping_city in position_of
        and great_circle_km(metro.latitude, metro.longitude, *position_of[metro.ping_city])
        < MOVED_KM
    }


def report(results: list[Result]) -> str:
    """Return the results as a table, with what is missed below."""
    header = ("estimate", "pairs", "mean", "median", "p95", "in band")
    missed = [result.name for result in results if not result.meets_aims()]
    text = text_table(header, [result.cells() for result in results], right="lrrrrr")
    low, high = COVERAGE_AIM
    verdict = f"missed: {', '.join(missed)}" if missed else "every aim on errors is met"
    return f"{text}\nin band: nine of ten are wanted, {low} to {high} is good\n{verdict}\n"


def main() -> None:
    """Read the data folder from the command line, judge, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with the measured round trips")
    parser.add_argument("--no-metros", action="store_true", help="leave the large model out")
    arguments = parser.parse_args()
    sites = region_sites()
    pairs = pairs_of(sites, cloud_rows(arguments.data))
    results = unseen_pairs(sites, pairs) + unseen_regions(sites, pairs)
    results += other_clouds(sites, pairs)
    if not arguments.no_metros:
        results += metro_results(arguments.data)
    print(report(results), end="")


if __name__ == "__main__":
    main()
