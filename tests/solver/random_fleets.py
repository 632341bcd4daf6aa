"""Random specs of a dozen to forty workloads that want the same few machines, owned ones too."""

from __future__ import annotations

import random
from typing import Any

from tests.random_cases import METROS, PLACES, POOLS, SHAPES, Data, Row
from tests.solver.random_problems import Case, case_of

_LEAST, _MOST = 13, 22


def fleet_of(seed: int) -> Case:
    """Return a fleet with reservations, some with a quota; two of it stay apart, or alone."""
    chance = random.Random(seed)  # noqa: S311 - a draw of tests
    data: Data = {
        "period": 100,
        "start": "2026-11-01",
        "training": [],
        "services": [],
        "batch": [],
    }
    for number in range(chance.randint(_LEAST, _MOST)):
        kind = chance.choice(("training", "training", "batch", "services"))
        data[kind].append(_workload(chance, kind, f"w{number}"))
    data = {key: value for key, value in data.items() if value}
    names = [one["name"] for kind in ("training", "batch") for one in data.get(kind, [])]
    rule = {chance.choice(("apart", "alone")): chance.choice(("region", "zone"))}
    data["policy"] = {"exclusivity": [rule | {"workloads": chance.sample(names, 2)}]}
    data["holdings"] = {
        "reservations": [{"pool": pool, "instances": chance.randint(1, 3)} for pool in POOLS]
    }
    if chance.random() < 0.5:
        limit = 8 * chance.randint(4, 12)
        quota = {"provider": "aws", "accelerator": "H100", "unit": "gpus", "limit": limit}
        data["quotas"] = [quota]
    return case_of(_rows(chance), data)


def _rows(chance: random.Random) -> list[Row]:
    rows: list[Row] = []
    for place in PLACES:
        for option in ("on-demand", "spot"):
            losses = chance.choice(("0.01", "0.05")) if option == "spot" else ""
            most = chance.choice(("2", "5", "9", ""))
            rows.append((place, option, f"{chance.randint(4, 400) / 4}", "", most, losses))
    return rows


def _workload(chance: random.Random, kind: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "priority": chance.randint(0, 1),
        "accelerators": chance.choice(SHAPES),
    }
    if chance.random() < 0.4:
        share = chance.choice((0.4, 0.5, 1))
        found["spot"] = {"checkpoint": 0.1, "restart": 0.2, "max_share": share}
    if chance.random() < 0.3:
        found["data"] = {"in": "aws/us-east-1", "gb": chance.randint(1, 500)}
    if kind == "training":
        return found | {"hours": chance.randint(5, 50)}
    if kind == "batch":
        return found | {"work": chance.randint(10, 300), "deadline": chance.randint(20, 100)}
    demand = [{"from": chance.choice(METROS), "rate": chance.randint(10, 100)}]
    return found | {"demand": demand, "throughput": chance.choice((10, 12.5))}
