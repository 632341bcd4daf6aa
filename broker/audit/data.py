"""Is the moving of data priced right: whole for training and services, by share for batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal

from broker.audit.evidence import Evidence, place_of
from broker.plans import ZERO, Placement
from broker.rules.violation import Violation
from broker.units import round_cents
from broker.workloads import Batch, Data, Service, Training


def _transfer(evidence: Evidence) -> Iterator[Violation]:
    """GB x USD per GB, per region used."""
    for workload, placed in evidence.each(Training, Service, Batch):
        if workload.data is None:
            paid = sum((one.cost.transfer for one in placed), ZERO)
            if paid:
                text = f"{paid} USD of transfer without data"
                yield Violation(rule="transfer", subject=workload.name, text=text)
        elif isinstance(workload, Batch):
            for one in placed:
                yield from _judged(evidence, workload.data, [one], one.served)
        else:
            by_place: defaultdict[str, list[Placement]] = defaultdict(list)
            for one in placed:
                by_place[place_of(one)].append(one)
            for there in by_place.values():
                yield from _judged(evidence, workload.data, there, Decimal(1))


def _judged(
    evidence: Evidence, data: Data, there: Sequence[Placement], share: Decimal
) -> Iterator[Violation]:
    """What the placements of one region pay for `share` of the data."""
    place = place_of(there[0])
    price = evidence.transfer.usd_per_gb(data.place, place)
    paid = sum((one.cost.transfer for one in there), ZERO)
    if price is None:
        text = f"no known price from {data.place} to {place}"
        yield Violation(rule="transfer", subject=there[0].workload, text=text)
    elif paid != round_cents(data.gb * share * price):
        text = f"{place}: {paid} USD for {data.gb * share} GB at {price}"
        yield Violation(rule="transfer", subject=there[0].workload, text=text)


CHECKS = (_transfer,)
