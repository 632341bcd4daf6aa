"""Round trips: what ships is physical and symmetric, points are humble, a user's own win."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.distance import fibre_floor_ms, great_circle_km
from broker.errors import BrokerError, SpecError
from broker.latency import CERTAIN, MEASURED, LatencyTable, nearest_metros_to, straddles
from broker.places import Point, UnknownPlace
from broker.reference import metros, regions

PLACES = {
    **{name: (metro.latitude, metro.longitude) for name, metro in metros().items()},
    **{f"{p}/{r}": (region.latitude, region.longitude) for (p, r), region in regions().items()},
}
REGIONS = list(regions())
METROS = list(metros())


@pytest.fixture
def table() -> LatencyTable:
    """The shipped table alone."""
    return LatencyTable.load()


def own_table(folder: Path, text: str) -> LatencyTable:
    """Return the table with a user's file of `text` on top."""
    path = folder / "my_rtt.csv"
    path.write_text(text, encoding="utf-8")
    return LatencyTable.load(path)


def test_nothing_shipped_is_faster_than_light_in_fibre(table: LatencyTable) -> None:
    """No round trip, measured or estimated, undercuts light in fibre between its places."""
    origins = list(PLACES)
    rtt_ms, half_ms, is_estimated = table.matrix(origins, REGIONS)
    here, there = (
        np.array([PLACES[name] for name in origins]),
        np.array([(region.latitude, region.longitude) for region in regions().values()]),
    )
    distance_km = great_circle_km(here[:, :1], here[:, 1:], there[:, 0], there[:, 1])
    assert (rtt_ms >= fibre_floor_ms(distance_km) - 1e-6).all()
    assert np.isfinite(rtt_ms).all()
    assert (half_ms[is_estimated] >= 1.5).all()
    assert (half_ms[~is_estimated] == 0).all()


def test_pairs_of_regions_hold_in_both_directions(table: LatencyTable) -> None:
    """The way there is as long as the way back."""
    rtt_ms, half_ms, is_estimated = table.matrix([f"{p}/{r}" for p, r in REGIONS], REGIONS)
    for array in (rtt_ms, half_ms, is_estimated):
        assert (array == array.T).all()


def test_measured_pairs_are_not_estimated(table: LatencyTable) -> None:
    """A measured pair has its figure, no band, and the date of the measurement."""
    trip = table.between("aws/eu-central-1", "aws", "eu-central-2")
    assert (trip.kind, trip.half_band_ms, trip.is_estimated) == (MEASURED, 0.0, False)
    assert trip.rtt_ms == pytest.approx(9.093)
    assert trip.observed_on == "2025-10"
    assert table.basis("aws/eu-central-1", "aws", "eu-central-2") == ()


@pytest.mark.parametrize(
    ("origin", "region", "kind"),
    [
        ("aws/eu-west-3", ("aws", "us-east-1"), "within-cloud"),
        ("aws/us-gov-west-1", ("aws", "us-east-1"), "region-without-measurements"),
        ("aws/eu-west-3", ("azure", "francecentral"), "cross-cloud"),
        ("gcp/us-east4", ("gcp", "us-east5"), "cross-cloud"),
        ("paris", ("aws", "eu-west-3"), "metro"),
        ((48.86, 2.35), ("aws", "eu-west-3"), "point"),
    ],
)
def test_estimates_say_their_class(
    table: LatencyTable,
    origin: str | tuple[float, float],
    region: tuple[str, str],
    kind: str,
) -> None:
    """Every estimate says that it is one, of which class, with source, date and basis."""
    trip = table.between(origin, *region)
    assert (trip.kind, trip.is_estimated) == (kind, True)
    assert trip.half_band_ms >= 1.5
    assert trip.source
    assert trip.observed_on
    assert len(table.basis(origin, *region)) == 3


def test_known_routes_are_in_their_bands(table: LatencyTable) -> None:
    """Routes that everybody has pinged: Paris to Frankfurt about 10 ms, to Virginia about 80."""
    for region, usual_ms in (("eu-west-3", 2), ("eu-central-1", 10), ("us-east-1", 80)):
        trip = table.between("paris", "aws", region)
        assert abs(trip.rtt_ms - usual_ms) <= trip.half_band_ms


def test_leaving_a_partition_is_never_surer_than_leaving_a_cloud(table: LatencyTable) -> None:
    """China's regions hang on the public internet: their band is that of a pair across clouds."""
    into_china = table.between("aws/eu-west-3", "aws", "cn-north-1")
    across = table.between("aws/eu-west-3", "gcp", "asia-northeast1")
    assert into_china.half_band_ms >= across.half_band_ms


