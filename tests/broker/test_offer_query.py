"""Accelerators and ranges are read as SkyPilot and dstack users write them."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import QueryError
from broker.offer_query import Range, Wanted, parse_accelerators, parse_memory, parse_range


def names(text: str) -> tuple[str, ...]:
    """Return the canonical names that `text` means."""
    (wanted,) = parse_accelerators(text)
    return wanted.names or ()


def test_name_and_count() -> None:
    """H100:8 is exactly eight of the training card."""
    (name,) = names("H100")
    exact = Wanted(names=(name,), count=Range(low=8, high=8))
    assert parse_accelerators("H100:8") == parse_accelerators(" h100 : 8 ") == (exact,)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", Range(low=8, high=8)),
        ("0.5", Range(low=0.5, high=0.5)),
        ("4..8", Range(low=4, high=8)),
        ("4..", Range(low=4, high=inf)),
        ("4+", Range(low=4, high=inf)),
        ("..8", Range(low=0, high=8)),
    ],
)
def test_range_forms(text: str, expected: Range) -> None:
    """A number is exact; either end of a range may be open."""
    assert parse_range(text) == expected


def test_memory_has_a_unit_and_count_has_none() -> None:
    """A part with a unit is the card's memory wherever it stands."""
    (wanted,) = parse_accelerators("A100:80GB:4..8")
    assert wanted.memory_gib == Range(low=80, high=80)
    assert wanted.count == Range(low=4, high=8)
    assert parse_accelerators("A100:4..8:80GB") == (wanted,)


def test_any_card_of_a_size() -> None:
    """`gpu` or memory alone means any accelerator, `cpu` means none."""
    sized = Wanted(names=None, memory_gib=Range(low=24, high=80))
    assert parse_accelerators("gpu: 24GB..80GB") == parse_accelerators("24GB..80GB") == (sized,)
    assert parse_accelerators("cpu") == (Wanted(names=()),)


def test_comma_means_or() -> None:
    """Several specs are alternatives."""
    assert parse_accelerators("H100:8,L4") == (
        *parse_accelerators("H100:8"),
        *parse_accelerators("L4"),
    )


def test_bare_name_of_two_sizes_means_both() -> None:
    """A100 is the 40 and the 80 GB card; with memory it is one of them."""
    assert len(names("A100")) == 2
    assert parse_memory("80GB") == Range(low=80, high=80)


def test_nvl_is_not_sxm() -> None:
    """H100 does not mean the NVL card."""
    assert not set(names("H100")) & set(names("H100-NVL"))


@pytest.mark.parametrize(
    "text",
    ["", ":8", "H100:", "H100:x", "H100:-1", "H100:8..4", "H100:1:2", "H100:80GB:40GB", ","],
)
def test_wrong_form_says_what_is_right(text: str) -> None:
    """What cannot be read raises ValueError with the right form."""
    with pytest.raises(ValueError, match=r"such as|number|name"):
        parse_accelerators(text)


@pytest.mark.parametrize("text", ["nan", "inf", "1e400", "", "..", "4..x", "+", "1..2..3"])
def test_wrong_range_is_refused(text: str) -> None:
    """A range holds finite numbers from 0 in order."""
    with pytest.raises(ValueError, match="number"):
        parse_range(text)


def test_unknown_accelerator_names_the_nearest() -> None:
    """A typing error is answered by what it looks like."""
    with pytest.raises(QueryError) as caught:
        parse_accelerators("H10")
    assert "H100" in caught.value.remedy


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_range_reads_back(first: float, second: float) -> None:
    """Any two numbers in order are a range of exactly these."""
    low, high = sorted((first, second))
    assert parse_range(f"{low}..{high}") == Range(low=low, high=high)
