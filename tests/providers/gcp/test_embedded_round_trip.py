"""An emulated Google filled from the embedded market refreshes to the same offers and prices."""

import polars as pl
import pytest

from broker.fetching import ConcurrentFetcher
from broker.market import Market
from broker.provider import Scope
from broker.snapshot import read_market
from providers.emulation.gcp import emulate
from tests.providers.gcp.cloud import QUICK, provider

KEY = ("region", "instance_type", "option")
FIGURES = ("accelerator", "accelerators", "vcpus", "memory_gib", "fabric", "purchasable", "arch")


@pytest.fixture(scope="module")
def embedded() -> Market:
    return read_market("embedded")


@pytest.fixture(scope="module")
def both(embedded: Market) -> pl.DataFrame:
    """Embedded and refreshed offers side by side, one row per region, type and option."""
    with emulate(embedded) as emulator:
        cloud = provider(emulator)
        fetched = cloud.collect(Scope(), ConcurrentFetcher(patience=QUICK))
    refreshed = cloud.read(fetched, Scope()).tables["offers"]
    shipped = embedded.offers.filter(pl.col("provider") == "gcp")
    sides = [
        frame.unique(KEY, keep="first", maintain_order=True)
        .select(*KEY, "usd_per_hour", *FIGURES)
        .with_columns(pl.col("usd_per_hour").cast(pl.Float64))
        for frame in (shipped, refreshed)
    ]
    return sides[0].join(sides[1], on=KEY, how="full", coalesce=True, suffix="_refreshed")


def test_every_offer_comes_back_and_no_other(both: pl.DataFrame) -> None:
    """Region, machine type and purchase option agree on both sides."""
    lost = both.filter(pl.col("purchasable_refreshed").is_null())
    new = both.filter(pl.col("purchasable").is_null())
    assert lost.height == 0
    assert new.height == 0


def test_every_specification_comes_back(both: pl.DataFrame) -> None:
    """Accelerator, counts, memory, fabric, architecture and purchasability are the same."""
    for figure in FIGURES:
        same = pl.col(figure).eq_missing(pl.col(f"{figure}_refreshed"))
        assert both.filter(~same).select(*KEY, figure, f"{figure}_refreshed").rows() == []


def test_every_price_comes_back(both: pl.DataFrame) -> None:
    """Most prices agree to the eighth decimal, all to two parts in 100,000.

    Attached accelerators agree to a fifth only: their embedded prices add parts seen on two
    days, which no set of rates composes to exactly.
    """
    priced = both.filter(pl.col("usd_per_hour").is_not_null())
    off = priced.with_columns(
        off=(pl.col("usd_per_hour_refreshed") / pl.col("usd_per_hour") - 1).abs()
    ).fill_null(1.0)
    attached = pl.col("instance_type").str.contains("+", literal=True)
    assert off.filter(~attached & (pl.col("off") > 2e-5)).select(*KEY, "off").rows() == []
    assert off.filter(attached & (pl.col("off") > 0.2)).select(*KEY, "off").rows() == []
    apart = (pl.col("usd_per_hour_refreshed") - pl.col("usd_per_hour")).abs()
    exact = priced.filter(apart < 1.1e-8).height
    assert exact > 0.98 * priced.height
    unpriced = both.filter(pl.col("usd_per_hour").is_null())
    assert unpriced["usd_per_hour_refreshed"].null_count() == unpriced.height