@settings(max_examples=60, deadline=None)
@given(row=st.integers(0, len(PLACES) - 1), column=st.integers(0, len(REGIONS) - 1))
def test_matrix_agrees_with_single_lookups(row: int, column: int) -> None:
    """A cell of the matrix is the round trip of the pair."""
    table, origin = LatencyTable.load(), list(PLACES)[row]
    rtt_ms, half_ms, is_estimated = table.matrix([origin], [REGIONS[column]])
    trip = table.between(origin, *REGIONS[column])
    assert (rtt_ms[0, 0], half_ms[0, 0]) == (trip.rtt_ms, trip.half_band_ms)
    assert bool(is_estimated[0, 0]) == (trip.kind not in CERTAIN)


@settings(max_examples=60, deadline=None)
@given(latitude=st.floats(-90, 90), longitude=st.floats(-180, 180))
def test_points_are_physical_and_wider_than_their_metros(
    latitude: float, longitude: float
) -> None:
    """Any point on the globe gets estimates above light in fibre, wider than its metros'."""
    table, place = LatencyTable.load(), Point(latitude=latitude, longitude=longitude)
    rtt_ms, half_ms, is_estimated = table.matrix([(latitude, longitude)], REGIONS)
    there = np.array([(region.latitude, region.longitude) for region in regions().values()])
    distance_km = great_circle_km(latitude, longitude, there[:, 0], there[:, 1])
    near = [name for name, _ in nearest_metros_to(place)]
    assert (rtt_ms[0] >= fibre_floor_ms(distance_km) - 1e-6).all()
    assert (half_ms[0] > table.matrix(near, REGIONS)[1].min(axis=0)).all()
    assert is_estimated.all()


def test_points_are_read_as_text_or_numbers(table: LatencyTable) -> None:
    """`48.86,2.35` and the two numbers are one point."""
    texts = table.between("48.86, 2.35", "aws", "eu-west-3")
    assert texts == table.between((48.86, 2.35), "aws", "eu-west-3")


@pytest.mark.parametrize("origin", ["91,0", "0,181", "nan,0", "1,2,3", "north,south"])
def test_points_off_the_globe_are_refused(table: LatencyTable, origin: str) -> None:
    """A point that is none is an error, not a guess."""
    with pytest.raises(UnknownPlace):
        table.between(origin, "aws", "eu-west-3")


def test_bare_region_names_and_aliases_are_origins(table: LatencyTable) -> None:
    """`eu-west-3` is AWS's region, `NYC` is New York."""
    assert table.resolve("eu-west-3") == "aws/eu-west-3"
    assert table.resolve("NYC") == "new-york"


@pytest.mark.parametrize(
    ("origin", "region", "nearest"),
    [
        ("pariss", ("aws", "eu-west-3"), "paris"),
        ("aws/eu-west-33", ("aws", "eu-west-3"), "aws/eu-west-3"),
        ("paris", ("gcp", "us-cental1"), "gcp/us-central1"),
        ("us-est-1", ("aws", "eu-west-3"), "us-east-1"),
    ],
)
def test_unknown_places_name_the_nearest(
    table: LatencyTable, origin: str, region: tuple[str, str], nearest: str
) -> None:
    """A misspelt place is an error that names what was probably meant."""
    with pytest.raises(UnknownPlace) as caught:
        table.between(origin, *region)
    assert nearest in caught.value.nearest
    assert nearest in str(caught.value)


def test_a_users_own_round_trip_wins(tmp_path: Path, table: LatencyTable) -> None:
    """The user's figure replaces the shipped one for its pair alone and is no estimate."""
    own = own_table(tmp_path, "metro,region,rtt_ms\nnyc,aws/us-east-1,6.5\n")
    trip = own.between("new-york", "aws", "us-east-1")
    assert (trip.rtt_ms, trip.half_band_ms, trip.kind) == (6.5, 0.0, "user")
    assert not trip.is_estimated
    other = ("new-york", "aws", "us-east-2")
    assert own.between(*other) == table.between(*other)
    rtt_ms, half_ms, is_estimated = own.matrix(["nyc"], [("aws", "us-east-1")])
    assert (rtt_ms[0, 0], half_ms[0, 0], is_estimated[0, 0]) == (6.5, 0.0, False)


