"""What a little more of each limit would save: estimates from the relaxation, for the bill.

Around the plan, with what it leaves unmet and overrides held fast and machines taken as
divisible. The exact price of a rule as a whole is `broker.rule_prices`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from broker.candidates import find_candidates
from broker.errors import SolverFailed
from broker.formulate import formulate
from broker.market import Market
from broker.plans import Plan
from broker.rules import carbon
from broker.rules.concentration import rule_of_terms
from broker.rules.power import power_rows
from broker.rules.rule import Scene
from broker.rules.savings_plans import left_due_usd, plan_of_terms
from broker.scene import build_scene
from broker.spec import spec_from_data
from broker.units import plain, round_cents
from solver.asking import Engine
from solver.margins import Margins, marginal_prices
from solver.solution import SolverError

_PERCENT: Final = Decimal("0.01")
_PER_HOUR: Final = Decimal("0.0001")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """An estimate of what one unit more of a limit would save.

    Attributes:
        kind: capacity, quota, power, commitment, savings plan, concentration, latency or carbon.
        what: the offer, the quota, the region, the provider, the plan, the cap or the service.
        step: what is changed by one: ``one more instance``.
        saves_usd: in the whole period.
        saves_usd_per_hour: the same for an hour of it.
    """

    kind: str
    what: str
    step: str
    saves_usd: Decimal
    saves_usd_per_hour: Decimal


def margins(plan: Plan, market: Market, engine: Engine) -> tuple[Margin, ...]:
    """Return what would save at least a cent, the largest saving first.

    Args:
        plan: a plan, and
        market: the market it was made on.
        engine: runs the relaxation.

    Raises:
        SolverFailed: the relaxation could not be solved.
    """
    scene = build_scene(spec_from_data(plan.spec), market)
    problem = formulate(scene, find_candidates(scene))
    lost = {one.workload: float(one.fraction) for one in plan.unmet}
    unmet = np.array([lost.get(one.name, 0.0) for one in scene.spec.workloads])
    try:
        slopes = marginal_prices(problem, unmet, engine, overridden=float(plan.proof.overridden_h))
    except SolverError as error:
        raise SolverFailed(
            f"prices at the margin: {error}", remedy="this is a bug of ours; please report it"
        ) from error
    found = [
        Margin(
            kind=kind,
            what=what,
            step=step,
            saves_usd=round_cents(saved),
            saves_usd_per_hour=(saved / plan.period_h).quantize(_PER_HOUR),
        )
        for kind, what, step, saved in _slopes(scene, slopes)
        if round_cents(saved) > 0
    ]
    return tuple(sorted(found, key=lambda one: (-one.saves_usd, one.kind, one.what)))


def _slopes(scene: Scene, slopes: Margins) -> Iterator[tuple[str, str, str, Decimal]]:
    """Yield (kind, what, step, USD)."""
    for row in np.flatnonzero(slopes.supply).tolist():
        offer = str(scene.stock.frame["id"][row])
        yield "capacity", offer, "one more instance", _usd(slopes.supply, row)
    yield from _limits(scene, slopes)
    yield from _promises(scene, slopes)
    for pool, number in enumerate(plan_of_terms(scene)):
        saved = _usd(slopes.coverage, pool) * scene.spec.period
        yield "savings plan", scene.savings_plans[number].name, "1 USD an hour more", saved
    for service, far in enumerate(scene.spec.services):
        step = "one percentage point more beyond rtt"
        yield "latency", far.name, step, _usd(slopes.far, service) * _PERCENT
    for cap, number in enumerate(rule_of_terms(scene)):
        rule = scene.spec.policy.concentration[number]
        what = f"concentration[{number}]: {rule.dimension} {plain(rule.most * 100)} %"
        step = "one percentage point more"
        yield "concentration", what, step, _usd(slopes.share, cap) * _PERCENT


def _limits(scene: Scene, slopes: Margins) -> Iterator[tuple[str, str, str, Decimal]]:
    """Limits are the quotas, then the caps on power region by region."""
    caps = power_rows(scene)
    for row in np.flatnonzero(slopes.limit).tolist():
        saved = _usd(slopes.limit, row)
        if row < len(scene.quotas):
            quota = scene.quotas[row]
            yield "quota", quota.label, f"one more of {quota.unit.value}", saved
        else:
            yield "power", caps[row - len(scene.quotas)].place, "one kW more", saved


def _promises(scene: Scene, slopes: Margins) -> Iterator[tuple[str, str, str, Decimal]]:
    """Accounts are those of the commitments that fall due, in the spec's order, then carbon's."""
    row = 0
    for number, promise in enumerate(scene.spec.holdings.commitments):
        if left_due_usd(scene, promise) > 0:
            what = f"commitments[{number}]: {promise.provider}"
            yield "commitment", what, "1,000 USD less due", _usd(slopes.account, row) * 1000
            row += 1
    if carbon.cap_kg(scene) is not None:
        yield "carbon", "policy.carbon.cap", "one tonne more", _usd(slopes.account, row) * 1000


def _usd(slopes: Floats, row: int) -> Decimal:
    return Decimal(repr(float(slopes[row])))
