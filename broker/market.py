"""Everything for sale and held at a moment: the tables a plan is made from.

A market is immutable. Its tables are Polars frames with strict schemas, so that a wrong
column is found when a market is read and never in the middle of a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import polars as pl

from broker.offers import MOMENT, OFFER_SCHEMA

#: Version of the market folder's layout; an older one is read or refused by name.
MARKET_FORMAT: Final = 1

Schema = Mapping[str, "pl.DataType | type[pl.DataType]"]

#: Limits of the account. At most one of family, accelerator, instance_type is set; "" is any.
QUOTA_SCHEMA: Final[Schema] = {
    "provider": pl.String,
    "region": pl.String,
    "family": pl.String,
    "accelerator": pl.String,
    "instance_type": pl.String,
    "option": pl.String,  # PurchaseOption it limits; "" = every option but owned
    "unit": pl.String,  # vcpus | gpus | instances
    "limit": pl.Float64,
    "used": pl.Float64,  # null: unknown
    "source": pl.String,
    "observed_at": MOMENT,
}

#: What is owned already: reservations, blocks, reserved instances, savings plans.
HOLDING_SCHEMA: Final[Schema] = {
    "id": pl.String,
    # reservation | capacity-block | reserved-instance | *savings-plan, which is the variant of the
    # offers at whose prices it pays: compute-savings-plan
    "kind": pl.String,
    "provider": pl.String,
    "region": pl.String,  # "" = every region
    "zone": pl.String,  # "" = every zone of the region
    "instance_type": pl.String,  # "" = any; of a savings plan a glob: p5.*
    "instances": pl.Int64,  # null where the holding is money
    "usd_per_hour": pl.Decimal(precision=18, scale=9),  # sunk rate, or the plan's commitment
    "starts_at": MOMENT,
    "ends_at": MOMENT,  # null: no end known
    "state": pl.String,
    "source": pl.String,
    "observed_at": MOMENT,
}

#: What runs now, for stability: instances by workload tag.
RUNNING_SCHEMA: Final[Schema] = {
    "workload": pl.String,
    "provider": pl.String,
    "region": pl.String,
    "zone": pl.String,
    "instance_type": pl.String,
    "option": pl.String,
    "instances": pl.Int64,
    "source": pl.String,
    "observed_at": MOMENT,
}

#: Capacity signals asked for on request; never a price, never a promise.
SIGNAL_SCHEMA: Final[Schema] = {
    "provider": pl.String,
    "region": pl.String,
    "zone": pl.String,  # "" = the region
    "instance_type": pl.String,
    "signal": pl.String,  # spot-placement-score | obtainability | eviction-rate | ...
    "value": pl.Float64,
    "text": pl.String,  # the provider's own words
    "source": pl.String,
    "observed_at": MOMENT,
}

#: What a refresh could not see. A gap is data: it is shown, never read as zero.
GAP_SCHEMA: Final[Schema] = {
    "provider": pl.String,
    "region": pl.String,  # "" = every region
    "dataset": pl.String,
    "code": pl.String,
    "reason": pl.String,
    "remedy": pl.String,
    "stale_since": MOMENT,  # set when older data stands in; null: nothing stands in
}

#: Table name -> schema; each non-empty table is one Parquet file of the market folder.
TABLES: Final[Mapping[str, Schema]] = {
    "offers": OFFER_SCHEMA,
    "quotas": QUOTA_SCHEMA,
    "holdings": HOLDING_SCHEMA,
    "running": RUNNING_SCHEMA,
    "signals": SIGNAL_SCHEMA,
    "gaps": GAP_SCHEMA,
}


def empty(schema: Schema) -> pl.DataFrame:
    """Return a frame of no rows with `schema`."""
    return pl.DataFrame(schema=dict(schema))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where figures come from.

    Attributes:
        key: short name that rows carry, e.g. ``aws-price-list``.
        name: what it is, for people.
        observed_on: the day (ISO) or period the source speaks of.
        licence: licence of the source, or "facts" where only single figures were taken.
    """

    key: str
    name: str
    observed_on: str
    licence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Offers, quotas, holdings and gaps as of one moment.

    Attributes:
        name: ``embedded``, a folder or file name; several joined by ``+`` when stacked.
        digest: SHA-256 (hex) over format and every table's content.
        taken_at: when the market was put together.
        offers, quotas, holdings, running, signals, gaps: frames with the schemas of `TABLES`;
            offers are sorted by `OFFER_KEY`, unique by it.
        sources: source key -> description.
    """

    name: str
    digest: str
    taken_at: datetime
    offers: pl.DataFrame
    quotas: pl.DataFrame = field(default_factory=lambda: empty(QUOTA_SCHEMA))
    holdings: pl.DataFrame = field(default_factory=lambda: empty(HOLDING_SCHEMA))
    running: pl.DataFrame = field(default_factory=lambda: empty(RUNNING_SCHEMA))
    signals: pl.DataFrame = field(default_factory=lambda: empty(SIGNAL_SCHEMA))
    gaps: pl.DataFrame = field(default_factory=lambda: empty(GAP_SCHEMA))
    sources: Mapping[str, Source] = field(default_factory=dict)
