"""Sizes of requests from spec to audited plan: mixes of machines, faults, explanations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from broker.audit import audit
from broker.audit.packing import most_carried
from broker.errors import SpecError
from broker.explanations import explain
from broker.machines import load_carried, loads_carried, weight
from broker.market_csv import read_offers_csv
from broker.plan_file import plan_from_data, plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.plan import plan_text
from broker.sizes import shares_of, stated_rates
from broker.spec import read_spec, spec_from_data
from broker.spec_data import spec_to_data
from broker.workloads import Service, Spec
from solver.asking import Engine

D = Decimal
PAGE = Path(__file__).parents[2] / "docs" / "rules" / "request_sizes.md"
MARKET = read_offers_csv(
    b"""provider,region,zone,instance_type,accelerator,accelerators,option,usd_per_hour,available,interruptions_per_hour,source,observed_at
aws,us-east-1,use1-az1,a10g,A10G,1,on-demand,1.01,20,,list,2026-11-01
aws,us-east-1,use1-az1,a10g,A10G,1,spot,0.30,20,0.1,list,2026-11-01
aws,us-east-1,use1-az1,a100,A100-80,1,on-demand,3.67,20,,list,2026-11-01
gcp,us-east4,us-east4-a,a100,A100-80,1,on-demand,4.00,20,,list,2026-11-01
gcp,us-east4,us-east4-a,t4,T4,1,on-demand,0.60,20,,list,2026-11-01
""",
    name="sizes.csv",
)
FEW_AT_GCP = replace(
    MARKET,
    offers=MARKET.offers.with_columns(
        available=pl.when(pl.col("provider") == "gcp").then(0).otherwise(pl.col("available"))
    ),
)
A10G = "aws/us-east-1/use1-az1/a10g/on-demand"
T4 = "gcp/us-east4/us-east4-a/t4/on-demand"
A100 = "aws/us-east-1/use1-az1/a100/on-demand"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def of_page(**changes: object) -> Spec:
    """Return the spec of the page, its service changed."""
    (text,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    path = Path("page.yaml")
    path.write_text(text, encoding="utf-8")
    data: dict[str, Any] = spec_to_data(read_spec(path).whole())
    data["services"][0] |= changes
    return spec_from_data(data)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in an empty folder."""
    monkeypatch.chdir(tmp_path)


def held(plan: Plan) -> dict[str, int]:
    """Return offer -> instances."""
    return {one.offer: one.instances for one in plan.placements}


def broken(plan: Plan, spec: Spec) -> set[str]:
    """Return the rules that a plan breaks, its digest of another spec aside."""
    return {one.rule for one in audit(plan, spec, MARKET)} - {"inputs"}


def test_the_example_of_the_page_costs_what_it_says(engine: Engine) -> None:
    """Two A10G take the short ones, one A100 the long ones; the screen says so."""
    plan = make_plan(of_page(), MARKET, engine=engine).plan
    assert held(plan) == {A10G: 2, A100: 1}
    assert plan.cost.total == D("569.00")
    assert {(one.size, one.offer, one.rate) for one in plan.size_routes} == {
        ("short", A10G, 18),
        ("long", A100, 12),
    }
    assert [(one.region, one.rate) for one in plan.routes] == [("aws/us-east-1", 30)]
    assert {one.offer: one.served for one in plan.placements} == {A10G: 18, A100: 12}
    assert "chat     long   a100       aws/us-east-1  on-demand    12\n" in plan_text(plan)
    assert plan_from_data(json.loads(plan_to_json(plan))) == plan


def test_a_shape_alone_costs_what_the_page_says(engine: Engine) -> None:
    """Fourteen A10G, or three A100."""
    shapes = spec_to_data(of_page())["services"][0]["shapes"]
    for shape, offer, count in ((shapes[0], A10G, 14), (shapes[1], A100, 3)):
        alone = make_plan(of_page(shapes=[shape]), MARKET, engine=engine).plan
        assert held(alone) == {offer: count}


def test_headroom_and_speed_count_for_every_size(engine: Engine) -> None:
    """Half as much again takes 1.5 A100, whose rest takes short ones; speed takes it back."""
    plan = make_plan(of_page(headroom="50%"), MARKET, engine=engine).plan
    # 27 short ones less 0.5 x 15 on the second A100 leave 19.5: 2 x 9, and a T4 for the rest.
    assert held(plan) == {A10G: 2, A100: 2, T4: 1}
    shapes = [dict(one, speed=1.5) for one in spec_to_data(of_page())["services"][0]["shapes"]]
    plan = make_plan(of_page(headroom="50%", shapes=shapes), MARKET, engine=engine).plan
    assert held(plan) == {A10G: 2, A100: 1}


