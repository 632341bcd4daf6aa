"""The part of OData's filter language that Azure's price and catalogue APIs understand.

``a eq 'x'``, ``contains(a,'x')``, ``contains(a,'x') eq false``, ``and``, ``or``, parentheses.
Names and values are case-sensitive, as the price API is since its 2023-01-01-preview.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

Matches = Callable[[Mapping[str, object]], bool]

_TOKEN: Final = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[\w/]+))")


def parse_filter(text: str) -> Matches:
    """Return a test of rows for a filter.

    Raises:
        ValueError: for what the language does not know.
    """
    parser = _Parser(_tokens(text))
    matches = parser.alternatives()
    parser.expect_end()
    return matches


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"a filter; stopped at {text[position:]!r}")
        tokens.append(match[0].strip())
        position = match.end()
    return tokens


class _Parser:
    """Recursive descent over tokens: `or` binds weaker than `and`."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = tokens
        self._at = 0

    def alternatives(self) -> Matches:
        parts = [self._conjunction()]
        while self._take("or"):
            parts.append(self._conjunction())
        return lambda row: any(part(row) for part in parts)

    def expect_end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError(f"the end of the filter at {self._tokens[self._at]!r}")

    def _conjunction(self) -> Matches:
        parts = [self._term()]
        while self._take("and"):
            parts.append(self._term())
        return lambda row: all(part(row) for part in parts)

    def _term(self) -> Matches:
        if self._take("("):
            inner = self.alternatives()
            self._demand(")")
            return inner
        if self._take("contains"):
            return self._contains()
        name = self._next()
        self._demand("eq")
        value = _literal(self._next())
        return lambda row: _found(row, name) == value

    def _contains(self) -> Matches:
        self._demand("(")
        name = self._next()
        self._demand(",")
        part = _literal(self._next())
        self._demand(")")
        wanted = _literal(self._next()) if self._take("eq") else True
        return lambda row: (str(part) in str(_found(row, name))) is wanted

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise ValueError("more after the end of the filter")
        self._at += 1
        return self._tokens[self._at - 1]

    def _take(self, token: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at] == token:
            self._at += 1
            return True
        return False

    def _demand(self, token: str) -> None:
        found = self._next()
        if found != token:
            raise ValueError(f"{token!r} in place of {found!r}")


def _literal(written: str) -> object:
    if written.startswith("'"):
        return written[1:-1].replace("''", "'")
    if written in {"true", "false"}:
        return written == "true"
    raise ValueError(f"a text in quotes, true or false in place of {written!r}")


def _found(row: Mapping[str, object], name: str) -> object:
    """Return a field, following ``outer/inner``."""
    found: object = row
    for key in ("type" if part == "priceType" else part for part in name.split("/")):
        found = found.get(key, "") if isinstance(found, Mapping) else ""
    return found
