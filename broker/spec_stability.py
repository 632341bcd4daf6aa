"""The `stability` of a spec: its short forms written out, and what contradicts itself in it."""

from __future__ import annotations

import fnmatch
from typing import Final

from broker.market import Market
from broker.spec_faults import Here, listed, nearest, words
from broker.spec_shorthand import Raw, matching_names, names_of
from broker.units import parse_money
from broker.workloads import Running, Spec

_POOL_PARTS: Final = 4


def expand_stability(data: Raw, here: Here) -> Raw:
    """Return a spec's data with `stability` by the names of workloads; `here` is `stability`."""
    rule = data.get("stability")
    if not isinstance(rule, dict):
        return data
    names = names_of(data)
    expanded = dict(rule)
    if "freeze" in rule:
        expanded["freeze"] = matching_names(rule["freeze"], here.at("freeze"), names=names)
    if "move_cost" in rule:
        expanded["move_cost"] = _move_costs(rule["move_cost"], here.at("move_cost"), names=names)
    return {**data, "stability": expanded}


def _move_costs(value: object, here: Here, *, names: list[str]) -> object:
    """Return name -> money, of the first glob that matches; one amount is everybody's."""
    if isinstance(value, list):
        return value
    globs = value if isinstance(value, dict) else {"*": value}
    costs: Raw = {}
    for glob, usd in globs.items():
        place = here.at(glob) if isinstance(value, dict) else here
        matches = fnmatch.filter(names, str(glob))
        if not matches and names:
            expected = f"a workload's name, or a glob that matches one of {listed(names)}"
            place.fault(words(str(glob)), expected=expected, remedy=nearest(str(glob), names))
        elif _is_money(usd, place):
            costs = {**dict.fromkeys(matches, usd), **costs}
    return costs


def _is_money(usd: object, here: Here) -> bool:
    """Return whether it is an amount; note it where it is not."""
    try:
        parse_money(usd)
    except ValueError as error:
        here.fault(usd, expected=str(error))
        return False
    return True


def check_stability(spec: Spec, here: Here) -> None:
    """Note what in `stability` cannot be; `here` is `stability`."""
    rule = spec.stability
    if rule is None:
        return
    names = [workload.name for workload in spec.workloads]
    for index, one in enumerate(rule.current or ()):
        place = here.at("current", index)
        if one.workload not in names and not place.is_faulty:
            expected = f"a workload of the spec: {listed(names)}"
            remedy = nearest(one.workload, names)
            place.at("workload").fault(one.workload, expected=expected, remedy=remedy)
        _check_pool(one, place.at("pool"))


def _check_pool(one: Running, here: Here) -> None:
    if len(one.pool.split("/")) != _POOL_PARTS:
        remedy = "write e.g. aws/us-east-1/use1-az4/p5.48xlarge; the zone may be -"
        here.fault(one.pool, expected="provider/region/zone/type", remedy=remedy)


def check_frozen(spec: Spec, market: Market, here: Here) -> None:
    """Note workloads that are frozen and run nowhere; `here` is `stability.freeze`."""
    rule = spec.stability
    if rule is None:
        return
    if rule.current is not None:
        running = {one.workload for one in rule.current}
    else:
        running = set(market.running["workload"])
    missing = [name for name in rule.freeze if name not in running]
    if missing:
        found = words(f"{listed(missing)}, which does not run anywhere now")
        remedy = "state where it runs under `current`, or leave it out"
        here.fault(found, expected="workloads that run now", remedy=remedy)
