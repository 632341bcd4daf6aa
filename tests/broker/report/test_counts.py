"""A market's counts are shown in every form."""

from __future__ import annotations

import json

from broker.report.counts import counts_csv, counts_json, counts_table
from broker.report.market_counts import market_counts
from tests.broker.market_rows import market_of

COUNTS = market_counts(market_of().offers)


def test_table_has_a_column_for_each_provider() -> None:
    """Four offers of AWS, three of Google; options that nobody sells are left out."""
    lines = counts_table(COUNTS).splitlines()
    assert lines[0].split()[:3] == ["aws", "azure", "gcp"]
    offers = next(line.split() for line in lines if line.startswith("offers"))
    assert offers[1:] == ["4", "1", "3", "8"]
    assert any(line.startswith("  spot ") for line in lines)
    assert "capacity-block" not in counts_table(COUNTS)
    assert max(map(len, lines)) <= 80


def test_json_and_csv_hold_the_same_figures() -> None:
    """JSON and CSV have one entry a provider with every count."""
    document = json.loads(counts_json(COUNTS))
    assert document["format"] == 1
    assert document["counts"][0]["spot"] == 1
    assert counts_csv(COUNTS).splitlines()[0].startswith("provider,regions,")
    assert len(counts_csv(COUNTS).splitlines()) == 5
