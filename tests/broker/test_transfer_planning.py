"""Plans that move data: what they pay is the price list's bill, and the optimizer knows it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.audit import audit
from broker.candidates import find_candidates
from broker.formulate import formulate
from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.planning import Planning, make_plan
from broker.scene import build_scene
from broker.spec import load_spec
from broker.transfer_terms import bills_of
from broker.workloads import Spec
from solver.problem import NO_ROW
from solver.solution import SearchLimits

_COLUMNS = (
    "provider,region,zone,instance_type,accelerator,accelerators,memory_gib,vcpus,fabric,"
    "option,usd_per_hour,available,interruptions_per_hour,source,observed_at"
)


def market(*offers: tuple[str, str, str, int]) -> Market:
    """Return a market of 8 x H100 machines: place, zone, USD per hour, available."""
    rows = [
        f"{place.replace('/', ',')},{zone},h100-8,H100,8,2048,192,rdma,on-demand,{usd},{count},,"
        "tests,2026-11-01"
        for place, zone, usd, count in offers
    ]
    return read_offers_csv("\n".join([_COLUMNS, *rows]).encode(), name="market.csv")


def spec_of(folder: Path, text: str) -> Spec:
    """Return the spec of a period of 100 h with these workloads."""
    path = folder / "spec.yaml"
    path.write_text(f"version: 1\nperiod: 100h\nstart: 2026-11-01\n{text}")
    return load_spec(path)


def planned(spec: Spec, offers: Market) -> Planning:
    """Plan to optimality."""
    return make_plan(spec, offers, limits=SearchLimits(gap=0.0))


def transfer_of(planning: Planning) -> dict[str, Decimal]:
    """Return USD of transfer by workload."""
    found: dict[str, Decimal] = {}
    for one in planning.plan.placements:
        found[one.workload] = found.get(one.workload, Decimal(0)) + one.cost.transfer
    return found


GANGS = """training:
  - {{name: a, accelerators: "H100:8", hours: 100, data: {{in: {place}, gb: {first}}}}}
  - {{name: b, accelerators: "H100:8", hours: 100, data: {{in: {place}, gb: {second}}}}}
"""
AWS, AZURE = "aws/us-east-1", "azure/eastus"


@pytest.mark.parametrize(
    ("place", "tb", "usd", "seen"),
    [
        (AWS, 10, "891.00", "2024-08"),
        (AWS, 50, "4292.70", "2024-08"),
        (AWS, 60, "5012.20", "2024-08"),
        (AWS, 150, "11312.20", "2024-08"),
        (AZURE, 10, "861.30", "2026-05-06"),
        (AZURE, 50, "4182.64", "2026-05-06"),
        (AZURE, 60, "4899.48", "2026-05-06"),  # of 4,899.475
        (AZURE, 150, "11199.48", "2026-05-06"),  # of 11,199.475
    ],
)
def test_a_plan_pays_the_published_list_to_the_cent(
    place: str, tb: int, usd: str, seen: str, tmp_path: Path
) -> None:
    """Two gangs that must leave a cloud pay one bill of their joint volume; the bound meets it."""
    gangs = GANGS.format(place=place, first=f"{tb * 600} GB", second=f"{tb * 400} GB")
    spec = spec_of(tmp_path, gangs)
    planning = planned(spec, market(("gcp/us-east4", "us-east4-a", "60", 4)))
    paid = transfer_of(planning)
    assert sum(paid.values()) == planning.plan.cost.transfer == Decimal(usd)
    assert abs(paid["a"] - Decimal(usd) * 6 / 10) < Decimal("0.01")
    assert planning.plan.cost.total == 2 * 100 * 60 + Decimal(usd)
    assert planning.plan.proof.cost_bound == pytest.approx(planning.plan.cost.total)
    (sentence,) = [one for one in planning.plan.assumptions if "volume tiers" in one]
    assert sentence.startswith(f"prices of data transfer seen {seen} to {seen}; ")


def test_the_choice_counts_on_the_joint_volume(tmp_path: Path) -> None:
    """200 TB alone would stay at 205 USD/h; two of them move to Google for 62: less per GB.

    200 TB cost 4,403.20 + 102,400 x 0.07 + 46,300 x 0.05 = 13,886.20, which with 6,200 of
    compute is 20,086.20; 400 TB cost 23,886.20, 18,143.10 for each. At 185 USD/h staying costs
    18,500: too little for one alone to leave, too much for two.
    """
    offers = market(
        ("aws/us-east-1", "use1-az1", "185", 4),
        ("gcp/us-east4", "us-east4-a", "62", 4),
    )
    both = spec_of(tmp_path, GANGS.format(place=AWS, first="200 TB", second="200 TB"))
    alone = replace(both, training=both.training[:1])
    assert {one.provider for one in planned(alone, offers).plan.placements} == {"aws"}
    plan = planned(both, offers).plan
    assert {one.provider for one in plan.placements} == {"gcp"}
    assert plan.cost.transfer == Decimal("23886.20")


def test_batch_pays_for_the_share_that_leaves(tmp_path: Path) -> None:
    """Two thirds of the work leave with two thirds of 30 TB: 20,000 GB, 1,742.70."""
    text = (
        "batch:\n  - {name: work, accelerators: H100:8, work: 300h, deadline: 100h,"
        " data: {in: aws/us-east-1, gb: 30 TB}}\n"
    )
    offers = market(
        ("aws/us-east-1", "use1-az1", "50", 1), ("gcp/us-east4", "us-east4-a", "50", 4)
    )
    plan = planned(spec_of(tmp_path, text), offers).plan
    assert plan.cost.transfer == Decimal("921.60") + (20_000 - 10_340) * Decimal("0.085")


def test_lists_within_their_first_step_stay_flat(tmp_path: Path) -> None:
    """90 GB are free and 900 GB leave Google at its first price: no steps in the problem."""
    text = """training:
  - {name: a, accelerators: "H100:8", hours: 10, data: {in: aws/us-east-1, gb: 90 GB}}
  - {name: b, accelerators: "H100:8", hours: 10, data: {in: gcp/us-east4, gb: 900 GB}}
