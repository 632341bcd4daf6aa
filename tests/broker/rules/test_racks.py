"""Machines that are sold by the NVLink rack are held and paid for by the rack."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.machines import gang_instances, work_hours
from broker.market import Market
from broker.workloads import Batch, Shape
from tests.broker.rules.ruled import HEADER, hours, market, planned, spec

RACK = "azure/westeurope/-/Standard_ND128isr_NDR_GB200_v6/on-demand"


def racks(*, available: str = "") -> Market:
    """Return a market of GB200 hosts of 4 at 10 an hour, 18 to a rack, and H100 at 100."""
    rows = (
        "azure,westeurope,-,Standard_ND128isr_NDR_GB200_v6,GB200,4,900,128,nvlink-rack,on-demand,"
        f"10,18,{available}\n"
        "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,2048,192,rdma,on-demand,100,,\n"
    )
    return market(rows, header=f"{HEADER},rack_hosts,available")


def test_gang_takes_whole_racks(tmp_path: Path) -> None:
    """80 GB200 are 20 hosts: two racks of 18, so 36 hosts for 10 h at 10."""
    text = "training: [{name: a, accelerators: 'GB200:80', hours: 10}]\n"
    plan = planned(text, tmp_path, racks())
    (one,) = plan.placements
    assert (one.offer, one.instances, one.instance_hours) == (RACK, 36, 360)
    assert plan.cost.total == 3600


def test_service_takes_whole_racks(tmp_path: Path) -> None:
    """A host carries 4; 80 need 20 hosts, so 36 stand for the whole period."""
    text = (
        "period: 10h\nservices: [{name: s, accelerators: 'GB200:1', throughput: 1, "
        "demand: [{from: paris, rate: 80}]}]\n"
    )
    (one,) = planned(text, tmp_path, racks()).placements
    assert (one.instances, one.instance_hours, one.served) == (36, 360, 144)


def test_batch_work_packs_racks(tmp_path: Path) -> None:
    """Units of 4 hosts: 4 fit a rack, so 40 h of one are 10 h of one rack of 18 hosts."""
    text = "period: 10h\nbatch: [{name: b, accelerators: 'GB200:16', work: 40h}]\n"
    (one,) = planned(text, tmp_path, racks()).placements
    assert (one.instances, one.instance_hours) == (18, 180)


@pytest.mark.parametrize(
    ("count", "whole", "billed"), [(4, 18, 1), (8, 18, 2), (16, 18, Decimal("4.5")), (76, 36, 36)]
)
def test_hosts_of_a_unit(count: int, whole: int, billed: Decimal) -> None:
    """A gang rounds up to racks; batch units share a rack as often as they fit."""
    shape = Shape(accelerators=("GB200",), count=Decimal(count), written=f"GB200:{count}")
    batch = Batch(name="b", shapes=(shape,), work=Decimal(1))
    assert gang_instances(shape, Decimal(4), 18) == whole
    assert float(work_hours(batch, shape, Decimal(4), 18)) == pytest.approx(float(billed))


def test_part_of_a_rack_is_not_sold(tmp_path: Path) -> None:
    """Of 35 hosts one rack can be had, and a gang of two racks cannot stand."""
    text = "training: [{name: a, accelerators: 'GB200:80', hours: 10}]\n"
    plan = planned(text, tmp_path, racks(available="35"))
    assert plan.placements == ()
    assert "needs 36 instances" in plan.unmet[0].reasons[0]


def test_quota_counts_whole_racks(tmp_path: Path) -> None:
    """One rack is 72 GPUs: a quota of 71 leaves it out, one of 72 does not."""
    text = "training: [{name: a, accelerators: 'GB200:4', hours: 10}]\nquotas:\n"
    quota = "- {{provider: azure, accelerator: GB200, limit: {}, unit: gpus}}\n"
    assert planned(text + quota.format(71), tmp_path, racks()).placements == ()
    plan = planned(text + quota.format(72), tmp_path, racks())
    assert hours(plan) == {RACK: 180}
    assert any(one.used == "72" for one in plan.binding)


def test_owned_hosts_serve_by_the_rack(tmp_path: Path) -> None:
    """Of 20 owned hosts 18 serve and two stand idle."""
    text = (
        "training: [{name: a, accelerators: 'GB200:8', hours: 10}]\nholdings: {reservations: "
        "[{pool: azure/westeurope/-/Standard_ND128isr_NDR_GB200_v6, instances: 20}]}\n"
    )
    plan = planned(text, tmp_path, racks())
    assert plan.cost.total == 0
    assert plan.owned_idle[0].instances == 2


def test_audit_sees_part_of_a_rack(tmp_path: Path) -> None:
    """A plan for hosts sold singly breaks the rule where they are sold by the rack."""
    text = "training: [{name: a, accelerators: 'GB200:80', hours: 10}]\n"
    single = replace(
        racks(),
        offers=racks().offers.with_columns(rack_hosts=None).cast(dict(racks().offers.schema)),
    )
    plan = planned(text, tmp_path, single)
    assert plan.placements[0].instances == 20
    judged = replace(plan, digests=replace(plan.digests, market=racks().digest))
    found = {one.rule for one in audit(judged, spec(text, tmp_path, racks()), racks())}
    assert found == {"rack", "gang"}
