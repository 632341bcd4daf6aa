"""Does no controlled accelerator stand where it may not."""

from __future__ import annotations

from collections.abc import Iterator

from broker.audit.evidence import Evidence
from broker.reference import regions
from broker.rules.violation import Violation


def _exports(evidence: Evidence) -> Iterator[Violation]:
    """Controlled models stand in known countries that no rule names."""
    for rule in evidence.spec.policy.export_control:
        for one in evidence.plan.placements:
            region = regions().get((one.provider, one.region))
            country = region.country if region else "an unknown country"
            barred = region is None or country in rule.never
            if barred and one.accelerator in rule.accelerators:
                text = f"{one.offer}: {one.accelerator} in {country}"
                yield Violation(rule="export control", subject=one.workload, text=text)


CHECKS = (_exports,)
