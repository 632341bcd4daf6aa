"""`broker offers` lists, filters, groups and counts; its CSV is a market file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from broker.cli import main
from tests.broker.market_rows import HEAD, ROWS, market_of


@pytest.fixture
def market(tmp_path: Path) -> str:
    """Return the path of a file with the eight offers."""
    path = tmp_path / "tiny.csv"
    path.write_text("\n".join([HEAD, *ROWS]))
    return str(path)


Capture = pytest.CaptureFixture[str]


def listing(market: str, *arguments: str) -> list[str]:
    """Return the arguments for listing `market`."""
    return ["offers", "--market", market, *arguments]


def test_table_is_sorted_and_says_how_many(market: str, capsys: Capture) -> None:
    """The cheapest machine of eight H100 comes first; the oldest price's age is told aside."""
    assert main(listing(market, "H100:8", "--limit", "1")) == 0
    caught = capsys.readouterr()
    assert "16.00     2.00   11,680  8 x H100  spot" in caught.out
    assert "Shown 1 of 2 offers; prices seen 2026-05-01." in caught.out
    assert "2026-05-01, aws-spot" in caught.err


def test_table_shows_twenty_and_zero_means_all(tmp_path: Path, capsys: Capture) -> None:
    """A table is cut at twenty offers unless told otherwise, also by dstack's name."""
    rows = [ROWS[5].replace("m5.large", f"m{index}.large") for index in range(30)]
    path = tmp_path / "m.csv"
    path.write_text("\n".join([HEAD, *rows]))
    for arguments, shown in (([], 20), (["--limit", "0"], 30), (["--max-offers", "7"], 7)):
        assert main(["-q", *listing(str(path), *arguments)]) == 0
        assert f"Shown {shown} of 30 offers" in capsys.readouterr().out


def test_json_is_versioned_with_decimals_as_text(market: str, capsys: Capture) -> None:
    """JSON holds every offer, money as text, and the market's digest."""
    assert main(listing(market, "cpu", "-o", "json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["format"], document["total"], document["shown"]) == (1, 2, 2)
    assert document["market"]["digest"] == market_of().digest
    reserved = document["offers"][0]
    assert reserved["id"] == "aws/us-west-2/usw2-az1/m5.large/reserved-1y"
    assert reserved["upfront_usd"] == "438"
    assert reserved["rate_usd_per_hour"] == "0.06"
    assert reserved["rate_usd_per_month"] == "43.8"
    assert reserved["price_observed_at"] == "2026-07-20T00:00:00Z"


def test_csv_is_a_market_file(market: str, tmp_path: Path, capsys: Capture) -> None:
    """What is written with -o csv is read back by --market to the same content."""
    out = tmp_path / "again.csv"
    assert main(listing(market, "--all", "-o", "csv", "--out", str(out))) == 0
    assert main(listing(str(out), "--all", "-o", "json")) == 0
    assert json.loads(capsys.readouterr().out)["market"]["digest"] == market_of().digest


def test_a_later_market_replaces_a_price(market: str, tmp_path: Path, capsys: Capture) -> None:
    """A contract price in a second file stands in for the list price."""
    mine = tmp_path / "mine.csv"
    mine.write_text(f"{HEAD}\n{ROWS[0].replace('demand,40,', 'demand,12.5,')}")
    assert main(listing(market, "--market", str(mine), "H100:8", "-o", "csv")) == 0
    rows = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    assert ",on-demand,12.5," in rows[1]


def test_market_on_standard_input(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads a CSV market from standard input."""

    class Stdin:
        """Standard input with the eight offers."""

        class buffer:  # noqa: N801 -- the attribute of text streams
            """Its bytes."""

            @staticmethod
            def read() -> bytes:
                """Return the file."""
                return "\n".join([HEAD, *ROWS]).encode()

    monkeypatch.setattr("sys.stdin", Stdin)
    assert main(["offers", "-q", "--market", "-", "L4"]) == 0
    assert "g2-standard-4" in capsys.readouterr().out


def test_spot_infra_and_price_limits(market: str, capsys: Capture) -> None:
    """Conditions on the command line are those of the query."""
    arguments = ["--spot", "--infra", "gcp/*", "--infra", "aws", "--max-gpu-price", "2"]
    assert main(listing(market, "H100", *arguments, "-o", "csv")) == 0
    rows = capsys.readouterr().out.splitlines()[1:]
    assert [row.split(",")[3] for row in rows] == ["p5.48xlarge"]


def test_all_shows_the_rest_with_its_reason(market: str, capsys: Capture) -> None:
    """--all lists what is never planned, and says why."""
    assert main(listing(market, "GB200")) == 0
    assert "No offer fits." in capsys.readouterr().out
    assert main(listing(market, "GB200", "--all")) == 0
    assert "not sold under this option" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_groups(market: str, form: str, capsys: Capture) -> None:
    """--group-by shows one line a group in every form."""
    assert main(listing(market, "gpu", "--group-by", "provider", "-o", form)) == 0
    text = capsys.readouterr().out
    assert text.index("gcp") < text.index("azure") < text.index("aws")


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_counts(market: str, form: str, capsys: Capture) -> None:
    """--counts shows the market's size in every form."""
    assert main(listing(market, "--counts", "-o", form)) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("aws", "azure", "gcp", "on-demand", "reserved-1y"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["H1000"], "did you mean H100"),
        (["--infra", "aws/us-east-11"], "did you mean aws/us-east-1"),
        (["--market", "gone.csv"], "found no such file"),
        (["--out", "gone/offers.txt"], "No such file"),
    ],
)
def test_wrong_input_is_1_with_one_message(
    market: str, arguments: list[str], expected: str, capsys: Capture
) -> None:
    """Names that match nothing and files that cannot be used end with 1 and a remedy."""
    assert main(["-q", *listing(market, *arguments)]) == 1
    caught = capsys.readouterr()
    assert caught.out == ""
    assert expected in caught.err
    assert "remedy:" in caught.err


def test_same_bytes_twice(market: str, capsys: Capture) -> None:
    """Nothing in a result depends on the clock or the run."""
    results = []
    for _ in range(2):
        for form in ("table", "json", "csv"):
            assert main(listing(market, "--all", "-o", form)) == 0
        results.append(capsys.readouterr().out)
    assert results[0] == results[1]


def test_file_holds_no_colour(
    market: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table written to a file is plain text even from a terminal."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert main(["-q", *listing(market, "--out", str(tmp_path / "t.txt"))]) == 0
    assert "\x1b" not in (tmp_path / "t.txt").read_text()
