"""What `reads` of a spec must name: other trainings and batches, each once, in no circle."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from broker.spec_faults import Here, listed, nearest, words
from broker.workloads import Batch, Spec, Training

_WRITERS = ("training", "batch")


def check_pipelines(spec: Spec, data: Mapping[str, object], here: Here) -> None:
    """Note every `reads` that no plan could follow.

    Args:
        spec: the faultless part of a file.
        data: the whole of it, as read: a workload with a fault elsewhere may be read from.
        here: the root of the file.
    """
    names = _names(data, _WRITERS)
    services = _names(data, ("services",))
    for kind in _WRITERS:
        for index, workload in enumerate(getattr(spec, kind)):
            _check_sources(workload, here.at(kind, index, "reads"), names, services)
    _check_circle(spec, here)


def _names(data: Mapping[str, object], kinds: tuple[str, ...]) -> list[str]:
    entries = [data.get(kind) for kind in kinds]
    every = [entry for group in entries if isinstance(group, list) for entry in group]
    found = [entry.get("name") for entry in every if isinstance(entry, dict)]
    return [name for name in found if isinstance(name, str)]


def _check_sources(
    workload: Training | Batch, here: Here, names: list[str], services: list[str]
) -> None:
    seen: set[str] = set()
    for index, reads in enumerate(workload.reads):
        place = here.at(index, "from")
        if reads.source == workload.name:
            place.fault(words(f"{workload.name} itself"), expected="another workload")
        elif reads.source in services:
            found = words(f"the service {reads.source}")
            place.fault(found, expected="a training or a batch: a service writes no data set")
        elif reads.source not in names:
            others = [name for name in names if name != workload.name]
            expected = f"the name of a training or a batch: {listed(others) or 'there is none'}"
            place.fault(reads.source, expected=expected, remedy=nearest(reads.source, others))
        elif reads.source in seen:
            found = words(f"{reads.source} a second time")
            place.fault(found, expected="each workload once", remedy="add up the two `gb`")
        seen.add(reads.source)


def _check_circle(spec: Spec, here: Here) -> None:
    """Note a circle once, at the first workload of it in the file."""
    sources = {one.name: {reads.source for reads in one.reads} - {one.name} for one in spec.stages}
    try:
        TopologicalSorter(sources).prepare()
    except CycleError as error:
        circle = error.args[1]
        for kind in _WRITERS:
            for index, workload in enumerate(getattr(spec, kind)):
                if workload.name in circle:
                    found = words(" <- ".join(circle))
                    expected = "a pipeline that begins somewhere"
                    here.at(kind, index, "reads").fault(found, expected=expected)
                    return
