"""Places that are billed alike: prices of moving data are looked up once for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from broker.transfer import TransferTable


@dataclass(frozen=True, slots=True, kw_only=True)
class BilledAlike:
    """Places in groups: what moving costs is told by the groups of two different places.

    Attributes:
        group: int32[.], of each place.
        members: the places of each group.
    """

    group: NDArray[np.int32]
    members: tuple[tuple[str, ...], ...]


def billed_alike(table: TransferTable, places: Sequence[str]) -> BilledAlike:
    """Return `places` in groups that `table` bills alike, numbered by their first ones."""
    members: dict[Hashable, list[str]] = {}
    keys = [table.billed_like(place) for place in places]
    for key, place in zip(keys, places, strict=True):
        members.setdefault(key, []).append(place)
    number = {key: row for row, key in enumerate(members)}
    return BilledAlike(
        group=np.array([number[key] for key in keys], np.int32),
        members=tuple(map(tuple, members.values())),
    )


def two_of(ones: Sequence[str], others: Sequence[str]) -> tuple[str, str] | None:
    """Return one place of each group, different ones; None: both are the same single place."""
    return next(((one, other) for one in ones for other in others if one != other), None)
