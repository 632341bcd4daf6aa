"""Offer rows for tests, from the few columns that matter."""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from broker.accelerators import canonical
from broker.offers import PurchaseOption
from tools.market.assembly import offer_frame
from tools.market.rows import Place, Price, Row, Specs, Terms, offer

Short = tuple[str, str, str, str, str, str | None, str | None]


def row(short: Short) -> Row:
    """Return a row from provider, region, zone, type, option, accelerator and price."""
    provider, region, zone, instance_type, option, card, usd = short
    place = Place(provider=provider, region=region, zone=zone)
    specs = Specs(accelerator=canonical(card)[0] if card else None, source="aws-types")
    price = Price(usd_per_hour=Decimal(usd), source="aws-prices") if usd else Price()
    return offer(place, instance_type, specs, price, Terms(option=PurchaseOption(option)))


def frame(*shorts: Short) -> pl.DataFrame:
    """Return an offer table of short rows."""
    return offer_frame([row(short) for short in shorts])
