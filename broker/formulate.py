"""From candidates and rules to the optimizer's problem.

Demand d is workload d of `Spec.workloads`, supply o is stock row o, place g is `Scene.places[g]`,
machine kind k is machine k: the optimizer's numbers mean the same rows everywhere. A unit is an
instance, or a rack where instances are sold by the rack (`Machines.hosts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from broker.candidates import Candidates, admitted_to_any
from broker.costing import RATED, rate_of
from broker.machines import weight
from broker.modes import RowSets, columns, modes_of
from broker.offers import PurchaseOption
from broker.rules import (
    budget,
    carbon,
    concentration,
    exclusivity,
    first_refusal,
    pipelines,
    power,
    savings_plans,
    stability,
)
from broker.rules.rule import Scene
from broker.service_terms import service_terms
from broker.spot import carried_share, is_worth_it, rework_factor
from broker.stock import zone_is_known
from broker.transfer_terms import transfer_terms
from broker.windows import BOUNDED
from broker.workloads import Batch, Service, Spot, Training
from solver.problem import (
    NO_ROW,
    Accounts,
    Bools,
    Demands,
    Family,
    Floats,
    Ints,
    Limits,
    Measure,
    Problem,
    Supply,
)

#: Sorts before every rate of interruptions.
_NEVER = -1.0
_FAMILIES = {Training: Family.GANG, Service: Family.SERVICE, Batch: Family.BATCH}


def formulate(scene: Scene, candidates: Sequence[Candidates]) -> Problem:
    """Return the problem of `scene` with the rows its candidates admit."""
    supply, rates = _supply(scene, candidates)
    move_cost, tiers = transfer_terms(scene)
    demands, eligible_start, eligible = _demands(scene, candidates, rates, move_cost)
    apart, together = exclusivity.terms(exclusivity.rules_in_force(scene), scene.spec.workloads)
    providers = sorted({place.split("/", maxsplit=1)[0] for place in scene.places})
    owner = [providers.index(place.split("/", maxsplit=1)[0]) for place in scene.places]
    return Problem(
        period_h=float(scene.spec.period),
        supply=supply,
        demands=demands,
        services=service_terms(scene),
        limits=_limits(scene),
        accounts=_accounts(scene),
        owner_of_place=np.array(owner, np.int32),
        eligible_start=eligible_start,
        eligible=eligible,
        apart=apart,
        together=together,
        tiers=tiers,
        shares=concentration.terms(scene),
        most_cost=budget.most_cost(scene),
        stay=stability.terms(scene),
        reads=pipelines.terms(scene),
        refusals=first_refusal.terms(scene),
        coverage=savings_plans.terms(scene),
    )


def _supply(scene: Scene, candidates: Sequence[Candidates]) -> tuple[Supply, list[Decimal]]:
    """Return the supply and the interruption rates its risks stand for (risk 0: never)."""
    stock = scene.stock
    frame = stock.frame
    # Spot that nobody was ever seen to lose is still spot: a risk of its own, of rate 0.
    is_spot = stock.option == PurchaseOption.SPOT.value
    rate = np.where(is_spot, stock.number("interruptions"), _NEVER)
    rates, code = np.unique(np.append(_NEVER, rate), return_inverse=True)
    is_held, held_cost = _held(scene, admitted_to_any(scene, candidates))
    hosts = scene.machines.hosts_of_row()
    extra = carbon.hour_extra(scene)
    zone = [NO_ROW if not zone_is_known(key[2]) else row for row, key in enumerate(scene.zones)]
    supply = Supply(
        hour_cost=np.where(is_held, 0.0, stock.usd_per_hour) * hosts,
        unit_cost=np.where(is_held, held_cost, stock.upfront_usd) * hosts,
        hour_value=concentration.hour_value(stock) * hosts,
        size=np.nan_to_num(stock.number("accelerators")) * hosts,
        capacity=np.where(
            frame["capacity"].is_null().to_numpy(),
            np.inf,
            np.nan_to_num(stock.number("capacity")) // hosts,
        ),
        kind=scene.machines.of_row,
        place=scene.place_of_row,
        zone=np.array(zone, np.int32)[scene.zone_of_row],
        pool=stock.codes("pool")[0],
        risk=code[1:].astype(np.int32),
        owned=frame["owned"].to_numpy().astype(np.bool_),
        hour_extra=None if extra is None else extra * hosts,
    )
    return supply, [Decimal(repr(max(one, 0.0))) for one in rates.tolist()]


def _held(scene: Scene, wanted: Bools) -> tuple[Bools, Floats]:
    """bool[S], float64[S]: rows paid for as long as they are held, and what holding one costs.

    Rows that no workload may use (bool[S] `wanted`) are not looked at.
    """
    terms = [one.value for one in PurchaseOption if one.years or one in BOUNDED]
    cost = np.zeros(scene.stock.count)
    is_held = np.zeros(scene.stock.count, np.bool_)
    rows = np.flatnonzero(wanted & np.isin(scene.stock.option, terms)).tolist()
    offers = scene.stock.frame.select(RATED)[rows]
    for row, offer in zip(rows, offers.iter_rows(named=True), strict=True):
        held = rate_of(offer, scene.stock.start, scene.spec.period).held_usd
        if held is not None:
            is_held[row], cost[row] = True, float(held)
    return is_held, cost


def _demands(
    scene: Scene,
    candidates: Sequence[Candidates],
    rates: Sequence[Decimal],
    move_cost: Floats,
) -> tuple[Demands, NDArray[np.int64], Ints]:
    workloads = [candidate.workload for candidate in candidates]
    sets = RowSets.of(scene, candidates)
    modes = [modes_of(one, scene, sets) for one in candidates]
    start, eligible = sets.rows()
    spots: list[Spot | None] = [None]
    spots += sorted({one.spot for one in workloads if one.spot is not None}, key=repr)
    spot_row = {spot: row for row, spot in enumerate(spots)}
    data_row = {place: row for row, place in enumerate(scene.data_moves.origins)}
    spoilage, carry = _spoilage(spots, rates)
    demands = Demands(
        family=np.array([_FAMILIES[type(one)] for one in workloads], np.int32),
        priority=np.array([one.priority for one in workloads], np.int32),
        weight=np.array([float(weight(one, scene.spec.period)) for one in workloads]),
        **columns(scene, modes),
        spoilage_row=np.array([spot_row[one.spot] for one in workloads], np.int32),
        spoilage=spoilage,
        carry=carry,
        risky_share=np.array(
            [0.0 if one.spot is None else float(one.spot.max_share) for one in workloads]
        ),
        data_amount=np.array([float(one.data.gb) if one.data else 0.0 for one in workloads]),
        data_row=np.array(
            [data_row[one.data.place] if one.data else NO_ROW for one in workloads], np.int32
        ),
        move_cost=move_cost,
    )
    return demands, start, eligible


def _spoilage(spots: Sequence[Spot | None], rates: Sequence[Decimal]) -> tuple[Floats, Floats]:
    """float64[F, K] twice: factor on hours (inf: not admitted), share of load carried."""
    factor = np.full((len(spots), len(rates)), np.inf)
    carry = np.zeros((len(spots), len(rates)))
    for row, spot in enumerate(spots):
        for risk, rate in enumerate(rates):
            if risk == 0:
                factor[row, risk], carry[row, risk] = 1.0, 1.0
            elif spot is not None and is_worth_it(spot, rate):
                factor[row, risk] = float(rework_factor(spot, rate))
                carry[row, risk] = float(carried_share(spot, rate))
    return factor, carry


def _limits(scene: Scene) -> Limits:
    """Quotas, then caps on power: sizes summed over the rows they count."""
    caps = power.power_rows(scene)
    rows = [*(one.rows for one in scene.quotas), *(one.rows for one in caps)]
    sizes = [*(np.nan_to_num(one.size) for one in scene.quotas), *(one.kw for one in caps)]
    high = [*(float(one.limit) for one in scene.quotas), *(float(one.cap_kw) for one in caps)]
    supply = np.concatenate([np.empty(0, np.int64), *rows])
    weight = np.concatenate([np.empty(0), *sizes]) * scene.machines.hosts_of_row()[supply]
    counted = weight > 0
    row = np.repeat(np.arange(len(rows)), [len(one) for one in rows])[counted]
    return Limits(
        start=np.searchsorted(row, np.arange(len(rows) + 1)).astype(np.int64),
        supply=supply[counted].astype(np.int32),
        weight=weight[counted],
        high=np.array(high, np.float64),
    )


def _accounts(scene: Scene) -> Accounts:
    """Per commitment: contracted compute cost at the provider + shortfall >= its part left.

    And the cap on carbon: sum of hours x kg <= cap.
    """
    due = [
        (commitment.provider, savings_plans.left_due_usd(scene, commitment))
        for commitment in scene.spec.holdings.commitments
    ]
    owed = [(provider, amount) for provider, amount in due if amount > 0]
    provider_of_row = scene.stock.text("provider")
    factor = [(provider_of_row == provider).astype(np.float64) for provider, _ in owed]
    measure, low = [Measure.COST] * len(owed), [float(amount) for _, amount in owed]
    high, slack_cost = [np.inf] * len(owed), [1.0] * len(owed)
    most = carbon.cap_kg(scene)
    if most is not None and scene.kg_per_hour is not None:
        measure, low = [*measure, Measure.HOURS], [*low, -np.inf]
        high, slack_cost = [*high, most], [*slack_cost, np.inf]
        factor.append(np.nan_to_num(scene.kg_per_hour) * scene.machines.hosts_of_row())
    return Accounts(
        measure=np.array(measure, np.int32),
        factor=np.array(factor).reshape(len(measure), scene.stock.count),
        low=np.array(low, np.float64),
        high=np.array(high, np.float64),
        slack_cost=np.array(slack_cost, np.float64),
    )
