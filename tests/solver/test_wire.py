"""Numbers as the bytes of protobuf messages."""

from __future__ import annotations

import numpy as np
import pytest

from solver.wire import doubles, field, truths, whole


@pytest.mark.parametrize("most", [0, 1, 127, 128, 16_383, 16_384, 2**35, 2**62])
def test_whole_numbers_are_read_back(most: int) -> None:
    """Seven bits a byte, lowest first, the eighth bit set on every byte but the last."""
    numbers = [0, most // 3, most]
    read, value, shift = [], 0, 0
    for byte in whole(np.array(numbers)):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            read.append(value)
            value = shift = 0
    assert read == numbers


def test_fields_by_hand() -> None:
    """Tag (number x 8 + 2), length, payload; a length over 127 takes two bytes."""
    assert field(1, memoryview(b"ab")) == b"\x0a\x02ab"
    assert field(20, memoryview(b"")) == b"\xa2\x01\x00"
    assert field(2, memoryview(bytes(300))) == b"\x12\xac\x02" + bytes(300)
    assert whole(np.array([300, 1])) == b"\xac\x02\x81\x00"
    assert whole(np.empty(0, np.int64)) == b""


def test_doubles_and_truths() -> None:
    """Eight bytes, lowest first; one byte."""
    assert doubles(np.array([1.0])) == b"\x00\x00\x00\x00\x00\x00\xf0\x3f"
    assert truths(np.array([True, False])) == b"\x01\x00"
    assert doubles(np.arange(6.0)[::2]) == doubles(np.array([0.0, 2.0, 4.0]))
