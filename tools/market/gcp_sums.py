"""Google Cloud prices as sums again: lists round what Google adds up from rates of parts.

Google bills parts (a vCPU, a GiB, a GPU, a GiB of disk) at rates of whole nano-dollars; lists of
whole machines round the sum, at the fifth or the eighth decimal. The price put here is the sum
at the rates that lie nearest to a region's list, so that every machine agrees with every other.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import polars as pl

from broker.offers import OFFER_SCHEMA, PurchaseOption
from providers.emulation.gcp_fixtures import priced_machines
from providers.emulation.gcp_rates import rates_by_option
from providers.gcp.prices import Rates, compose
from tools.market.rows import Row

#: What rounding at the fifth decimal explains of the cheapest machines; more is another price.
MOST_APART: Final = Decimal("0.00002")
#: Rounding of a rate may move another one; the sums stand still after a few rounds.
_MOST_ROUNDS: Final = 20
_COLUMNS: Final = (
    *("region", "zone", "instance_type", "option", "usd_per_hour", "vcpus", "memory_gib"),
    *("accelerator", "accelerators", "local_disk_gib", "arch"),
)

_Where = tuple[str, str, str]  # region, instance type, option


def summed(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with prices that compose exactly from rates of parts.

    A machine without rates that explain its price keeps the listed one.

    Raises:
        ValueError: if the sums do not come to rest.
    """
    listed = _frame(rows)
    sums: dict[_Where, Decimal] = {}
    for _ in range(_MOST_ROUNDS):
        found = _sums(_frame([_at(row, sums) for row in rows]), listed)
        if found == sums:
            return [_at(row, sums) for row in rows]
        sums = found
    raise ValueError(f"Google Cloud prices: no sums at rest after {_MOST_ROUNDS} rounds")


def _frame(rows: Sequence[Row]) -> pl.DataFrame:
    schema = {name: OFFER_SCHEMA[name] for name in _COLUMNS}
    return pl.DataFrame([{name: row[name] for name in _COLUMNS} for row in rows], schema=schema)


def _at(row: Row, sums: dict[_Where, Decimal]) -> Row:
    where = (str(row["region"]), str(row["instance_type"]), str(row["option"]))
    return {**row, "usd_per_hour": sums[where]} if where in sums else row


def _sums(now: pl.DataFrame, listed: pl.DataFrame) -> dict[_Where, Decimal]:
    rates = Rates(
        usd={
            (region, component, option): rate
            for (region, option), parts in rates_by_option(priced_machines(now)).items()
            for component, rate in parts.items()
        }
    )
    found: dict[_Where, Decimal] = {}
    for (region, option), machines in priced_machines(listed).items():
        for machine, usd in machines:
            total = compose(rates, machine, region, option)
            if total is not None and abs(total - usd) <= MOST_APART * usd:
                found[region, machine.name, PurchaseOption(option).value] = total
    return found
