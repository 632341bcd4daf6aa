"""A restricted model with a point in it, improved a few demands at a time.

Columns belong to demands or link several. To solve for some demands, the columns of all others
keep their values and move to the right sides; rows and links that the few do not touch fall away.
Whatever rules a model states, a neighbourhood keeps them, because it is cut from its rows.

Links that only *follow* (which group has a scope) get the least values that their rows allow
whenever they have been decided, so those of others stand in nobody's way and need not be decided
again. Links that are *tied* to a few demands (what one reads of another) are decided with these
alone: a row of costs or of steps would join all of them to every cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from solver.model import Model, by_row
from solver.problem import Bools, Floats

Longs = NDArray[np.int64]
LINK = -1
_NO_COLUMNS: Longs = np.empty(0, np.int64)
#: Part of a row's value by which roundings may miss its ends.
_KEPT = 1e-6
#: Part of its value by which roundings may leave the least of a column above its most.
_CROSSED = 1e-9
#: Numbers are sorted where there are fewer than one for so many, else marked: the faster of both.
_FEW_OF = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparse:
    """A matrix by its lines: entries of line i are ``start[i]:start[i+1]``."""

    start: Longs
    index: Longs
    value: Floats

    @classmethod
    def of(cls, line: Longs, index: Longs, value: Floats, lines: int) -> Sparse:
        """Sort triples by line."""
        order = np.argsort(line, kind="stable")
        start = np.searchsorted(line[order], np.arange(lines + 1)).astype(np.int64)
        return cls(start=start, index=index[order], value=value[order])

    def entries(self, lines: Longs) -> tuple[Longs, Longs, Floats]:
        """Return (position in `lines`, index, value) of every entry of `lines`."""
        size = self.start[lines + 1] - self.start[lines]
        ends = np.cumsum(size)
        total = int(ends[-1]) if len(ends) else 0
        where = np.repeat(self.start[lines] - (ends - size), size) + np.arange(total)
        position = np.repeat(np.arange(len(lines), dtype=np.int64), size)
        return position, self.index[where], self.value[where]


class Incumbent:
    """A model, the values of its columns, and what its rows add up to."""

    def __init__(
        self,
        model: Model,
        owner: Longs,
        x: Floats,
        follows: Longs = _NO_COLUMNS,
        tied: tuple[Longs, Longs] = (_NO_COLUMNS, _NO_COLUMNS),
    ) -> None:
        """Start from a point.

        Args:
            model: the model.
            owner: int64[N], demand of each column or `LINK`.
            x: float64[N], the point.
            follows: int64[.], links without cost that rows only ask to be as high as others are.
            tied: int64[n] twice, links and demands that move them; a link may have several.
        """
        self.model = model
        self.x = x.copy()
        self._taken = 0
        self._by_column = Sparse.of(model.column, model.row, model.value, len(model.cost))
        self._is_link = owner == LINK
        self._tied = tied
        joins = self._is_link.copy()
        joins[tied[0]] = False
        link = joins[model.column]
        self._links_by_row = Sparse.of(
            model.row[link], model.column[link], model.value[link], len(model.row_low)
        )
        order = np.argsort(owner, kind="stable")
        self._columns = order
        self._first = np.searchsorted(owner[order], np.arange(int(owner.max(initial=-1)) + 2))
        self._activity = np.bincount(
            model.row, weights=model.value * x[model.column], minlength=len(model.row_low)
        )
        self._follows = np.zeros(len(x), np.bool_)
        self._follows[follows] = True
        self._let_follow(follows)

    @property
    def cost(self) -> float:
        """Cost of the point."""
        return float(self.model.cost @ self.x)

    @property
    def activity(self) -> Floats:
        """float64[K], the value of each row."""
        return np.asarray(self._activity, np.float64)

    def keeps(self, rows: Bools) -> bool:
        """Return whether the point keeps some rows, bool[K], up to roundings."""
        model, total = self.model, self._activity
        slack = _KEPT * np.maximum(1.0, np.abs(total))
        kept = (total >= model.row_low - slack) & (total <= model.row_high + slack)
        return bool(kept[rows].all())

    def rows_of(self, columns: Longs) -> Bools:
        """Return bool[K], the rows that hold any of `columns`, int64[.]."""
        rows = np.zeros(len(self._activity), np.bool_)
        rows[self._by_column.entries(columns)[1]] = True
        return rows

    def columns_of(self, demands: Longs) -> Longs:
        """Return int64[.], the columns of some demands; the last ones may have none."""
        known = demands[demands < len(self._first) - 1]
        parts = [self._columns[self._first[one] : self._first[one + 1]] for one in known]
        return np.concatenate([np.empty(0, np.int64), *parts])

    def cut(self, demands: Longs) -> Cut:
        """Return the model of `demands`, everything else held where it is."""
        column, demand = self._tied
        tied = column[np.isin(demand, demands)]
        return self._cut(self._with_links(np.concatenate([self.columns_of(demands), tied])))

    def only(self, columns: Longs) -> Cut:
        """Return the model of some columns alone, int64[.], ascending."""
        return self._cut(columns)

    def cut_links(self) -> Cut:
        """Return the model of the links alone, every demand held where it is."""
        return self._cut(np.flatnonzero(self._is_link))

    def _cut(self, free: Longs) -> Cut:
        position, row, value = self._by_column.entries(free)
        rows, at = _distinct(row, len(self._activity))
        own = np.bincount(at, weights=value * self.x[free[position]], minlength=len(rows))
        held = self._activity[rows] - own
        row, column, value = by_row(at, position, value)
        model = Model(
            cost=self.model.cost[free],
            low=self.model.low[free],
            high=self.model.high[free],
            integral=self.model.integral[free],
            row=row,
            column=column,
            value=value,
            row_low=self.model.row_low[rows] - held,
            row_high=self.model.row_high[rows] - held,
        )
        known = self.x[free]
        model = _with_bounds(_with_room(model, known))
        return Cut(model=model, free=free, known=known, after=self._taken)

    def _with_links(self, columns: Longs) -> Longs:
        """Add the linking columns whose rows `columns` touch, and those these touch in turn.

        None that is tied to certain demands. Of those that follow, only the ones that `columns`
        themselves touch.
        """
        seen, fresh = np.zeros(len(self.x), np.bool_), np.unique(columns)
        found = [fresh]
        seen[fresh] = True
        while len(fresh):
            rows = np.unique(self._by_column.entries(fresh)[1])
            near = np.unique(self._links_by_row.entries(rows)[1])
            near = near[~seen[near] & ((len(found) == 1) | ~self._follows[near])]
            seen[near] = True
            found.append(near)
            fresh = near[~self._follows[near]]
        return np.sort(np.concatenate(found))

    def take_beside(self, cut: Cut, x: Floats) -> bool:
        """Take `x` as `take` does; False: what was taken since the cut is in its way, and stays.

        Others may have changed what it decides, or taken what it wants.
        """
        if cut.after < self._taken and not (self.x[cut.free] == cut.known).all():
            return False
        before = self._taken
        self.take(cut, x)
        if cut.after == before or self.keeps(self.rows_of(cut.free)):
            return True
        self.take(cut, cut.known)
        self._taken = before  # nothing has changed
        return False

    def take(self, cut: Cut, x: Floats) -> None:
        """Give the free columns of `cut` the values `x`, whole ones rounded."""
        self._taken += 1
        self._set(cut.free, np.where(self.model.integral[cut.free], np.rint(x), x))
        self._let_follow(cut.free[self._follows[cut.free]])

    def _let_follow(self, columns: Longs) -> None:
        """Give `columns`, int64[n], the least values that each of their rows lets them have."""
        position, row, value = self._by_column.entries(columns)
        own = value * self.x[columns[position]]
        end = np.where(value > 0, self.model.row_low[row], self.model.row_high[row])
        least = self.model.low[columns]
        np.maximum.at(least, position, (end - self._activity[row] + own) / value)
        whole = self.model.integral[columns]
        self._set(columns, np.where(whole, np.ceil(least - _KEPT), least))

    def _set(self, columns: Longs, x: Floats) -> None:
        change = x - self.x[columns]
        position, row, value = self._by_column.entries(columns)
        np.add.at(self._activity, row, value * change[position])
        self.x[columns] = x


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The model of a neighbourhood.

    Attributes:
        model: n columns.
        free: int64[n], which of the whole model it decides.
        known: float64[n], their values when it was cut.
        after: how many had been taken by then.
    """

    model: Model
    free: Longs
    known: Floats
    after: int

    def where(self, column: Longs) -> Longs:
        """Return int64[.], positions of those of `column` that are free."""
        at = np.searchsorted(self.free, column)
        inside = at < len(self.free)
        found = at[inside]
        return np.asarray(found[self.free[found] == column[inside]], np.int64)


