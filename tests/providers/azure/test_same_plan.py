"""A plan on what a refresh read from an emulated Azure is the plan on what filled it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from broker.fetching import ConcurrentFetcher
from broker.plans import Placement
from broker.provider import Scope
from broker.refresh import refresh
from broker.snapshot import read_market, write_market
from broker.workflow import plan_file
from providers.azure import connect
from providers.emulation.azure import AzureSite
from providers.emulation.azure_world import world_of
from tests.providers.azure.worlds import HASTE, served, settings_of

SPEC = """
version: 1
start: 2026-12-01
training:
  - {name: pretrain, accelerators: H100:16, hours: 300}
services:
  - name: chat
    accelerators: H100:8
    throughput: 10
    demand: [{from: paris, rate: 90}]
    purchase: [on-demand, reserved-1y]
batch:
  - {name: embed, accelerators: T4:1, work: 5000h, spot: {checkpoint: 5m, restart: 10m}}
  - {name: slices, accelerators: A10:1, work: 1000h}
  - {name: plain, shapes: [{vcpus: 8, memory: 32 GiB}], work: 100h}
"""
REGIONS = ["eastus", "westeurope", "westus3", "centralindia"]


def test_the_way_through_the_cloud_changes_no_placement_and_no_cost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Placements, purchases and costs agree; only sources and dates differ."""
    embedded = read_market(["embedded"])
    azure = (pl.col("provider") == "azure") & pl.col("region").is_in(REGIONS)
    before = replace(embedded, offers=embedded.offers.filter(azure))
    with served(monkeypatch, AzureSite(world_of(before))) as emulator:
        found = refresh(
            {"azure": lambda: connect(settings_of(emulator))},
            scope=Scope(),
            fetcher_for=lambda _: ConcurrentFetcher(patience=HASTE),
            now=datetime(2026, 11, 23, tzinfo=UTC),
        )
    assert not found.has_gaps
    write_market(before, tmp_path / "before")
    write_market(found.market, tmp_path / "after")
    (tmp_path / "spec.yaml").write_text(SPEC)
    one, other = (
        plan_file(tmp_path / "spec.yaml", markets=[str(tmp_path / name)], baseline=False)
        for name in ("before", "after")
    )
    assert one.unmet == ()
    assert len(one.placements) >= 5
    assert _undated(one.placements) == _undated(other.placements)
    assert one.purchases == other.purchases
    assert one.cost == other.cost


def _undated(placements: Sequence[Placement]) -> list[Placement]:
    return [replace(one, price_source="", price_observed_at=None) for one in placements]
