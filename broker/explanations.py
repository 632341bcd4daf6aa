"""Why a plan is as it is: for each workload the best way, the next best, and what was refused.

Everything is recomputed from the plan's own spec and the market it names; nothing is guessed
from the optimizer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from broker.candidates import Candidates, Exclusion, find_candidates
from broker.costing import shortfall_usd
from broker.errors import MarketError
from broker.market import Market
from broker.plans import Placement, Plan, Unmet
from broker.policy import Verb
from broker.rules import pipelines
from broker.rules.exclusivity import rules_in_force
from broker.rules.rule import AnyWorkload, Scene
from broker.scene import build_scene
from broker.spec import spec_from_data
from broker.ways import Way, cheapest_ways
from broker.workloads import Service

_NO_CHEAPER = "no cheaper than the chosen one once all workloads are placed"
_COVERED = "a savings plan pays for hours of the chosen one"
_EXCLUSIVITY = "policy.exclusivity over the whole plan"
_PIPELINE = "dearer once the data of its pipeline are moved"
#: Ways beside the chosen ones that an explanation lists.
ALTERNATIVES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """A way the plan did not take.

    Attributes:
        way: what it is and what it costs for the same work.
        dearer_usd: its cost less that of the chosen way for the same work; negative when it
            looks cheaper and something else stood in the way.
        made_of: parts of that difference that are not zero: (what, USD).
        why_not: why it was not taken.
    """

    way: Way
    dearer_usd: Decimal
    made_of: tuple[tuple[str, Decimal], ...]
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One workload explained.

    Attributes:
        workload: name.
        placements: what the plan does.
        chosen: the chosen ways, each priced for the whole work by itself.
        alternatives: the cheapest ways it did not take, cheapest first.
        runnable, admitted: offers some shape could run on; of them, what every rule admits.
        exclusions: what each rule refused.
        unmet: what is not served; None when all is.
    """

    workload: str
    placements: tuple[Placement, ...]
    chosen: tuple[Way, ...]
    alternatives: tuple[Alternative, ...]
    runnable: int
    admitted: int
    exclusions: tuple[Exclusion, ...]
    unmet: Unmet | None


def explain(plan: Plan, market: Market, workload: str | None = None) -> tuple[Explanation, ...]:
    """Explain one workload of `plan`, or all of them.

    Args:
        plan: a plan as `broker.plan_file.read_plan` reads it.
        market: the market it was made on.
        workload: a name; None: every workload.

    Raises:
        MarketError: `market` is not the one the plan was made on.
        KeyError: no workload has that name.
    """
    if market.digest != plan.digests.market:
        raise MarketError(
            f"explaining the plan: it was made on the market with digest "
            f"{plan.digests.market[:12]}, and {market.name} has {market.digest[:12]}",
            remedy="name the market the plan was made on with --market",
        )
    spec = spec_from_data(plan.spec)
    if workload is not None and workload not in {one.name for one in spec.workloads}:
        raise KeyError(workload)
    scene = build_scene(spec, market)
    wanted = [one for one in find_candidates(scene) if workload in {None, one.workload.name}]
    taken = _taken(plan)
    return tuple(_explain(scene, plan, candidates, taken) for candidates in wanted)


def _taken(plan: Plan) -> dict[str, dict[str, int]]:
    """Offer -> workload -> instances, over the whole plan."""
    taken: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for one in plan.placements:
        by_workload = taken[one.offer]
        by_workload[one.workload] = by_workload.get(one.workload, 0) + one.instances
    return taken


def _explain(
    scene: Scene, plan: Plan, candidates: Candidates, taken: dict[str, dict[str, int]]
) -> Explanation:
    workload = candidates.workload
    placed = tuple(one for one in plan.placements if one.workload == workload.name)
    ways = cheapest_ways(scene, candidates)
    offers = {one.offer for one in placed}
    chosen = tuple(way for way in ways if way.offer in offers)
    others = _distinct([way for way in ways if way.offer not in offers], chosen)
    dearest = max((way.total_usd for way in chosen), default=None)
    unmet = next((one for one in plan.unmet if one.workload == workload.name), None)
    return Explanation(
        workload=workload.name,
        placements=placed,
        chosen=chosen,
        alternatives=tuple(
            _knowing(_alternative(scene, workload, way, chosen, taken), placed, plan)
            for way in others[:ALTERNATIVES]
            if dearest is not None or unmet is not None
        ),
        runnable=candidates.runnable,
        admitted=int(candidates.admitted.sum()),
        exclusions=candidates.exclusions,
        unmet=unmet,
    )


