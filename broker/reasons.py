"""Why demand is unmet, in sentences, the decisive one first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from broker.candidates import Candidates
from broker.caps import caps_of
from broker.impossible import nowhere
from broker.rules.rule import AnyWorkload, Scene
from broker.workloads import Service


def unmet_reasons(
    scene: Scene, candidates: Candidates, out_of_reach: Sequence[str] = ()
) -> tuple[str, ...]:
    """Return why some or all of one workload is not served.

    Args:
        scene: what was planned.
        candidates: of the workload.
        out_of_reach: what `broker.impossible` found of it.
    """
    refused = tuple(
        f"{one.rule}: {one.why} ({one.offers} offers, such as {one.example})"
        for one in candidates.exclusions
    )
    if candidates.runnable == 0:
        return (nowhere(candidates),)
    if not candidates.admitted.any():
        return ("every offer that could run it is ruled out", *refused)
    if out_of_reach:
        return (*out_of_reach, *refused)
    caps = "".join(f", {name}" for name in caps_of(scene))
    return (
        f"capacity or quota{caps} that admits it goes to demand of the same or higher priority",
        *refused,
    )


def unread(workload: AnyWorkload, served: Mapping[str, Decimal]) -> tuple[str, ...]:
    """Return which of what a workload reads is not, or not wholly, written.

    Args:
        workload: who reads.
        served: share of the work of every training and batch that is served, by name.
    """
    if isinstance(workload, Service):
        return ()
    return tuple(
        f"reads {one.source}, of which {served[one.source] * 100:.2f} % is served"
        for one in workload.reads
        if served[one.source] < 1
    )
