"""The program on the page about transfer runs, and its figures are what ships."""

import re
from decimal import Decimal
from pathlib import Path

import pytest

from broker.tiers import bill
from broker.transfer import TransferTable
from broker.units import round_cents

PAGE = (Path(__file__).parents[2] / "docs" / "transfer.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    """Return the page's first code block in `language`."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return found[1]


def test_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """The example works as it stands and prints the price it speaks of."""
    exec(block("python"), {})  # noqa: S102 -- our own page
    assert capsys.readouterr().out.startswith("0.09 ")


def test_the_table_of_your_own_is_read(tmp_path: Path) -> None:
    """The CSV block is a valid table; its narrower row wins."""
    path = tmp_path / "my_egress.csv"
    path.write_text(block("csv"), encoding="utf-8")
    table = TransferTable.load(path)
    assert table.usd_per_gb("aws/us-east-1", "gcp/us-east1") == Decimal("0.01")


@pytest.mark.parametrize("origin", ["aws/us-east-1", "azure/eastus"])
def test_the_bills_it_states_are_right(origin: str) -> None:
    """10, 50, 60 and 150 TB cost to the cent what the page says."""
    tiers = TransferTable.load().tiers(origin)
    for gb in (10_000, 50_000, 60_000, 150_000):
        assert f"{round_cents(bill(tiers, Decimal(gb))):,}" in PAGE.replace("\n", " ")
