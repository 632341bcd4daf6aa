"""Instances of benchmarks: whole, servable, and the same in every process."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import pytest

from benchmarks.instances import SIZES, Regime, Size, draw, on_offers
from broker.planning import make_plan
from broker.spec import checked, spec_from_data
from broker.spec_data import spec_to_data
from broker.workloads import Spec, Verb
from solver.solution import SearchLimits

SMALL = Size(workloads=20, offers=1_500)


@pytest.mark.parametrize("rules", ["all", "none"])
@pytest.mark.parametrize("regime", list(Regime))
def test_a_drawn_spec_is_one_that_a_user_could_write(regime: Regime, rules: str) -> None:
    """It passes every check that a file gets, and reading it back gives the same spec."""
    spec, market = draw(Size(workloads=200, offers=3_000), regime, seed=3, rules=rules)
    assert checked(spec, market) == spec
    assert spec_from_data(spec_to_data(spec)) == spec


def test_the_same_arguments_give_the_same_bytes_in_another_process() -> None:
    """Spec and market are equal byte by byte, whatever seed hashes have."""
    here = _digest(*_drawn())
    code = "from tests.benchmarks.test_instances import _digest, _drawn; print(_digest(*_drawn()))"
    there = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "77"},
    )
    assert there.stdout.strip() == here


def test_another_seed_gives_another_instance() -> None:
    """Neither the fleet nor the capacities are those of the first seed."""
    first, other = draw(SMALL, seed=1), draw(SMALL, seed=2)
    assert first[0] != other[0]
    assert first[1].digest != other[1].digest


@pytest.mark.parametrize("rules", ["all", "none"])
def test_the_fleet_stays_while_offers_grow(rules: str) -> None:
    """On more offers the spec is the same, and the fewer are among them."""
    few, market = draw(on_offers(SIZES["S"], 1_250), rules=rules)
    same, larger = draw(on_offers(SIZES["S"], 2_500), rules=rules)
    assert same == few
    assert (market.offers.height, larger.offers.height) == (1_250, 2_500)
    ids = ["provider", "region", "zone", "instance_type", "option"]
    assert market.offers.join(larger.offers, on=ids, how="anti").is_empty()


@pytest.mark.parametrize("rules", ["all", "none"])
def test_a_normal_day_serves_everybody(rules: str) -> None:
    """The plan of a small instance leaves nothing unmet."""
    spec, market = draw(SMALL, Regime.NORMAL, seed=1, rules=rules)
    planning = make_plan(spec, market, limits=SearchLimits(gap=0.05, seconds=60))
    assert planning.plan.unmet == ()


def test_contested_capacity_leaves_some_demand_unmet() -> None:
    """The plan of a small contested instance cannot serve everybody."""
    spec, market = draw(SMALL, Regime.CONTESTED, seed=1, rules="none")
    planning = make_plan(spec, market, limits=SearchLimits(gap=0.05, seconds=60))
    assert planning.plan.unmet != ()


def test_every_kind_and_rule_is_drawn() -> None:
    """Five hundred workloads hold every kind, a third each, and every rule of the list."""
    spec, market = draw(Size(workloads=500, offers=3_000), seed=1)
    sizes = [len(spec.training), len(spec.services), len(spec.batch)]
    assert sum(sizes) == 500
    assert max(sizes) - min(sizes) <= 1
    assert {rule.verb for rule in spec.policy.exclusivity} == set(Verb)
    assert {one.survive for one in spec.services} == {None, "zone", "region", "provider"}
    assert {one.spread.regions for one in spec.services if one.spread} == {2, 3}
    assert any(one.reads for one in spec.training)
    assert any(one.reads for one in spec.batch)
    assert {one.priority for one in spec.workloads} == {0, 1, 2, 3}
    assert None not in (spec.policy.budget, spec.policy.carbon)
    assert all((spec.policy.power, spec.policy.export_control, spec.policy.concentration))
    assert all((spec.holdings.reservations, spec.holdings.discounts, spec.holdings.commitments))
    assert any(one.where.requires for one in spec.workloads)
    assert spec.stability is not None
    assert spec.stability.current
    assert market.quotas.height > 0
    assert market.offers["available"].null_count() == 0


def test_only_all_or_none_of_the_rules_can_be_asked_for() -> None:
    """Another word is refused by name."""
    with pytest.raises(ValueError, match="'some'"):
        draw(SMALL, rules="some")


def _drawn() -> tuple[Spec, str]:
    spec, market = draw(SMALL, seed=5)
    return spec, market.digest


def _digest(spec: Spec, market_digest: str) -> str:
    text = json.dumps(spec_to_data(spec), sort_keys=True) + market_digest
    return hashlib.sha256(text.encode()).hexdigest()
