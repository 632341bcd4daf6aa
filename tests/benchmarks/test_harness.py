"""The harness of benchmarks: how contenders are run, what is kept, what is compared."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import __main__ as harness
from benchmarks import compact_models, compare, results
from benchmarks.contender import INTERFACES
from benchmarks.instances import Regime, Size, draw
from benchmarks.optimizer import problem_of
from benchmarks.processes import run
from benchmarks.reduced import without
from broker.planning import make_plan
from broker.spec import checked
from solver.model import Model
from solver.solution import SearchLimits

SMALL: dict[str, Any] = {"workloads": 6, "offers": 600, "seed": 1, "rules": "none"}
ASKED: dict[str, Any] = {**SMALL, "regime": "normal", "gap": 0.01, "seconds": 30}
WAYS = (compact_models.Arrays, compact_models.Pulp, compact_models.Pywraplp)


def test_a_program_is_ended_with_all_that_it_started_when_it_takes_too_long() -> None:
    """The reason is kept, and processor time of the process below counts."""
    below = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    done = run([sys.executable, "-c", below], most_s=1, most_mib=2_000)
    assert (done.code, done.why_ended) == (None, "not done in 1 s")
    assert done.cpu_s > 0


def test_a_program_is_ended_when_it_takes_too_much_memory() -> None:
    """Resident memory is what counts."""
    hungry = "import time; held = bytearray(300 << 20); time.sleep(20)"
    done = run([sys.executable, "-c", hungry], most_s=20, most_mib=150)
    assert done.why_ended == "more than 150 MiB"
    assert done.peak_mib is not None
    assert done.peak_mib > 150


def test_a_contender_that_fails_says_why() -> None:
    """The message of the error is kept, and nothing is made up."""
    found = harness.measured(
        ASKED | {"contender": "plan", "rules": "?"}, most_s=60, most_mib=2_000
    )
    assert "expected 'all' or 'none'" in found["why_ended"]
    assert "cost" not in found


def test_plan_and_cheapest_first_are_measured_and_compared_at_equal_service(
    tmp_path: Path,
) -> None:
    """Both serve everybody on a small normal day, and the plan is no dearer beyond its gap."""
    options = harness.parse(["S", "--rules", "none", "--seconds", "30", "--gap", "0.01"])
    runs = harness.compared(Size(workloads=6, offers=600), options, lambda _text: None)
    assert list(runs) == ["plan", "greedy"]
    plan = runs["plan"]
    assert plan["cost"]["total"] >= plan["bound"] > 0
    assert plan["unmet_workloads"] == {}
    assert plan["first_plan_cpu_s"] <= plan["cpu_s"]
    ratio = harness.ratio_to_greedy(runs)
    assert ratio is not None
    assert ratio >= 1 - 0.01
    found = _results(runs)
    assert f"{ratio:.3f} x the plan" in harness.report(found)
    results.write(found, tmp_path / "a.json")
    assert results.read(tmp_path / "a.json") == json.loads(json.dumps(found))


def test_costs_are_not_compared_where_service_differs() -> None:
    """A plan that leaves somebody unmet costs less, which says nothing."""
    served = {"cost": {"total": 10.0}, "unmet_workloads": {}}
    unserved = {"cost": {"total": 4.0}, "unmet_workloads": {"a": 0.5}}
    assert harness.ratio_to_greedy({"plan": served, "greedy": unserved}) is None
    alike = {"plan, served alike": served, "greedy, served alike": served}
    both = {"plan": served, "greedy": unserved, **alike}
    assert harness.ratio_to_greedy(both) == 1.0


def test_a_reduced_spec_names_none_of_the_workloads_that_are_gone() -> None:
    """It is still a spec that a user could write, and can be planned."""
    spec, market = draw(Size(workloads=30, offers=2_000), seed=2)
    gone = {one.name for one in spec.workloads[::3]}
    left = without(spec, gone)
    assert len(left.workloads) == 20
    assert checked(left, market) == left
    assert not gone & {name for rule in left.policy.exclusivity for name in rule.workloads}


@pytest.mark.parametrize("way", WAYS)
def test_every_interface_finds_the_optimum_of_the_compact_model(way: type) -> None:
    """The plan's own cost is that optimum, where everything is served."""
    if way is compact_models.Pulp:
        pytest.importorskip("pulp")
    spec, market = draw(Size(workloads=4, offers=400), Regime.NORMAL, seed=4, rules="none")
    model = compact_models.arrays(problem_of(spec, market))
    interface = way()
    interface.build(model)
    interface.hand_over()
    found = compact_models.judged(model, interface.solve(0.0, 60))
    plan = make_plan(spec, market, limits=SearchLimits(gap=0.0)).plan
    assert plan.is_whole
    assert found["is_feasible"]
    assert found["objective"] == pytest.approx(float(plan.cost.total), abs=0.05)


