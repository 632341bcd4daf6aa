"""A small spec and market for tests of the planner's parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.rules.rule import Scene
from broker.scene import build_scene
from broker.spec import load_spec
from broker.workloads import Spec

HEAD = (
    "provider,region,zone,instance_type,accelerator,accelerators,vcpus,memory_gib,fabric,option,"
    "usd_per_hour,upfront_usd,available,interruptions_per_hour,source,observed_at"
)
#: p5 in two zones and on spot, an NVL machine without RDMA, a term, a slice, a CPU machine.
ROWS = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,5,,list,2026-07-20",
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,192,2048,rdma,on-demand,50,,,,list,2026-07-20",
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma,spot,20,,2,0.05,list,2026-05-01",
    "azure,westeurope,-,NC80,H100-NVL,2,80,640,none,on-demand,14,,,,list,2026-06-18",
    "azure,westeurope,-,NC80,H100-NVL,2,80,640,none,reserved-1y,0,87600,,,list,2026-06-18",
    "gcp,europe-west4,europe-west4-a,a3-highgpu-8g,H100,8,208,1872,rdma,on-demand,60,,3,,list,"
    "2026-08-03",
    "aws,us-east-1,use1-az1,g6f.large,L4,0.125,2,8,none,on-demand,0.2,,,,list,2026-07-20",
    "gcp,europe-west4,-,n2-standard-16,,0,16,64,none,on-demand,0.8,,,,list,2026-08-03",
)


def market(*rows: str) -> Market:
    """Return the market of `rows`, of all of them when none is given."""
    return read_offers_csv("\n".join([HEAD, *(rows or ROWS)]).encode(), name="tiny")


def spec(folder: Path, text: str) -> Spec:
    """Return the spec of `text`, version line added."""
    path = folder / "spec.yaml"
    path.write_text(f"version: 1\nperiod: 100h\n{text}", encoding="utf-8")
    return load_spec(path)


def scene(folder: Path, text: str, rows: Sequence[str] = ()) -> Scene:
    """Return the scene of a spec text on a market of `rows`."""
    return build_scene(spec(folder, text), market(*rows))
