"""Faults of a spec, each once, each with its line: collected while the spec is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from broker.errors import Fault
from broker.spec_yaml import Place, dotted

#: What a rule of exclusivity may say; its key in the file.
#: Keys of the policy that hold a list of rules, or one rule alone.
ONE_OR_MORE: Final = ("concentration", "export_control", "power")
VERBS: Final = ("only", "never", "apart", "together", "alone", "first_refusal")

_LONGEST: Final = 60


@dataclass(slots=True, kw_only=True)
class FaultList:
    """The faults found so far.

    A fault inside something that is faulty already is its consequence, and is left out.

    Attributes:
        lines: place -> line.
        found: place -> its fault, in the order of finding.
        kept: place of a list from which faulty items were taken -> the index that each item
            left in it had in the file.
    """

    lines: Mapping[Place, int] = field(default_factory=dict)
    found: dict[Place, Fault] = field(default_factory=dict)
    kept: dict[Place, list[int]] = field(default_factory=dict)

    def add(self, place: Place, found: object, *, expected: str, remedy: str = "") -> None:
        """Note that `found` stands at `place` where `expected` would be right."""
        place = self.written(place)
        if any(place[:length] in self.found for length in range(len(place) + 1)):
            return
        self.found[place] = Fault(
            path=printable(dotted(place)),
            found=printable(found) if isinstance(found, _Words) else shown(found),
            expected=printable(expected),
            remedy=printable(remedy),
            line=self.line(place),
        )

    def has(self, place: Place) -> bool:
        """Return whether anything at or inside `place` is faulty."""
        place = self.written(place)
        return any(other[: len(place)] == place for other in self.found)

    def written(self, place: Place) -> Place:
        """Return where the user wrote what stands at `place` of the normal form."""
        place = self._original(place)
        if place[2:4] == ("shapes", 0) and place[:3] not in self.lines:
            return (*place[:2], *place[4:])
        if place[2:4] == ("reads", 0) and place[:4] not in self.lines:
            return (*place[:3], *place[4:])
        if place[:2] == ("policy", "exclusivity") and place[3:4] in {("scope",), ("scopes",)}:
            verbs = [v for v in VERBS if (*place[:3], v) in self.lines]
            inside = () if verbs == ["first_refusal"] else place[4:]
            return (*place[:3], *verbs[:1], *inside)
        if place[:1] == ("policy",) and place[1:2] and place[1] in ONE_OR_MORE:
            return place if (*place[:2], 0) in self.lines else (*place[:2], *place[3:])
        return place

    def _original(self, place: Place) -> Place:
        """Return `place` with the indices that the file has."""
        parts = list(place)
        for position, part in enumerate(place):
            around = tuple(parts[:position])
            if isinstance(part, int) and around in self.kept:
                parts[position] = self.kept[around][part]
        return tuple(parts)

    def line(self, place: Place) -> int:
        """Return the line of `place`, or of what it stands in; 0 where none is known."""
        for length in range(len(place), 0, -1):
            if place[:length] in self.lines:
                return self.lines[place[:length]]
        return 0

    def sorted(self) -> list[Fault]:
        """Return the faults in the order of the file."""
        return sorted(self.found.values(), key=lambda fault: (fault.line, fault.path))


@dataclass(frozen=True, slots=True)
class Here:
    """A place in a spec at which faults can be noted.

    Attributes:
        faults: takes them.
        place: keys and indices from the root.
    """

    faults: FaultList
    place: Place = ()

    def at(self, *parts: str | int) -> Here:
        """Return a place further inside."""
        return Here(self.faults, (*self.place, *parts))

    def fault(self, found: object, *, expected: str, remedy: str = "") -> None:
        """Note that `found` stands here where `expected` would be right."""
        self.faults.add(self.place, found, expected=expected, remedy=remedy)

    @property
    def is_faulty(self) -> bool:
        """True when a fault was noted here, or further inside."""
        return self.faults.has(self.place)

    @property
    def line(self) -> int:
        """Line in the file; 0 where none is known."""
        return self.faults.line(self.faults.written(self.place))


class _Words(str):
    """A description of what was found, to be shown as it is."""

    __slots__ = ()


def words(text: str) -> str:
    """Return `text` marked as a description, in contrast to a value that is quoted."""
    return _Words(text)


def shown(value: object) -> str:
    """Return a value as a person would recognise it, on one line and not too long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = printable(str(value))
    return f"`{text[:_LONGEST]}`" if text else "an empty text"


def printable(text: str) -> str:
    """Return `text` without anything that could move a terminal's cursor or begin a line."""
    return "".join(one if one.isprintable() else "?" for one in text)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``did you mean ...?`` for the known names most like `name`, or nothing."""
    folded = {str(other).casefold(): str(other) for other in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    return f"did you mean {' or '.join(folded[one] for one in close)}?" if close else ""


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """Return names as an enumeration, cut after `most`."""
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest
