"""Are machines that are sold by the rack held by the rack."""

from __future__ import annotations

from collections.abc import Iterator

from broker.audit.evidence import Evidence
from broker.plans import Placement
from broker.rules.violation import Violation


def rack_of(evidence: Evidence, placement: Placement) -> int:
    """Return how many instances of the placement's type are sold together."""
    return int(evidence.rows[placement.offer]["rack_hosts"] or 1)


def whole(instances: int, hosts: int) -> int:
    """Return instances rounded up to racks of `hosts`."""
    return instances + (hosts - instances % hosts) % hosts


def _whole_racks(evidence: Evidence) -> Iterator[Violation]:
    """Every placement holds a multiple of the hosts of a rack."""
    for one in evidence.plan.placements:
        hosts = rack_of(evidence, one)
        if one.instances % hosts:
            text = f"{one.offer}: {one.instances} instances of racks of {hosts}"
            yield Violation(rule="rack", subject=one.workload, text=text)


CHECKS = (_whole_racks,)
