"""CSV files of offers are read strictly: every figure has a meaning or the line is named."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import MarketError
from broker.market_csv import HEADER, UNDATED, UNNAMED_SOURCE, offers_csv, read_offers_csv
from broker.offers import OFFER_SCHEMA

HEAD = ",".join(HEADER)
ROW = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,55.04,4,,offer-7,2026-08-17"
)


def market_of(*lines: str, head: str = HEAD) -> pl.DataFrame:
    """Return the offers of a file with `head` and `lines`."""
    return read_offers_csv("\n".join([head, *lines]).encode(), name="m.csv").offers


def refusal(*lines: str, head: str = HEAD) -> str:
    """Return the message with which a file is refused."""
    with pytest.raises(MarketError) as caught:
        market_of(*lines, head=head)
    return str(caught.value)


def with_cell(column: str, text: str) -> str:
    """Return `ROW` with another cell."""
    cells = ROW.split(",")
    cells[HEADER.index(column)] = text
    return ",".join(cells)


def test_row_becomes_offer_with_provenance() -> None:
    """A full row keeps each figure, and its source stands beside what the row states."""
    offer = market_of(ROW).row(0, named=True)
    assert offer["usd_per_hour"] == Decimal("55.04")
    assert offer["memory_gib"] == 2048.0
    assert offer["available"] == 4
    assert offer["interruptions_per_hour"] is None
    assert offer["price_source"] == offer["spec_source"] == offer["available_source"] == "offer-7"
    assert offer["price_observed_at"] == datetime(2026, 8, 17, tzinfo=UTC)
    assert offer["interruptions_source"] is None
    assert offer["accelerator_memory_gib"] == 80.0


def test_schema_is_the_contract() -> None:
    """The frame has the columns and types of the offer table, in its order."""
    assert market_of(ROW).schema == pl.Schema(dict(OFFER_SCHEMA))


def test_short_header_is_enough() -> None:
    """Only provider, region, type, option and price are required; the rest is unknown."""
    head = "provider,region,instance_type,option,usd_per_hour"
    offer = market_of("aws,us-east-1,m5.large,on-demand,", head=head).row(0, named=True)
    assert offer["usd_per_hour"] is None
    assert offer["zone"] == "-"
    assert offer["purchasable"] == "yes"
    assert offer["location_kind"] == "region"
    assert offer["accelerators"] == 0.0
    assert offer["upfront_usd"] == 0


def test_further_columns_are_taken_by_name() -> None:
    """Any column of the offer table may follow the documented ones."""
    offer = market_of(f"{ROW},contract,1000.5", head=f"{HEAD},variant,upfront_usd").row(
        0, named=True
    )
    assert (offer["variant"], offer["upfront_usd"]) == ("contract", Decimal("1000.5"))


def test_moment_is_the_newest_row() -> None:
    """A file is as new as its newest row; without any date it says so by a fixed moment."""
    newer = with_cell("observed_at", "2026-09-01T12:00:00+02:00").replace("p5.48", "p5.24")
    content = "\n".join([HEAD, ROW, newer]).encode()
    assert read_offers_csv(content, name="m").taken_at == datetime(2026, 9, 1, 10, tzinfo=UTC)
    undated = f"{HEAD}\n{with_cell('observed_at', '')}".encode()
    assert read_offers_csv(undated, name="m").taken_at == UNDATED


def test_sources_are_described() -> None:
    """Each source of a price is listed; a price without one is the user's file's."""
    content = "\n".join([HEAD, ROW, with_cell("source", "").replace("p5.48", "p5.24")]).encode()
    market = read_offers_csv(content, name="m.csv")
    assert set(market.sources) == {"offer-7", UNNAMED_SOURCE}
    assert market.sources["offer-7"].observed_on == "2026-08-17"


def test_byte_order_mark_and_line_ends_change_nothing() -> None:
    """A file saved by a spreadsheet says the same."""
    plain = read_offers_csv(f"{HEAD}\n{ROW}\n".encode(), name="m")
    saved = read_offers_csv(f"\ufeff{HEAD}\r\n\r\n{ROW}\r\n".encode(), name="m")
    assert saved.offers.equals(plain.offers)
    assert saved.digest == plain.digest


def test_row_order_changes_nothing() -> None:
    """Permuted rows give the same table and the same digest."""
    other = with_cell("zone", "use1-az2")
    one = read_offers_csv("\n".join([HEAD, ROW, other]).encode(), name="m")
    two = read_offers_csv("\n".join([HEAD, other, ROW]).encode(), name="m")
    assert one.offers.equals(two.offers)
    assert one.digest == two.digest


def test_written_offers_read_back_the_same() -> None:
    """CSV written from offers is a market file of the same offers."""
    offers = market_of(
        f"{ROW},annual,10.000000001,2026-12-01",
        f"{with_cell('usd_per_hour', '')},,,",
        head=f"{HEAD},variant,upfront_usd,starts_at",
    )
    again = read_offers_csv(offers_csv(offers).encode(), name="m").offers
    assert again.equals(offers)


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("usd_per_hour", "-1", "a price in USD"),
        ("usd_per_hour", "NaN", "a price in USD"),
        ("usd_per_hour", "inf", "a price in USD"),
        ("usd_per_hour", "1e400", "finite number"),
        ("usd_per_hour", "0.1234567891", "at most 9 decimals"),
        ("usd_per_hour", "1e9", "below 1e9"),
        ("usd_per_hour", "$5", "a price in USD"),
        ("usd_per_hour", "free", "a price in USD"),
        ("option", "ondemand", "'on-demand'"),
        ("option", "", "a value"),
        ("option", "rented", "capacity-block"),
        ("fabric", "infiniband", "nvlink-rack"),
        ("available", "1.5", "whole number"),
        ("available", "-3", "whole number"),
        ("vcpus", "99999999999", "whole number"),
        ("accelerators", "eight", "a number of at least 0"),
        ("accelerators", "0", "with a count of 0"),
        ("accelerator", "", "the accelerator's name"),
        ("accelerator", "H1000", "perhaps"),
        ("accelerator", "A100", "A100-40 (40 GiB) or A100-80 (80 GiB)"),
        ("memory_gib", "2 TB", "a number of at least 0"),
        ("interruptions_per_hour", "5%", "a number of at least 0"),
        ("observed_at", "17.08.2026", "an ISO date"),
        ("observed_at", "2026-02-30", "an ISO date"),
        ("provider", "", "a value"),
        ("region", "us east 1", "without blanks"),
        ("instance_type", "a/b", "without blanks"),
        ("source", "x\x1b[31m", "printable"),
    ],
)
def test_wrong_cell_is_named_by_line(column: str, text: str, expected: str) -> None:
    """A wrong cell is refused with its line, what was found and what would be right."""
    message = refusal(ROW.replace("az1", "az9"), with_cell(column, text))
    assert message.startswith("m.csv:3: ")
    assert expected in message


@pytest.mark.parametrize("text", ["0e-99", "55.0400000000000000000000000000000000000", "5.504e1"])
def test_price_may_be_written_in_any_exact_form(text: str) -> None:
    """Exponents and trailing zeros are not decimals."""
    price = market_of(with_cell("usd_per_hour", text))["usd_per_hour"].item()
    assert price in {Decimal(0), Decimal("55.04")}


@given(st.data())
def test_damaged_files_are_read_or_refused(data: st.DataObject) -> None:
    """Whatever happens to the bytes of a file, the only error is the one with a remedy."""
    content = bytearray(f"{HEAD}\n{ROW}\n{with_cell('zone', 'b')}".encode())
    places = st.integers(0, len(content) - 3)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(places)
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        outcome = f"{read_offers_csv(bytes(content), name='m.csv').offers.height} offers"
    except MarketError as error:
        outcome = str(error)
    assert "m.csv" in outcome or outcome in {"1 offers", "2 offers"}


def test_memory_tells_cards_of_one_name_apart() -> None:
    """A100 alone is ambiguous; with the card's memory it is one of the two."""
    row = with_cell("accelerator", "A100")
    offer = market_of(f"{row},40", head=f"{HEAD},accelerator_memory_gib").row(0, named=True)
    assert offer["accelerator_memory_gib"] == 40.0
    assert "40" in offer["accelerator"]


