"""Changes as people and scripts read them."""

from __future__ import annotations

import json

import pytest

from broker.offer_changes import offer_changes
from broker.offer_query import Query
from broker.report.offer_changes import changes_csv, changes_json, changes_table, relative_text
from tests.broker.market_rows import ROWS, market_of

BEFORE = market_of()
AFTER = market_of(ROWS[0].replace(",40,", ",44,"), ROWS[1].replace(",yes,", ",no,"), *ROWS[3:])
CHANGES = offer_changes(BEFORE.offers, AFTER.offers, Query())


def test_a_wide_table_takes_one_line_each() -> None:
    """Price before, after and the move; what is no longer sold says so; counts close it."""
    assert changes_table(CHANGES, shown=0, width=120).splitlines() == [
        "change   $/h before  after      by  option     type           where",
        "removed        4.00      -          spot       a3-highgpu-1g  gcp/europe-west4/"
        "europe-west4-a",
        "dearer        40.00  44.00  +10.0%  on-demand  p5.48xlarge    aws/us-east-1/use1-az1",
        "closed          yes     no          spot       p5.48xlarge    aws/us-east-1/use1-az1",
        "Shown 3 of 3 changes: 1 removed, 1 dearer, 1 closed.",
    ]


def test_a_narrow_table_fits_eighty_columns() -> None:
    """Each change takes a second line with the offer's id; a limit is told."""
    text = changes_table(CHANGES, shown=1, width=80)
    assert max(map(len, text.splitlines())) <= 80
    assert "    gcp/europe-west4/europe-west4-a/a3-highgpu-1g/spot\n" in text
    assert "Shown 1 of 3 changes" in text


def test_no_change_is_one_line() -> None:
    """Equal markets have nothing to tell."""
    same = offer_changes(BEFORE.offers, BEFORE.offers, Query())
    assert changes_table(same, shown=0) == "Nothing changed.\n"


def test_json_names_both_markets_and_keeps_decimals_as_text() -> None:
    """Both digests, every count, and exact prices before and after."""
    document = json.loads(changes_json(CHANGES, BEFORE, AFTER))
    assert document["format"] == 1
    assert document["before"]["digest"] == BEFORE.digest
    assert document["after"]["digest"] == AFTER.digest
    counts = {kind: count for kind, count in document["counts"].items() if count}
    assert counts == {"removed": 1, "dearer": 1, "closed": 1}
    dearer = document["changes"][1]
    assert dearer["id"] == "aws/us-east-1/use1-az1/p5.48xlarge/on-demand"
    assert (dearer["rate_usd_per_hour_before"], dearer["rate_usd_per_hour_after"]) == ("40", "44")
    assert dearer["relative"] == 0.1


def test_csv_has_a_line_for_each_change() -> None:
    """A header and three changes."""
    assert changes_csv(CHANGES).count("\n") == 4


@pytest.mark.parametrize(
    ("relative", "text"),
    [(0.1, "+10.0%"), (-0.44, "-44.0%"), (0.0001, "+0.0100%"), (0.0, ""), (None, "")],
)
def test_moves_carry_their_sign(relative: float | None, text: str) -> None:
    """Small moves are not rounded to nothing."""
    assert relative_text(relative) == text