def _distinct(number: Longs, count: int) -> tuple[Longs, Longs]:
    """Return what occurs in `number`, all < `count`, ascending, and where each stands in it."""
    if len(number) * _FEW_OF < count:
        found, at = np.unique(number, return_inverse=True)
        return found, at
    occurs = np.zeros(count, np.bool_)
    occurs[number] = True
    return np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[number]


def _with_room(model: Model, x: Floats) -> Model:
    """Widen right sides by what roundings have made of them, so that `x` itself stays allowed."""
    total = np.bincount(model.row, weights=model.value * x[model.column], minlength=0)
    total = np.concatenate([total, np.zeros(len(model.row_low) - len(total))])
    scale = 1e-9 * np.maximum(1.0, np.abs(total))
    near_low = (total < model.row_low) & (total >= model.row_low - 1e3 * scale)
    near_high = (total > model.row_high) & (total <= model.row_high + 1e3 * scale)
    model.row_low[near_low] = total[near_low]
    model.row_high[near_high] = total[near_high]
    return model


def _with_bounds(model: Model) -> Model:
    """Turn rows of a single column into bounds.

    There may be very many: all who are held have a say on columns that link demands.
    """
    single = np.bincount(model.row[model.value != 0], minlength=len(model.row_low)) == 1
    alone = single[model.row]
    entry = alone & (model.value != 0)
    row, column, value = model.row[entry], model.column[entry], model.value[entry]
    ends = np.stack([model.row_low[row], model.row_high[row]]) / value
    low, high = model.low.copy(), model.high.copy()
    np.maximum.at(low, column, ends.min(axis=0))
    np.minimum.at(high, column, ends.max(axis=0))
    if (low > high + _CROSSED * np.maximum(1.0, np.abs(high))).any():
        return model  # nothing keeps these rows, and that is for the engine to say
    number = np.cumsum(~single) - 1
    return Model(
        cost=model.cost,
        low=np.minimum(low, high),
        high=high,
        integral=model.integral,
        row=number[model.row[~alone]],
        column=model.column[~alone],
        value=model.value[~alone],
        row_low=model.row_low[~single],
        row_high=model.row_high[~single],
    )
