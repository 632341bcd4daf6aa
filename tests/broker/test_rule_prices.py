"""What each rule costs: the plan against the cheapest one without it."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from broker.cli_explain import command
from broker.errors import MarketError
from broker.market import Market
from broker.plan_file import plan_to_json
from broker.planning import make_plan
from broker.plans import Plan
from broker.report.rule_prices import rule_prices_json, rule_prices_text
from broker.rule_prices import RulePrice, RulePrices, price_rules
from broker.snapshot import read_market
from broker.spec_data import spec_to_data
from broker.stated_rules import stated_rules
from solver.solution import SearchLimits
from tests.broker.rules.ruled import EMBED, HEADER, ROWS, market, planned, spec

EXACT = SearchLimits(gap=0.0)
#: On the fleet's market 1,000 h of H100:8 cost 40 an hour at AWS, 60 at Azure, 80 at Google.
GANG = "training: [{name: gang, accelerators: 'H100:8', hours: 100, priority: 1}]\n"


def priced(text: str, folder: Path, on: Market | None = None) -> RulePrices:
    """Return the prices of the rules of a spec's text."""
    on = on or market()
    plan = make_plan(spec(text, folder, on), on, limits=EXACT).plan
    return price_rules(plan, on, limits=EXACT)


def price(found: RulePrices, rule: str) -> RulePrice:
    """Return the price of one rule."""
    (one,) = [one for one in found.prices if one.rule == rule]
    return one


def interval(one: RulePrice) -> tuple[Decimal, Decimal, Decimal]:
    """Return the price between its bounds."""
    return one.least_usd, one.usd, one.most_usd


def test_each_rule_of_exclusivity_has_its_price(tmp_path: Path) -> None:
    """Azure alone costs 20 x 1,000; a ban of Google costs nothing; both reasons are shown."""
    text = (
        f"{EMBED}policy:\n  exclusivity:\n"
        "    - {workloads: [embed], only: [azure], why: promised}\n"
        "    - {workloads: [embed], never: [gcp], why: habit}\n"
    )
    found = priced(text, tmp_path)
    assert found.total_usd == 60_000
    first, second = found.prices
    assert (first.rule, first.says, first.why) == (
        "exclusivity[0]", "only azure: embed", "promised"
    )  # fmt: skip
    assert first.paths == ("policy.exclusivity[0]",)
    assert interval(first) == (20_000, 20_000, 20_000)
    assert first.is_distinct
    assert interval(second) == (0, 0, 0)
    assert not second.is_distinct


def test_workloads_of_one_residency_are_priced_together(tmp_path: Path) -> None:
    """Both must stay in the EU: (60 - 40) x (1,000 + 100)."""
    text = (
        "batch: [{name: embed, accelerators: 'H100:8', work: 1000h, where: {residency: [EU]}}]\n"
        "training: [{name: gang, accelerators: 'H100:8', hours: 100, where: {residency: [EU]}}]\n"
    )
    one = price(priced(text, tmp_path), "residency")
    assert one.says == "EU: gang, embed"
    assert one.paths == ("training[0].where.residency", "batch[0].where.residency")
    assert one.usd == 22_000


@pytest.mark.parametrize(
    ("text", "rule", "usd"),
    [
        (f"{EMBED}policy: {{concentration: {{provider: 60%, of: gpus}}}}\n",
         "concentration[0]", 8_000),
        (f"{EMBED}policy: {{export_control: {{accelerators: [H100], never: [US]}}}}\n",
         "export_control[0]", 20_000),
        (f"{EMBED}providers: [azure, gcp]\n", "providers", 20_000),
        (f"{EMBED}holdings: {{commitments: [{{provider: azure, spend: 3000}}]}}\n",
         "commitments[0]", 1_000),
        (f"{EMBED}quotas: [{{provider: aws, accelerator: H100, limit: 8, unit: gpus}}]\n",
         "quotas[0]", 5_400),
        ("batch: [{name: b, accelerators: 'H100:8', work: 1000h, where: {providers: [gcp]}}]\n",
         "where.providers", 40_000),
        ("batch: [{name: b, accelerators: 'H100:8', work: 1000h, where: {regions: [europe-*]}}]"
         "\n", "where.regions", 40_000),
    ],
)  # fmt: skip
def test_every_family_has_its_price(text: str, rule: str, usd: int, tmp_path: Path) -> None:
    """Against 40,000 at AWS, worked out by hand: 1,000 h at 40, 60 or 80.

    60 % of hours: 400 h at 60. A promise of 3,000 at Azure: 50 h at 60 instead of 40. A quota of
    one instance: 730 h at 40 and 270 h at 60.
    """
    one = price(priced(text, tmp_path), rule)
    assert interval(one) == (usd, usd, usd)


def test_quota_of_the_market_comes_back_no_more(tmp_path: Path) -> None:
    """Without the spec's quota nothing limits AWS, though the market states one as well."""
    on = market()
    quota = "{provider: aws, region: us-east-1, accelerator: H100, limit: 0, unit: gpus}"
    text = f"{EMBED}quotas: [{quota}]\n"
    limited = with_quota(on, limit=8)
    assert price(priced(text, tmp_path, limited), "quotas[0]").usd == 20_000


