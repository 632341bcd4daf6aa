"""Plans that begin with an earlier one: what stands of it, what is said, what is optimal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import broker
from broker.assemble import assemble
from broker.audit import audit
from broker.candidates import find_candidates
from broker.cli import main
from broker.errors import BrokerError
from broker.formulate import formulate
from broker.market import Market
from broker.plan_file import plan_from_data, plan_to_json, read_plan
from broker.planning import make_plan
from broker.plans import Plan, Scarce
from broker.scarcity import earlier_prices
from broker.scene import build_scene
from broker.warm_start import begun_from
from broker.workloads import Spec
from solver.asking import Engine
from solver.solution import SearchLimits
from tests.broker.planning_inputs import HEAD, ROWS, market, spec

#: A gang, a service in two places, and a batch.
FLEET = """
training: [{name: gang, accelerators: 'H100:16', hours: 90}]
services:
  - {name: chat, accelerators: 'H100:8', throughput: 1, demand: [{from: paris, rate: 12}]}
batch: [{name: work, accelerators: 'H100-NVL:2', work: 150h}]
"""
EXACT = SearchLimits(gap=0.0)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def started(asked: Spec, on: Market, earlier: Plan, engine: Engine) -> tuple[Plan, int]:
    """What an earlier plan is a start of, assembled as if it were the plan, and what stands."""
    scene = build_scene(asked, on)
    candidates = find_candidates(scene)
    problem = formulate(scene, candidates)
    begun = begun_from(earlier, scene, problem, engine)
    assert begun.start is not None
    return assemble(scene, on, candidates, problem, begun.start), begun.told.standing


def test_an_unchanged_plan_stands_whole(tmp_path: Path, engine: Engine) -> None:
    """On the market it was made on, every placement and every cent of it is there again."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = make_plan(asked, on, limits=EXACT, engine=engine).plan
    again, standing = started(asked, on, plan, engine)
    assert standing == len(plan.placements) > 2
    assert (again.placements, again.cost, again.unmet) == (plan.placements, plan.cost, ())


def test_a_plan_says_which_one_it_began_with(tmp_path: Path, engine: Engine) -> None:
    """The digest of the earlier file, its placements and those that stand; else nothing."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = make_plan(asked, on, limits=EXACT, engine=engine).plan
    again = make_plan(asked, on, limits=EXACT, engine=engine, warm_start=plan).plan
    assert plan.warm_start is None
    assert again.warm_start is not None
    assert again.warm_start.standing == again.warm_start.placements == len(plan.placements)
    assert replace(again, warm_start=None) == plan
    (tmp_path / "plan.json").write_text(plan_to_json(again))
    assert read_plan(tmp_path / "plan.json") == again


def test_what_is_gone_is_left_out(tmp_path: Path, engine: Engine) -> None:
    """A workload that nobody asks for and an offer that nobody sells start with nothing."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = make_plan(asked, on, limits=EXACT, engine=engine).plan
    fewer = market(*(row for row in ROWS if not row.startswith("azure")))
    less, _ = started(asked, fewer, plan, engine)
    assert {one.workload for one in less.unmet} == {"work"}
    other = spec(tmp_path, FLEET.replace("name: gang", "name: other"))
    less, _ = started(other, on, plan, engine)
    assert {one.workload for one in less.unmet} == {"other"}


def test_more_instances_than_there_can_be_stand_nowhere(tmp_path: Path, engine: Engine) -> None:
    """A file with a number of instances that no array holds: the others stand."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = make_plan(asked, on, limits=EXACT, engine=engine).plan
    one, *others = plan.placements
    odd = replace(plan, placements=(replace(one, instances=10**30), *others))
    _, standing = started(asked, on, odd, engine)
    assert standing < len(plan.placements)


def test_less_capacity_leaves_gangs_whole_or_out(tmp_path: Path, engine: Engine) -> None:
    """Of two machines one is left: a gang of two stands nowhere; one of one still does."""
    rows = [ROWS[0], ROWS[5]]
    text = "training: [{name: a, accelerators: 'H100:%d', hours: 90}]\n"
    for accelerators, standing in ((16, 0), (8, 1)):
        asked = spec(tmp_path, text % accelerators)
        plan = make_plan(asked, market(*rows), limits=EXACT, engine=engine).plan
        full = market(rows[0].replace(",5,", ",1,"), rows[1])
        again = make_plan(asked, full, limits=EXACT, engine=engine, warm_start=plan).plan
        assert again.warm_start is not None
        assert again.warm_start.standing == standing
        assert not again.unmet


def test_more_demand_is_served_in_part(tmp_path: Path, engine: Engine) -> None:
    """A service's units of yesterday carry what they can of what is asked today."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = make_plan(asked, on, limits=EXACT, engine=engine).plan
    held = sum(one.served for one in plan.placements if one.workload == "chat")
    more = spec(tmp_path, FLEET.replace("rate: 12", "rate: 24"))
    less, standing = started(more, on, plan, engine)
    (unmet,) = less.unmet
    assert (unmet.workload, round(unmet.fraction, 6)) == ("chat", round(1 - held / 24, 6))
    assert standing == len(plan.placements)
    assert audit(less, more, on) == ()


