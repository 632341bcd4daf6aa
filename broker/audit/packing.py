"""How much can be carried by machines that share their time between kinds of load.

The largest sum of amounts x[source, sink] >= 0 such that no source sends more than it has and

    sum over sources of time[source, sink] x x[source, sink] <= 1   for every sink

is a linear programme. It is searched by the simplex method in floating point; what is returned
is then made to fit exactly, so that a mistake in the search can only make it smaller.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

Edge = tuple[str, str]
Floats = NDArray[np.float64]

_TINY: Final = 1e-11
_STEPS: Final = 20_000


def most_carried(supply: Mapping[str, Decimal], time: Mapping[Edge, Decimal]) -> Decimal:
    """Return the most that can be carried.

    Args:
        supply: by source, at least 0.
        time: (source, sink) -> the sink's time that one unit takes, above 0; where there is
            none, nothing can go.
    """
    whole = sum(supply.values(), Decimal(0))
    edges = sorted(time)
    if not edges or not whole:
        return Decimal(0)
    sources = {name: row for row, name in enumerate(supply)}
    sinks = {name: row for row, name in enumerate(sorted({sink for _, sink in edges}))}
    table = np.zeros((len(sources) + len(sinks), len(edges)))
    for column, (source, sink) in enumerate(edges):
        table[sources[source], column] = 1.0
        table[len(sources) + sinks[sink], column] = float(time[source, sink] * whole)
    right = np.array([float(one / whole) for one in supply.values()] + [1.0] * len(sinks))
    found = dict(zip(edges, _packed(table, right).tolist(), strict=True))
    return _made_to_fit(
        {edge: Decimal(repr(x)) * whole for edge, x in found.items()}, supply, time
    )


def _packed(table: Floats, right: Floats) -> Floats:
    """Return x >= 0 with table x <= right, of a sum as large as the search finds; right >= 0."""
    rows, columns = table.shape
    body = np.hstack([table, np.eye(rows), right[:, None]])
    gain = np.concatenate([np.ones(columns), np.zeros(rows + 1)])
    basis = np.arange(columns, columns + rows)
    for step in range(_STEPS):
        better = np.flatnonzero(gain[:-1] > _TINY)
        if not len(better):
            break
        # The steepest column; now and then the first one, which cannot go round in circles.
        enters = better[0] if step % 50 >= 40 else better[np.argmax(gain[better])]
        pivot = body[:, enters]
        ratio = np.full(rows, np.inf)
        ratio[pivot > _TINY] = body[pivot > _TINY, -1] / pivot[pivot > _TINY]
        leaves = int(np.argmin(ratio))
        body[leaves] /= body[leaves, enters]
        others = np.arange(rows) != leaves
        body[others] -= np.outer(body[others, enters], body[leaves])
        gain = gain - gain[enters] * body[leaves]
        basis[leaves] = enters
    x = np.zeros(columns + rows)
    x[basis] = np.maximum(body[:, -1], 0.0)
    return x[:columns]


def _made_to_fit(
    found: Mapping[Edge, Decimal], supply: Mapping[str, Decimal], time: Mapping[Edge, Decimal]
) -> Decimal:
    """Return the sum of the amounts after scaling down what is more than fits."""
    sent: defaultdict[str, Decimal] = defaultdict(Decimal)
    used: defaultdict[str, Decimal] = defaultdict(Decimal)
    for (source, sink), amount in found.items():
        sent[source] += amount
        used[sink] += amount * time[source, sink]
    total = Decimal(0)
    for (source, sink), amount in found.items():
        if amount and supply[source]:
            total += amount / max(Decimal(1), used[sink], sent[source] / supply[source])
    return total
