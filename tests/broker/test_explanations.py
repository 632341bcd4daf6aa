"""Why a plan is as it is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from broker.cli_explain import command
from broker.errors import MarketError
from broker.explanations import Explanation, explain
from broker.plan_file import plan_to_json
from broker.planning import make_plan
from broker.report.explanations import explanations_json, explanations_text
from broker.snapshot import read_market
from solver.solution import SearchLimits
from tests.broker.planning_inputs import HEAD, ROWS, market, spec

TWO = (
    "training: [{name: short, accelerators: 'H100:8', hours: 10}, "
    "{name: long, accelerators: 'H100:40', hours: 90}]\n"
)
CONTESTED = (ROWS[0], ROWS[5])


def explained(folder: Path, text: str, *rows: str, name: str | None = None) -> list[Explanation]:
    """Return the explanations of the plan of a spec text."""
    one = market(*rows)
    plan = make_plan(spec(folder, text), one, limits=SearchLimits(gap=0.0)).plan
    return list(explain(plan, one, name))


def test_the_next_best_says_what_the_difference_is_made_of(tmp_path: Path) -> None:
    """Alone on AWS at 50, Google at 60 is 10 x 10 dearer, all of it compute."""
    text = "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"
    [found] = explained(tmp_path, text, *CONTESTED)
    assert [way.offer.split("/")[0] for way in found.chosen] == ["aws"]
    [other] = found.alternatives
    assert other.way.offer.startswith("gcp/")
    assert other.dearer_usd == Decimal("100.00")
    assert other.made_of == (("compute", Decimal("100.00")),)
    assert other.why_not == "dearer"


def test_a_cheaper_way_names_what_stood_in_the_way(tmp_path: Path) -> None:
    """The five cheap units are held by the long gang; the short one pays Google."""
    [found] = explained(tmp_path, TWO, *CONTESTED, name="short")
    other = found.alternatives[0]
    assert other.way.offer.startswith("aws/")
    assert other.dearer_usd == Decimal("-100.00")
    assert other.why_not == "needs 1 instances, 0 of 5 are free (long 5 hold the rest)"


def test_a_commitment_that_decides_is_named(tmp_path: Path) -> None:
    """AWS saves 100 of compute, and 600 promised to Google would be paid for nothing."""
    text = (
        "training:\n"
        "- {name: a, accelerators: 'H100:8', hours: 10}\n"
        "- {name: b, accelerators: 'H100:8', hours: 10, reads: {from: a, gb: 1}}\n"
        "holdings: {commitments: [{provider: gcp, spend: 1200}]}\n"
    )
    [found] = explained(tmp_path, text, *CONTESTED, name="b")
    [other] = found.alternatives
    assert other.dearer_usd == Decimal("-100.00")
    assert other.why_not == "600.00 USD more of the commitment to gcp would be unused"


def test_a_commitment_met_without_it_is_not_blamed(tmp_path: Path) -> None:
    """The gang of ten hours stays at Google for its pipeline; 10 USD promised are long spent."""
    text = (
        "training:\n"
        "- {name: a, accelerators: 'H100:8', hours: 10, where: {providers: [gcp]}}\n"
        "- {name: b, accelerators: 'H100:8', hours: 10, reads: {from: a, gb: 20 TB}}\n"
        "holdings: {commitments: [{provider: gcp, spend: 10}]}\n"
    )
    [found] = explained(tmp_path, text, *CONTESTED, name="b")
    assert found.alternatives[0].why_not == "dearer once the data of its pipeline are moved"


def test_the_rule_over_the_whole_plan_that_stood_in_the_way_is_named(tmp_path: Path) -> None:
    """Google has first refusal within half; rules that have not begun are not blamed."""
    text = (
        "start: 2026-08-01\n"
        "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n"
        "policy:\n"
        "  exclusivity:\n"
        "  - {workloads: [a], first_refusal: gcp, margin: 50%}\n"
        "  - {workloads: [a], never: [aws], from: 2026-09-01}\n"
        "  - {workloads: [a], alone: zone, from: 2026-09-01}\n"
    )
    [found] = explained(tmp_path, text, *CONTESTED)
    [other] = found.alternatives
    assert other.why_not == "policy.exclusivity over the whole plan: first_refusal gcp"


def test_unmet_demand_is_not_put_down_to_a_commitment(tmp_path: Path) -> None:
    """A budget of 100 serves nothing, and no commitment is promised that could be unused."""
    text = "training: [{name: a, accelerators: 'H100:8', hours: 10}]\npolicy: {budget: 100}\n"
    [found] = explained(tmp_path, text, *CONTESTED)
    assert found.unmet is not None
    assert all("commitment" not in other.why_not for other in found.alternatives)


def test_unmet_demand_is_explained_too(tmp_path: Path) -> None:
    """What is not served shows the ways that were too small."""
    text = "training: [{name: a, accelerators: 'H100:48', hours: 10}]\n"
    [found] = explained(tmp_path, text, *CONTESTED)
    assert found.unmet is not None
    assert not found.placements
    assert found.alternatives[0].why_not == "needs 6 instances, 5 of 5 are free"


def test_another_market_is_refused(tmp_path: Path) -> None:
    """A plan can only be explained on the market it was made on."""
    plan = make_plan(spec(tmp_path, TWO), market()).plan
    with pytest.raises(MarketError, match="was made on the market with digest"):
        explain(plan, market(*CONTESTED))


def test_text_and_json_tell_the_same(tmp_path: Path) -> None:
    """Both name the workload, the offers, the difference and the refusals."""
    found = explained(tmp_path, "training: [{name: a, accelerators: 'H100:8', hours: 10}]\n")
    for text in (explanations_text(found), explanations_json(found)):
        assert "aws/us-east-1/use1-az1/p5.48xlarge/on-demand" in text
        assert "purchase" in text
        assert "100.00" in text


def test_the_command_explains_a_plan_file(tmp_path: Path) -> None:
    """One workload, all of them, and a name it does not know."""
    (tmp_path / "market.csv").write_text("\n".join([HEAD, *ROWS]))
    name = str(tmp_path / "market.csv")
    plan = make_plan(spec(tmp_path, f"market: {name}\n{TWO}"), read_market(name)).plan
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(plan))
    runner = CliRunner()
    every = runner.invoke(command, [str(path)])
    assert every.exit_code == 0
    assert "short" in every.output
    assert "long" in every.output
    one = runner.invoke(command, [str(path), "short"])
    assert "long\n" not in one.output
    wrong = runner.invoke(command, [str(path), "shrot"])
    assert "did you mean short?" in str(wrong.exception)
