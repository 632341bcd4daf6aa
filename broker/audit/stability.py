"""Is what moves counted, paid for and allowed: cost of moves, most moves, freeze."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Final

import polars as pl

from broker.audit.evidence import Evidence, place_of
from broker.offers import PurchaseOption
from broker.plans import ZERO, Placement
from broker.rules.violation import Violation
from broker.units import round_cents
from broker.workloads import Running, Stability

#: Options of one pool between which an instance goes without moving.
_ONE_BILL_OR_ANOTHER: Final = ("owned", "on-demand", "reserved-1y", "reserved-3y")
_NO_ZONE: Final = ("", "-")


def moves_usd(evidence: Evidence) -> Decimal:
    """Return what the moves of the plan cost, by what runs now and where the plan stands."""
    moved = _moved(evidence)
    return sum((_cost(evidence, name, running) for name, running in moved.items()), ZERO)


def _moved(evidence: Evidence) -> dict[str, Sequence[Running]]:
    """What runs now of every workload that has an instance anywhere else."""
    rule = evidence.spec.stability
    if rule is None:
        return {}
    running = _running(rule, evidence)
    return {
        name: found
        for name, found in running.items()
        if any(not _stays(one, found) for one in evidence.placed(name))
    }


def _running(rule: Stability, evidence: Evidence) -> Mapping[str, list[Running]]:
    found: defaultdict[str, list[Running]] = defaultdict(list)
    stated = rule.current
    if stated is None:
        seen = evidence.market.running.filter(pl.col("instances") > 0).iter_rows(named=True)
        stated = tuple(
            Running(
                workload=row["workload"],
                pool=f"{row['provider']}/{row['region']}/{row['zone'] or '-'}"
                f"/{row['instance_type']}",
                option=PurchaseOption(row["option"]),
                instances=row["instances"],
            )
            for row in seen
        )
    for one in stated:
        if one.workload in evidence.workloads:
            found[one.workload].append(one)
    return found


def _stays(one: Placement, running: Sequence[Running]) -> bool:
    return any(_same_pool(one, now) and _same_kind(one.option, now.option) for now in running)


def _same_pool(one: Placement, now: Running) -> bool:
    place, _, rest = now.pool.rpartition("/")
    place, _, zone = place.rpartition("/")
    unnamed = zone in _NO_ZONE or one.zone in _NO_ZONE
    return (place_of(one), one.instance_type) == (place, rest) and (unnamed or one.zone == zone)


def _same_kind(option: str, now: str) -> bool:
    return option == now or (option in _ONE_BILL_OR_ANOTHER and now in _ONE_BILL_OR_ANOTHER)


def stays_if_frozen(evidence: Evidence, one: Placement) -> bool:
    """Whether the placement is where its workload runs now, where the spec freezes it."""
    rule = evidence.spec.stability
    if rule is None or one.workload not in rule.freeze:
        return True
    return _stays(one, _running(rule, evidence).get(one.workload, ()))


def _cost(evidence: Evidence, name: str, running: Sequence[Running]) -> Decimal:
    """The stated cost, or the hours of a restart of everything that runs now."""
    rule, spot = evidence.spec.stability, evidence.workloads[name].spot
    assert rule is not None  # noqa: S101 - nothing moves without it
    if name in rule.move_cost:
        return round_cents(rule.move_cost[name])
    hours = spot.restart if spot is not None and spot.restart else rule.restart
    hourly = sum((one.instances * _price(evidence, one) for one in running), Decimal(0))
    return round_cents(hours * hourly)


def _price(evidence: Evidence, now: Running) -> Decimal:
    """Contracted price of an instance that runs now, by the on-demand list where it stands."""
    provider, region, zone, kind = now.pool.split("/")
    option = "on-demand" if now.option in _ONE_BILL_OR_ANOTHER else str(now.option)
    allowed = evidence.spec.providers
    prices = [
        price
        for there, price in evidence.sold.get((provider, region, kind, option), ())
        if (zone in _NO_ZONE or there in (zone, *_NO_ZONE))
        and (allowed is None or provider in allowed)
    ]
    offs = [
        one.off
        for one in evidence.spec.holdings.discounts
        if one.provider == provider
        and (one.on is None or option in one.on)
        and (one.types is None or any(fnmatchcase(kind, glob) for glob in one.types))
    ]
    return min(prices, default=Decimal(0)) * (1 - max(offs, default=Decimal(0)))


def _moves(evidence: Evidence) -> Iterator[Violation]:
    """Exactly the workloads that move are listed, at their cost, within `max_moves`."""
    moved = _moved(evidence)
    right = {name: _cost(evidence, name, running) for name, running in moved.items()}
    said = {one.workload: one.cost_usd for one in evidence.plan.moves}
    for name in sorted(right.keys() | said.keys()):
        if right.get(name) != said.get(name):
            text = f"said {said.get(name, 'to stay')}, is {right.get(name, 'where it ran')}"
            yield Violation(rule="moves", subject=name, text=text)
    rule = evidence.spec.stability
    if rule is None:
        return
    if rule.max_moves is not None and len(moved) > rule.max_moves:
        text = f"{len(moved)} moves of {rule.max_moves}"
        yield Violation(rule="max_moves", subject="plan", text=text)
    running = _running(rule, evidence)
    for name in rule.freeze:
        if any(not _stays(one, running.get(name, ())) for one in evidence.placed(name)):
            yield Violation(rule="freeze", subject=name, text="stands where it does not run now")


CHECKS = (_moves,)