def test_a_plan_of_other_workloads_is_no_start(tmp_path: Path, engine: Engine) -> None:
    """Nothing of it stands; the plan is the one made without it, and says so."""
    other = spec(tmp_path, FLEET.replace("name: ", "name: no-"))
    asked, on = spec(tmp_path, FLEET), market()
    earlier = make_plan(other, on, limits=EXACT, engine=engine).plan
    plan = make_plan(asked, on, limits=EXACT, engine=engine, warm_start=earlier).plan
    assert plan.warm_start is not None
    assert plan.warm_start.standing == 0
    assert replace(plan, warm_start=None) == make_plan(asked, on, limits=EXACT, engine=engine).plan


def test_python_takes_a_plan_or_its_file(tmp_path: Path) -> None:
    """Both begin alike, and cost what a plan made anew costs."""
    asked, on = spec(tmp_path, FLEET), market()
    plan = broker.plan(asked, on, gap=0.0)
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(plan))
    by_file = broker.plan(asked, on, gap=0.0, warm_start=path)
    assert by_file == broker.plan(asked, on, gap=0.0, warm_start=plan)
    assert by_file.cost == plan.cost


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A folder with a spec, its market and a plan of it."""
    (tmp_path / "market.csv").write_text("\n".join([HEAD, *ROWS]))
    text = f"version: 1\nperiod: 100h\nmarket: {tmp_path}/market.csv\n{FLEET}"
    (tmp_path / "spec.yaml").write_text(text)
    assert main(["plan", f"{tmp_path}/spec.yaml", "--out", f"{tmp_path}/plan.json"]) == 0
    return tmp_path


def test_one_line_says_how_much_stands(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It goes to standard error, and nowhere with -q."""
    command = ["plan", f"{written}/spec.yaml", "--warm-start", f"{written}/plan.json"]
    capsys.readouterr()
    assert main(command) == 0
    count = len(read_plan(written / "plan.json").placements)
    said = f"began with {count} of the {count} placements of {written}/plan.json\n"
    assert capsys.readouterr().err == said
    assert main([*command, "-q"]) == 0
    assert capsys.readouterr().err == ""


