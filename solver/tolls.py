"""Tolls: what single pairs pay, at prices, beside what their supplies cost.

Rows over single pairs (`solver.crowding`) have prices like the rows of a problem, and what these
charge is not the same for all who use a supply.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Longs = NDArray[np.int64]

_SUPPLY_BITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolls:
    """Charges of T pairs.

    Attributes:
        key: int64[T], ascending, as `pair_keys` says.
        charge: float64[T], > 0; gang: of all its units there, none mixed in; service: of a unit.
        worth: what the rows that charge them are worth in all.
    """

    key: Longs
    charge: Floats
    worth: float

    @classmethod
    def of(cls, key: Longs, charge: Floats, worth: float) -> Tolls | None:
        """Add up the charges of each pair, int64[N] and float64[N]; None where there are none."""
        some = charge > 0
        if not some.any():
            return None
        known, at = np.unique(key[some], return_inverse=True)
        return cls(
            key=known, charge=np.bincount(at, weights=charge[some]).astype(np.float64), worth=worth
        )

    @property
    def mode(self) -> Longs:
        """int64[T], the mode of each pair."""
        return self.key >> _SUPPLY_BITS

    def on(self, mode: Ints, supply: Ints) -> Floats:
        """Return float64[P], what pairs pay, int32[P] both; 0 where they pay none."""
        key = pair_keys(mode, supply)
        at = np.minimum(np.searchsorted(self.key, key), len(self.key) - 1)
        return np.where(self.key[at] == key, self.charge[at], 0.0)

    def among(self, mode: Longs) -> Tolls | None:
        """Return the tolls of some modes, int64[m] ascending, by their places in `mode`."""
        at = np.minimum(np.searchsorted(mode, self.mode), max(len(mode) - 1, 0))
        kept = np.flatnonzero(mode[at] == self.mode) if len(mode) else at[:0]
        key = pair_keys(at[kept], self.key[kept] & ((1 << _SUPPLY_BITS) - 1))
        return Tolls.of(key, self.charge[kept], self.worth)


def pair_keys(mode: Ints | Longs, supply: Ints | Longs) -> Longs:
    """Return int64[P], one number for each pair of a mode and a supply, in their order."""
    return (np.asarray(mode, np.int64) << _SUPPLY_BITS) + supply


def blended_tolls(one: Tolls | None, other: Tolls | None, weight: float) -> Tolls | None:
    """Return (1 - weight) x one + weight x other; None stands for none."""
    parts = [(one, 1.0 - weight), (other, weight)]
    known = [(tolls, share) for tolls, share in parts if tolls is not None]
    if not known:
        return None
    return Tolls.of(
        np.concatenate([tolls.key for tolls, _ in known]),
        np.concatenate([share * tolls.charge for tolls, share in known]),
        sum(share * tolls.worth for tolls, share in known),
    )
