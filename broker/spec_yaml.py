"""YAML or JSON text to plain data, with the line of everything in it.

Scalars follow YAML 1.2's core schema: only ``true`` and ``false`` are booleans, so that the
country NO stays a text. Tags, several documents, duplicate keys and very large input are
refused, each with its line; nothing in a file can run code or grow beyond its size.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import yaml

from broker.errors import Fault, SpecError

#: Place of a value inside a file: keys and list indices from the root.
Place = tuple[str | int, ...]

MOST_DEPTH: Final = 40
MOST_ALIASED_VALUES: Final = 10_000

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE: Final = frozenset({"true", "True", "TRUE"})
_FALSE: Final = frozenset({"false", "False", "FALSE"})
_INTEGER: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_SURROGATES: Final = re.compile(r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})", re.IGNORECASE)
_TAB_REMEDY: Final = "indent with spaces; YAML allows no tab there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a file holds.

    Attributes:
        source: the file's name, for messages.
        data: mappings, lists, `str`, `int`, `Decimal`, `bool` and None.
        lines: place -> 1-based line of its key (or list item).
        faults: place -> duplicate keys and unreadable values, found on the way.
    """

    source: str
    data: object
    lines: Mapping[Place, int]
    faults: Mapping[Place, Fault] = field(default_factory=dict)


def dotted(place: Place) -> str:
    """Return a place as people write it: ``services[0].demand[2].from``."""
    text = ""
    for part in place:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def parse_document(text: str, *, source: str) -> Document:
    """Return what `text` holds; `source` names it in messages.

    Raises:
        SpecError: when it is not one YAML or JSON document.
    """
    if text.lstrip().startswith("{"):
        text = _as_yaml(text)
    composer = _Composer(source=source, events=_events(text, source))
    data = composer.document()
    return Document(source=source, data=data, lines=composer.lines, faults=composer.faults)


def _as_yaml(json_text: str) -> str:
    """Return JSON as the YAML parser takes it: no tabs, no characters in two halves."""
    spaced = json_text.replace("\t", " ")  # JSON may indent with tabs; in texts they are escaped

    def joined(match: re.Match[str]) -> str:
        high, low = int(match[1], 16), int(match[2], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))

    return _SURROGATES.sub(joined, spaced)


