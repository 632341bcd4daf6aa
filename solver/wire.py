"""Arrays as fields of protobuf messages, written as bytes: no Python object for any number.

Only what the messages of an engine need: packed repeated numbers (wire type 2: a tag, the length
in bytes, the bytes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LENGTH_DELIMITED = 2
_BITS = 7
_MORE = 0x80


def field(number: int, payload: memoryview) -> bytes:
    """Return field `number` of a message, which holds `payload`: packed numbers."""
    head = _varint(number << 3 | _LENGTH_DELIMITED) + _varint(payload.nbytes)
    return b"".join((head, payload))


def whole(values: NDArray[np.int64]) -> memoryview:
    """Return whole numbers >= 0, int64[.], as packed varints.

    All take as many bytes as the largest; readers accept the leading zeros of the others.
    """
    most = int(values.max(initial=0))
    width = max(1, -(-most.bit_length() // _BITS))
    # Half the memory where it will do: what a large model costs here is fresh memory.
    left: NDArray[Any] = values.astype(np.uint32 if most < 1 << 32 else np.uint64)
    groups = np.empty((len(left), width), np.uint8)
    for place in range(width):
        # Seven bits a byte, the lowest first; the eighth says that more follow.
        groups[:, place] = left
        left >>= _BITS
    groups |= _MORE
    groups[:, -1] &= _MORE - 1
    return _bytes(groups)


def doubles(values: NDArray[np.float64]) -> memoryview:
    """Return float64[.] as packed doubles."""
    return _bytes(values.astype("<f8", copy=False))


def truths(values: NDArray[np.bool_]) -> memoryview:
    """Return bool[.] as packed bools."""
    return _bytes(values)


def _bytes(values: NDArray[np.generic]) -> memoryview:
    return np.ascontiguousarray(values).reshape(-1).view(np.uint8).data


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= _MORE:
        found.append(number & (_MORE - 1) | _MORE)
        number >>= _BITS
    found.append(number)
    return bytes(found)
