"""A plan on one screen: cost, proof, what is unmet, what binds, what it rests on; placements."""

from __future__ import annotations

import csv
import io
import textwrap
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from decimal import Decimal

from broker.paid_hours import SavingsPlanUse
from broker.plans import Cost, Placement, Plan
from broker.proofs import Level
from broker.report.table import text_table, widest
from broker.units import HOURS_PER_MONTH, plain

_LABEL = 12
_SHOWN = 6
_MICRO = Decimal("0.000001")


def plan_text(plan: Plan, width: int | None = None) -> str:
    """Return the plan for a terminal of `width` columns; None: as wide as it takes."""
    parts = [_head(plan), _cost(plan), _proof(plan), _baseline(plan), _unmet(plan)]
    parts += [_overrides(plan), _moves(plan), _binding(plan), _emissions(plan), _commitments(plan)]
    parts += [_rests_on(plan)]
    lines = [wrapped for part in parts for line in part for wrapped in _wrapped(line, width)]
    summary = "".join(f"{line}\n" for line in lines)
    table = placements_table(plan.placements)
    if width is not None and widest(table) > width:
        table = _narrow_table(plan.placements)
    return f"{summary}\n{table}{_routes(plan)}{_sizes(plan)}{_readings(plan)}"


def _wrapped(line: str, width: int | None) -> list[str]:
    """Break a line of the summary between words, under its own column."""
    if width is None or len(line) <= width:
        return [line]
    indent = " " * _LABEL
    return textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def money(amount: Decimal) -> str:
    """Return USD with thousands separators and cents."""
    return f"${amount:,.2f}" if amount >= 0 else f"-${-amount:,.2f}"


def percent(share: Decimal) -> str:
    """Return a share as percent with two decimals, three where it would read as zero."""
    value = share * 100
    return f"{value:.3f} %" if 0 < value < Decimal("0.01") else f"{value:.2f} %"


