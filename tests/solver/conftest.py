"""What tests of the solver share: an engine for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from solver.asking import Engine


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running
