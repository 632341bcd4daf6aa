"""Do the instances of a region draw no more power than its cap, by the rated power of machines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase

from broker.accelerators import accelerators
from broker.audit.evidence import Evidence, is_above, place_of
from broker.plans import Placement
from broker.policy import PowerCap
from broker.rules.violation import Violation


def kilowatts(evidence: Evidence, one: Placement) -> Decimal:
    """Return the power of one instance; infinite when nobody states it."""
    assume = evidence.spec.assume
    count = evidence.number(one, "accelerators")
    if not count:
        vcpus = evidence.number(one, "vcpus")
        return Decimal("Infinity") if vcpus is None else vcpus * assume.watts_per_vcpu / 1000
    model = accelerators().get(one.accelerator)
    watts = assume.watts.get(one.accelerator)
    if model is not None and model.tdp_w is not None:
        watts = Decimal(repr(model.tdp_w))
    if watts is None:
        return Decimal("Infinity")
    return count * watts * assume.power_overhead / 1000


def is_stated(evidence: Evidence, one: Placement) -> bool:
    """Whether the power of an instance is known, where a cap counts it."""
    capped = any(_is_capped(cap, one) for cap in evidence.spec.policy.power)
    return not capped or kilowatts(evidence, one).is_finite()


def _is_capped(cap: PowerCap, one: Placement) -> bool:
    names = (one.region, place_of(one))
    return cap.regions is None or any(
        fnmatchcase(name, glob) for name in names for glob in cap.regions
    )


def _power(evidence: Evidence) -> Iterator[Violation]:
    """Sum of instances x kW <= cap, in each region by itself."""
    for cap in evidence.spec.policy.power:
        drawn: defaultdict[str, Decimal] = defaultdict(Decimal)
        for one in evidence.plan.placements:
            if _is_capped(cap, one):
                drawn[place_of(one)] += one.instances * kilowatts(evidence, one)
        for place, kw in sorted(drawn.items()):
            if is_above(kw, cap.cap, whole=cap.cap):
                yield Violation(rule="power", subject=place, text=f"{kw} kW of {cap.cap}")


CHECKS = (_power,)
