"""What an engine has answered to small models: the same question has the same answer.

A search that finds nothing better asks again, round after round, what it asked of the same plan
before.
"""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace
from typing import Any

import numpy as np

from solver.child import Request
from solver.effort import Answer, Effort
from solver.model import Model

#: Models of more columns hardly ever come back; so many numbers are kept in all.
_MOST_COLUMNS = 5_000
_MOST_NUMBERS = 2_000_000


class Answers:
    """Remembers answers to mixed-integer models of few columns."""

    def __init__(self) -> None:
        """Know nothing."""
        self._known: dict[bytes, Answer] = {}
        self._numbers = 0

    @staticmethod
    def key(request: Request) -> bytes | None:
        """Return what tells a question from others; None: its answer is not kept."""
        kind, model, effort = request
        if kind != "integer" or effort is None or len(model.cost) > _MOST_COLUMNS:
            return None
        told = hashlib.blake2b(digest_size=16)
        for value in (*_parts(model), *_parts(effort)):
            told.update(_bytes(value) + b"|")
        return told.digest()

    def of(self, key: bytes | None) -> Answer | None:
        """Return the answer to a question; None: it is not known."""
        found = None if key is None else self._known.get(key)
        return None if found is None else replace(found, x=found.x.copy())

    def keep(self, key: bytes | None, answer: Any) -> None:
        """Keep an answer; what was kept is forgotten where it would be too much in all."""
        if key is None or not isinstance(answer, Answer):
            return
        if self._numbers > _MOST_NUMBERS:
            self._known.clear()
            self._numbers = 0
        self._known[key] = replace(answer, x=answer.x.copy())
        self._numbers += len(answer.x)


def _parts(one: Model | Effort) -> list[Any]:
    return [getattr(one, field.name) for field in fields(one)]


def _bytes(value: Any) -> bytes:
    """A part of a question; an array with its length, so that no two run into each other."""
    if isinstance(value, np.ndarray):
        return str(len(value)).encode() + b":" + value.tobytes()
    return repr(value).encode()
