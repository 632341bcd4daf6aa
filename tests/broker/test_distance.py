"""Distances on the globe and the least round trip over them."""

from __future__ import annotations

import pytest

from broker.distance import fibre_floor_ms, great_circle_km


def test_a_degree_on_the_equator_is_111_km() -> None:
    """One degree is 1/360 of the circumference; half way round is the longest way."""
    assert float(great_circle_km(0, 0, 0, 1)) == pytest.approx(111.195, abs=0.001)
    assert float(great_circle_km(0, 0, 0, 180)) == pytest.approx(20015, abs=1)
    assert float(great_circle_km(10, 179.5, 10, -179.5)) == pytest.approx(109.5, abs=0.1)


def test_paris_and_london_are_344_km_apart() -> None:
    """A distance that everybody can check."""
    assert float(great_circle_km(48.8566, 2.3522, 51.5074, -0.1278)) == pytest.approx(344, abs=1)


def test_light_in_fibre_needs_a_ms_for_100_km() -> None:
    """1000 km there and back take 10 ms, and the equipment 0.3 ms."""
    assert fibre_floor_ms([0, 1000]).tolist() == pytest.approx([0.3, 10.3])
