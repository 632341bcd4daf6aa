"""Is what the plan holds there to be held: offers, their capacity, owned instances.

    bought   sum over workloads of instances of offer o  <=  what its pool has (`available`,
             else `assume.instances_per_pool`, else no limit)
    owned    sum over workloads of owned instances of pool p  <=  instances of its reservation

Both count instances held at once: one serves one workload for the whole period. A reservation
is on top of the pool's capacity, needs no quota and costs 0 at the margin; its own rate is shown
as sunk. One that ends before the period ends does not count, and the plan lists it as unused.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from broker.audit.evidence import Evidence, pool_of
from broker.offers import PurchaseOption
from broker.plans import Placement
from broker.rules.violation import Violation

_SAME = ("provider", "region", "zone", "instance_type", "option", "variant")


def names(evidence: Evidence) -> Iterator[Violation]:
    """Every placement and route names a workload and an offer that exist."""
    named = {one.workload for one in evidence.plan.placements}
    named |= {one.workload for one in evidence.plan.routes}
    for name in sorted(named - evidence.workloads.keys()):
        yield Violation(rule="names", subject=name, text="no workload of the spec")
    for one in evidence.plan.placements:
        if one.offer not in evidence.rows:
            yield Violation(rule="names", subject=one.offer, text="no offer of the market")


def _as_offered(evidence: Evidence) -> Iterator[Violation]:
    """A placement repeats its offer's facts; an offer without price or not sold is never held."""
    for one in evidence.plan.placements:
        row = evidence.rows[one.offer]
        wrong = [name for name in _SAME if getattr(one, name) != row[name]]
        if one.accelerator != (row["accelerator"] or ""):
            wrong.append("accelerator")
        if Decimal(one.accelerators) != evidence.number(one, "accelerators"):
            wrong.append("accelerators")
        if one.owned != (one.option == PurchaseOption.OWNED.value):
            wrong.append("owned")
        if wrong:
            text = f"{', '.join(wrong)} not as the market says"
            yield Violation(rule="offer", subject=one.offer, text=text)
        yield from _for_sale(one, row, evidence)


def _for_sale(one: Placement, row: Mapping[str, Any], evidence: Evidence) -> Iterator[Violation]:
    providers = evidence.spec.providers
    if providers is not None and one.provider not in providers and not one.owned:
        yield Violation(rule="offer", subject=one.offer, text="provider not in `providers`")
    if not one.owned and row["purchasable"] == "no":
        yield Violation(rule="offer", subject=one.offer, text="not for sale")
    if not one.owned and row["usd_per_hour"] is None:
        yield Violation(rule="offer", subject=one.offer, text="its price is unknown")
    if one.instances < 1:
        yield Violation(rule="offer", subject=one.offer, text=f"{one.instances} instances")


def _capacity(evidence: Evidence) -> Iterator[Violation]:
    """Instances of one offer over all workloads stay within what can be had."""
    held: defaultdict[str, int] = defaultdict(int)
    for one in evidence.plan.placements:
        if not one.owned:
            held[one.offer] += one.instances
    for offer, instances in sorted(held.items()):
        row = evidence.rows[offer]
        assumed = evidence.spec.assume.instances_per_pool.get(PurchaseOption(row["option"]))
        most = assumed if row["available"] is None else row["available"]
        if most is not None and instances > most:
            text = f"{instances} instances of {most}"
            yield Violation(rule="capacity", subject=offer, text=text)


def _capacity_known(evidence: Evidence) -> Iterator[Violation]:
    """A placement says whether its capacity is known, assumed or unknown."""
    for one in evidence.plan.placements:
        row = evidence.rows[one.offer]
        option = PurchaseOption(row["option"])
        if one.owned or row["available"] is not None:
            right = "known"
        else:
            assumed = option in evidence.spec.assume.instances_per_pool
            right = "assumed" if assumed else "unknown"
        if one.capacity != right:
            text = f"capacity said {one.capacity}, is {right}"
            yield Violation(rule="capacity", subject=one.offer, text=text)


def _owned(evidence: Evidence) -> Iterator[Violation]:
    """Owned instances are used once, and only where their term covers the period."""
    held, every = _holdings(evidence)
    used: defaultdict[str, int] = defaultdict(int)
    idle: defaultdict[str, int] = defaultdict(int)
    for one in evidence.plan.placements:
        if one.owned:
            used[pool_of(one)] += one.instances
    for left in evidence.plan.owned_idle:
        idle[left.pool] += left.instances
    for pool in sorted(used):
        if used[pool] > held[pool]:
            text = f"{used[pool]} instances of {held[pool]}"
            yield Violation(rule="owned", subject=pool, text=text)
    for pool in sorted({*every, *idle}):
        if idle[pool] != every[pool] - used[pool]:
            text = f"{idle[pool]} said idle, {every[pool]} owned and {used[pool]} used"
            yield Violation(rule="idle", subject=pool, text=text)


def _holdings(evidence: Evidence) -> tuple[defaultdict[str, int], defaultdict[str, int]]:
    """Return instances by pool: those that cover the period, and all."""
    held: defaultdict[str, int] = defaultdict(int)
    every: defaultdict[str, int] = defaultdict(int)
    stated = evidence.spec.holdings.reservations
    for one in stated:
        every[one.pool] += one.instances
        ends = one.until and datetime(*one.until.timetuple()[:3], tzinfo=UTC) + timedelta(days=1)
        if not ends or ends >= evidence.end:
            held[one.pool] += one.instances
    of_market = evidence.market.holdings.filter(
        pl.col("kind").is_in(["reservation", "capacity-block"]), pl.col("instances").is_not_null()
    )
    named = {one.pool for one in stated}
    for row in of_market.iter_rows(named=True):
        pool = "/".join(row[name] for name in _SAME[:4])
        if pool in named:
            continue
        every[pool] += row["instances"]
        starts, ends = row["starts_at"] or evidence.start, row["ends_at"] or evidence.end
        if starts <= evidence.start and ends >= evidence.end:
            held[pool] += row["instances"]
    return held, every


CHECKS = (_as_offered, _capacity, _capacity_known, _owned)