def test_quotas_of_the_market_are_one_rule(tmp_path: Path) -> None:
    """The account's quota lets one instance run: 270 h move to 60."""
    one = price(priced(EMBED, tmp_path, with_quota(market(), limit=8)), "quotas of the market")
    assert one.usd == 5_400


def with_quota(on: Market, *, limit: int) -> Market:
    """Return the market with a quota of H100 at AWS, on demand."""
    row = {
        "provider": "aws", "region": "us-east-1", "family": "", "accelerator": "H100",
        "instance_type": "", "option": "", "unit": "gpus", "limit": float(limit), "used": None,
        "source": "tests", "observed_at": on.taken_at,
    }  # fmt: skip
    return replace(on, quotas=pl.DataFrame([row], schema=on.quotas.schema))


def test_rule_that_leaves_demand_unmet_says_what_it_keeps_out(tmp_path: Path) -> None:
    """A ban of every provider leaves 8 x 100 accelerator-hours out; without it they cost 4,000."""
    text = f"{GANG}policy: {{exclusivity: [{{workloads: [gang], never: [aws, azure, gcp]}}]}}\n"
    one = price(priced(text, tmp_path), "exclusivity[0]")
    assert one.serves_more == ((1, Decimal(800)),)
    assert one.usd == -4_000


def test_gaps_of_both_plans_make_the_interval(tmp_path: Path) -> None:
    """A plan 900 above its bound, priced at the same gap, leaves its price 900 apart."""
    on = market()
    text = f"{EMBED}policy: {{exclusivity: [{{workloads: [embed], only: [azure]}}]}}\n"
    plan = widened(planned(text, tmp_path, on), Decimal(900))
    one = price(price_rules(plan, on, limits=SearchLimits(gap=0.02)), "exclusivity[0]")
    assert interval(one) == (19_100, 20_000, 20_000)


def test_price_within_the_gaps_is_not_told_from_nothing(tmp_path: Path) -> None:
    """A ban that costs nothing, and a plan that may be 900 too dear: at most 900."""
    on = market()
    text = f"{EMBED}policy: {{exclusivity: [{{workloads: [embed], never: [gcp]}}]}}\n"
    found = price_rules(
        widened(planned(text, tmp_path, on), Decimal(900)), on, limits=SearchLimits(gap=0.05)
    )
    assert not price(found, "exclusivity[0]").is_distinct
    assert found.bound_usd == 40_000, "the bound without a rule holds with it, too"


def test_wide_plan_is_made_again_first(tmp_path: Path) -> None:
    """A plan above the asked gap is planned again: the interval is that of the nearer plan."""
    on = market()
    text = f"{EMBED}policy: {{exclusivity: [{{workloads: [embed], only: [azure]}}]}}\n"
    plan = widened(planned(text, tmp_path, on), Decimal(900))
    one = price(price_rules(plan, on, limits=EXACT), "exclusivity[0]")
    assert interval(one) == (20_000, 20_000, 20_000)


def widened(plan: Plan, usd: Decimal) -> Plan:
    """Return the plan with a bound that is lower by `usd`."""
    bound = plan.proof.cost_bound - usd
    proof = replace(plan.proof, cost_bound=bound, gap=usd / plan.cost.total)
    return replace(plan, proof=proof)


@pytest.mark.parametrize(
    ("more", "kind", "what", "usd", "per_hour"),
    [
        ("assume: {instances_per_pool: {on-demand: 1}}\n", "capacity",
         "aws/us-east-1/use1-az1/p5.48xlarge/on-demand", "14600.00", "20.0000"),
        ("quotas: [{provider: aws, accelerator: H100, limit: 8, unit: gpus}]\n", "quota",
         "aws/us-east-1 H100 (gpus)", "1825.00", "2.5000"),
        ("holdings: {commitments: [{provider: azure, spend: 3000}]}\n", "commitment",
         "commitments[0]: azure", "333.33", "0.4566"),
        ("policy: {concentration: {provider: 60%, of: gpus}}\n", "concentration",
         "concentration[0]: provider 60 %", "200.00", "0.2740"),
        ("policy: {power: {cap: 10.08 kW}}\n", "power", "aws/us-east-1", "1448.41", "1.9841"),
    ],
)  # fmt: skip
def test_a_little_more_saves(
    more: str, kind: str, what: str, usd: str, per_hour: str, tmp_path: Path
) -> None:
    """An instance more is 730 h at 40 instead of 60, a GPU of quota an eighth of it.

    A promise of 1,000 less leaves 16.7 h at 40 instead of 60; a share of 1 % more moves 10 h.
    An instance draws 10.08 kW, so one kW more is 730 / 10.08 h at 40 instead of 60.
    """
    (one,) = priced(EMBED + more, tmp_path).margins
    assert (one.kind, one.what) == (kind, what)
    assert (str(one.saves_usd), str(one.saves_usd_per_hour)) == (usd, per_hour)


