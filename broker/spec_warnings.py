"""What in a spec is allowed but probably not meant."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from broker.market import Market
from broker.offers import Purchasable
from broker.spec_faults import listed
from broker.workloads import Spec, Verb


def warnings_of(spec: Spec, market: Market) -> tuple[str, ...]:
    """Return one sentence for each thing the writer of `spec` may not have meant."""
    return (*_idle_rules(spec), *_free_interruptions(spec), *_unsold(spec, market))


def _idle_rules(spec: Spec) -> Iterator[str]:
    for index, rule in enumerate(spec.policy.exclusivity):
        if rule.verb is Verb.APART and rule.tenants is None and len(rule.workloads) == 1:
            name = rule.workloads[0]
            yield f"policy.exclusivity[{index}]: {name} alone is apart from nobody"


def _free_interruptions(spec: Spec) -> Iterator[str]:
    for workload in spec.workloads:
        if workload.spot and not workload.spot.checkpoint and not workload.spot.restart:
            yield f"{workload.name}: spot without checkpoint and restart times counts no rework"


def _unsold(spec: Spec, market: Market) -> Iterator[str]:
    """Warn of shapes whose accelerators nobody sells at a known price."""
    sold = market.offers.filter(
        pl.col("usd_per_hour").is_not_null() & (pl.col("purchasable") != Purchasable.NO)
    )
    names = set(sold["accelerator"].drop_nulls().unique().to_list())
    for workload in spec.workloads:
        for shape in workload.shapes:
            if shape.accelerators and not names & set(shape.accelerators):
                models = listed(shape.accelerators)
                yield f"{workload.name}: {models} is listed, but not sold at a known price"