def test_a_metro_of_ones_own_knows_only_its_own_regions(tmp_path: Path) -> None:
    """A new metro reaches the regions its owner stated; the others are out of reach."""
    own = own_table(tmp_path, "metro,region,rtt_ms\nmy-factory,gcp/us-east4,11\n")
    assert own.between("my-factory", "gcp", "us-east4").rtt_ms == 11
    unknown = own.between("my-factory", "aws", "us-east-1")
    assert (unknown.rtt_ms, unknown.kind) == (float("inf"), "unknown")
    rtt_ms, _, _ = own.matrix(["my-factory"], [("gcp", "us-east4"), ("aws", "us-east-1")])
    assert rtt_ms.tolist() == [[11.0, float("inf")]]
    assert own.basis("my-factory", "aws", "us-east-1") == ()


def test_a_users_file_may_come_from_a_spreadsheet(tmp_path: Path) -> None:
    """A byte order mark, CRLF, blanks and blank lines do no harm."""
    path = tmp_path / "my_rtt.csv"
    path.write_bytes(b"\xef\xbb\xbfmetro,region,rtt_ms\r\n\r\n paris , aws/eu-west-3 , 1.5 ms\r\n")
    assert LatencyTable.load(path).between("paris", "aws", "eu-west-3").rtt_ms == 1.5


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("paris,aws/eu-west-33,5", ["did you mean aws/eu-west-3"]),
        ("paris,eu-west-3,5", ["provider/region"]),
        ("pariss,aws/eu-west-3,5", ["did you mean paris"]),
        ("Our Factory,aws/eu-west-3,5", ["metro id in small letters"]),
        ("aws/eu-west-33,aws/eu-west-3,5", ["did you mean aws/eu-west-3"]),
        ("'48.8,2.3',aws/eu-west-3,5", ["4 cells", "3 cells"]),
        ('"48.8,2.3",aws/eu-west-3,5', ["give the point a name"]),
        ("paris,aws/eu-west-3,nan", ["a round trip in ms", "'nan'"]),
        ("paris,aws/eu-west-3,-4", ["a round trip in ms"]),
        ("paris,aws/eu-west-3,inf", ["a round trip in ms"]),
        ("paris,aws/eu-west-3,1e9", ["a round trip in ms"]),
        ("paris,aws/eu-west-3,", ["a round trip in ms"]),
        ("paris,aws/eu-west-3", ["2 cells"]),
        ("lyon,aws/eu-west-3,9", ["each pair once", "line 2 already"]),
    ],
)
def test_bad_rows_are_named_with_line_and_remedy(
    tmp_path: Path, row: str, words: list[str]
) -> None:
    """A row that cannot be used is refused with its line, what was found and what would do."""
    with pytest.raises(SpecError) as caught:
        own_table(tmp_path, f"metro,region,rtt_ms\nlyon,aws/eu-west-3,8\n{row}\n")
    assert "my_rtt.csv:3" in str(caught.value)
    assert "found" in str(caught.value)
    assert "expected" in str(caught.value)
    assert all(word in str(caught.value) for word in words)


def test_all_bad_rows_are_told_at_once(tmp_path: Path) -> None:
    """Two mistakes are two faults of one error."""
    with pytest.raises(SpecError) as caught:
        own_table(tmp_path, "metro,region,rtt_ms\nparis,aws/x,1\nparis,aws/eu-west-3,-1\n")
    assert [fault.line for fault in caught.value.faults] == [2, 3]


@pytest.mark.parametrize("text", ["", "city,region,rtt\n", "paris,aws/eu-west-3,5\n"])
def test_a_file_without_the_header_is_refused(tmp_path: Path, text: str) -> None:
    """The header says what the columns are; without it nothing is guessed."""
    with pytest.raises(SpecError, match="metro,region,rtt_ms"):
        own_table(tmp_path, text)


def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path) -> None:
    """A missing file, a folder and other encodings end in a message, not a traceback."""
    binary = tmp_path / "binary.csv"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none.csv", tmp_path, binary):
        with pytest.raises(BrokerError, match="reading round trips from"):
            LatencyTable.load(path)


def test_straddling_routes_are_found() -> None:
    """A limit inside the band may be kept or broken; one outside it is decided."""
    assert straddles([55.0, 40.0, 61.0, 60.0], [10.0, 10.0, 0.5, 0.0], 60.0).tolist() == [
        True,
        False,
        False,
        False,
    ]
