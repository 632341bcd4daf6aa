"""Round trips are shown as a table, JSON and CSV, from functions and from the command line."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from broker.cli import main
from broker.latency import MeasuredPair, RoundTrip
from broker.reference import regions
from broker.report.latency import (
    Route,
    nearest_first,
    route_text,
    routes_csv,
    routes_json,
    routes_table,
)

ESTIMATE = RoundTrip(
    rtt_ms=12.0, half_band_ms=3.5, kind="metro", source="pings", observed_on="2024"
)
OWN = RoundTrip(rtt_ms=2.25, half_band_ms=0.0, kind="user", source="yours", observed_on="")
UNKNOWN = RoundTrip(
    rtt_ms=float("inf"), half_band_ms=0.0, kind="unknown", source="none", observed_on=""
)
PAIR = MeasuredPair(first="lyon", second="paris", rtt_ms=6.1, source="someone", observed_on="2024")


def route(trip: RoundTrip, region: str = "eu-west-3", **more: tuple[MeasuredPair, ...]) -> Route:
    """Return a route from Paris to an AWS region."""
    return Route(origin="paris", region=regions()["aws", region], trip=trip, **more)


def test_the_table_lists_the_nearest_first_with_sources() -> None:
    """One line a region, nearest first, bands for estimates, sources below."""
    routes = nearest_first([route(ESTIMATE), route(UNKNOWN, "us-east-1"), route(OWN, "eu-west-1")])
    assert routes_table(routes) == (
        "region         place                  rtt ms   +-  class    date\n"
        "aws/eu-west-1  Dublin IE                 2.2       user\n"
        "aws/eu-west-3  Paris FR                 12.0  3.5  metro    2024\n"
        "aws/us-east-1  Ashburn, Virginia US  unknown       unknown\n"
        "\n"
        "metro:\n  pings\nunknown:\n  none\nuser:\n  yours\n"
        "+-: nine of ten measurements are expected within this band.\n"
    )


def test_one_route_says_what_it_rests_on() -> None:
    """A single estimate shows its band, class, source, date and heaviest measured pairs."""
    text = route_text(route(ESTIMATE, basis=(PAIR,)))
    assert "paris to aws/eu-west-3 (Paris, FR)" in text
    assert "12.0 ms +- 3.5: between 8.5 and 15.5 in nine of ten" in text
    assert "metro (an estimate)" in text
    assert "lyon - paris" in text
    assert "6.1 ms" in text


def test_one_measured_route_has_no_band() -> None:
    """What was measured is not called an estimate."""
    text = route_text(route(OWN))
    assert "+-" not in text
    assert "estimate" not in text


def test_json_keeps_figures_as_text() -> None:
    """JSON has a version, milliseconds as text, null for the unknown."""
    document = json.loads(routes_json([route(ESTIMATE, basis=(PAIR,)), route(UNKNOWN)]))
    assert document["format"] == 1
    known, unknown = document["routes"]
    assert (known["rtt_ms"], known["half_band_ms"], known["estimated"]) == ("12", "3.5", True)
    assert known["basis"][0]["rtt_ms"] == "6.1"
    assert (unknown["rtt_ms"], unknown["observed_on"]) == (None, None)


def test_csv_reads_back() -> None:
    """CSV has a header and one row a route, empty where unknown."""
    rows = list(csv.DictReader(io.StringIO(routes_csv([route(ESTIMATE), route(UNKNOWN)]))))
    assert [row["rtt_ms"] for row in rows] == ["12", ""]
    assert rows[0]["class"] == "metro"


def test_the_command_lists_every_region(capsys: pytest.CaptureFixture[str]) -> None:
    """`broker latency paris` has a line for every region, no wider than 80 columns."""
    assert main(["latency", "paris"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("/" in line and line[:3] in {"aws", "azu", "gcp"} for line in lines) == len(
        regions()
    )
    assert max(map(len, lines)) <= 80


def test_the_command_shows_one_route(capsys: pytest.CaptureFixture[str]) -> None:
    """`broker latency paris aws/eu-west-3` says what the estimate rests on."""
    assert main(["latency", "paris", "aws/eu-west-3"]) == 0
    output = capsys.readouterr().out
    assert "rests most on" in output
    assert max(map(len, output.splitlines())) <= 80


def test_the_command_takes_the_users_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--rtt FILE` puts the user's round trips on top."""
    path = tmp_path / "mine.csv"
    path.write_text("metro,region,rtt_ms\nparis,aws/eu-west-3,1.25\n", encoding="utf-8")
    arguments = ["latency", "paris", "eu-west-3", "--rtt", str(path), "-o", "json"]
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["routes"][0]
    assert (found["rtt_ms"], found["class"], found["estimated"]) == ("1.25", "user", False)


def test_the_command_refuses_an_unknown_metro(capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt metro ends with code 1 and the nearest name on standard error."""
    assert main(["latency", "pariss"]) == 1
    captured = capsys.readouterr()
    assert "did you mean paris" in captured.err
    assert captured.out == ""
