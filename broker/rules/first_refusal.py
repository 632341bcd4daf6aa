"""First refusal: a provider that may claim work before the others.

With price(w, o) = contracted USD per instance-hour of offer o x instance-hours that a unit of
work of w takes there, rework included (training and batch: all of the work; service: a unit of
its demand), and least(w, p) the smallest price over all offers of provider p that w may use,
capacity and quota ignored, owned instances left out:

    override(w, o) = 1  if o is not p's, not owned, and price(w, o) >= (1 - margin) x least(w, p)
    minimise the sum over placements of override x accelerators x instance-hours
    (CPU machines: vCPUs / 16), strictly after unmet demand and before cost

Terms and blocks count with their fees spread over their hours. Data transfer is left out.
Where p offers w nothing it may use, there is nothing to refuse.
"""

from __future__ import annotations

import numpy as np

from broker.rules.exclusivity import rules_in_force
from broker.rules.rule import Scene
from broker.workloads import Exclusivity, Verb
from solver.preferences import Floats, Refusals

_HOURS_OF_TERM = {"reserved-1y": 8760.0, "reserved-3y": 3 * 8760.0}


def claims(scene: Scene) -> tuple[tuple[Exclusivity, int], ...]:
    """Return (rule, row of a workload it speaks of), in the order of the spec."""
    row = {workload.name: index for index, workload in enumerate(scene.spec.workloads)}
    return tuple(
        (rule, row[name])
        for rule in rules_in_force(scene)
        if rule.verb is Verb.FIRST_REFUSAL
        for name in rule.workloads
    )


def terms(scene: Scene) -> Refusals | None:
    """Return who may claim what first; None where no rule says so.

    Owners are numbered as in the problem: by the sorted names of the scene's providers.
    """
    found = claims(scene)
    providers = sorted({place.partition("/")[0] for place in scene.places})
    known = [(rule, row) for rule, row in found if rule.scopes[0] in providers]
    if not known:
        return None
    return Refusals(
        demand=np.array([row for _, row in known], np.int32),
        owner=np.array([providers.index(rule.scopes[0]) for rule, _ in known], np.int32),
        kept=np.array([float(1 - rule.margin) for rule, _ in known]),
        hour_price=_hour_price(scene),
        hour_size=_hour_size(scene),
    )


def _hour_price(scene: Scene) -> Floats:
    """float64[S]: contracted USD per hour of what is held together, fees over their term."""
    stock = scene.stock
    years = np.array([_HOURS_OF_TERM.get(str(option), np.inf) for option in stock.option])
    is_block = stock.option == "capacity-block"
    length = np.nan_to_num(stock.number("length_h"), nan=np.inf)
    term = np.where(is_block & (length > 0), length, years)
    return (stock.usd_per_hour + stock.upfront_usd / term) * scene.machines.hosts_of_row()


def _hour_size(scene: Scene) -> Floats:
    """float64[S]: accelerators of what is held together; CPU machines: vCPUs / 16."""
    accelerators = np.nan_to_num(scene.stock.number("accelerators"))
    cpus = np.nan_to_num(scene.stock.number("vcpus")) / 16
    size = np.where(accelerators > 0, accelerators, cpus)
    return np.asarray(size * scene.machines.hosts_of_row(), np.float64)
