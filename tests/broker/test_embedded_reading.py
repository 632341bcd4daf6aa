"""The market that ships with the program is what its quick way of reading takes for granted."""

from __future__ import annotations

from pathlib import Path

import broker
from broker.market import TABLES
from broker.market_csv import offers_csv, read_offers_csv
from broker.market_digest import content_digest
from broker.market_folder import read_folder
from broker.offers import OFFER_KEY
from broker.snapshot import EMBEDDED, read_market

FOLDER = Path(broker.__file__).parent / "data" / "market"
MARKET = read_market(EMBEDDED)


def test_offers_are_checked_sorted_and_unique() -> None:
    """Read as if it were anybody's folder, it is the same."""
    assert read_folder(FOLDER, name=EMBEDDED).offers.equals(MARKET.offers)
    assert MARKET.offers.equals(MARKET.offers.sort(OFFER_KEY))


def test_stated_digest_is_that_of_the_content() -> None:
    """The manifest's digest need not be worked out again each time because it is right."""
    assert MARKET.digest == content_digest({table: getattr(MARKET, table) for table in TABLES})


def test_every_source_of_a_price_is_described() -> None:
    """A price names its source and its day, and the manifest describes the source."""
    priced = MARKET.offers.filter(MARKET.offers["usd_per_hour"].is_not_null())
    assert priced["price_observed_at"].null_count() == 0
    assert set(priced["price_source"].unique()) <= set(MARKET.sources)


def test_it_survives_the_way_through_csv() -> None:
    """Accelerated offers written as a market file are read back unchanged."""
    accelerated = MARKET.offers.filter(MARKET.offers["accelerator"].is_not_null())
    again = read_offers_csv(offers_csv(accelerated).encode(), name="again")
    assert again.offers.equals(accelerated)
