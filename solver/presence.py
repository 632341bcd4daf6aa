"""Which columns say that a service has a unit at a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.problem import Ints
from solver.service_rows import ServiceColumns

Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Columns z_g "has a unit there" of services, by demand, then place; n of them.

    Attributes:
        column: int64[n]; demand, place: int64[n].
    """

    column: Longs
    demand: Longs
    place: Longs

    @classmethod
    def of(cls, demands: Ints, services: Mapping[int, ServiceColumns]) -> Presence:
        """Join what `services`, row -> columns, have; `demands`: int32[V], the demand of each."""
        order = sorted(services, key=lambda row: int(demands[row]))
        some = [row for row in order if (services[row].present >= 0).all()]
        size = [len(services[row].present) for row in some]
        nothing = np.empty(0, np.int64)
        return cls(
            column=np.concatenate([nothing, *(services[row].present for row in some)]),
            demand=np.repeat(demands[some].astype(np.int64), size),
            place=np.concatenate([nothing, *(services[row].classes.places for row in some)]),
        )
