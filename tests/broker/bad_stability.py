"""Specs with one mistake each in what they say of stability."""

from __future__ import annotations

from typing import Final

from tests.broker.bad_spec import bad, training


def stable(text: str) -> str:
    """Return a spec with `stability`; `text` is on line 6."""
    return training(f"stability:\n  {text}\n")


STABILITY: Final = [
    bad("moves negative", stable("max_moves: -1"), 6, "stability.max_moves", "at least 0"),
    bad("moves in part", stable("max_moves: 1.5"), 6, "stability.max_moves", "at least 0"),
    bad("saving in percent", stable("min_saving: 5%"), 6, "stability.min_saving", "an amount"),
    bad("move cost in words", stable("move_cost: dear"), 6, "stability.move_cost", "an amount"),
    bad("move cost of one in words", stable("move_cost: {a: dear}"), 6,
        "stability.move_cost.a", "an amount"),
    bad("move cost of nobody", stable("move_cost: {b*: 5}"), 6, "stability.move_cost.b*",
        "a workload's name, or a glob"),
    bad("move costs as a list", stable("move_cost: [5]"), 6, "stability.move_cost",
        "a mapping of keys"),
    bad("freeze nobody", stable("freeze: [b]"), 6, "stability.freeze[0]", "a workload's name"),
    bad("freeze what does not run", stable("freeze: [a]"), 6, "stability.freeze",
        "does not run anywhere now"),
    bad("a stranger runs", stable("current: [{workload: b, pool: aws/x/-/y, instances: 1}]"), 6,
        "stability.current[0].workload", "a workload of the spec: a"),
    bad("runs in no pool", stable("current: [{workload: a, pool: aws/x, instances: 1}]"), 6,
        "stability.current[0].pool", "provider/region/zone/type"),
    bad("runs nothing", stable("current: [{workload: a, pool: aws/x/-/y, instances: 0}]"), 6,
        "stability.current[0].instances", "at least 1"),
]  # fmt: skip
