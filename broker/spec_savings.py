"""What savings plans of a spec must be to each other, and to the market."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from broker.market import Market
from broker.offers import PurchaseOption
from broker.spec_faults import Here, listed, nearest, words
from broker.workloads import SavingsPlan

_TERMS: Final = tuple(one.value for one in PurchaseOption if one.years)


def check_savings_plans(plans: Sequence[SavingsPlan], here: Here) -> None:
    """Note plans of one name, without rates, with rates stated twice, or with no day to run."""
    first: dict[str, int] = {}
    for index, plan in enumerate(plans):
        place = here.at(index)
        if place.is_faulty:
            continue
        if plan.name in first:
            found = words(f"{plan.name} a second time")
            remedy = "rename one of the two"
            place.at("name").fault(found, expected="a name of its own", remedy=remedy)
        first.setdefault(plan.name or f"[{index}]", index)
        _check_rates(plan, place)
        if plan.from_ and plan.until and plan.until < plan.from_:
            expected = f"a day not before {plan.from_}"
            place.at("until").fault(words(str(plan.until)), expected=expected)


def _check_rates(plan: SavingsPlan, here: Here) -> None:
    if (plan.off is None) == (plan.rates is None):
        found = words("neither `off` nor `rates`" if plan.off is None else "both")
        remedy = "write `off: 27%`, or `rates: reserved-3y/compute-savings-plan`"
        here.fault(found, expected="one of `off` and `rates`", remedy=remedy)
    elif plan.rates is not None and plan.rates.partition("/")[0] not in _TERMS:
        expected = f"{' or '.join(_TERMS)}, then a slash and the variant of the offers"
        remedy = "write e.g. reserved-3y/compute-savings-plan"
        here.at("rates").fault(plan.rates, expected=expected, remedy=remedy)


def check_savings_rates(plan: SavingsPlan, market: Market, here: Here) -> None:
    """Note rates that no offer of the plan's provider has."""
    if plan.rates is None or plan.rates.partition("/")[0] not in _TERMS:
        return
    offers = market.offers.filter(
        pl.col("provider") == plan.provider, pl.col("option").is_in(_TERMS)
    )
    variants = offers.select("option", "variant").unique().sort("option", "variant").iter_rows()
    known = ["/".join(filter(None, row)) for row in variants]
    if plan.rates not in known:
        expected = (
            f"rates that offers of {plan.provider} have: {listed(known) or 'there are none'}"
        )
        remedy = nearest(plan.rates, known) or "state the discount as `off` instead"
        here.fault(plan.rates, expected=expected, remedy=remedy)