def _events(text: str, source: str) -> Iterator[yaml.Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise _syntax_fault(error, text, source) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise refused(
            source,
            found=f"the control character U+{_code_point(error.character):04X}",
            expected="text",
            remedy="remove it",
            line=line,
        ) from None


def _code_point(character: object) -> int:
    return ord(character) if isinstance(character, str) else int(str(character))


def _syntax_fault(error: yaml.MarkedYAMLError, text: str, source: str) -> SpecError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 0
    lines = text.splitlines()
    written = lines[line - 1] if 0 < line <= len(lines) else ""
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" in indent:
        found, expected, remedy = "a tab", "spaces", _TAB_REMEDY
    else:
        problem = str(error.problem).removeprefix("found ")
        found = f"`{written.strip()[:60]}` ({problem})" if written else problem
        expected = "valid YAML"
        remedy = "check indentation, colons, quotes and brackets at and above this line"
    return refused(source, found=found, expected=expected, remedy=remedy, line=line)


def refused(source: str, *, found: str, expected: str, remedy: str, line: int = 0) -> SpecError:
    """Return the error of a file that holds nothing to go on with."""
    fault = Fault(path="", found=found, expected=expected, remedy=remedy, line=line)
    return SpecError(source, [fault])


@dataclass(slots=True, kw_only=True)
class _Composer:
    """Builds data from parser events, counting what aliases add.

    Attributes:
        source: the file's name.
        events: what the parser sees, in order.
        lines, faults: as `Document` has them.
        anchors: anchor -> its value and how many values are in it.
        values: values built or repeated so far.
        aliased: values that aliases repeated so far.
    """

    source: str
    events: Iterator[yaml.Event]
    lines: dict[Place, int] = field(default_factory=dict)
    faults: dict[Place, Fault] = field(default_factory=dict)
    anchors: dict[str, tuple[object, int]] = field(default_factory=dict)
    values: int = 0
    aliased: int = 0

    def document(self) -> object:
        """Return the data of the one document there must be."""
        event = next(self.events)
        while isinstance(event, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        data = self.value(event, ())
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise refused(
                    self.source,
                    found="a second document (`---`)",
                    expected="one document in a file",
                    remedy="put each spec into a file of its own",
                    line=_line(event),
                )
        return data

    def value(self, event: yaml.Event, place: Place) -> object:
        """Return the value that starts with `event`."""
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            raise TypeError(f"a parser event that starts no value: {event}")
        self.check(event, place)
        before, self.values = self.values, self.values + 1
        if isinstance(event, yaml.MappingStartEvent):
            data: object = self.mapping(place)
        elif isinstance(event, yaml.ScalarEvent):
            data = self.scalar(event, place)
        else:
            data = self.sequence(place)
        if event.anchor:
            self.anchors[event.anchor] = (data, self.values - before)
        return data

    def check(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, place: Place) -> None:
        """Refuse tags and deep nesting."""
        if event.tag not in (None, "!"):
            self.fault(place, f"the tag {event.tag}", "plain values", event, "remove the tag")
        if len(place) > MOST_DEPTH:
            raise refused(
                self.source,
                found=f"more than {MOST_DEPTH} levels",
                expected=f"at most {MOST_DEPTH} levels of lists and mappings",
                remedy="check indentation and brackets",
                line=_line(event),
            )

    def alias(self, event: yaml.AliasEvent) -> object:
        """Return the value of an anchor seen before."""
        if event.anchor not in self.anchors:
            raise refused(
                self.source,
                found=f"*{event.anchor}",
                expected="an alias of an anchor that ended above it",
                remedy=f"write &{event.anchor} where the value stands first",
                line=_line(event),
            )
        data, size = self.anchors[event.anchor]
        self.values += size
        self.aliased += size
        if self.aliased > MOST_ALIASED_VALUES:
            raise refused(
                self.source,
                found=f"aliases that repeat more than {MOST_ALIASED_VALUES} values",
                expected="fewer",
                remedy="write the values out, or group like workloads into one",
                line=_line(event),
            )
        return data

    def mapping(self, place: Place) -> dict[str, object]:
        """Return a mapping; of a key written twice the first counts, and it is a fault."""
        data: dict[str, object] = {}
        lines: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.key(event, place)
            inside = (*place, key)
            if key in lines:
                found = f"the key `{key}` a second time (first on line {lines[key]})"
                self.fault(inside, found, "each key once", event, "keep one of the two")
                self.value(next(self.events), (*place, f"{key} (again)"))
                continue
            lines[key] = self.lines[inside] = _line(event)
            data[key] = self.value(next(self.events), inside)
        return self.merged(data, place) if "<<" in data else data

    def merged(self, data: dict[str, object], place: Place) -> dict[str, object]:
        """Return a mapping with the templates under its key ``<<`` filled in; own keys win."""
        templates = data.pop("<<")
        for template in templates if isinstance(templates, list) else [templates]:
            if isinstance(template, dict):
                data = {**template, **data}
            else:
                self.faults[*place, "<<"] = Fault(
                    path=dotted((*place, "<<")),
                    found="something that is no mapping",
                    expected="an alias of a mapping, such as *template",
                    line=self.lines[*place, "<<"],
                )
        return data

    def key(self, event: yaml.Event, place: Place) -> str:
        """Return a key as written; anything but a scalar is refused."""
        if isinstance(event, yaml.ScalarEvent):
            return str(event.value)
        raise refused(
            self.source,
            found="a list, a mapping or an alias as a key"
            + (f" in {dotted(place)}" if place else ""),
            expected="a plain key",
            remedy="put texts that begin with [, {, * or & in quotes",
            line=_line(event),
        )

    def sequence(self, place: Place) -> list[object]:
        """Return a list."""
        data: list[object] = []
        for event in self.events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            inside = (*place, len(data))
            self.lines[inside] = _line(event)
            data.append(self.value(event, inside))
        return data

    def scalar(self, event: yaml.ScalarEvent, place: Place) -> object:
        """Return the value of a scalar: quoted ones are texts, plain ones by their look."""
        text = event.value
        if not event.implicit[0]:
            return str(text)
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        if _INTEGER.fullmatch(text) or _FLOAT.fullmatch(text):
            return self.number(event, place)
        if _NOT_FINITE.fullmatch(text):
            self.fault(place, text, "a finite number", event)
            return 1
        return str(text)

    def number(self, event: yaml.ScalarEvent, place: Place) -> int | Decimal:
        """Return a number exactly as written; one beyond every use is a fault."""
        text = event.value
        if text.startswith(("0o", "0x")):
            return int(text, 0)
        if abs(float(text)) > 1e300:
            self.fault(place, text[:40], "a finite number below 1e15", event)
            return 1
        return int(text) if _INTEGER.fullmatch(text) else Decimal(text)

    def fault(
        self, place: Place, found: str, expected: str, event: yaml.Event, remedy: str = ""
    ) -> None:
        """Note a fault at `place` and go on."""
        self.faults[place] = Fault(
            path=dotted(place),
            found=found,
            expected=expected,
            remedy=remedy,
            line=_line(event),
        )


def _line(event: yaml.Event) -> int:
    mark = event.start_mark
    return mark.line + 1 if mark else 0
