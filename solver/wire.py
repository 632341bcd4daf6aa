"""Arrays as fields of protobuf messages, written as bytes: no Python object for any number.

Only what the messages of an engine need: packed repeated numbers (wire type 2: a tag, the length
in bytes, the bytes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

_LENGTH_DELIMITED = 2
_BITS = 7
_MORE = 0x80


def field(number: int, payload: bytes) -> bytes:
    """Return field `number` of a message, which holds `payload`: packed numbers."""
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(payload)) + payload


def whole(values: ArrayLike) -> bytes:
    """Return whole numbers >= 0, int64[.], as packed varints.

    All take as many bytes as the largest; readers accept the leading zeros of the others.
    """
    left = np.asarray(values, np.uint64)
    width = max(1, -(-int(left.max(initial=0)).bit_length() // _BITS))
    groups = np.empty((len(left), width), np.uint8)
    for place in range(width):
        # Seven bits a byte, the lowest first; the eighth says that more follow.
        groups[:, place] = (left >> np.uint64(_BITS * place)).astype(np.uint8) | np.uint8(_MORE)
    groups[:, -1] &= _MORE - 1
    return groups.tobytes()


def doubles(values: NDArray[np.float64]) -> bytes:
    """Return float64[.] as packed doubles."""
    return values.astype("<f8", copy=False).tobytes()


def truths(values: NDArray[np.bool_]) -> bytes:
    """Return bool[.] as packed bools."""
    return values.astype(np.uint8, copy=False).tobytes()


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= _MORE:
        found.append(number & (_MORE - 1) | _MORE)
        number >>= _BITS
    found.append(number)
    return bytes(found)