def test_spot_takes_its_share_of_what_is_sent(engine: Engine) -> None:
    """At most 30 % of the requests go to spot, and an interruption costs its part of the time."""
    spot = {"checkpoint": "0h", "restart": "1h", "max_share": "30%"}
    plan = make_plan(of_page(spot=spot), MARKET, engine=engine).plan
    on_spot = sum(one.rate for one in plan.size_routes if one.offer.endswith("spot"))
    assert 8 < on_spot <= 9
    spoilt = of_page(spot=spot | {"max_share": "20%"})
    assert broken(plan, spoilt) == {"max_share"}


def test_survival_holds_for_the_sizes_together(engine: Engine) -> None:
    """Each region alone serves both sizes: 2 A10G and an A100; an A100 and 5 T4 for 18 short."""
    spec = of_page(survive="region")
    plan = make_plan(spec, MARKET, engine=engine).plan
    assert held(plan) == {A10G: 2, A100: 1, "gcp/us-east4/us-east4-a/a100/on-demand": 1, T4: 5}
    assert plan.cost.total == D("569.00") + 100 * (4 + 5 * D("0.60"))
    fewer = make_plan(of_page(), MARKET, engine=engine).plan
    assert broken(fewer, spec) == {"survive"}


def test_a_size_that_no_admitted_offer_serves_is_named(engine: Engine) -> None:
    """Where rules leave T4 alone, long requests are unmet, and the plan says why."""
    shapes = spec_to_data(of_page())["services"][0]["shapes"]
    shapes[1]["accelerators"] = ["H100"]
    spec = of_page(where={"providers": ["gcp"]}, shapes=shapes)
    plan = make_plan(spec, MARKET, engine=engine).plan
    (unmet,) = plan.unmet
    assert unmet.fraction == pytest.approx(D("0.4"), abs=D("1e-6"))
    assert unmet.reasons[0] == "no offer that the rules admit can serve long"


def test_explanations_compare_what_could_run_it_all(engine: Engine) -> None:
    """T4 cannot serve long requests and is no way; each way is priced for both sizes."""
    plan = make_plan(of_page(), MARKET, engine=engine).plan
    (found,) = explain(plan, MARKET)
    ways = {way.offer: way.instances for way in found.chosen}
    assert ways == {A10G: 14, A100: 3}
    assert [one.way.offer for one in found.alternatives] == [
        "gcp/us-east4/us-east4-a/a100/on-demand"
    ]
    assert found.alternatives[0].why_not == "dearer"


def test_first_refusal_prices_the_stated_mix(engine: Engine) -> None:
    """A unit of the mix costs 0.269 USD on an A100 at aws, at gcp from 0.150 on a T4 on.

    30 requests/s of the mix take 2.2 A100, 18 short ones 4.5 T4; both kinds at aws are dearer.
    """
    data = spec_to_data(of_page())
    rule = {"first_refusal": "gcp", "workloads": ["chat"]}
    data["policy"] = {"exclusivity": [rule]}
    plan = make_plan(spec_from_data(data), MARKET, engine=engine).plan
    assert {one.provider for one in plan.placements} == {"gcp"}
    data["services"][0]["where"] = {"regions": ["aws/us-east-1", "gcp/us-east4"]}
    few = make_plan(spec_from_data(data), FEW_AT_GCP, engine=engine).plan
    prices = {one.offer: one.usd_per_work for one in few.overrides}
    assert prices[A100] == pytest.approx(D("3.67") * D("2.2") / 30 * 100, abs=D("1e-6"))
    assert {one.least_usd_per_work for one in few.overrides} == {D(15)}


SPOILS = {
    "where nothing is placed": ({"offer": T4}, {"sizes", "load"}),
    "a size nobody stated": ({"size": "huge"}, {"sizes", "size capacity", "load"}),
    "more than stated": ({"rate": D(20)}, {"sizes", "size capacity"}),
    "less than the route": ({"rate": D(17)}, {"sizes"}),
    "another region": ({"region": "gcp/us-east4"}, {"sizes"}),
    "the other machine": ({"offer": A100, "shape": "A100-80GB:1"}, {"size capacity", "load"}),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILS)
def test_the_audit_sees_wrong_routes_by_size(name: str, engine: Engine) -> None:
    """Each way in which one route by size can be wrong is found."""
    spec = of_page()
    plan = make_plan(spec, MARKET, engine=engine).plan
    changes, rules = SPOILS[name]
    routes = [replace(one, **changes) if one.size == "short" else one for one in plan.size_routes]
    found = broken(replace(plan, size_routes=tuple(routes)), spec)
    assert found
    assert found <= rules


