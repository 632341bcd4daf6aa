"""A shape is refused only when no machine of the market could ever hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker.errors import SpecError
from broker.market_csv import read_offers_csv
from broker.spec import load_spec

_CSV = """\
provider,region,zone,instance_type,accelerator,accelerators,memory_gib,vcpus,fabric,option,\
usd_per_hour
aws,us-east-1,a,rack,GB200,4,900,144,nvlink-rack,on-demand,50
aws,us-east-1,a,pod,H100,8,2048,192,rdma,on-demand,50
aws,us-east-1,a,solo,L4,4,,,none,on-demand,4
aws,us-east-1,a,unknown,T4,4,64,16,,on-demand,2
aws,us-east-1,a,cpu,,0,32,8,none,on-demand,0.4
"""


def verdict(shape: str, path: Path, *, kind: str = "training") -> str:
    """Return the path of the fault that a workload with `shape` has, or nothing."""
    own = {"training": "hours: 1", "batch": "work: 1"}[kind]
    path.write_text(f"{kind}: [{{name: a, {own}, {shape}}}]\n")
    try:
        load_spec(path, read_market=lambda _: read_offers_csv(_CSV.encode(), name="m.csv"))
    except SpecError as error:
        (fault,) = error.faults
        return fault.path
    return ""


@pytest.mark.parametrize(
    ("shape", "fault"),
    [
        ("accelerators: H100:64", ""),
        ("accelerators: GB200:72", ""),  # a rack joins its hosts better than RDMA would
        ("accelerators: 'GB200:72', fabric: nvlink-rack", ""),
        ("accelerators: 'H100:64', fabric: nvlink-rack", "training[0].fabric"),
        ("accelerators: L4:4", ""),  # one machine: nothing to join
        ("accelerators: L4:8", "training[0].accelerators"),
        ("accelerators: 'L4:8', fabric: any", ""),
        ("accelerators: 'L4:8', fabric: rdma", "training[0].fabric"),
        ("accelerators: T4:8", ""),  # its fabric is unknown, which speaks against nothing
        ("accelerators: 'L4:4', memory: 9 TiB", ""),  # so is its memory
        ("accelerators: 'H100:8', vcpus: 193", "training[0].vcpus"),
        ("accelerators: 'H100:16', per_node: 16", "training[0].per_node"),
        ("accelerators: 'H100:0.5'", ""),
        ("accelerators: [L4, H100], count: 64", ""),  # the second can
        ("gpu: '20GB..30GB:4'", ""),
        ("gpu: '300GB..'", "training[0].gpu"),
        ("vcpus: 8", ""),
        ("vcpus: 9", "training[0].vcpus"),
        ("vcpus: 8, nodes: 2", "training[0].vcpus"),
        ("vcpus: 8, nodes: 2, fabric: any", ""),
    ],
)
def test_training(shape: str, fault: str, tmp_path: Path) -> None:
    """A gang needs RDMA between its nodes unless it says otherwise or fits into one."""
    assert verdict(shape, tmp_path / "s.yaml") == fault


def test_batch_needs_no_network(tmp_path: Path) -> None:
    """Batch units stand alone, so that any machine that is large enough will do."""
    assert verdict("accelerators: L4:8", tmp_path / "s.yaml", kind="batch") == ""
