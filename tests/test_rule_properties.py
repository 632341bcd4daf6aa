"""Every rule: no plan breaks it, room never costs, idle it changes nothing, any two compose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import combinations

import pytest

from broker.errors import SpecError
from broker.planning import make_plan
from broker.plans import Plan
from solver.asking import Engine
from solver.solution import SearchLimits
from tests.random_cases import Data, market_of, spec_of
from tests.rule_table import RULES, case, stated

#: What the optimizer's tolerances may leave on the table: of a weight or hours, and USD.
TOLERANCE = Decimal("0.05")
EXACT = SearchLimits(gap=0.0)
SEEDS = (0, 1, 2)
#: Rules that change what another measures: with both, a plan may cost less than with that one.
#: What a provider may not offer it cannot claim; a discount changes shares and prices.
REMEASURED = {
    "first_refusal": {
        *("providers", "where.providers", "where.regions", "residency", "requires"),
        *("export_control", "only", "never", "freeze", "latency", "purchase", "discounts"),
    },
    "concentration.spend": {"discounts"},
}


@dataclass
class Planner:
    """Plans cases, each once."""

    engine: Engine
    made: dict[str, Plan | SpecError] = field(default_factory=dict)

    def plan(self, seed: int, *pieces: Data) -> Plan:
        """Return the audited plan of a case."""
        found = self.tried(seed, *pieces)
        assert isinstance(found, Plan), found
        return found

    def tried(self, seed: int, *pieces: Data) -> Plan | SpecError:
        """Return the audited plan of a case, or why nothing but the empty plan could be."""
        key = repr((seed, pieces))
        if key not in self.made:
            rows, data = case(seed)
            try:
                spec = spec_of(stated(data, *pieces))
                self.made[key] = make_plan(
                    spec, market_of(rows), limits=EXACT, engine=self.engine
                ).plan
            except SpecError as error:
                self.made[key] = error
        return self.made[key]


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    with Engine() as running:
        yield Planner(running)


def is_better(plan: Plan, than: Plan) -> bool:
    """Whether a plan is better by the aims of the other's spec, gaps and tolerances aside."""
    for mine, other in zip(plan.proof.levels, than.proof.levels, strict=True):
        slack = TOLERANCE + (mine.unmet - mine.bound) + (other.unmet - other.bound)
        if abs(mine.unmet - other.unmet) > slack:
            return mine.unmet < other.unmet
    if than.overrides or "first_refusal" in str(than.spec.get("policy")):
        less = than.proof.overridden_h - plan.proof.overridden_h
        if abs(less) > TOLERANCE:
            return less > 0
    gaps = plan.proof.gap * plan.cost.total + than.proof.gap * than.cost.total
    return value(plan, than) + gaps + TOLERANCE < value(than, than)


def value(plan: Plan, aims: Plan) -> Decimal:
    """Return the cost, with what the aims' spec wants saved for a move."""
    rule = aims.spec.get("stability")
    saving = Decimal(rule.get("min_saving", 0)) if isinstance(rule, dict) else Decimal(0)
    return plan.cost.total + saving * len(plan.moves)


@pytest.mark.parametrize("name", RULES)
def test_no_plan_breaks_a_rule_and_room_never_costs(name: str, planner: Planner) -> None:
    """Audited plans under the rule, never better than with more room, nor than without it."""
    rule = RULES[name]
    for seed in SEEDS:
        strict = planner.plan(seed, rule.strict)
        loose = planner.plan(seed, rule.loose)
        without = planner.plan(seed)
        assert not is_better(strict, loose) or name == "min_saving"
        assert not (is_better(without, strict) if rule.is_leave else is_better(strict, without))


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.idle is not None])
def test_rule_that_cannot_bind_changes_nothing(name: str, planner: Planner) -> None:
    """The same demand is served at the same cost with it and without it."""
    for seed in SEEDS:
        idle, without = planner.plan(seed, RULES[name].idle or {}), planner.plan(seed)
        assert [one.unmet for one in idle.proof.levels] == pytest.approx(
            [one.unmet for one in without.proof.levels], abs=TOLERANCE
        )
        assert abs(idle.cost.total - without.cost.total) <= TOLERANCE


@pytest.mark.parametrize("name", RULES)
def test_rules_bind_somewhere(name: str, planner: Planner) -> None:
    """In one of the cases the rule changes what is served, or what it costs: it is tried."""
    changed = False
    for seed in SEEDS:
        strict, without = planner.plan(seed, RULES[name].strict), planner.plan(seed)
        changed |= is_better(without, strict) or is_better(strict, without)
    assert changed


@pytest.mark.parametrize("name", RULES)
def test_any_two_rules_compose(name: str, planner: Planner) -> None:
    """Both hold in one plan, which is never better than with either alone; or they are named."""
    for other in [two for one, two in combinations(RULES, 2) if one == name]:
        both = planner.tried(0, RULES[name].strict, RULES[other].strict)
        if isinstance(both, SpecError):
            assert any(one.rpartition(".")[2] in str(both) for one in (name, other))
            continue
        for mine, its in ((name, other), (other, name)):
            alone = planner.plan(0, RULES[mine].strict)
            if its in REMEASURED.get(mine, ()):
                continue
            if RULES[its].is_leave:
                assert not is_better(alone, both), f"{mine} with {its}"
            else:
                assert not is_better(both, alone), f"{mine} with {its}"
