"""What a provider offers a workload: every offer that it may use, one by one, and its price.

Capacity and quota limits are left aside, and so is whatever else the plan holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

import polars as pl

from broker.audit import carbon, exclusivity, export_control, places, power, spot
from broker.audit.batch import billed_instances
from broker.audit.evidence import AnyWorkload, Evidence, gather, place_of
from broker.audit.machines import held_accelerators, instances_needed, misfit, shape_of
from broker.audit.money import price_of
from broker.audit.quotas import is_countable
from broker.audit.racks import rack_of, whole
from broker.audit.sizes import usual_load
from broker.audit.spot import allowed_options, billed_per_useful
from broker.audit.stability import stays_if_frozen
from broker.audit.windows import most_hours
from broker.offers import offer_id
from broker.plans import ZERO, Cost, Placement
from broker.workloads import Batch, Service, Spec, Training

_SINGLE: Final = (
    *places.CHECKS,
    *exclusivity.CHECKS,
    *export_control.CHECKS,
    *spot.OPTIONS,
)


def least_offered(evidence: Evidence, workload: AnyWorkload, provider: str) -> Decimal | None:
    """Return the least price of a unit of work over what the provider offers; None: nothing."""
    offers = _offers(evidence, workload, provider)
    trials = list(_trials(workload, offers))
    if not trials:
        return None
    around = gather(
        replace(evidence.plan, placements=tuple(trials), routes=(), size_routes=()),
        _with_only(workload, evidence.spec),
        replace(evidence.market, offers=offers),
    )
    fitting = [one for one in trials if _fits(around, one)]
    prices = ((work_price(around, one), one) for one in fitting)
    known = [(price, one) for price, one in prices if price is not None]
    for price, one in sorted(known, key=lambda pair: pair[0]):
        if _may_stand(around, one):
            return price
    return None


def _with_only(workload: AnyWorkload, spec: Spec) -> Spec:
    """The spec without all other workloads, and without the rules that name only others."""
    rules = spec.policy.exclusivity
    named = tuple(rule for rule in rules if workload.name in rule.workloads)
    return replace(
        spec,
        policy=replace(spec.policy, exclusivity=named),
        training=(workload,) if isinstance(workload, Training) else (),
        services=(workload,) if isinstance(workload, Service) else (),
        batch=(workload,) if isinstance(workload, Batch) else (),
    )


def work_price(evidence: Evidence, one: Placement) -> Decimal | None:
    """Return contracted USD per instance-hour x instance-hours of a unit of work; None: never."""
    hours = _work_hours(evidence, one)
    return None if hours is None else hours * price_of(evidence, one).contracted


def _work_hours(evidence: Evidence, one: Placement) -> Decimal | None:
    workload, shape = evidence.workloads[one.workload], shape_of(evidence, one)
    if isinstance(workload, Service):
        load = usual_load(evidence, workload, replace(one, instances=1))
        return evidence.spec.period / load if load > 0 else None
    need, hosts = instances_needed(shape, held_accelerators(evidence, one)), rack_of(evidence, one)
    factor = billed_per_useful(evidence, one)
    if isinstance(workload, Training):
        return whole(need, hosts) * workload.hours / shape.speed * factor
    return workload.work / shape.speed * billed_instances(need, hosts) * factor


def _offers(evidence: Evidence, workload: AnyWorkload, provider: str) -> pl.DataFrame:
    """The offers of the provider that are for sale at a known price; refused ones may be left."""
    allowed = evidence.spec.providers
    return evidence.market.offers.filter(
        pl.lit(allowed is None or provider in allowed),
        pl.col("provider") == provider,
        pl.col("purchasable") != "no",
        pl.col("usd_per_hour").is_not_null(),
        pl.col("accelerators").is_not_null(),
        pl.col("option").is_in(sorted(allowed_options(workload))),
        _may_fit(workload),
    )


def _trials(workload: AnyWorkload, offers: pl.DataFrame) -> Iterator[Placement]:
    """One instance of every offer, in every shape."""
    for row in offers.with_columns(offer_id()).iter_rows(named=True):
        for shape in dict.fromkeys(shape.written for shape in workload.shapes):
            yield _trial(workload.name, shape, row)


def _may_fit(workload: AnyWorkload) -> pl.Expr:
    """Leave out, at one stroke, the machines that no shape can run on."""
    some = pl.lit(value=False)
    for shape in workload.shapes:
        if shape.count == 0:
            some = some | (pl.col("accelerators") == 0)
        elif shape.accelerators:
            some = some | pl.col("accelerator").is_in(list(shape.accelerators))
        else:
            some = some | (pl.col("accelerators") > 0)
    return some


def _trial(workload: str, shape: str, row: Mapping[str, Any]) -> Placement:
    return Placement(
        workload=workload,
        kind="",
        shape=shape,
        offer=row["id"],
        provider=row["provider"],
        region=row["region"],
        zone=row["zone"],
        instance_type=row["instance_type"],
        option=row["option"],
        variant=row["variant"],
        accelerator=row["accelerator"] or "",
        accelerators="",
        instances=1,
        hours=Decimal(0),
        instance_hours=Decimal(0),
        useful_hours=Decimal(0),
        covered_hours=Decimal(0),
        owned=False,
        served=Decimal(0),
        list_usd_per_hour=ZERO,
        contracted_usd_per_hour=ZERO,
        price_source="",
        price_observed_at="",
        capacity="",
        cost=Cost(),
    )


def _fits(evidence: Evidence, one: Placement) -> bool:
    return not misfit(evidence, one, shape_of(evidence, one))


def _may_stand(evidence: Evidence, one: Placement) -> bool:
    """Whether no rule about a single placement refuses it."""
    alone = replace(evidence, plan=replace(evidence.plan, placements=(one,)))
    broken = any(found for check in _SINGLE for found in check(alone))
    return (
        not broken
        and is_countable(alone, one)
        and power.is_stated(alone, one)
        and carbon.is_stated(alone, one)
        and stays_if_frozen(alone, one)
        and _lasts(alone, one)
        and _is_reached(alone, one)
    )


def _lasts(evidence: Evidence, one: Placement) -> bool:
    """Whether an instance can work as long as the workload needs it to."""
    workload, most = evidence.workloads[one.workload], most_hours(evidence, one)
    if isinstance(workload, Batch):
        return most > 0
    if isinstance(workload, Service):
        return most >= evidence.spec.period
    useful = workload.hours / shape_of(evidence, one).speed
    return useful * billed_per_useful(evidence, one) <= most


def _is_reached(evidence: Evidence, one: Placement) -> bool:
    """Whether the data can get there at a known price, and some of the demand in time."""
    workload, place = evidence.workloads[one.workload], place_of(one)
    data = workload.data
    if data is not None and evidence.transfer.usd_per_gb(data.place, place) is None:
        return False
    rule = workload.latency if isinstance(workload, Service) else None
    if rule is None or not isinstance(workload, Service):
        return True
    bounds = [one for one in (rule.rtt_max,) if one is not None]
    bounds += [rule.rtt] if rule.share == 1 else []
    if not bounds:
        return True
    hops = (evidence.hops.get((load.origin, place)) for load in workload.demand)
    return any(hop is not None and hop.rtt_ms <= float(min(bounds)) for hop in hops)
