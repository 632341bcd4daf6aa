"""How much of the whole plan one provider, region, vendor, model or group of countries may take.

Inequality: for every scope s of the rule, with m(o) = spend in USD or accelerator-hours on o,

    sum over o in s of m(o)  <=  share x sum over all o of m(o)

spend is the contracted compute cost of the period with hours done again on spot; an owned hour
counts at the contracted on-demand price of its pool, else at the cheapest of its type in the
region, else at the provider. Transfer, shortfall, carbon and moves are left out. What stands in
no scope (a machine without accelerators has no vendor) counts in the whole alone. Nothing placed
meets every cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

import numpy as np
import polars as pl

from broker.accelerators import accelerators
from broker.offers import PurchaseOption
from broker.policy import Concentration, Weighed
from broker.rules.geography import country_of_place
from broker.rules.rule import Bools, Scene
from broker.stock import Stock
from solver.problem import NO_ROW, Floats, Ints, Measure, ShareCap

_MEASURES = {Weighed.SPEND: Measure.VALUE, Weighed.GPUS: Measure.SIZE}
#: Where the price of an owned hour is looked up, one after the other.
_KEYS = (
    ("provider", "region", "zone", "instance_type"),
    ("provider", "region", "instance_type"),
    ("provider", "instance_type"),
)


def terms(scene: Scene) -> tuple[ShareCap, ...]:
    """Return the caps over the whole plan."""
    return tuple(
        ShareCap(measure=_MEASURES[rule.of], most=float(rule.most), scope=scope)
        for rule in scene.spec.policy.concentration
        for scope, _ in _scopes(rule, scene)
    )


def rule_of_terms(scene: Scene) -> tuple[int, ...]:
    """Return, for each of `terms`, the number of the rule in the spec that it stands for."""
    return tuple(
        number
        for number, rule in enumerate(scene.spec.policy.concentration)
        for _ in _scopes(rule, scene)
    )


def hour_value(stock: Stock) -> Floats:
    """Return float64[S]: what an owned hour counts as spend, USD; 0 for rows that are bought."""
    worth = owned_worth(stock.frame)
    ids = stock.frame["id"].to_list()
    return np.array([float(worth.get(offer, 0)) for offer in ids])


def owned_worth(frame: pl.DataFrame) -> Mapping[str, Decimal]:
    """Return owned offer -> contracted on-demand price of one hour; absent where nobody sells it.

    Args:
        frame: `Stock.frame`.
    """
    owned = frame.filter("owned")
    if owned.is_empty():
        return {}
    sold = (
        frame.filter(pl.col("option") == PurchaseOption.ON_DEMAND.value)
        .join(owned, on=list(_KEYS[-1]), how="semi")
        .select(*_KEYS[0], "usd_per_hour", "off")
    )
    cheapest: dict[tuple[str, ...], Decimal] = {}
    for row in sold.iter_rows(named=True):
        price = row["usd_per_hour"] * (1 - Decimal(row["off"]))
        for key in _KEYS:
            place = tuple(row[name] for name in key)
            cheapest[place] = min(price, cheapest.get(place, price))
    found = {}
    for row in owned.select(*_KEYS[0], "id").iter_rows(named=True):
        prices = [cheapest.get(tuple(row[name] for name in key)) for key in _KEYS]
        worth = next((price for price in prices if price is not None), None)
        if worth is not None:
            found[row["id"]] = worth
    return found


def unmeetable(scene: Scene, usable: Bools) -> Iterator[tuple[int, str]]:
    """Yield (rule, why) for every cap that only the empty plan meets.

    That is so where all that the workloads may use stands in scopes too few to share out the
    whole: most x their number < 1.

    Args:
        scene: what is planned.
        usable: bool[S], rows that some workload may use.
    """
    for number, rule in enumerate(scene.spec.policy.concentration):
        counted = usable & _is_counted(rule, scene)
        for scope, names in _scopes(rule, scene):
            left = np.unique(scope[counted])
            if len(left) and NO_ROW not in left and len(left) * rule.most < 1:
                where = ", ".join(names[one] for one in left.tolist())
                yield number, f"all that the workloads may use stands in {where}"


def _is_counted(rule: Concentration, scene: Scene) -> Bools:
    if rule.of is Weighed.GPUS:
        return np.asarray(scene.stock.number("accelerators") > 0, dtype=np.bool_)
    return np.ones(scene.stock.count, np.bool_)


def _scopes(rule: Concentration, scene: Scene) -> Iterator[tuple[Ints, list[str]]]:
    """Yield (int32[S] scope of each row, names of the scopes); groups may overlap."""
    if rule.dimension == "country_group":
        countries = country_of_place(scene)
        for group, members in scene.spec.policy.country_groups.items():
            if not rule.names or group in rule.names:
                inside = np.isin(countries, members)[scene.place_of_row]
                yield np.where(inside, 0, NO_ROW).astype(np.int32), [group]
        return
    names, code = np.unique(_names(rule.dimension, scene), return_inverse=True)
    spoken = [bool(name) and (not rule.names or name in rule.names) for name in names.tolist()]
    yield np.where(np.array(spoken)[code], code, NO_ROW).astype(np.int32), names.tolist()


def _names(dimension: str, scene: Scene) -> np.ndarray:
    if dimension == "region":
        return scene.stock.text("place")
    if dimension == "vendor":
        models = scene.stock.text("accelerator")
        known = accelerators()
        found, code = np.unique(models, return_inverse=True)
        vendors = [known[name].vendor if name in known else "" for name in found.tolist()]
        return np.array(vendors)[code]
    return scene.stock.text(dimension)
