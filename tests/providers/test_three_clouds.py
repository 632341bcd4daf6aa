"""Three emulated clouds, refreshed and planned on, give the plan of the market they sell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pytest

from broker.cli import main
from broker.market import Market
from broker.registry import emulator
from broker.snapshot import read_market, write_market

REGIONS = (
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eastus",
    "westeurope",
    "us-central1",
    "europe-west4",
)
SPEC = """
version: 1
assume: {instances_per_pool: {on-demand: 4, spot: 2}}
training:
  - {name: tune, accelerators: "H100:16", hours: 100, priority: 10}
services:
  - name: chat
    accelerators: L4:1
    throughput: 10
    demand: [{from: london, rate: 100}, {from: new-york, rate: 80}]
    latency: {rtt: 100ms, share: 95%}
batch:
  - name: embed
    accelerators: A100:8
    work: 400h
    spot: {checkpoint: 5m, restart: 10m}
"""


def few_regions() -> Market:
    """Return the embedded market's offers of seven regions."""
    whole = read_market("embedded")
    offers = whole.offers.filter(pl.col("region").is_in(REGIONS))
    return Market(
        name="few", digest="", taken_at=whole.taken_at, offers=offers, sources=whole.sources
    )


@pytest.fixture
def sold(tmp_path: Path) -> Path:
    """Return the folder of the market that the clouds sell."""
    write_market(few_regions(), tmp_path / "sold")
    return tmp_path / "sold"


@pytest.fixture
def config(
    sold: Path, tmp_path: Path, distribution: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Start the three clouds and return the configuration that points at them."""
    monkeypatch.syspath_prepend(str(distribution))
    market = read_market([sold])
    providers = {}
    with ExitStack() as stack:
        for name in ("aws", "azure", "gcp"):
            started = emulator(name)(market, port=0, latency_s=0, faults=[])
            started.start()
            stack.callback(started.stop)
            for variable, value in started.environment.items():
                monkeypatch.setenv(variable, value)
            providers[name] = {
                "endpoints": dict(started.endpoints),
                "options": dict(started.options),
            }
        # ManagedIdentity is how the emulated Azure hands out tokens.
        monkeypatch.delenv("AZURE_TOKEN_CREDENTIALS")
        path = tmp_path / "config.yaml"
        path.write_text(json.dumps({"providers": providers}))
        yield path


def plan_on(market: Path, tmp_path: Path) -> dict[str, object]:
    """Return the plan of the spec on `market`: where, what, how many, what it costs."""
    spec, out = tmp_path / "spec.yaml", tmp_path / f"plan-{market.name}.json"
    spec.write_text(SPEC)
    code = main(["plan", "-q", str(spec), "--market", str(market), "--out", str(out)])
    plan = json.loads(out.read_text())
    # Google's prices are composed of parts again: the ninth digit of an hour may differ.
    told = ("workload", "offer", "instances", "hours", "owned", "cost")
    placements = [{key: one[key] for key in told} for one in plan["placements"]]
    return {
        "code": code,
        "placements": placements,
        "cost": plan["cost"],
        "unmet": plan["unmet"],
    }


def test_the_same_placements_and_cost(config: Path, sold: Path, tmp_path: Path) -> None:
    """Asked over HTTP and gRPC, the clouds tell what the market said, and the plan is the same."""
    seen = tmp_path / "seen"
    assert main(["refresh", "--config", str(config), "--out", str(seen)]) == 0
    expected, found = plan_on(sold, tmp_path), plan_on(seen, tmp_path)
    assert expected["placements"]
    assert found == expected