def test_the_audit_sees_a_lower_throughput(engine: Engine) -> None:
    """With the A10G a little slower at short requests, two of them no longer have the time."""
    plan = make_plan(of_page(), MARKET, engine=engine).plan
    shapes = spec_to_data(of_page())["services"][0]["shapes"]
    shapes[0]["throughput"]["short"] = "8.9"
    assert broken(plan, of_page(shapes=shapes)) == {"load", "size capacity"}


def service(**changes: object) -> Service:
    """Return the page's service."""
    return of_page(**changes).services[0]


def test_shares_add_up_to_one_exactly() -> None:
    """Rounded shares are scaled, a share of nothing falls away, rates add up."""
    one = service(
        sizes={"a": "33.33%", "b": "33.33%", "c": "33.33%", "d": "0%"},
        shapes=[{"accelerators": "A10G:1", "throughput": 3}],
    )
    shares = shares_of(one)
    assert sum(shares.values()) == 1
    assert list(shares) == ["a", "b", "c"]
    assert sum(stated_rates(one, one.demand[0]).values()) == one.demand[0].rate


def test_rounded_shares_weigh_alike_in_plan_and_audit(engine: Engine) -> None:
    """What is unmet of a service whose shares are scaled has the weight that the audit finds."""
    third = {"a": "33.33%", "b": "33.33%", "c": "33.33%"}
    shapes = [{"accelerators": "T4:1", "throughput": {"a": 7, "b": 3, "c": 1.7}}]
    spec = of_page(sizes=third, shapes=shapes, where={"providers": ["aws"]})
    plan = make_plan(spec, MARKET, engine=engine).plan
    assert plan.unmet[0].fraction == 1
    assert plan.unmet[0].amount == pytest.approx(
        30 * (1 / D(7) + 1 / D(3) + 1 / D("1.7")) / 3 * 100
    )


def test_an_instance_carries_the_harmonic_mean_of_its_mix() -> None:
    """Of 60 % short at 9 and 40 % long at 1 an A10G carries 1 / (0.6 / 9 + 0.4)."""
    one = service()
    a10g, _, t4 = one.shapes
    assert load_carried(one, a10g, D(1)) == pytest.approx(1 / (D("0.6") / 9 + D("0.4")))
    assert load_carried(one, t4, D(1)) == 4
    assert loads_carried(one, a10g, D(2)) == {"long": 2, "short": 18}
    assert weight(one, D(100)) == pytest.approx(14 * 100)


def test_most_carried_is_a_linear_programme() -> None:
    """Two machines, two sizes, worked out by hand; without edges nothing is carried."""
    supply = {"short": D(18), "long": D(12)}
    time = {
        ("short", "x"): 1 / D(9), ("long", "x"): D(1),
        ("short", "y"): 1 / D(15), ("long", "y"): 1 / D(12),
    }  # fmt: skip
    # x: 9 short; y: the other 9 take 0.6 of its time, 0.4 is left for 4.8 long ones.
    assert most_carried(supply, time) == pytest.approx(D("22.8"))
    assert most_carried(supply, {}) == 0


FAULTS = {
    "shares": ("sizes: {short: 60%, long: 30%}", "sizes", "90% in all", ""),
    "unknown": ("sizes: {short: 60%, long: 40%}", "shapes[0].throughput.lonng", "lonng", "long"),
    "missing": ("sizes: {short: 60%, long: 40%}", "shapes[1].throughput", "for long", "`long: 0`"),
    "negative": ("sizes: {short: 60%, long: 40%}", "shapes[2].throughput", "a mapping", ""),
    "without": ("headroom: 10%", "shapes[0].throughput", "without `sizes`", "add `sizes:`"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_sizes_are_told_together(name: str) -> None:
    """Each mistake has its place, what was read and, where there is one, a remedy."""
    line, place, found, remedy = FAULTS[name]
    path = Path("bad.yaml")
    path.write_text(
        f"services:\n- name: s\n  demand: [{{from: paris, rate: 1}}]\n  {line}\n  shapes:\n"
        "  - {accelerators: 'L4:1', throughput: {short: 4, lonng: 1}}\n"
        "  - {accelerators: 'T4:1', throughput: {short: 4}}\n"
        "  - {accelerators: 'A10G:1', throughput: {short: 4, long: -1}}\n"
    )
    with pytest.raises(SpecError) as caught:
        read_spec(path).whole()
    faults = {one.path: one for one in caught.value.faults}
    assert len(faults) >= 3
    fault = faults[f"services[0].{place}"]
    assert found in fault.found
    assert remedy in fault.remedy


def test_a_size_that_no_shape_serves_is_a_fault() -> None:
    """Zero on every shape is no way to serve a size."""
    with pytest.raises(SpecError, match="`long`, which no shape serves"):
        of_page(shapes=[{"accelerators": "T4:1", "throughput": {"short": 4, "long": 0}}])