def test_every_fault_is_told_at_once_up_to_twenty() -> None:
    """Thirty wrong lines give twenty messages and the number of the others."""
    lines = [with_cell("usd_per_hour", "x").replace("p5", f"p{i}") for i in range(30)]
    message = refusal(*lines)
    assert message.count("m.csv:") == 20
    assert message.endswith("… and 10 more")


def test_two_offers_with_one_id_name_both_lines() -> None:
    """The same offer twice in one file is contradictory, whatever its price."""
    message = refusal(ROW, "", with_cell("usd_per_hour", "1"))
    assert "m.csv:4:" in message
    assert "first on line 2" in message
    assert "aws/us-east-1/use1-az1/p5.48xlarge/on-demand" in message


def test_quoted_line_breaks_do_not_shift_line_numbers() -> None:
    """The line named is the line in the file, also after a cell with a line break."""
    message = refusal(
        '"aws\n",us-east-1', head="provider,region,instance_type,option,usd_per_hour"
    )
    assert message.startswith("m.csv:2: found 2 cells")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (f"{HEAD},price", "column 'price'"),
        (f"{HEAD},usd_per_hr", "'usd_per_hour'"),
        (f"{HEAD},zone", "2 columns 'zone'"),
        ("provider;region", "no column provider, region"),
        ("", "no column provider"),
    ],
)
def test_wrong_header_is_refused(head: str, expected: str) -> None:
    """Unknown, repeated and missing columns are named on line 1."""
    message = refusal(ROW, head=head)
    assert expected in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "no column provider"),
        (HEAD.encode(), "no offers at all"),
        (f"{HEAD}\n".encode() + b"caf\xe9", "byte 0xe9, which is not UTF-8"),
        (f"{HEAD}\n{ROW}".encode("utf-16"), "not UTF-8"),
        (f'{HEAD}\n"{ROW}'.encode(), "m.csv:2"),
        (f"{HEAD}\n\x00{ROW}".encode(), "m.csv:2"),
        (b"PAR1\x15\x04", "PAR1"),
    ],
)
def test_what_is_no_csv_is_refused(content: bytes, expected: str) -> None:
    """Empty, binary, cut and wrongly encoded files give one clear message."""
    with pytest.raises(MarketError) as caught:
        read_offers_csv(content, name="m.csv")
    assert expected in str(caught.value)