def test_a_point_that_breaks_a_row_is_told() -> None:
    """The answer of an engine is not believed but worked out again."""
    one, zero = np.ones(1), np.zeros(1, np.int64)
    model = Model(
        cost=2 * one,
        low=0 * one,
        high=9 * one,
        integral=np.ones(1, np.bool_),
        row=zero,
        column=zero,
        value=one,
        row_low=3 * one,
        row_high=np.full(1, np.inf),
    )
    short = compact_models.Solved(outcome="optimal", x=2 * one, bound=None)
    assert compact_models.judged(model, short)["is_feasible"] is False
    enough = compact_models.Solved(outcome="optimal", x=3 * one, bound=None)
    found = compact_models.judged(model, enough)
    assert (found["is_feasible"], found["objective"]) == (True, 6.0)


def test_an_interface_is_measured_in_a_process_of_its_own() -> None:
    """Its sizes and times come back, and no answer where none was asked for."""
    asked = {**ASKED, "contender": "compact", "interface": INTERFACES[-1], "seconds": 0}
    found = harness.measured(asked, most_s=60, most_mib=2_000)
    assert min(found["columns"], found["rows"], found["entries"]) > 0
    assert "objective" not in found
    table = results.compact_table({INTERFACES[-1]: found})
    assert INTERFACES[-1] in table


def test_files_of_another_version_are_refused(tmp_path: Path) -> None:
    """The message says what to do."""
    path = tmp_path / "old.json"
    path.write_text('{"format": 0}')
    with pytest.raises(ValueError, match="found format 0, expected 1; run it again"):
        results.read(path)


def test_results_of_other_instances_have_files_of_their_own() -> None:
    """Size, regime and rules name a file; the number of offers and the seed where asked for."""
    instance = {"name": "M", "regime": "normal", "rules": "none", "offers": 5000, "seed": 1}
    assert results.file_name(instance) == "M-normal-none.json"
    assert results.file_name(instance | {"rules": "all"}) == "M-normal-all.json"
    asked = instance | {"offers": 10000, "fleet_offers": 1250}
    assert results.file_name(asked) == "M-normal-none-10000-offers.json"
    assert results.file_name(asked | {"seed": 2}) == "M-normal-none-10000-offers-seed-2.json"


def test_too_few_offers_for_the_fleet_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The message names the fewest."""
    assert harness.parse(["M", "--offers", "1250"]).offers == 1250
    with pytest.raises(SystemExit):
        harness.parse(["M", "--offers", "1249"])
    assert "found 1249, expected 1250 or more" in capsys.readouterr().err


def test_a_machine_is_named_by_processor_and_cores_alone() -> None:
    """No name of the host, no user, no path."""
    assert set(results.machine()) == {"cpu", "cores"}


def test_two_results_of_one_instance_are_compared_by_ratio() -> None:
    """Half the cost is 0.500; files of two instances are refused."""
    old = _results({"plan": {"cost": {"total": 10.0}, "gap": 0.02}})
    new = _results({"plan": {"cost": {"total": 5.0}, "gap": 0.01}})
    assert "0.500" in compare.comparison(old, new)
    other = new | {"instance": {**new["instance"], "seed": 2}}
    with pytest.raises(ValueError, match="expected the instance"):
        compare.comparison(old, other)


def _results(runs: dict[str, Any]) -> dict[str, Any]:
    return {
        "format": results.FORMAT,
        "machine": results.machine(),
        "versions": results.versions(),
        "instance": {"name": "tiny", "regime": "normal", **SMALL},
        "runs": runs,
    }
