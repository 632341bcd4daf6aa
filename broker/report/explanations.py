"""Explanations as text for a terminal and as data for scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from broker.explanations import Alternative, Explanation
from broker.report.plan import money, percent
from broker.units import plain


def explanations_text(explanations: Sequence[Explanation]) -> str:
    """Return every explanation, one block each."""
    return "\n".join(
        "".join(f"{line}\n" for line in _block(explanation)) for explanation in explanations
    )


def explanations_json(explanations: Sequence[Explanation]) -> str:
    """Return the explanations as JSON, decimals as strings."""
    data = {"format": 1, "workloads": [_data(asdict(one)) for one in explanations]}
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _data(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return {key: _data(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_data(one) for one in value]
    return value


def _block(one: Explanation) -> Iterator[str]:
    yield f"{one.workload}"
    for placement in one.placements:
        yield (
            f"  runs on     {placement.instances} x {placement.offer}, "
            f"{plain(placement.hours)} h each: {money(placement.cost.total)}"
        )
    if one.unmet is not None:
        yield f"  unmet       {percent(one.unmet.fraction)}: {one.unmet.reasons[0]}"
    yield from _chosen(one)
    for number, alternative in enumerate(one.alternatives):
        label = "next best" if number == 0 else ""
        yield f"  {label:<12}{_alternative(alternative)}"
    yield f"  choice      {one.admitted} of {one.runnable} offers that could run it are admitted"
    for exclusion in one.exclusions:
        yield (
            f"  {exclusion.rule:<12}refused {exclusion.offers}: {exclusion.why}, "
            f"such as {exclusion.example}"
        )


def _chosen(one: Explanation) -> Iterator[str]:
    """The chosen ways priced alone, where the work is spread over several."""
    if len(one.chosen) > 1:
        for number, way in enumerate(one.chosen):
            label = "alone" if number == 0 else ""
            yield f"  {label:<12}all of it on {way.offer}: {money(way.total_usd)}"


def _alternative(alternative: Alternative) -> str:
    way = alternative.way
    text = f"all of it on {way.offer} ({way.instances} x): {money(way.total_usd)}"
    if alternative.made_of:
        parts = ", ".join(f"{name} {amount:+,.2f}" for name, amount in alternative.made_of)
        text += f", {alternative.dearer_usd:+,.2f} ({parts})"
    return text if alternative.why_not == "dearer" else f"{text}; not taken: {alternative.why_not}"
