"""What savings plans pay for, and what commitments to their providers then still ask.

Inequalities, with v[h, o] the on-demand instance-hours of offer o that plan h pays for:

    sum over o of rate[h, o] x v[h, o]  <=  per_hour[h] x period      USD
    sum over h of v[h, o]               <=  hours used of o           instance-hours

A covered hour costs nothing at the margin: the commitment is paid whatever is planned. So its
whole fee counts towards what the provider is owed under a commitment, and covered hours do not.
Owned instances come first, because their hours are no on-demand hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import numpy as np

from broker.commitments import due_usd
from broker.rules.rule import Scene
from broker.workloads import Commitment
from solver.coverage import Coverage


def terms(scene: Scene) -> Coverage | None:
    """Return the plans that can pay for anything as pools; None where there is none."""
    pools = list(_pools(scene))
    if not pools:
        return None
    hosts, price = scene.machines.hosts_of_row(), scene.stock.usd_per_hour
    rows = np.array([row for _, rates in pools for row in rates], np.int64)
    rate = np.array([float(one) for _, rates in pools for one in rates.values()])
    high = [scene.savings_plans[number].per_hour_usd * scene.spec.period for number, _ in pools]
    return Coverage(
        start=np.cumsum([0, *(len(rates) for _, rates in pools)]).astype(np.int64),
        supply=rows.astype(np.int32),
        rate=rate * hosts[rows],
        saved=price[rows] * hosts[rows],
        high=np.array(list(map(float, high))),
    )


def plan_of_terms(scene: Scene) -> tuple[int, ...]:
    """Return, for each pool of `terms`, the number of its plan in `Scene.savings_plans`."""
    return tuple(number for number, _ in _pools(scene))


def _pools(scene: Scene) -> Iterator[tuple[int, dict[int, Decimal]]]:
    """Yield (number of the plan, row -> rate); an hour that costs nothing needs no plan."""
    price = scene.stock.usd_per_hour
    for number, plan in enumerate(scene.savings_plans):
        rates = {row: rate for row, rate in plan.rates.items() if price[row] > 0}
        if rates:
            yield number, rates


def fees_usd(scene: Scene, provider: str) -> Decimal:
    """Return what the plans of a provider bill in the period, used or not."""
    hourly = (
        plan.per_hour_usd
        for plan in scene.savings_plans
        if plan.provider == provider and not plan.unused
    )
    return sum(hourly, Decimal(0)) * scene.spec.period


def left_due_usd(scene: Scene, commitment: Commitment) -> Decimal:
    """Return what a commitment asks of the period beside the fees of savings plans, >= 0."""
    due = due_usd(commitment, scene.stock.start, scene.spec.period)
    return max(due - fees_usd(scene, commitment.provider), Decimal(0))
