"""Trainings and batch of a drawn fleet; services are in `benchmarks.demand_drawn`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import numpy as np

from benchmarks.draws import Draws, rounded
from benchmarks.known import Known, rate_of
from broker.offers import PurchaseOption
from broker.reference import country_groups
from broker.workloads import Batch, Data, FabricNeed, Shape, Spot, Training, Where

PERIOD_H: Final = Decimal(730)
EU: Final = tuple(sorted(country_groups()["EU"]))
US: Final = ("US",)

#: Mean job size of two clusters of 2023 over that of the Philly cluster of 2017, and 1:
#: 1.30 GPUs in Philly, 5.68 in Seren and 26.77 in Kalos (AcmeTrace, CC-BY-4.0).
_GROWTH: Final = (1.0, 5.68 / 1.30, 26.77 / 1.30)
_MOST_ACCELERATORS: Final = 512
#: Smallest size -> models a training of that size may use, the first by preference.
_GANGS: Final = (
    (128, (("B200", "H200", "H100"), ("H200", "H100"), ("H100", "H200", "A100-80"))),
    (32, (("H100", "A100-80"), ("H200", "H100", "A100-80"), ("MI300X", "H200", "H100"))),
    (8, (("A100-80", "H100", "A100-40"), ("A100-40", "A100-80"), ("H100", "H200"))),
    (1, (("L4", "A10G"), ("A10G", "L4", "A10"), ("L40S", "A100-40"), ("T4", "L4"))),
)
#: Models of a batch, with the accelerators of one unit.
_BATCHES: Final = (
    (("T4", "L4"), 1),
    (("L4", "A10G"), 1),
    (("A10G", "L4", "A10"), 1),
    (("L40S", "A100-40"), 1),
    (("A100-40", "A100-80"), 8),
    (("A100-80", "H100"), 8),
    (("H100", "H200"), 8),
)
_CPU_BATCHES: Final = ((16, 64), (32, 128), (64, 256))
_TEAM_DAYS: Final = 20
_CPU_PART, _MEMORY_PART = 0.15, 0.1
_LOWEST_SPEED: Final = 0.2


def trainings(count: int, seed: int, known: Known, *, is_ruled: bool) -> tuple[Training, ...]:
    """Draw trainings: sizes and hours as the GPU time of real jobs is spent, sizes grown since."""
    draws = Draws(seed, "training")
    return tuple(_training(number, draws, known, is_ruled) for number in range(count))


def _training(number: int, draws: Draws, known: Known, is_ruled: bool) -> Training:
    size = power_of_two(draws.of_fact("job_gpus") * draws.one_of(_GROWTH))
    least, families = next(one for one in _GANGS if size >= one[0])
    models = sold(draws.one_of(families), known, is_gang=size > 1)
    is_loose = size < _GANGS[1][0] and draws.chance(0.3)
    fabric = FabricNeed.ANY if is_loose or least == 1 else None
    shapes = shapes_of(models[: draws.whole(1, len(models))], size, fabric)
    slowest = min(shape.speed for shape in shapes)
    hours = min(Decimal(round(draws.of_fact("job_hours"))), (PERIOD_H * slowest).quantize(1) - 2)
    spot = spot_of(draws) if draws.chance(0.35) else None
    placing = placing_of(draws, known, models, is_ruled=is_ruled, data_gb=2000)
    return Training(
        name=f"training-{number:06}",
        shapes=shapes,
        hours=max(hours, Decimal(1)),
        spot=spot,
        purchase=terms_of(draws),
        priority=placing.priority,
        where=placing.where,
        data=placing.data,
    )


def batches(count: int, seed: int, known: Known, *, is_ruled: bool) -> tuple[Batch, ...]:
    """Draw batch: a month of what a team's small jobs took on one day."""
    draws = Draws(seed, "batch")
    return tuple(_batch(number, draws, known, is_ruled) for number in range(count))


