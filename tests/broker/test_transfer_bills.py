"""Bills of moved data add up over workloads and are shared to the cent."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.tiers import bill
from broker.transfer import TransferTable
from broker.transfer_bills import Move, TransferBills
from broker.units import CENT, round_cents

TABLE = TransferTable.load()
VIRGINIA, DUBLIN, SAO_PAULO = "aws/us-east-1", "aws/eu-west-1", "aws/sa-east-1"
IOWA, NETHERLANDS = "gcp/us-central1", "azure/westeurope"


def lines(*moves: tuple[str, str, str]) -> list[Decimal]:
    """Return what moves (from, to, GB) cost when they are all there is."""
    bills = TransferBills.for_origins(TABLE, [origin for origin, _, _ in moves])
    return bills.lines_usd([Move(origin=a, target=b, gb=Decimal(gb)) for a, b, gb in moves])


@pytest.mark.parametrize(
    ("gb", "usd"),
    [("10000", "891.00"), ("50000", "4292.70"), ("60000", "5012.20"), ("150000", "11312.20")],
)
def test_one_move_pays_the_price_list(gb: str, usd: str) -> None:
    """A workload alone pays exactly the list of the provider its data leaves."""
    assert lines((VIRGINIA, IOWA, gb)) == [Decimal(usd)]


def test_volumes_add_up_over_workloads_targets_and_regions_of_one_list() -> None:
    """20 TB from Virginia to Google and 40 TB from Dublin to Azure are one bill of 60 TB."""
    first, second = lines((VIRGINIA, IOWA, "20000"), (DUBLIN, NETHERLANDS, "40000"))
    assert first + second == Decimal("5012.20")
    assert (first, second) == (Decimal("1670.73"), Decimal("3341.47"))


def test_lists_do_not_add_up_and_the_account_has_its_free_gb_once() -> None:
    """Virginia's list has the lower first price and gets the 100 GB; São Paulo's has none."""
    assert lines((VIRGINIA, IOWA, "1000"), (SAO_PAULO, IOWA, "1000")) == [
        Decimal("81.00"),
        Decimal("150.00"),
    ]
    assert lines((SAO_PAULO, IOWA, "1000")) == [Decimal("135.00")]


def test_flat_prices_stand_beside_tiers() -> None:
    """Inside the provider 0.02 holds and counts towards no list; at home nothing is paid."""
    assert lines(
        (VIRGINIA, DUBLIN, "1000"), (VIRGINIA, VIRGINIA, "9000"), (VIRGINIA, IOWA, "100")
    ) == [Decimal("20.00"), Decimal("0.00"), Decimal("0.00")]


def test_left_over_cents_go_to_the_earlier_of_equals() -> None:
    """Three moves of 404 GB cost (1,212 - 100) x 0.09 = 100.08; of 403: 99.81; of 402.7: 99.73."""
    assert lines(*[(VIRGINIA, IOWA, "404")] * 3) == [Decimal("33.36")] * 3
    assert lines(*[(VIRGINIA, IOWA, "402.7")] * 3) == [
        Decimal("33.25"),
        Decimal("33.24"),
        Decimal("33.24"),
    ]


@given(
    amounts=st.lists(st.decimals(min_value=0, max_value=90_000, places=3), min_size=1, max_size=7)
)
def test_lines_sum_to_the_bill_and_each_is_its_part_within_a_cent(amounts: list[Decimal]) -> None:
    """Whatever the amounts, no cent is lost or made."""
    found = lines(*[(VIRGINIA, IOWA, str(gb)) for gb in amounts])
    whole = sum(amounts, Decimal(0))
    due = round_cents(bill(TABLE.tiers(VIRGINIA), whole))
    assert sum(found, Decimal(0)) == due
    for usd, gb in zip(found, amounts, strict=True):
        assert usd == usd.quantize(CENT)
        assert not whole or abs(usd - due * gb / whole) < CENT
