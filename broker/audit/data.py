"""Is the moving of data priced right: whole for training and services, by share for batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from broker.audit.evidence import Evidence, place_of
from broker.plans import ZERO, Placement
from broker.rules.violation import Violation
from broker.tiers import Tier
from broker.transfer import PriceList
from broker.units import round_cents
from broker.workloads import Batch, Data, Service, Training

_CENT: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moved:
    """Data that placements of one workload in one region pay for."""

    workload: str
    origin: str
    place: str
    gb: Decimal
    paid_usd: Decimal


def _transfer(evidence: Evidence) -> Iterator[Violation]:
    """Flat: GB x USD per GB, per region used. Tiers: the list's bill, by each one's part."""
    lists: dict[str, PriceList] = {}
    by_list: defaultdict[str, list[_Moved]] = defaultdict(list)
    for workload, placed in evidence.each(Training, Service, Batch):
        if workload.data is None:
            paid = sum((one.cost.transfer for one in placed), ZERO)
            if paid:
                text = f"{paid} USD of transfer without data"
                yield Violation(rule="transfer", subject=workload.name, text=text)
            continue
        for moved in _moves(workload, placed, workload.data):
            listed = evidence.transfer.price_list(moved.origin, moved.place)
            if listed is None:
                yield from _flat(evidence, moved)
            else:
                lists[listed.name] = listed
                by_list[listed.name].append(moved)
    for name, moves in by_list.items():
        yield from _tiered(evidence, lists[name], moves)


def _moves(
    workload: Training | Service | Batch, placed: Sequence[Placement], data: Data
) -> Iterator[_Moved]:
    """What `placed` had moved: batch by share of the work, others whole to every region."""
    groups: defaultdict[object, list[Placement]] = defaultdict(list)
    for number, one in enumerate(placed):
        groups[number if isinstance(workload, Batch) else place_of(one)].append(one)
    for there in groups.values():
        share = there[0].served if isinstance(workload, Batch) else Decimal(1)
        yield _Moved(
            workload=workload.name,
            origin=data.place,
            place=place_of(there[0]),
            gb=data.gb * share,
            paid_usd=sum((one.cost.transfer for one in there), ZERO),
        )


def _flat(evidence: Evidence, moved: _Moved) -> Iterator[Violation]:
    price = evidence.transfer.usd_per_gb(moved.origin, moved.place)
    if price is None:
        text = f"no known price from {moved.origin} to {moved.place}"
        yield Violation(rule="transfer", subject=moved.workload, text=text)
    elif moved.paid_usd != round_cents(moved.gb * price):
        text = f"{moved.place}: {moved.paid_usd} USD for {moved.gb} GB at {price}"
        yield Violation(rule="transfer", subject=moved.workload, text=text)


def _tiered(evidence: Evidence, listed: PriceList, moves: Sequence[_Moved]) -> Iterator[Violation]:
    """The members pay the bill to the cent, each its part of it within a cent."""
    whole = sum((moved.gb for moved in moves), Decimal(0))
    free = _free_lists(evidence).get(listed.network) == listed.name
    due = round_cents(_steps_usd(listed.tiers, whole, free))
    paid = sum((moved.paid_usd for moved in moves), ZERO)
    if paid != due:
        text = f"{listed.name}: {paid} USD paid, {due} USD due for {whole} GB in all"
        yield Violation(rule="transfer", subject=moves[0].workload, text=text)
    for moved in moves:
        part = due * moved.gb / whole if whole else ZERO
        if abs(moved.paid_usd - part) >= _CENT:
            text = f"{moved.place}: {moved.paid_usd} USD, its part of {due} USD is {part}"
            yield Violation(rule="transfer", subject=moved.workload, text=text)


def _free_lists(evidence: Evidence) -> Mapping[str, str]:
    """Network -> the list that gets its free GB: the lowest paid price, then the first name."""
    best: dict[str, tuple[Decimal, str]] = {}
    for workload in evidence.spec.workloads:
        listed = evidence.transfer.price_list(workload.data.place) if workload.data else None
        if listed is not None and listed.tiers[0].usd_per_gb == 0:
            entry = (listed.tiers[1].usd_per_gb, listed.name)
            best[listed.network] = min(entry, best.get(listed.network, entry))
    return {network: name for network, (_, name) in best.items()}


def _steps_usd(tiers: Sequence[Tier], gb: Decimal, free: bool) -> Decimal:
    """Sum over steps from the top: what lies above each start, at the rise of its price."""
    starts = [Decimal(0), *(tier.up_to_gb for tier in tiers if tier.up_to_gb is not None)]
    prices = [tier.usd_per_gb for tier in tiers]
    if not free and prices[0] == 0:
        starts = [start - starts[1] for start in starts[1:]]
        prices = prices[1:]
    before = [Decimal(0), *prices[:-1]]
    return sum(
        (
            max(Decimal(0), gb - start) * (price - last)
            for start, price, last in zip(starts, prices, before, strict=True)
        ),
        Decimal(0),
    )


CHECKS = (_transfer,)
