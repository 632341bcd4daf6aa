"""Rows of a relaxation that hardly ever matter: left out until they do.

Limits, caps on shares and on cost, and the cuts of services hold three fifths of the numbers of a
relaxation, and few of them are tight. Engines take half the time without the others. What is left
out of a relaxation has no price there, and any prices make a bound; so nothing is lost but how
near that one comes. A row that is broken without, or was tight, is in the next relaxation.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import replace

import numpy as np

from solver.compact_columns import NONE, Compact, Longs
from solver.model import Model
from solver.problem import Bools, Floats

#: A row is broken by more than this part of its value; it is tight if its price is more than that.
_BROKEN = 1e-6
_PRICED = 1e-9


class IdleRows:
    """Remembers which rows mattered, over relaxations of more and more pairs."""

    def __init__(self) -> None:
        """Know nothing: cuts take part at first, other rows do not."""
        self._matters: dict[Hashable, bool] = {}

    def without(self, compact: Compact, model: Model) -> Model:
        """Return `model`, of `compact`, with nothing said by rows that have not mattered."""
        gone = np.zeros(len(model.row_low), np.bool_)
        for names, rows in _rows_of(compact):
            gone[rows] = [not self._matters.get(name, _is_cut(name)) for name in names]
        for cap in compact.share_caps:
            gone[cap.whole] = gone[cap.rows].all()
        stays = ~gone[model.row]
        return replace(
            model,
            row=model.row[stays],
            column=model.column[stays],
            value=model.value[stays],
            row_low=np.where(gone, -np.inf, model.row_low),
            row_high=np.where(gone, np.inf, model.row_high),
        )

    def learn(self, compact: Compact, model: Model, x: Floats, dual: Floats | None = None) -> bool:
        """Note which rows of `model`, all said, are broken or tight; True: some are broken.

        Args:
            compact: where they stand.
            model: before rows were left out.
            x: float64[N], `completed`.
            dual: float64[K], of the relaxation whose optimum that is; None: it is of none.
        """
        broken = _broken(model, x)
        matters = broken if dual is None else broken | (np.abs(dual) > _PRICED)
        is_broken = False
        for names, rows in _rows_of(compact):
            is_broken |= bool(broken[rows].any())
            for name, now in zip(names, matters[rows].tolist(), strict=True):
                self._matters[name] = now or self._matters.get(name, False)
        return is_broken

    @staticmethod
    def completed(compact: Compact, model: Model, x: Floats) -> Floats:
        """Return a point, float64[N], with the totals of shares that nothing may have said."""
        if not compact.share_caps or not len(x):
            return x
        x, activity = x.copy(), _activity(model, x)
        for cap in compact.share_caps:
            x[cap.total] += activity[cap.whole]
        return x


def _is_cut(name: Hashable) -> bool:
    return isinstance(name, tuple) and name[0] == "cut"


def _rows_of(compact: Compact) -> Iterator[tuple[list[Hashable], Longs]]:
    """Rows that may be left out, with names that other relaxations of the problem have, too."""
    limit = compact.rows["limit"]
    known = np.flatnonzero(limit != NONE)
    yield [("limit", one) for one in known.tolist()], limit[known]
    cost = compact.rows.get("cost", np.empty(0, np.int64))
    yield [("cost",) for _ in cost], cost
    for number, cap in enumerate(compact.share_caps):
        yield [("share", number, one) for one in cap.scopes.tolist()], cap.rows
    for cuts in compact.cuts:
        needs = zip(cuts.need.tolist(), cuts.slack.tolist(), strict=True)
        yield [("cut", cuts.service, *one) for one in needs], cuts.rows


def _broken(model: Model, x: Floats) -> Bools:
    """bool[K]: rows that a point breaks."""
    activity = _activity(model, x)
    slack = _BROKEN * np.maximum(1.0, np.abs(activity))
    broken = (activity < model.row_low - slack) | (activity > model.row_high + slack)
    return np.asarray(broken, np.bool_)


def _activity(model: Model, x: Floats) -> Floats:
    total = np.bincount(
        model.row, weights=model.value * x[model.column], minlength=len(model.row_low)
    )
    return total.astype(np.float64)
