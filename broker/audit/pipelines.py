"""Does every reader get what it reads, from where it was written, at the right price."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from broker.audit.evidence import Evidence, is_above, place_of
from broker.plans import Reading
from broker.rules.violation import Violation
from broker.units import round_cents
from broker.workloads import Batch, Reads, Training

_RULE: Final = "reads"
#: GB by which one rounded amount may miss what it stands for.
_NANO: Final = Decimal("1e-9")


def _strangers(evidence: Evidence) -> Iterator[Violation]:
    """Every reading follows a `reads` of the spec."""
    known = {
        (workload.name, reads.source)
        for workload, _ in evidence.each(Training, Batch)
        for reads in workload.reads
    }
    for one in evidence.plan.readings:
        if (one.workload, one.source) not in known:
            text = f"a reading from {one.source} that the spec does not ask for"
            yield Violation(rule=_RULE, subject=one.workload, text=text)


def _amounts(evidence: Evidence) -> Iterator[Violation]:
    """Into a place: GB x the reader's share there; out of one: at most the source's share."""
    said: defaultdict[tuple[str, str], list[Reading]] = defaultdict(list)
    for one in evidence.plan.readings:
        said[one.workload, one.source].append(one)
    for workload, _ in evidence.each(Training, Batch):
        for reads in workload.reads:
            found = said[workload.name, reads.source]
            yield from _arriving(evidence, workload.name, reads, found)
            yield from _leaving(evidence, workload.name, reads, found)


def _arriving(
    evidence: Evidence, name: str, reads: Reads, found: list[Reading]
) -> Iterator[Violation]:
    shares = _shares(evidence, name)
    into: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in found:
        into[one.target] += one.gb
    for place in sorted(shares.keys() | into.keys()):
        wanted = reads.gb * shares.get(place, Decimal(0))
        if abs(into[place] - wanted) > _NANO * max(1, len(found)):
            text = f"{into[place]} GB of {reads.source} read in {place}, its share is {wanted}"
            yield Violation(rule=_RULE, subject=name, text=text)


def _leaving(
    evidence: Evidence, name: str, reads: Reads, found: list[Reading]
) -> Iterator[Violation]:
    shares = _shares(evidence, reads.source)
    out: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in found:
        out[one.origin] += one.gb
    for place, gb in sorted(out.items()):
        most = reads.gb * shares.get(place, Decimal(0))
        if is_above(gb, most, whole=reads.gb):
            text = f"{gb} GB of {reads.source} read from {place}, {most} lie there"
            yield Violation(rule=_RULE, subject=name, text=text)


def _shares(evidence: Evidence, name: str) -> Mapping[str, Decimal]:
    shares: defaultdict[str, Decimal] = defaultdict(Decimal)
    for one in evidence.placed(name):
        shares[place_of(one)] += one.served
    return shares


def _prices(evidence: Evidence) -> Iterator[Violation]:
    """Each reading costs GB x the table's price, nothing inside a region."""
    for one in evidence.plan.readings:
        price = evidence.transfer.price(one.origin, one.target)
        if price is None:
            text = f"no known price from {one.origin} to {one.target}"
            yield Violation(rule=_RULE, subject=one.workload, text=text)
            continue
        said = (one.usd_per_gb, one.usd, one.price_source, one.price_observed_on, one.estimated)
        right = (
            price.usd_per_gb,
            round_cents(one.gb * price.usd_per_gb),
            price.source,
            price.observed_on,
            price.estimated,
        )
        if said != right:
            text = f"{one.origin} to {one.target}: says {said}, is {right}"
            yield Violation(rule=_RULE, subject=one.workload, text=text)


CHECKS = (_strangers, _amounts, _prices)
