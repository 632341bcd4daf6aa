"""Are machines that are sold by the rack held by the rack.

    instances(o)  =  hosts of a rack x a whole number, for every workload by itself

A GB200 or GB300 NVL72 is 18 hosts of 4 accelerators. A gang of 80 takes 20 hosts, so two racks,
36 hosts, and pays for all of them. Quotas and capacity count hosts, racks as a whole.
"""

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
