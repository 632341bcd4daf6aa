"""What tests of the solver share: an engine for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from solver.child import EngineProcess


@pytest.fixture(scope="module")
def engine() -> Iterator[EngineProcess]:
    with EngineProcess() as running:
        yield running
