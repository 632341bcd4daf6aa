"""Quotas as rows over the stock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from broker.market import QUOTA_SCHEMA, Market
from broker.planning import make_plan
from broker.quotas import plain_family, quota_rows
from broker.stock import build_stock
from tests.broker.planning_inputs import market, scene, spec

TRAINING = "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"


def rows_of(folder: Path, quotas: str, of: Market | None = None) -> list[tuple[str, list[str]]]:
    """Return (label, offers counted) per quota row."""
    one = spec(folder, TRAINING + f"quotas: [{quotas}]\n")
    stock = build_stock(one, of or market())
    ids = stock.frame["id"]
    return [
        (row.label, [ids[int(index)] for index in row.rows])
        for row in quota_rows(one, of or market(), stock)
    ]


def test_a_quota_counts_the_rows_it_names_in_each_region_by_itself(tmp_path: Path) -> None:
    """An accelerator quota without a region gives one row per region that has the card."""
    found = rows_of(tmp_path, "{provider: aws, accelerator: H100, limit: 64, unit: gpus}")
    assert [label for label, _ in found] == ["aws/us-east-1 H100 (gpus)"]
    assert len(found[0][1]) == 3
    every = rows_of(
        tmp_path, "{provider: aws, type: 'p5*', option: spot, limit: 1, unit: instances}"
    )
    assert every[0][1] == ["aws/us-east-1/use1-az1/p5.48xlarge/spot"]


def test_family_names_match_however_they_are_spelt() -> None:
    """Case, spaces and punctuation do not count."""
    assert plain_family("Standard NCASv3_T4 Family") == plain_family("standardNCASv3T4Family")


def test_the_specs_quota_replaces_the_markets_of_the_same_kind(tmp_path: Path) -> None:
    """Same provider, region, selector and option: the spec's limit holds, the others stay."""
    base = {"provider": "aws", "region": "us-east-1", "family": "", "instance_type": ""}
    base |= {"option": "", "unit": "gpus"}
    quotas = pl.DataFrame(
        [base | {"accelerator": "H100", "limit": 8.0}, base | {"accelerator": "L4", "limit": 1.0}],
        schema=dict(QUOTA_SCHEMA),
    )
    owning = replace(market(), quotas=quotas)
    text = "{provider: aws, region: us-east-1, accelerator: H100, limit: 64, unit: gpus}"
    one = spec(tmp_path, TRAINING + f"quotas: [{text}]\n")
    rows = quota_rows(one, owning, build_stock(one, owning))
    assert sorted((row.label, str(row.limit)) for row in rows) == [
        ("aws/us-east-1 H100 (gpus)", "64"),
        ("aws/us-east-1 L4 (gpus)", "1.0"),
    ]


@pytest.mark.parametrize(("limit", "zones"), [(16, {"aws"}), (8, {"aws", "gcp"})])
def test_plans_keep_quotas(tmp_path: Path, limit: int, zones: set[str]) -> None:
    """Two gangs of eight fit a quota of 16; with 8, one goes to another cloud."""
    text = (
        "training: [{name: a, accelerators: 'H100:8', hours: 10}, "
        "{name: b, accelerators: 'H100:8', hours: 10}]\n"
        f"quotas: [{{provider: aws, accelerator: H100, limit: {limit}, unit: gpus}}]\n"
    )
    plan = make_plan(spec(tmp_path, text), market()).plan
    assert {one.provider for one in plan.placements} == zones
    assert plan.is_whole


def test_rows_of_unknown_size_are_refused_under_a_quota(tmp_path: Path) -> None:
    """A machine of unknown vCPUs could break a vCPU quota unseen."""
    from broker.candidates import find_candidates

    row = "aws,us-east-1,use1-az1,p9,H100,8,,2048,rdma,on-demand,1,,,,list,2026-07-20"
    text = TRAINING + "quotas: [{provider: aws, type: 'p*', limit: 999, unit: vcpus}]\n"
    found = find_candidates(scene(tmp_path, text, [row]))[0]
    assert not found.admitted.any()
    assert [(one.rule, one.offers) for one in found.exclusions] == [("quota", 1)]