def _lines(label: str, texts: Sequence[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield f"{(label if number == 0 else ''):<{_LABEL}}{text}"


def _head(plan: Plan) -> Iterator[str]:
    market = plan.spec.get("market", "embedded")
    name = " + ".join(market) if isinstance(market, list) else str(market)
    yield f"Plan for {plain(plan.period_h)} h from {plan.start}, market {name}"
    yield ""


def _cost(plan: Plan) -> Iterator[str]:
    total = plan.cost.total
    hourly = total / plan.period_h
    texts = [
        f"{money(total)}   {money(hourly)} an hour   "
        f"{money(hourly * HOURS_PER_MONTH)} a month of {HOURS_PER_MONTH} h"
    ]
    parts = [
        f"{one.name} {money(getattr(plan.cost, one.name))}"
        for one in fields(Cost)
        if getattr(plan.cost, one.name)
    ]
    if len(parts) > 1:
        texts.append(" + ".join(parts))
    return _lines("Cost", texts)


def _proof(plan: Plan) -> Iterator[str]:
    gap = percent(plan.proof.gap)
    bound = money(plan.proof.cost_bound)
    word = "optimal" if plan.status == "optimal" else f"stopped by {plan.stop}"
    rule = plan.spec.get("stability")
    is_reluctant = isinstance(rule, dict) and "min_saving" in rule
    moving = " and moves no more" if is_reluctant else ""
    return _lines(
        "Proof", [f"{word}: no plan that serves as much{moving} costs under {bound} (gap {gap})"]
    )


def _baseline(plan: Plan) -> Iterator[str]:
    base = plan.baseline
    if base is None:
        return iter(())
    if base.total_usd is None:
        named = ", ".join(base.unmet[:_SHOWN])
        return _lines("Otherwise", [f"cheapest-first, one at a time, would leave out {named}"])
    saved = base.total_usd - plan.cost.total
    if base.total_usd < plan.proof.cost_bound:
        text = f"cheapest-first, one at a time: {money(base.total_usd)}, minding no rule over the"
        return _lines("Otherwise", [f"{text} whole plan"])
    if saved <= plan.cost.total - plan.proof.cost_bound:
        text = f"cheapest-first, one at a time: {money(base.total_usd)}, the same but for the gap"
        return _lines("Otherwise", [text])
    share = percent(saved / max(base.total_usd, Decimal(1)))
    text = f"cheapest-first, one at a time: {money(base.total_usd)}; this plan saves "
    return _lines("Otherwise", [f"{text}{money(saved)} ({share})"])


def _unmet(plan: Plan) -> Iterator[str]:
    if not plan.unmet:
        return _lines("Unmet", ["nothing"])
    texts = [
        f"{one.workload} (priority {one.priority}): {percent(one.fraction)}: {one.reasons[0]}"
        for one in plan.unmet
    ]
    texts += [_left(level) for level in plan.proof.levels if level.unmet]
    return _lines("Unmet", texts)


def _left(level: Level) -> str:
    """What stays unmet of a priority in all, and how little any plan could leave."""
    left, least = (f"{one:,.1f}".removesuffix(".0") for one in (level.unmet, level.bound))
    text = f"priority {level.priority} in all: a weight of {left}"
    if left == least:
        return f"{text}, as little as can be"
    return f"{text}; no plan that leaves no more of higher ones leaves under {least}"


def _overrides(plan: Plan) -> Iterator[str]:
    texts = [
        f"{one.workload}: {plain(one.accelerator_hours)} accelerator-hours on {one.offer} at "
        f"{money(one.usd_per_work)} a unit of work; {one.provider} has first refusal"
        f"{f' ({one.why})' if one.why else ''} and offers {money(one.least_usd_per_work)} on "
        f"{one.least_offer}"
        for one in plan.overrides
    ]
    return _lines("Overrides", texts)


def _moves(plan: Plan) -> Iterator[str]:
    texts = [
        f"{one.workload} for {money(one.cost_usd)}: {' + '.join(one.now)} -> "
        f"{' + '.join(one.new)}; {one.why}"
        for one in plan.moves
    ]
    return _lines("Moves", texts)


def _binding(plan: Plan) -> Iterator[str]:
    texts = [f"{one.what}: {one.used} of {one.limit}" for one in plan.binding]
    if len(texts) > _SHOWN:
        more = len(texts) - _SHOWN
        texts = [*texts[:_SHOWN], f"and {more} more; `broker explain PLAN` lists all"]
    return _lines("Used up", texts)


def _emissions(plan: Plan) -> Iterator[str]:
    if plan.emissions is None:
        return iter(())
    tonnes, kwh = plan.emissions.kg_co2e / 1000, plan.emissions.kwh
    return _lines("Emits", [f"{tonnes:,.3f} t CO2e, an estimate, with {kwh:,.0f} kWh"])


def _commitments(plan: Plan) -> Iterator[str]:
    texts = [
        f"{one.instances} x {one.offer} for {one.workload}: {money(one.obligation_usd)} "
        f"until {one.ends_on}"
        for one in plan.purchases
    ]
    idle = [f"idle: {one.instances} x {one.pool}: {one.reason}" for one in plan.owned_idle]
    due = [
        f"{one.provider}: {money(one.due_usd)} due in the period, {money(one.spent_usd)} spent"
        f"{f', {money(one.shortfall_usd)} paid for nothing' if one.shortfall_usd else ''}"
        for one in plan.commitments
    ]
    yield from _lines("Promised", due)
    yield from _lines("Commits to", texts)
    yield from _lines("Owned", idle)
    yield from _lines("Covered", [_savings_plan(one) for one in plan.savings_plans])


def _savings_plan(use: SavingsPlanUse) -> str:
    if not use.committed_usd and use.reason:
        return f"savings plan {use.name} does not count: {use.reason}"
    text = f"savings plan {use.name}: {money(use.used_usd)} of {money(use.committed_usd)} used"
    if use.reason:
        return f"{text}, paid all the same: {use.reason}"
    hours = sum((one.hours for one in use.covers), Decimal(0))
    worth = money(use.saved_usd)
    return f"{text} for {plain(hours)} h that would cost {worth}; sunk, not in the cost"


def _rests_on(plan: Plan) -> Iterator[str]:
    texts = []
    if plan.prices.oldest:
        texts.append(f"prices seen {plan.prices.oldest} to {plan.prices.newest}")
    if plan.unknown_capacity_usd:
        share = percent(plan.unknown_capacity_usd / max(plan.cost.total, Decimal(1)))
        texts.append(f"unknown capacity: {money(plan.unknown_capacity_usd)} ({share} of the cost)")
    return _lines("Rests on", [*texts, *plan.assumptions])


def placements_table(placements: Sequence[Placement]) -> str:
    """Return the placements as a text table."""
    rows = [
        [
            one.workload,
            _where(one),
            f"{one.instances} x {one.instance_type}",
            f"{one.accelerators} {one.accelerator}" if one.accelerator else "-",
            one.option,
            plain(one.hours),
            plain(one.contracted_usd_per_hour),
            f"{one.cost.total:,.2f}",
        ]
        for one in placements
    ]
    header = ["WORKLOAD", "WHERE", "INSTANCES", "EACH", "OPTION", "HOURS", "$/H EACH", "COST $"]
    return text_table(header, rows, right="lllllrrr")


def _narrow_table(placements: Sequence[Placement]) -> str:
    """Return the placements in two lines each, for 80 columns."""
    rows: list[list[str]] = []
    for one in placements:
        held = f"{one.instances} x {one.instance_type}"
        rows.append([one.workload, held, one.option, f"{one.cost.total:,.2f}"])
    table = text_table(["WORKLOAD", "INSTANCES", "OPTION", "COST $"], rows, right="lllr")
    lines = table.splitlines()
    found = [lines[0]]
    for one, line in zip(placements, lines[1:], strict=True):
        each = f"{one.accelerators} {one.accelerator} each, " if one.accelerator else ""
        price = plain(one.contracted_usd_per_hour)
        found += [line, f"  {_where(one)}: {each}{plain(one.hours)} h at ${price}"]
    return "".join(f"{line}\n" for line in found)


def _where(placement: Placement) -> str:
    place = f"{placement.provider}/{placement.region}"
    return place if placement.zone == "-" else f"{place}/{placement.zone}"


def _routes(plan: Plan) -> str:
    if not plan.routes:
        return ""
    rows = [
        [
            one.workload,
            one.metro,
            one.region,
            plain(one.rate),
            f"{one.rtt_ms:.0f}{' ~' + format(one.half_band_ms, '.0f') if one.estimated else ''}",
            ("near limit" if one.straddles else "") if one.near else "far",
        ]
        for one in plan.routes
    ]
    header = ["SERVICE", "FROM", "TO", "RATE", "RTT MS (~ estimated +-)", ""]
    return "\n" + text_table(header, rows, right="lllrrl")


def _sizes(plan: Plan) -> str:
    """Which machines serve which sizes of request, origins and zones added up."""
    placed = {(one.workload, one.offer, one.shape): one for one in plan.placements}
    rates: defaultdict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for route in plan.size_routes:
        on = placed[route.workload, route.offer, route.shape]
        key = (route.workload, route.size, on.instance_type, route.region, on.option)
        rates[key] += route.rate
    if not rates:
        return ""
    rows = [[*key, plain(rate)] for key, rate in sorted(rates.items())]
    header = ["SERVICE", "SIZE", "SERVED BY", "IN", "OPTION", "RATE"]
    return "\n" + text_table(header, rows, right="lllllr")


def _readings(plan: Plan) -> str:
    """What pipelines move between regions."""
    rows = [
        [
            one.workload,
            one.source,
            f"{one.origin} to {one.target}",
            plain(one.gb),
            f"{plain(one.usd_per_gb.quantize(_MICRO))}{' ~' if one.estimated else ''}",
            f"{one.usd:,.2f}",
        ]
        for one in plan.readings
        if one.origin != one.target
    ]
    if not rows:
        return ""
    header = ["READER", "READS", "MOVED", "GB", "$/GB (~ estimated)", "COST $"]
    return "\n" + text_table(header, rows, right="lllrrr")


def placements_csv(plan: Plan) -> str:
    """Return the placements as CSV, one row each, costs split by line."""
    names = [one.name for one in fields(Placement) if one.name != "cost"]
    lines = [one.name for one in fields(Cost)]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names, *(f"{line}_usd" for line in lines), "total_usd"])
    for placement in plan.placements:
        cells = [_cell(getattr(placement, name)) for name in names]
        money_cells = [str(getattr(placement.cost, line)) for line in lines]
        writer.writerow([*cells, *money_cells, str(placement.cost.total)])
    return text.getvalue()


def _cell(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
