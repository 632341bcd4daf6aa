"""The builder of the latency tables: small places, checked by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from broker.distance import fibre_floor_ms, great_circle_km
from broker.reference import regions
from tools.latency.__main__ import build
from tools.latency.bands import by_distance, quantile, site_errors
from tools.latency.kriging import Kriging, Settings, fit, short_haul_weight
from tools.latency.measurements import (
    believable,
    city_rows,
    cloud_rows,
    pairs_of,
    within_site_ms,
)
from tools.latency.rows import rounded_up_to_floor
from tools.latency.sites import CITY_NETWORK, Pairs, Sites
from tools.latency.trend import basis, fit_line

AWS = ("eu-west-1", "eu-west-2", "eu-central-1", "us-east-1", "us-west-2", "ap-northeast-1")
AZURE = ("northeurope", "uksouth", "germanywestcentral", "eastus", "westus2", "japaneast")
CITIES = ("Dublin", "London", "Frankfurt", "Washington", "Seattle", "Tokyo")


def line_of_sites(*degrees: float, network: str = "aws") -> Sites:
    """Return sites of one network on the equator; a degree is 111.2 km."""
    return Sites(
        names=tuple(f"{network}/{number}" for number in range(len(degrees))),
        networks=(network,) * len(degrees),
        latitudes=np.zeros(len(degrees)),
        longitudes=np.array(degrees),
    )


def pairs(*measured: tuple[int, int, float]) -> Pairs:
    """Return pairs from rows (site, site, rtt_ms)."""
    first, second, rtt_ms = zip(*measured, strict=True)
    return Pairs(first=np.array(first), second=np.array(second), rtt_ms=np.array(rtt_ms))


def every_pair(sites: Sites, *, ms_per_1000_km: float) -> Pairs:
    """Return all pairs of sites, 2 ms and so much for each 1000 km."""
    first, second = np.triu_indices(len(sites), k=1)
    rtt_ms = 2 + ms_per_1000_km * sites.distance_km[first, second] / 1000
    return Pairs(first=first, second=second, rtt_ms=rtt_ms)


def without(found: Pairs, *rows: int) -> Pairs:
    """Return the pairs but those of `rows`."""
    return found.take(np.setdiff1d(np.arange(len(found)), np.array(rows)))


def write_data(folder: Path) -> Path:
    """Write a tiny data folder: 1000 km are 15 ms in clouds and 17 ms between cities."""
    position = {region.region: region for region in regions().values()}
    for network, names in (("aws", AWS), ("azure", AZURE)):
        lines = ["src_region,dst_region,rtt_ms"]
        for i, one in enumerate(names):
            for other in names[i + 1 :]:
                a, b = position[one], position[other]
                km = great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)
                lines.append(f"{one},{other},{2 + 0.015 * float(km):.3f}")
        if network == "aws":
            lines += [f"{one},{one},{3 + number / 10}" for number, one in enumerate(names)]
        path = folder / f"{network}_{network}_rtt_sample.csv"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["src_city,dst_city,rtt_ms"]
    for i, one in enumerate(CITIES):
        for j, other in enumerate(CITIES):
            a, b = position[AWS[i]], position[AWS[j]]
            km = great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude)
            if one != other:
                lines.append(f"{one},{other},{4 + 0.017 * float(km):.3f}")
    text = "\n".join(lines) + "\n"
    (folder / "city_city_rtt.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    return folder


def test_the_line_finds_the_slope() -> None:
    """Round trips on a line of 15 ms per 1000 km give its slope and no bend."""
    distance_km = np.array([100.0, 500.0, 900.0, 2000.0, 3000.0, 6000.0, 9000.0])
    slopes = fit_line(distance_km, 2 + 15 * distance_km / 1000)
    assert slopes == pytest.approx([15, 0, 0], abs=1e-3)


def test_the_line_bends_at_its_knots() -> None:
    """At 5000 km the three hinges have grown by 5, 4 and 1."""
    assert basis(np.array([5000.0])).tolist() == [[5.0, 4.0, 1.0]]


def test_short_hauls_stray_less() -> None:
    """Next door the weight is 0.15, from 2000 km on it is 1."""
    weight = short_haul_weight(np.array([0.0, 1000.0, 2000.0, 9000.0]))
    assert weight == pytest.approx([0.15, 0.575, 1.0, 1.0])


def test_the_mean_of_both_directions_counts() -> None:
    """Both directions are averaged; a pair measured one way keeps its figure."""
    sites = line_of_sites(0, 10, 20)
    found = pairs_of(
        sites,
        [
            ("aws/0", "aws/1", 10),
            ("aws/1", "aws/0", 14),
            ("aws/2", "aws/1", 9),
            ("aws/1",) * 2 + (1,),
        ],
    )
    ends = zip(found.first.tolist(), found.second.tolist(), found.rtt_ms.tolist(), strict=True)
    assert list(ends) == [(0, 1, 12.0), (1, 2, 9.0)]


def test_an_unseen_pair_is_estimated_from_its_kin() -> None:
    """Where every pair follows one law, the pair left out does too, within a few ms."""
    sites = line_of_sites(0, 3, 20, 23, 60, 63)
    everything = every_pair(sites, ms_per_1000_km=15)
    model = fit(sites, without(everything, 4), Settings())
    rtt_ms, deviation_ms = model.estimate(everything.first[4:5], everything.second[4:5])
    assert rtt_ms[0] == pytest.approx(everything.rtt_ms[4], abs=3)
    assert 0 < deviation_ms[0] < 40


def test_kin_that_detour_pull_the_estimate_up() -> None:
    """A pair whose neighbours all take a detour is expected to take it as well."""
    sites = line_of_sites(0, 1, 50, 51)
    straight = every_pair(sites, ms_per_1000_km=15)
    is_long = np.isin(straight.first, (0, 1)) & np.isin(straight.second, (2, 3))
    detoured = Pairs(
        first=straight.first, second=straight.second, rtt_ms=straight.rtt_ms + 60 * is_long
    )
    row = int(np.flatnonzero(is_long)[0])
    ends = straight.first[row : row + 1], straight.second[row : row + 1]
    plain = fit(sites, without(straight, row), Settings()).estimate(*ends)[0]
    pulled = fit(sites, without(detoured, row), Settings()).estimate(*ends)[0]
    assert pulled[0] - plain[0] > 30


def test_estimates_never_undercut_light_in_fibre() -> None:
    """Measurements at the speed of light leave no room below it."""
    sites = line_of_sites(0, 5, 40, 45)
    everything = every_pair(sites, ms_per_1000_km=10)
    model = fit(sites, everything.take(np.array([0, 1, 2])), Settings())
    rtt_ms, _ = model.estimate(everything.first, everything.second)
    floor_ms = fibre_floor_ms(sites.distance_km[everything.first, everything.second])
    assert (rtt_ms >= floor_ms).all()
    assert (rounded_up_to_floor(floor_ms, (floor_ms - 0.3) * 100) >= floor_ms - 1e-9).all()


def small_model() -> tuple[Kriging, Pairs]:
    """Return a model of six sites with uneven round trips, and its pairs."""
    sites = line_of_sites(0, 3, 20, 23, 60, 63)
    found = every_pair(sites, ms_per_1000_km=15)
    bumps = np.random.default_rng(0).normal(0, 4, len(found))
    found = Pairs(first=found.first, second=found.second, rtt_ms=found.rtt_ms + np.abs(bumps))
    return fit(sites, found, Settings()), found


def test_left_out_errors_equal_those_of_refits() -> None:
    """The closed form agrees with leaving a pair out and solving again, the line kept."""
    model, found = small_model()
    error_ms, _ = model.left_out()
    for row in (0, 7, 14):
        group_ms, _ = model.group_left_out(np.array([row]))
        assert group_ms[0] == pytest.approx(error_ms[row])
    rows = np.flatnonzero(found.touching(2))
    kept = np.setdiff1d(np.arange(len(found)), rows)
    covariance = np.linalg.inv(model.inverse)
    residual = covariance @ model.alpha
    cross = covariance[np.ix_(rows, kept)]
    expected = residual[rows] - cross @ np.linalg.solve(
        covariance[np.ix_(kept, kept)], residual[kept]
    )
    weight = short_haul_weight(model.sites.distance_km[found.first, found.second])
    assert model.group_left_out(rows)[0] == pytest.approx(weight[rows] * expected)


def test_every_site_is_left_out_once() -> None:
    """Leaving each of six sites out gives an error for both ends of every pair."""
    model, found = small_model()
    error_ms, deviation_ms, distance_km = site_errors(model, "aws")
    assert len(error_ms) == len(deviation_ms) == len(distance_km) == 2 * len(found)


def test_outliers_lose_their_weight() -> None:
    """With reweighting, one wild ping moves its neighbours less than without."""
    sites = line_of_sites(0, 1, 30, 31, 60, 61, network=CITY_NETWORK)
    found = every_pair(sites, ms_per_1000_km=15)
    wild = found.rtt_ms.copy()
    wild[8] += 300
    spoiled = Pairs(first=found.first, second=found.second, rtt_ms=wild)
    truth = np.arange(len(found)) != 8

    def error_ms(rounds: int) -> float:
        model = fit(sites, spoiled, Settings(robust_rounds=rounds))
        estimate_ms, _ = model.estimate(found.first, found.second)
        return float(np.abs(estimate_ms - found.rtt_ms)[truth].mean())

    assert error_ms(3) < error_ms(0)


def test_a_misplaced_city_is_dropped_and_its_partners_stay() -> None:
    """A server that answers faster than light from two cities goes; the two keep their pair."""
    sites = line_of_sites(0, 10, 100, network=CITY_NETWORK)
    kept = believable(sites, pairs((0, 1, 20.0), (0, 2, 15.0), (1, 2, 12.0)))
    assert (kept.first.tolist(), kept.second.tolist()) == ([0], [1])


def test_bands_cover_nine_tenths_and_fall_back_where_pairs_are_few() -> None:
    """A bin with too few pairs takes the quantile of all of them."""
    values = np.arange(1.0, 101.0)
    assert quantile(values) == pytest.approx(91, abs=1)
    distance_km = np.where(values <= 50, 500.0, 2000.0)
    near, middle, far, farthest = by_distance(values, distance_km)
    assert near < middle
    assert far == farthest == quantile(values)


def test_data_files_are_read(tmp_path: Path) -> None:
    """Regions get their cloud's name, cities their metro id, own pairs go to within-region."""
    folder = write_data(tmp_path)
    inside = cloud_rows(folder)
    assert ("azure/northeurope", "azure/uksouth") in {(one, other) for one, other, _ in inside}
    assert within_site_ms(inside)["aws/eu-west-1"] == 3.0
    assert {one for one, _, _ in city_rows(folder)} == {city.lower() for city in CITIES}


def test_the_build_is_whole_and_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    """Every pair of places has one row, estimates name their basis, a second run is equal."""
    data = write_data(tmp_path)
    sizes = build(data, tmp_path / "one")
    assert build(data, tmp_path / "two") == sizes
    count = len(regions())
    assert sizes["regions"] == count * (count + 1) // 2
    for name in ("regions", "metros", "measured"):
        first, second = (tmp_path / run / f"{name}.parquet" for run in ("one", "two"))
        assert first.read_bytes() == second.read_bytes()
    rows = pl.read_parquet(tmp_path / "one" / "regions.parquet")
    by_class = dict(rows.group_by("class").len().iter_rows())
    assert by_class["measured"] == 2 * 15 + 6
    assert by_class["cross-cloud"] > by_class["region-without-measurements"] > 0
    assert rows.filter(pl.col("class") == "measured")["basis_1"].null_count() == 36
    metro = pl.read_parquet(tmp_path / "one" / "metros.parquet")
    assert set(metro["class"]) == {"metro"}
    assert metro["basis_1"].null_count() == 0
    assert (metro["half_band_ms"] >= 1.5).all()