def _changed(change: str, data: dict[str, Any]) -> str:
    """The text of a plan that something is wrong with."""
    if change == "another format":
        return json.dumps(data | {"format": 2})
    if change == "no plan":
        return json.dumps([data])
    if change == "a field less":
        del data["placements"][0]["offer"]
    if change == "a word for a number":
        data["placements"][0]["instances"] = "two"
    if change == "no number":
        data["placements"][0]["served"] = "NaN"
    return json.dumps(data)[: 500 if change == "cut off" else None]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("another format", "found format 2; this program reads format 1"),
        ("no plan", "found format None; this program reads format 1"),
        ("a field less", "not a whole plan: KeyError('offer')"),
        ("a word for a number", "found 'two', expected int"),
        ("no number", "found 'NaN', expected a number"),
        ("cut off", "not JSON"),
    ],
)
def test_a_file_that_is_no_plan_ends_with_one(
    change: str, said: str, written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message: which file, what was read, what would be right; nothing is planned."""
    path = written / "plan.json"
    path.write_text(_changed(change, json.loads(path.read_text())))
    capsys.readouterr()
    assert main(["plan", f"{written}/spec.yaml", "--warm-start", str(path)]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.startswith(f"error: reading the plan {path}: ")
    assert said in found.err
    assert "give a file that `broker plan --out FILE` wrote" in found.err


def test_a_file_that_is_not_there_ends_with_one(
    written: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A cron job's first night must be told from a plan that began with something."""
    capsys.readouterr()
    missing = f"{written}/none.json"
    assert main(["plan", f"{written}/spec.yaml", "--warm-start", missing]) == 1
    assert f"reading the plan {missing}: " in capsys.readouterr().err


#: More workloads than one exact model takes, and two machines at a lower price than the others.
MANY = "training:\n" + "".join(
    f"  - {{name: job-{number}, accelerators: 'H100:8', hours: {10 + 5 * number}}}\n"
    for number in range(14)
)
SERVICES = """services:
  - {name: chat, accelerators: 'H100:8', throughput: 1, demand: [{from: paris, rate: 12}]}
"""
SCARCE = (
    ROWS[0].replace(",50,,5,", ",50,,2,"),
    ROWS[0].replace("us-east-1,use1-az1", "us-west-2,usw2-az1").replace(",50,,5,", ",65,,,"),
)


@pytest.fixture(scope="module")
def yesterday(tmp_path_factory: pytest.TempPathFactory) -> tuple[Spec, Market, Plan]:
    """Fourteen trainings, where two machines are the cheapest."""
    asked, on = spec(tmp_path_factory.mktemp("asked"), MANY + SERVICES), market(*SCARCE)
    return asked, on, make_plan(asked, on, limits=SearchLimits(gap=0.02)).plan


def test_a_plan_says_what_scarce_supply_is_worth(
    yesterday: tuple[Spec, Market, Plan],
) -> None:
    """The two cheap machines have a price in the bound, by the offer's id; it is read again."""
    _, _, plan = yesterday
    worth = {one.what: one.usd for one in plan.proof.scarce}
    full = {one.what for one in plan.binding}
    assert worth
    assert set(worth) <= full
    assert all(usd > 0 for usd in worth.values())
    assert plan_from_data(json.loads(plan_to_json(plan))) == plan


def test_prices_are_found_again_by_name_unless_the_offer_has_moved(
    yesterday: tuple[Spec, Market, Plan],
) -> None:
    """The same market gives the same prices; one whose price is another gives none for it."""
    asked, on, plan = yesterday
    scene = build_scene(asked, on)
    problem = formulate(scene, find_candidates(scene))
    same = earlier_prices(plan, scene, problem)
    assert same is not None
    ids = scene.stock.frame["id"].to_list()
    named = {ids[row]: same.capacity[row] for row in np.flatnonzero(same.capacity)}
    assert named == {one.what: pytest.approx(float(one.usd)) for one in plan.proof.scarce}
    moved = build_scene(asked, market(*(row.replace(",50,", ",49,") for row in SCARCE)))
    other = earlier_prices(plan, moved, formulate(moved, find_candidates(moved)))
    assert other is not None
    assert other.capacity.sum() < same.capacity.sum()
    bare = replace(plan, proof=replace(plan.proof, scarce=()))
    assert earlier_prices(bare, scene, problem) is None


@pytest.mark.parametrize("usd", ["-5", "1e300", "0", "1000000", "0.01"])
def test_prices_that_nobody_would_write_do_no_harm(
    yesterday: tuple[Spec, Market, Plan], usd: str
) -> None:
    """The plan is audited, no dearer than yesterday's, and its bound is below the optimum."""
    asked, on, plan = yesterday
    said = tuple(replace(one, usd=Decimal(usd)) for one in plan.proof.scarce)
    said += (Scarce(what="no such thing", usd=Decimal(7)),)
    edited = replace(plan, proof=replace(plan.proof, scarce=said))
    limits = SearchLimits(gap=0.02)
    found = make_plan(asked, on, limits=limits, warm_start=edited).plan
    assert found.cost.total <= plan.cost.total
    assert found.proof.cost_bound <= plan.cost.total
    assert found.proof.gap <= Decimal("0.02")


@pytest.mark.parametrize("usd", ["NaN", "Infinity", "dear", None, []])
def test_a_price_that_is_no_number_is_one_message(
    yesterday: tuple[Spec, Market, Plan], usd: object
) -> None:
    """The file is refused as not whole."""
    data = json.loads(plan_to_json(yesterday[2]))
    data["proof"]["scarce"][0]["usd"] = usd
    with pytest.raises(BrokerError, match="not a whole plan"):
        plan_from_data(data)