def _batch(number: int, draws: Draws, known: Known, is_ruled: bool) -> Batch:
    accelerator_h = draws.of_fact("team_day_gpu_hours") * _TEAM_DAYS
    preferred, unit = draws.one_of(_BATCHES)
    models = sold(preferred, known)
    shapes = shapes_of(models[: draws.whole(1, len(models))], unit, None)
    if draws.chance(_CPU_PART):
        models, unit, shapes = (), 1, (_cpu_shape(draws),)
    elif draws.chance(_MEMORY_PART):
        models, unit, shapes = (), 1, (_memory_shape(draws),)
    deadline = draws.one_of((None, None, Decimal(240), Decimal(480), Decimal(120)))
    placing = placing_of(draws, known, models, is_ruled=is_ruled, data_gb=5000)
    return Batch(
        name=f"batch-{number:06}",
        shapes=shapes,
        work=rounded(max(accelerator_h / unit, 10.0)),
        deadline=deadline,
        spot=spot_of(draws) if draws.chance(0.7) else None,
        priority=placing.priority,
        where=placing.where,
        data=placing.data,
    )


def _cpu_shape(draws: Draws) -> Shape:
    vcpus, memory = draws.one_of(_CPU_BATCHES)
    written = f"{vcpus} vCPU, {memory} GiB"
    return Shape(vcpus=vcpus, memory=Decimal(memory), written=written)


def _memory_shape(draws: Draws) -> Shape:
    least, most = draws.one_of(((16, 24), (24, 48), (40, 80)))
    return Shape(
        accelerator_memory=(Decimal(least), Decimal(most)),
        count=Decimal(1),
        written=f"{least}GB..{most}GB:1",
    )


def power_of_two(size: float) -> int:
    """Return the power of two next to `size`, at most the largest gang."""
    return int(min(2 ** round(np.log2(max(size, 1.0))), _MOST_ACCELERATORS))


def sold(models: tuple[str, ...], known: Known, *, is_gang: bool = False) -> tuple[str, ...]:
    """Return the models that the market sells (to gangs), or one that it does."""
    held = known.joins if is_gang else known.holds
    return tuple(one for one in models if one in held) or ("T4",)


def shapes_of(models: tuple[str, ...], size: int, fabric: FabricNeed | None) -> tuple[Shape, ...]:
    """Return one shape for each model, slower than the first as its published rate is."""
    first = rate_of(models[0])
    return tuple(
        Shape(
            accelerators=(model,),
            count=Decimal(size),
            speed=_speed(rate_of(model) / first),
            fabric=fabric,
            written=f"{model}:{size}",
        )
        for model in models
    )


def _speed(ratio: float) -> Decimal:
    """Four fifths of the published advantage are taken to be had, in steps of 0.05."""
    return Decimal(f"{max(round(ratio**0.8 * 20) / 20, _LOWEST_SPEED):g}")


def spot_of(draws: Draws, most: Decimal = Decimal(1)) -> Spot:
    """Draw leave for spot: minutes to write a checkpoint and to start again."""
    return Spot(
        checkpoint=Decimal(draws.whole(1, 5)) / 20,
        restart=Decimal(draws.whole(1, 8)) / 20,
        max_share=most,
    )


def terms_of(draws: Draws) -> tuple[PurchaseOption, ...] | None:
    """Draw options besides on-demand: a tenth may sign for a year, a tenth may wait."""
    at = draws.whole(1, 10)
    terms = {1: (PurchaseOption.RESERVED_1Y,), 2: (PurchaseOption.FLEX_START,)}
    return terms.get(at)


@dataclass(frozen=True, kw_only=True)
class Placing:
    """What a workload of any kind says of its rank and its places."""

    priority: int
    where: Where = field(default_factory=Where)
    data: Data | None = None


def placing_of(
    draws: Draws, known: Known, models: Sequence[str], *, is_ruled: bool, data_gb: float
) -> Placing:
    """Draw a priority, and in a ruled fleet residency and data, where `models` are sold.

    Args:
        draws: the stream.
        known: the market's places.
        models: accelerators that are preferred; none: anywhere.
        is_ruled: whether residency and data are drawn.
        data_gb: median size of the data.
    """
    priority = draws.one_of((0, 0, 0, 1, 1, 2, 3))
    if not is_ruled:
        return Placing(priority=priority)
    here = known.holding(models) if models else np.ones(len(known.places), np.bool_)
    where, data = Where(), None
    countries = draws.one_of((EU, US))
    inside = here & known.in_countries(frozenset(countries))
    if draws.chance(0.15) and inside.any():
        where, here = Where(residency=countries), inside
    if draws.chance(0.4) and here.any():
        provider, region = known.places[draws.one_of(np.flatnonzero(here).tolist())]
        gb = rounded(draws.lognormal(data_gb, 1.2))
        data = Data(place=f"{provider}/{region}", gb=gb)
    return Placing(priority=priority, where=where, data=data)
