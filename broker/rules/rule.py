"""What the faces of a rule are given and what they give back."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from broker.billed_alike import BilledAlike
from broker.data_moves import DataMoves
from broker.homes import Home
from broker.machines import Machines
from broker.quotas import QuotaRow
from broker.savings_plans import HeldPlan
from broker.stock import Stock
from broker.transfer import TransferTable
from broker.workloads import Batch, Service, Spec, Training

Bools = NDArray[np.bool_]
AnyWorkload = Training | Service | Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything a rule may look at before anything is placed.

    Attributes:
        spec: what is asked.
        stock: what can be held; S rows.
        machines: its machines.
        transfer: prices of moving data.
        places: ``provider/region`` of every place, sorted; G of them.
        billed: the places, by what moving data from and to them costs.
        data_moves: what moving the spec's data to them costs.
        place_of_row: int32[S].
        zones: (provider, region, zone) of every zone, sorted.
        zone_of_row: int32[S].
        round_trip_ms: float64[P, G], origins as in `origins`.
        half_band_ms: float64[P, G].
        estimated: bool[P, G].
        origins: origin text -> row of the three tables above.
        quotas: the quotas in force, by region.
        latency_digest: SHA-256 (hex) of the round trips above.
        homes: where workloads run now, by name; empty without `stability`.
        savings_plans: those of the spec and of the market, used or not.
        kg_per_hour: float64[S], kg CO2e of one instance-hour of each row, NaN where not known;
            None without `policy.carbon`.
    """

    spec: Spec
    stock: Stock
    machines: Machines
    transfer: TransferTable
    places: tuple[str, ...]
    billed: BilledAlike
    data_moves: DataMoves
    place_of_row: NDArray[np.int32]
    zones: tuple[tuple[str, str, str], ...]
    zone_of_row: NDArray[np.int32]
    round_trip_ms: NDArray[np.float64]
    half_band_ms: NDArray[np.float64]
    estimated: Bools
    origins: dict[str, int]
    quotas: tuple[QuotaRow, ...]
    latency_digest: str
    homes: Mapping[str, Home] = field(default_factory=dict)
    savings_plans: tuple[HeldPlan, ...] = ()
    kg_per_hour: NDArray[np.float64] | None = None


#: Given a scene, what of a workload decides an admission: workloads alike in it are judged once.
Basis = Callable[[Scene], Callable[[AnyWorkload], Hashable]]


def basis(part: Callable[[AnyWorkload], Hashable]) -> Basis:
    """Return the basis of an admission that only `part` of a workload decides."""
    return lambda _scene: part


#: Of an admission that judges all workloads alike.
SAME_FOR_ALL = basis(lambda _workload: None)
_BY_NAME = basis(lambda workload: workload.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The first face of a rule.

    Attributes:
        key: name of the rule in explanations.
        why_not: what a row that falls is told, one phrase.
        admits: bool[S] for a workload; None: the rule has nothing to say.
        decided_by: everything of a workload that `admits` looks at; left out: each workload,
            by its name, is judged by itself.
    """

    key: str
    why_not: str
    admits: Callable[[AnyWorkload, Scene], Bools | None]
    decided_by: Basis = _BY_NAME


def place_parts(place: str) -> tuple[str, str]:
    """Split ``provider/region``."""
    provider, region = place.split("/", maxsplit=1)
    return provider, region