def _knowing(alternative: Alternative, placed: Sequence[Placement], plan: Plan) -> Alternative:
    """Ways are priced without savings plans and commitments: say so where one decided."""
    is_vague = alternative.why_not in {_NO_CHEAPER, _PIPELINE}
    if is_vague or alternative.why_not.startswith(_EXCLUSIVITY):
        provider, lost_usd = _shortfall_without(placed, plan, alternative.way.offer.split("/")[0])
        if lost_usd > 0 and alternative.dearer_usd + lost_usd > 0:
            why = f"{lost_usd:,.2f} USD more of the commitment to {provider} would be unused"
            return replace(alternative, why_not=why)
    is_covered = any(one.covered_hours for one in placed)
    if is_covered and alternative.why_not == _NO_CHEAPER:
        return replace(alternative, why_not=_COVERED)
    return alternative


def _shortfall_without(
    placed: Sequence[Placement], plan: Plan, elsewhere: str
) -> tuple[str, Decimal]:
    """Return to whom, and how many USD of a commitment more, go unused if `placed` moves there.

    Every commitment to one provider counts the same spend, so their shortfalls add up. A workload
    that stands at other providers too has no single way to compare with.
    """
    spent_usd = sum((one.cost.compute + one.cost.rework for one in placed), Decimal(0))
    lost: defaultdict[str, Decimal] = defaultdict(Decimal)
    for use in plan.commitments:
        if use.provider != elsewhere and {one.provider for one in placed} == {use.provider}:
            without_usd = shortfall_usd(use.due_usd, use.spent_usd - spent_usd)
            lost[use.provider] += without_usd - use.shortfall_usd
    return max(lost.items(), key=lambda one: one[1], default=("", Decimal(0)))


def _distinct(ways: Sequence[Way], chosen: Sequence[Way]) -> list[Way]:
    """Keep one way per place, machine and option: zones of one region cost the same."""
    seen = {way.same for way in chosen if not way.is_limited}
    kept: list[Way] = []
    for way in ways:
        if way.same not in seen:
            seen.add(way.same)
            kept.append(way)
    return kept


def _alternative(
    scene: Scene,
    workload: AnyWorkload,
    way: Way,
    chosen: Sequence[Way],
    taken: dict[str, dict[str, int]],
) -> Alternative:
    best = min(chosen, key=lambda one: one.total_usd) if chosen else None
    if best is None:
        return Alternative(
            way=way,
            dearer_usd=way.total_usd,
            made_of=(),
            why_not=_obstacle(scene, workload, way, taken),
        )
    parts = (
        ("compute", way.compute_usd - best.compute_usd),
        ("rework", way.rework_usd - best.rework_usd),
        ("transfer", way.transfer_usd - best.transfer_usd),
        ("carbon", way.carbon_usd - best.carbon_usd),
    )
    dearer = way.total_usd - best.total_usd
    return Alternative(
        way=way,
        dearer_usd=dearer,
        made_of=tuple((name, amount) for name, amount in parts if amount),
        why_not="dearer" if dearer > 0 else _obstacle(scene, workload, way, taken),
    )


def _obstacle(
    scene: Scene, workload: AnyWorkload, way: Way, taken: dict[str, dict[str, int]]
) -> str:
    """What stood in the way of an alternative that is no dearer."""
    capacity = scene.stock.frame["capacity"][way.row]
    users = taken.get(way.offer, {})
    if capacity is not None:
        left = capacity - sum(users.values())
        if left < way.instances:
            by = ", ".join(f"{name} {count}" for name, count in sorted(users.items()))
            held = f" ({by} hold the rest)" if by else ""
            return f"needs {way.instances} instances, {left} of {capacity} are free{held}"
    quotas = [quota.label for quota in scene.quotas if np.isin(way.row, quota.rows)]
    if quotas:
        return f"counted by the quota {quotas[0]}"
    over_all = _exclusivity_over_all(scene, workload.name)
    if over_all:
        return over_all
    if workload.name in pipelines.members(scene.spec):
        return _PIPELINE
    if isinstance(workload, Service) and workload.sizes:
        return "no cheaper than the plan's mix of machines for its sizes"
    return _NO_CHEAPER


def _exclusivity_over_all(scene: Scene, workload: str) -> str:
    """Name the rules in force that bind `workload` by where others stand or by a first refusal."""
    verbs = [
        f"first_refusal {', '.join(rule.scopes)}"
        if rule.verb is Verb.FIRST_REFUSAL
        else f"{rule.verb} {rule.scope}"
        for rule in rules_in_force(scene)
        if rule.verb not in {Verb.ONLY, Verb.NEVER}
        and (
            rule.verb is Verb.ALONE
            or workload in rule.workloads
            or any(workload in members for members in (rule.tenants or {}).values())
        )
    ]
    return f"{_EXCLUSIVITY}: {'; '.join(verbs)}" if verbs else ""