def test_margins_override_no_more_than_the_plan(tmp_path: Path) -> None:
    """Azure claims the gang, so a larger share of AWS could not take it: nothing is saved.

    The batch stands at AWS in any case, 4,000 of 10,000 USD, below the cap of half.
    """
    text = (
        f"{GANG}batch: [{{name: b, accelerators: 'H100:8', work: 100h, "
        "where: {providers: [aws]}}]\n"
        "policy:\n  concentration: {provider: 60%}\n"
        "  exclusivity: [{workloads: [gang], first_refusal: azure, margin: 50%}]\n"
    )
    assert priced(text, tmp_path).margins == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("holdings: {commitments: [{provider: aws, spend: 3000, from: 2026-11-01, to: 2027-10-31,"
         " ramp: [{from: 2026-11-01, spend: 1k}, {from: 2027-05-01, spend: 2k}]}]}\n",
         "provider aws, spend 3,000 USD, from 2026-11-01, to 2027-10-31, ramp of 2 steps"),
        ("policy: {budget: 1.5M}\n", "1,500,000 USD"),
        ("policy: {concentration: {provider: 62.5%, of: gpus}}\n", "provider 62.5 %, of gpus"),
        ("training: [{name: t, accelerators: 'H100:8', hours: 9}]\n"
         "policy: {exclusivity: [{tenants: {a: [t], b: [embed]}, apart: region}]}\n",
         "apart region: a (t), b (embed)"),
    ],
)  # fmt: skip
def test_rules_are_said_in_words(text: str, says: str, tmp_path: Path) -> None:
    """Money in groups of digits, shares in percent, a ramp by its steps, tenants by name."""
    (one,) = stated_rules(spec_to_data(spec(EMBED + text, tmp_path, market())), regions=[])
    assert one.says == says


def test_countries_are_said_as_groups(tmp_path: Path) -> None:
    """The Union and two more countries; the same tags of two workloads are one rule."""
    where = "where: {residency: [EU, US, JP], requires: [good]}"
    text = (
        "assume: {tags: {good: [aws]}}\n"
        f"batch: [{{name: b, accelerators: 'H100:8', work: 9h, {where}}}]\n"
        f"training: [{{name: t, accelerators: 'H100:8', hours: 9, {where}}}]\n"
    )
    first, second = stated_rules(spec_to_data(spec(text, tmp_path, market())), regions=[])
    assert (first.key, first.says) == ("residency", "EU, JP, US: t, b")
    assert (second.key, second.says) == ("requires", "good: t, b")


def test_more_processes_find_the_same(tmp_path: Path) -> None:
    """Two workers give the same prices in the same order as none."""
    on = market()
    text = (
        f"{EMBED}policy:\n  exclusivity:\n"
        "    - {workloads: [embed], only: [azure, gcp]}\n"
        "    - {workloads: [embed], never: [gcp]}\n"
    )
    plan = planned(text, tmp_path, on)
    made: list[tuple[int, int]] = []
    two = price_rules(plan, on, workers=2, progress=lambda *so_far: made.append(so_far))
    assert two == price_rules(plan, on)
    assert made == [(1, 2), (2, 2)]


def test_another_market_is_refused(tmp_path: Path) -> None:
    """Rules are priced on the market the plan was made on."""
    with pytest.raises(MarketError, match="was made on the market with digest"):
        price_rules(
            planned(EMBED, tmp_path), market(more="aws,us-west-2,-,x,H100,8,1,1,rdma,spot,1")
        )


def test_text_and_json_tell_the_same(tmp_path: Path) -> None:
    """Rule, price, a month's price and what costs nothing; a spec without rules says so."""
    text = (
        f"{EMBED}period: 365h\npolicy:\n  exclusivity:\n"
        "    - {workloads: [embed], only: [azure], why: promised}\n"
        "    - {workloads: [embed], never: [gcp]}\n"
    )
    found = priced(text, tmp_path)
    shown = rule_prices_text(found)
    assert "exclusivity[0]  20,000.00  20,000.00  20,000.00  40,000.00" in shown
    assert "\n  only azure: embed (promised)\n" in shown
    assert "nothing" in shown
    data = json.loads(rule_prices_json(found))
    assert data["prices"][0]["usd"] == "20000.00"
    assert data["prices"][0]["distinct"] is True
    assert "states no rule" in rule_prices_text(priced(EMBED, tmp_path))


def test_the_command_prices_rules(tmp_path: Path) -> None:
    """--rules prints the table; with a workload it is a mistake of use."""
    (tmp_path / "market.csv").write_text(f"{HEADER}\n{ROWS}")
    name = str(tmp_path / "market.csv")
    text = f"market: {name}\nproviders: [azure]\n{EMBED}"
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(planned(text, tmp_path, read_market(name))))
    done = CliRunner().invoke(command, [str(path), "--rules", "--workers", "1"])
    assert done.exit_code == 0
    assert "20,000.00" in done.output
    wrong = CliRunner().invoke(command, [str(path), "embed", "--rules"])
    assert wrong.exit_code == 2
