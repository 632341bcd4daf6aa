"""Small markets and specs for tests of rules: four offers of 8 H100 and one of CPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import SpecError
from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.planning import make_plan
from broker.plans import Plan
from broker.spec import load_spec
from broker.workloads import Spec

HEADER = (
    "provider,region,zone,instance_type,accelerator,accelerators,memory_gib,vcpus,fabric,"
    "option,usd_per_hour"
)
AWS = "aws/us-east-1/use1-az1/p5.48xlarge/on-demand"
AZURE = "azure/westeurope/-/ND96isr_H100_v5/on-demand"
GCP = "gcp/europe-west4/europe-west4-a/a3-highgpu-8g/on-demand"
OWNED = "aws/us-east-1/use1-az1/p5.48xlarge/owned"
ROWS = """\
aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,40
azure,westeurope,-,ND96isr_H100_v5,H100,8,1900,96,rdma,on-demand,60
gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,1872,208,rdma,on-demand,80
gcp,europe-west4,europe-west4-a,n2-standard-8,,0,32,8,none,on-demand,0.4
"""
#: 1,000 h of a unit of 8 H100, divisible: 40,000 USD where it is cheapest.
EMBED = "batch: [{name: embed, accelerators: 'H100:8', work: 1000h}]\n"


def market(rows: str = ROWS, *, more: str = "", header: str = HEADER) -> Market:
    """Return a market of CSV rows, `more` after them."""
    return read_offers_csv(f"{header}\n{rows}{more}".encode(), name="tiny.csv")


def spec(text: str, folder: Path, on: Market) -> Spec:
    """Return the spec that `text` states, checked against the market."""
    path = folder / "spec.yaml"
    path.write_text(f"start: 2026-12-01\n{text}")
    return load_spec(path, read_market=lambda _: on)


def planned(text: str, folder: Path, on: Market | None = None) -> Plan:
    """Return the audited plan of a spec's text."""
    on = on or market()
    return make_plan(spec(text, folder, on), on).plan


def hours(plan: Plan) -> dict[str, float]:
    """Return offer -> billed instance-hours."""
    found: dict[str, float] = {}
    for one in plan.placements:
        found[one.offer] = found.get(one.offer, 0.0) + float(one.instance_hours)
    return found


def refused(text: str, folder: Path, on: Market | None = None) -> SpecError:
    """Return the error with which a spec is refused before anything is solved."""
    with pytest.raises(SpecError) as caught:
        planned(text, folder, on)
    return caught.value