"""
    offers = market(("azure/eastus", "-", "60", 4))
    planning = planned(spec_of(tmp_path, text), offers)
    assert planning.problem.tiers is None
    assert planning.plan.cost.transfer == Decimal("100.58")  # 900 x 0.12 / 1.073741824


def test_classes_are_the_price_lists_that_reach_further(tmp_path: Path) -> None:
    """Virginia to Google is a class of five steps; Virginia to Ohio and home are flat."""
    offers = market(
        ("aws/us-east-1", "use1-az1", "70", 4),
        ("aws/us-east-2", "use2-az1", "70", 4),
        ("gcp/us-east4", "us-east4-a", "60", 4),
    )
    planning = planned(
        spec_of(tmp_path, GANGS.format(place=AWS, first="1 TB", second="1 TB")), offers
    )
    problem = formulate(planning.scene, planning.candidates)
    assert problem.tiers is not None
    assert problem.tiers.class_of.tolist() == [[NO_ROW, NO_ROW, 0]]
    assert problem.tiers.up_to.tolist() == [100, 10340, 51300, 153700, float("inf")]
    assert problem.demands.move_cost.tolist() == [[0.0, 0.01, 0.09]]


def test_moves_cost_place_by_place_what_the_table_says(tmp_path: Path) -> None:
    """Places of one provider are told apart by their region, the user's rows, and being home."""
    own = ("aws/us-east-2,*,0.5", "*,gcp/us-east4,0.03", "azure,aws,0.01")
    (tmp_path / "own.csv").write_text("\n".join(["from,to,usd_per_gb", *own]))
    places = ("aws/us-east-1", "aws/us-east-2", "aws/us-west-2", "aws/atlantis-1")
    places += ("aws/atlantis-2", "azure/eastus", "gcp/us-east4", "gcp/us-west1")
    homes = [*places, "aws/atlantis-3", "nowhere/far", "azure/westeurope"]
    gang = '{{name: g{}, accelerators: "H100:8", hours: 1, data: {{in: {}, gb: 1}}}}'
    gangs = ", ".join(gang.format(number, home) for number, home in enumerate(homes))
    text = f"transfer: {tmp_path}/own.csv\ntraining: [{gangs}]\n"
    scene = build_scene(spec_of(tmp_path, text), market(*((one, "-", "60", 4) for one in places)))
    candidates, bills = find_candidates(scene), bills_of(scene)
    moves = formulate(scene, candidates).demands
    for one, row in zip(candidates, moves.data_row, strict=True):
        home = homes[int(one.workload.name[1:])]
        prices = [scene.transfer.usd_per_gb(home, place) for place in scene.places]
        listed = [bills.price_list(home, place) for place in scene.places]
        cost = [
            float("inf") if price is None else float(some.tiers[0].usd_per_gb if some else price)
            for price, some in zip(prices, listed, strict=True)
        ]
        assert moves.move_cost[row].tolist() == cost, home
        known = [price is not None for price in prices]
        assert one.admitted.tolist() == [known[place] for place in scene.place_of_row], home


def test_the_audit_finds_a_wrong_bill(tmp_path: Path) -> None:
    """A cent too much, or moved from one placement to another, is a violation."""
    spec = spec_of(tmp_path, GANGS.format(place=AWS, first="30 TB", second="30 TB"))
    offers = market(("gcp/us-east4", "us-east4-a", "60", 4))
    plan = planned(spec, offers).plan
    assert audit(plan, spec, offers) == ()
    first, second = plan.placements

    def changed(one: Decimal, other: Decimal) -> list[str]:
        placed = (
            replace(first, cost=replace(first.cost, transfer=first.cost.transfer + one)),
            replace(second, cost=replace(second.cost, transfer=second.cost.transfer + other)),
        )
        found = audit(replace(plan, placements=placed), spec, offers)
        return [violation.text for violation in found if violation.rule == "transfer"]

    cent = Decimal("0.01")
    assert any("5012.20 USD due" in text for text in changed(cent, Decimal(0)))
    assert len(changed(100 * cent, -100 * cent)) == 2
