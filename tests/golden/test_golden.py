"""A small market and spec give the same plan, byte for byte, in every form."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from broker.cli import main
from broker.errors import BrokerError
from broker.plan_file import plan_from_data, plan_to_json, read_plan

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/spec.yaml"))
UNMET = 3
#: Written by the version that had no `--warm-start`; never written anew.
OLD = Path(__file__).parent / "small" / "plan-before-warm-start.json"
FORMS = {"table": "plan.txt", "json": "plan.json", "csv": "plan.csv"}


def printed(case: Path, form: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what the command prints for a case."""
    arguments = ["plan", str(case / "spec.yaml"), "--market", "market.csv", "-o", form]
    assert main(arguments) in {0, UNMET}
    return capsys.readouterr().out


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_plan_is_the_kept_one(
    case: Path,
    form: str,
    update_golden: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each form of the plan equals its file; `--update-golden` writes the files anew."""
    monkeypatch.chdir(case)  # the market's name goes into the plan
    text = printed(case, form, capsys)
    kept = case / FORMS[form]
    if update_golden:
        kept.write_bytes(text.encode())
    assert kept.read_bytes() == text.encode()


def test_a_plan_file_from_before_warm_starts_is_read() -> None:
    """It lacks `warm_start` and `scarce`: the search began anew, and nothing has a price."""
    old = json.loads(OLD.read_text())
    plan = read_plan(OLD)
    assert "warm_start" not in old
    assert "scarce" not in old["proof"]
    proof = old["proof"] | {"scarce": []}
    assert json.loads(plan_to_json(plan)) == old | {"warm_start": None, "proof": proof}


def test_a_plan_file_that_lacks_another_field_is_refused() -> None:
    """The field is named."""
    old = json.loads(OLD.read_text())
    del old["baseline"]
    with pytest.raises(BrokerError, match=r"not a whole plan: KeyError\('baseline'\)"):
        plan_from_data(old)


def test_a_plan_file_from_before_warm_starts_can_begin_a_search(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of its placements stand."""
    monkeypatch.chdir(OLD.parent)
    command = ["plan", "spec.yaml", "--market", "market.csv", "--warm-start", OLD.name]
    assert main(command) == UNMET
    count = len(read_plan(OLD).placements)
    said = f"began with {count} of the {count} placements of {OLD.name}\n"
    assert said in capsys.readouterr().err


def test_small_case_costs_what_its_comment_works_out() -> None:
    """The kept plan of the small case agrees with the arithmetic in its spec."""
    plan = json.loads((Path(__file__).parent / "small" / "plan.json").read_text())
    cost = {name: Decimal(text) for name, text in plan["cost"].items()}
    assert cost["compute"] == Decimal("1000") + Decimal("12000") + 90 * Decimal(20)
    assert cost["rework"] == Decimal("198.00")
    assert cost["total"] == Decimal("14998.00")
    assert [(one["workload"], one["fraction"]) for one in plan["unmet"]] == [("too-large", "1")]


def test_case_of_caps_costs_what_its_comment_works_out() -> None:
    """The kept plan under caps agrees with the arithmetic in its spec, to a cent of rounding."""
    plan = json.loads((Path(__file__).parent / "caps" / "plan.json").read_text())
    hours = {one["provider"]: float(one["instance_hours"]) for one in plan["placements"]}
    expected = {"aws": 1488 / 4.032, "azure": 500.0, "gcp": 500 - 1488 / 4.032}
    assert hours == pytest.approx(expected, abs=1e-3)
    assert float(plan["cost"]["total"]) == pytest.approx(55538.09, abs=0.05)
    assert float(plan["cost"]["carbon"]) == pytest.approx(300, abs=0.02)
    assert plan["unmet"] == []


def test_case_of_savings_plans_costs_what_its_comment_works_out() -> None:
    """The kept plan with committed money agrees with the arithmetic in its spec."""
    plan = json.loads((Path(__file__).parent / "covered" / "plan.json").read_text())
    uses = {one["name"]: Decimal(one["used_usd"]) for one in plan["savings_plans"]}
    assert uses == {"compute": 3000, "cud": 2000, "ended": 0}
    hours = sum(Decimal(one["covered_hours"]) for one in plan["placements"])
    assert float(hours) == pytest.approx(150)
    assert Decimal(plan["cost"]["total"]) == 10_500


def test_case_of_sizes_costs_what_its_comment_works_out() -> None:
    """One accelerator of each kind; the small one takes a third of the commonest size."""
    plan = json.loads((Path(__file__).parent / "sizes" / "plan.json").read_text())
    assert plan["cost"]["total"] == "468.00"
    assert {one["accelerator"]: one["instances"] for one in plan["placements"]} == {
        "A10G": 1,
        "A100-80": 1,
    }
    on_small = [one for one in plan["size_routes"] if "a10g" in one["offer"]]
    assert [(one["size"], float(one["rate"])) for one in on_small] == [
        ("in-long-out-short", pytest.approx(5, abs=1e-4))
    ]
    assert plan["proof"]["cost_bound"] == plan["cost"]["total"]
    assert plan["unmet"] == []
