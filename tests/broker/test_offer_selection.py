"""A query selects a subset of the offers, sorted strictly by price."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import QueryError
from broker.offer_query import Order, Query, Range, parse_accelerators
from broker.offer_selection import (
    LEFT_OUT,
    RATE,
    grouped,
    loosened,
    select,
    usd_per_accelerator_hour,
)
from broker.offers import OFFER_KEY, OFFER_SCHEMA, PurchaseOption
from tests.broker.market_rows import ROWS, market_of

OFFERS = market_of().offers


def types(query: Query) -> list[str]:
    """Return the instance types of the selected offers in order."""
    return select(OFFERS, query)["instance_type"].to_list()


def wanted(text: str) -> Query:
    """Return the query for accelerators."""
    return Query(accelerators=parse_accelerators(text))


def test_exact_count_sorted_by_price() -> None:
    """H100:8 lists the machines of eight, the cheapest first."""
    found = select(OFFERS, wanted("H100:8"))
    assert found["option"].to_list() == ["spot", "on-demand"]
    assert found[RATE].to_list() == [Decimal(16), Decimal(40)]


def test_price_per_accelerator_may_be_the_order() -> None:
    """Sorted by price the single card comes first, per accelerator the machine of eight."""
    query = wanted("H100")
    assert types(query)[0] == "a3-highgpu-1g"
    cheapest = select(OFFERS, replace(query, order=Order.ACCELERATOR_PRICE)).row(0, named=True)
    assert (cheapest["instance_type"], cheapest["option"]) == ("p5.48xlarge", "spot")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("H100:1..4", ["a3-highgpu-1g"]),
        ("A100", ["ND96amsr"]),
        ("A100:40GB", []),
        ("gpu:24GB..48GB", ["g2-standard-4"]),
        ("L4,A100", ["g2-standard-4", "ND96amsr"]),
        ("cpu", ["m5.large", "m5.large"]),
    ],
)
def test_accelerator_conditions(text: str, expected: list[str]) -> None:
    """Name, count and memory of a card are conditions; a comma means or."""
    assert types(wanted(text)) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(vcpus=Range(low=26, high=96)), ["a3-highgpu-1g", "ND96amsr"]),
        (Query(memory_gib=Range(low=10, high=16)), ["g2-standard-4"]),
        (Query(accelerator_memory_gib=Range(low=24, high=24)), ["g2-standard-4"]),
        (Query(options=(PurchaseOption.SPOT,)), ["a3-highgpu-1g", "p5.48xlarge"]),
        (Query(most_usd_per_hour=Decimal("0.7")), ["m5.large", "m5.large", "g2-standard-4"]),
        (Query(most_usd_per_accelerator_hour=Decimal("1.5")), ["g2-standard-4", "ND96amsr"]),
        (Query(infra=("gcp",)), ["g2-standard-4", "a3-highgpu-1g"]),
        (Query(infra=("aws/us-east-1/*",)), ["p5.48xlarge", "p5.48xlarge"]),
        (Query(infra=("*/*west*/*-a", "azure")), ["a3-highgpu-1g", "ND96amsr"]),
    ],
)
def test_other_conditions(query: Query, expected: list[str]) -> None:
    """Each condition keeps exactly the offers it names."""
    assert types(query) == expected


def test_upfront_fee_is_spread_over_the_term() -> None:
    """0.01 and 438 a year cost 0.01 + 438 / 8760 = 0.06 an hour, less than on demand."""
    found = select(OFFERS, wanted("cpu"))
    assert found[RATE].to_list() == [Decimal("0.06"), Decimal("0.096")]


def test_block_fee_is_spread_over_its_length() -> None:
    """A block of 100 hours for 200 dollars costs 2 an hour."""
    head = "provider,region,instance_type,option,usd_per_hour,upfront_usd,length_h"
    offers = market_of("aws,r,t,capacity-block,0,200,100", head=head).offers
    assert select(offers, Query())[RATE].to_list() == [Decimal(2)]


def test_all_shows_what_is_never_planned_last() -> None:
    """Offers without price or not sold appear only on request, after all others, with why."""
    assert "a4x-highgpu-4g" not in types(Query())
    last = select(OFFERS, Query(everything=True)).row(-1, named=True)
    assert last["instance_type"] == "a4x-highgpu-4g"
    assert last[LEFT_OUT] == "not sold under this option"
    assert last[RATE] is None


def test_not_known_to_be_sold_is_listed() -> None:
    """Only a known `no` is left out."""
    assert types(wanted("A100:80GB")) == ["ND96amsr"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("aws/us-est-1", "aws/us-east-1"),
        ("gpc", "gcp"),
        ("azure/*/1", "azure/westeurope/-"),
        ("aws/us-east-1/use1-az1/p5", "aws/us-east-1/use1-az1"),
        ("", "aws, azure, gcp"),
    ],
)
def test_place_that_matches_nothing_is_an_error(pattern: str, expected: str) -> None:
    """A wrong place names the nearest, or what there is."""
    with pytest.raises(QueryError) as caught:
        select(OFFERS, Query(infra=("aws", pattern)))
    assert expected in caught.value.remedy


def test_groups_show_their_cheapest_offer() -> None:
    """Each accelerator is one line, sorted by its cheapest offer."""
    groups = grouped(select(OFFERS, Query()), "accelerator")
    assert groups["group"].to_list()[:2] == ["cpu", "L4"]
    h100 = groups.filter(pl.col("offers") == 3).row(0, named=True)
    assert h100[RATE] == Decimal(4)
    assert h100["usd_per_accelerator_hour"] == 2.0
    assert h100["instance_type"] == "a3-highgpu-1g"


QUERIES = st.builds(
    Query,
    accelerators=st.sampled_from(["", "H100", "H100:8", "gpu", "cpu,L4", "gpu:80GB"]).map(
        lambda text: parse_accelerators(text) if text else ()
    ),
    infra=st.sampled_from([(), ("aws",), ("gcp", "aws/us-w*"), ("*/*/*",)]),
    options=st.sampled_from([(), (PurchaseOption.SPOT,), (PurchaseOption.ON_DEMAND,)]),
    vcpus=st.sampled_from([None, Range(low=4), Range(high=100)]),
    most_usd_per_hour=st.sampled_from([None, Decimal(1), Decimal(12)]),
    everything=st.booleans(),
    order=st.sampled_from(Order),
)


@given(query=QUERIES, rows=st.permutations(ROWS))
def test_selection_is_a_sorted_subset_whatever_the_order_of_rows(
    query: Query, rows: list[str]
) -> None:
    """Selected offers are offers, sorted by the asked figure, and rows may come in any order."""
    shuffled = market_of(*rows).offers.sample(fraction=1.0, shuffle=True, seed=len(rows[0]))
    found = select(shuffled, query)
    assert found.equals(select(OFFERS, query))
    assert found.join(OFFERS, on=list(OFFER_SCHEMA), how="anti", nulls_equal=True).is_empty()
    assert found.select(OFFER_KEY).is_duplicated().sum() == 0
    planned = found.filter(pl.col(LEFT_OUT).is_null())
    figure = (
        planned[RATE]
        if query.order is Order.PRICE
        else planned.select(usd_per_accelerator_hour()).to_series().drop_nulls()
    )
    assert figure.to_list() == sorted(figure.to_list())


def test_what_stands_in_the_way() -> None:
    """For a query that nothing fits, each condition that alone is to blame is counted."""
    query = replace(wanted("H100:8"), infra=("gcp",), vcpus=Range(low=8))
    assert types(query) == []
    assert loosened(OFFERS, query) == {"no --infra": 2, "any number of accelerators": 1}
    assert loosened(OFFERS, wanted("GB200")) == {"--all (no price, or not sold)": 1}


@given(query=QUERIES)
def test_a_tighter_query_finds_no_more(query: Query) -> None:
    """Adding a condition only removes offers."""
    tighter = replace(query, memory_gib=Range(low=100))
    fewer, more = select(OFFERS, tighter), select(OFFERS, query)
    assert fewer.join(more, on=OFFER_KEY, how="anti").is_empty()
    assert fewer.height <= more.height
