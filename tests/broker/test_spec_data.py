"""A spec becomes plain data that reads back as the same spec."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

from broker.spec import load_spec, spec_from_data, spec_to_data

EVERYTHING = """
period: 100h
training:
  - {name: pretrain, accelerators: H100:16, hours: 90, priority: 10}
  - {name: sweep, accelerators: A100:48, hours: 50, where: {residency: [EU, "NO", mine]}}
services:
  - name: chat
    shapes: [{accelerators: H100:8}, {accelerators: [L4, T4], count: 4, speed: 0.2}]
    throughput: 12.5
    headroom: 25%
    demand: [{from: paris, rate: 240}, {from: {lat: 40.7, lon: -74}, rate: 160}]
    latency: {rtt: 50ms, share: 80%}
    labels: {team: chat}
batch:
  - {name: embed, gpu: 24GB..80GB:2, work: 150h, deadline: 100h,
     data: {in: gcp/europe-west4, gb: 1 TB}, spot: {checkpoint: 6m, restart: 12m}}
  - {name: cpu, vcpus: 16, memory: 64 GiB, nodes: 3, work: 1d}
policy:
  country_groups: {mine: [CH, GB]}
  exclusivity:
    - {workloads: ["*"], only: [aws, gcp], why: because}
    - {tenants: {a: [pretrain], b: [sweep, "ch*"]}, apart: zone}
    - {workloads: [chat], first_refusal: azure, margin: 5%, until: 2027-01-31}
holdings:
  reservations: [{pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 2}]
  commitments: [{provider: azure, spend: 38B, from: 2026-01-01, to: 2030-12-31}]
  discounts: [{provider: aws, types: [p5*], on: [on-demand], off: 12%}]
  savings_plans:
    - {name: sp, provider: aws, per_hour: 2.5k, off: 27%, types: [p5*], regions: [us-*]}
    - {provider: azure, per_hour: 9, rates: reserved-1y, from: 2026-01-01, until: 2026-12-31}
quotas: [{provider: aws, region: us-east-1, family: p, limit: 100, unit: vcpus}]
assume: {instances_per_pool: {on-demand: 200, spot: 50}}
stability:
  current:
    - {workload: chat, pool: aws/us-east-1/use1-az1/p5.48xlarge, instances: 2}
    - {workload: embed, pool: gcp/europe-west4/-/a2-ultragpu-1g, option: spot, instances: 1}
  move_cost: {chat: 5k, "s*": 0}
  restart: 15m
  max_moves: 0
  min_saving: 1k
  freeze: ["ch*"]
"""


def test_every_field_survives_the_way_to_data_and_back(tmp_path: Path) -> None:
    """A spec that uses every part of the language equals itself read back from JSON."""
    path = tmp_path / "spec.yaml"
    path.write_text(EVERYTHING)
    spec = load_spec(path)
    assert spec_from_data(json.loads(json.dumps(spec_to_data(spec)))) == spec


def test_units_are_fixed_and_names_resolved(tmp_path: Path) -> None:
    """Hours, GB, shares, groups of countries and globs are read into the normal form."""
    path = tmp_path / "spec.yaml"
    path.write_text(EVERYTHING)
    spec = load_spec(path)
    assert spec.batch[0].data is not None
    assert spec.batch[0].data.gb == 1000
    assert spec.batch[0].spot is not None
    assert spec.batch[0].spot.checkpoint == Decimal("0.1")
    assert {"CH", "DE", "NO"} <= set(spec.training[1].where.residency or ())
    assert spec.services[0].shapes[0].per_node == 8
    assert spec.services[0].shapes[1].accelerators == ("L4", "T4")
    assert spec.policy.exclusivity[1].tenants == {"a": ("pretrain",), "b": ("sweep", "chat")}
    assert spec.holdings.commitments[0].spend == 38 * 10**9
