"""Every rule of the spec: how to state it, how to loosen it, how to state it so it cannot bind."""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass
from typing import Any, Final

from tests.random_cases import PLACES, Data, Row

#: Workloads of every case.
NAMES: Final = ("train0", "train1", "serve0", "batch0")
_PAST: Final = {"until": "2026-10-01"}
_RUNS: Final = {
    "current": [
        {
            "workload": "train0",
            "pool": "azure/westeurope/-/ND96isr_H100_v5",
            "instances": 1,
        },
        {
            "workload": "batch0",
            "pool": "gcp/europe-west4/europe-west4-a/a3-megagpu-8g",
            "instances": 1,
        },
    ]
}


@dataclass(frozen=True, kw_only=True)
class Ruled:
    """One rule as pieces of a spec: a key is a workload's name, or one of the file's keys.

    Attributes:
        strict: states the rule.
        loose: states it with more room.
        idle: states it so that it cannot bind; None: it always asks for something.
        is_leave: whether it allows what is forbidden or dearer without it.
    """

    strict: Data
    loose: Data
    idle: Data | None = None
    is_leave: bool = False


def _exclusive(rule: Data, loose: Data | None = None) -> Ruled:
    """Return a rule of exclusivity; `loose` is what is another word in it, None: all of it."""
    past = {"policy": {"exclusivity": [rule | _PAST]}}
    if loose is None:
        return Ruled(strict={"policy": {"exclusivity": [rule]}}, loose=past, idle=past)
    return Ruled(
        strict={"policy": {"exclusivity": [rule]}},
        loose={"policy": {"exclusivity": [rule | loose]}},
        idle=past,
    )


def _policy(key: str, strict: Any, loose: Any, idle: Any) -> Ruled:
    return Ruled(
        strict={"policy": {key: strict}},
        loose={"policy": {key: loose}},
        idle={"policy": {key: idle}},
    )


def _workload(name: str, strict: Data, loose: Data, idle: Data | None) -> Ruled:
    return Ruled(
        strict={name: strict}, loose={name: loose}, idle=None if idle is None else {name: idle}
    )


def _stability(strict: Data, loose: Data) -> Ruled:
    return Ruled(
        strict={"stability": _RUNS | strict},
        loose={"stability": _RUNS | loose},
        idle={"stability": _RUNS | {"move_cost": 0}},
    )


def _tagged(places: list[str]) -> Data:
    return {"assume": {"tags": {"good": places}}, "train1": {"where": {"requires": ["good"]}}}


def _quota(limit: int) -> Data:
    return {"quotas": [{"provider": "aws", "accelerator": "H100", "limit": limit, "unit": "gpus"}]}


def _promise(**more: Any) -> Data:
    return {"holdings": {"commitments": [{"provider": "azure", **more}]}}


def _reserved(**more: Any) -> Data:
    pool = "aws/us-east-1/use1-az1/p5.48xlarge"
    return {"holdings": {"reservations": [{"pool": pool, **more}]}}


def _discount(**more: Any) -> Data:
    return {"holdings": {"discounts": [{"provider": "gcp", **more}]}}


def _covered(**more: Any) -> Data:
    plan = {"name": "compute", "provider": "aws", "off": "30%"}
    return {"holdings": {"savings_plans": [plan | more]}}


RULES: Final[dict[str, Ruled]] = {
    "providers": Ruled(
        strict={"providers": ["aws", "gcp"]},
        loose={"providers": ["aws", "azure", "gcp"]},
        idle={"providers": ["aws", "azure", "gcp"]},
    ),
    "where.providers": _workload(
        "train0",
        {"where": {"providers": ["azure"]}},
        {"where": {"providers": ["azure", "gcp"]}},
        {"where": {"providers": ["aws", "azure", "gcp"]}},
    ),
    "where.regions": _workload(
        "batch0",
        {"where": {"regions": ["europe-west4"]}},
        {"where": {"regions": ["europe-west4", "us-*"]}},
        {"where": {"regions": ["*"]}},
    ),
    "residency": _workload(
        "serve0",
        {"where": {"residency": ["NL"]}},
        {"where": {"residency": ["NL", "US"]}},
        {"where": {"residency": ["EU", "US"]}},
    ),
    "requires": Ruled(
        strict=_tagged(["azure"]), loose=_tagged(["azure", "gcp"]), idle=_tagged(["*"])
    ),
    "export_control": _policy(
        "export_control",
        {"accelerators": ["H100"], "never": ["US", "IE"]},
        {"accelerators": ["H100"], "never": ["IE"]},
        {"accelerators": ["H100"], "never": ["JP"]},
    ),
    "only": _exclusive(
        {"workloads": ["train0"], "only": ["azure"]}, {"only": ["azure", "gcp/europe-west4"]}
    ),
    "never": _exclusive(
        {"workloads": ["batch0"], "never": ["aws"]}, {"never": ["aws/eu-west-1"]}
    ),
    "apart": _exclusive(
        {"workloads": ["train0", "batch0"], "apart": "provider"}, {"apart": "zone"}
    ),
    "together": _exclusive(
        {"workloads": ["train0", "train1"], "together": "zone"}, {"together": "provider"}
    ),
    "alone": _exclusive({"workloads": ["serve0"], "alone": "region"}, {"alone": "zone"}),
    "tenants": _exclusive(
        {"tenants": {"a": ["train0"], "b": ["batch0", "serve0"]}, "apart": "region"},
        {"apart": "zone"},
    ),
    "first_refusal": _exclusive({"workloads": ["*"], "first_refusal": "azure", "margin": "20%"}),
    "concentration.spend": _policy(
        "concentration",
        [{"provider": "55%"}],
        [{"provider": "80%"}],
        [{"provider": "100%"}],
    ),
    "concentration.gpus": _policy(
        "concentration",
        [{"region": "60%", "of": "gpus"}],
        [{"region": "85%", "of": "gpus"}],
        [{"region": "100%", "of": "gpus"}],
    ),
    "budget": _policy("budget", 4000, 7000, "1B"),
    "power": _policy("power", [{"cap": "25 kW"}], [{"cap": "60 kW"}], [{"cap": "1 GW"}]),
    "carbon.cap": _policy("carbon", {"cap": "0.8 t"}, {"cap": "3 t"}, {"cap": "1000000 t"}),
    "carbon.price": _policy("carbon", {"price": 300}, {"price": 50}, {"price": 0}),
    "latency": _workload(
        "serve0",
        {"latency": {"rtt": 50, "share": "95%"}},
        {"latency": {"rtt": 50, "share": "60%"}},
        {"latency": {"rtt": 900, "share": "95%"}},
    ),
    "spread": _workload(
        "serve0",
        {"spread": {"regions": 2, "max_share": "60%"}},
        {"spread": {"regions": 2, "max_share": "95%"}},
        {"spread": {"regions": 1}},
    ),
    "survive": _workload(
        "serve0",
        {"survive": "region"},
        {"survive": "region", "survive_share": "40%"},
        None,
    ),
    "spot.max_share": _workload(
        "batch0",
        {"spot": {"max_share": "20%"}},
        {"spot": {"max_share": "70%"}},
        {"spot": {"max_share": "100%"}},
    ),
    "deadline": _workload("batch0", {"deadline": 40}, {"deadline": 70}, {"deadline": 100}),
    "quotas": Ruled(strict=_quota(16), loose=_quota(32), idle=_quota(100_000)),
    "commitments": Ruled(
        strict=_promise(spend=5000),
        loose=_promise(spend=2000),
        idle={"holdings": {"commitments": [
            {"provider": "azure", "spend": 5000, "from": "2025-01-01", "to": "2025-12-31"}
        ]}},
    ),
    "max_moves": _stability({"max_moves": 0}, {"max_moves": 1}),
    "move_cost": _stability({"move_cost": 900}, {"move_cost": 90}),
    "min_saving": _stability({"min_saving": 600}, {"min_saving": 60}),
    "freeze": _stability({"freeze": ["train0", "batch0"]}, {"freeze": ["train0"]}),
    "data": _workload(
        "train0",
        {"data": {"in": "aws/us-east-1", "gb": 9000}},
        {"data": {"in": "aws/us-east-1", "gb": 900}},
        {"data": {"in": "aws/us-east-1", "gb": "0.001"}},
    ),
    "reads": _workload(
        "batch0",
        {"reads": {"from": "train1", "gb": 9000}},
        {"reads": {"from": "train1", "gb": 900}},
        None,
    ),
    "reservations": Ruled(
        strict=_reserved(instances=1),
        loose=_reserved(instances=3),
        idle=_reserved(instances=3, until="2026-11-02"),
        is_leave=True,
    ),
    "discounts": Ruled(
        strict=_discount(off="10%"),
        loose=_discount(off="40%"),
        idle=_discount(off="40%", on=["reserved-3y"]),
        is_leave=True,
    ),
    "savings_plans": Ruled(
        strict=_covered(per_hour=10),
        loose=_covered(per_hour=40),
        idle=_covered(per_hour=40, until="2026-11-02"),
        is_leave=True,
    ),
    "purchase": Ruled(
        strict={"batch0": {"purchase": ["flex-start"]}},
        loose={"batch0": {"purchase": ["flex-start", "reserved-1y"]}},
        idle={"batch0": {"purchase": ["reserved-3y"]}},
        is_leave=True,
    ),
}  # fmt: skip


def case(seed: int) -> tuple[list[Row], Data]:
    """Draw offers in four places of H100 and what four workloads of every kind ask of them."""
    draw = random.Random(seed)  # noqa: S311 - a draw of cases, no secret
    rows: list[Row] = []
    for number, place in enumerate(PLACES[:4]):
        price = draw.randint(30, 70)
        rows.append((place, "on-demand", str(price), "", draw.choice(("3", "4", "6")), ""))
        if number != 1:
            rows.append((place, "spot", str(price // 2), "", "2", "0.02"))
    rows.append((PLACES[3], "flex-start", "18", "", "2", ""))
    rows.append((PLACES[0], "reserved-1y", "20", "876", "2", ""))
    demand = [{"from": one, "rate": draw.randint(40, 120)} for one in ("paris", "new-york")]
    data: Data = {
        "period": 100,
        "start": "2026-11-01",
        "training": [
            {"name": "train0", "accelerators": "H100:8", "hours": draw.randint(30, 90)},
            {"name": "train1", "accelerators": "H100:16", "hours": draw.randint(20, 60)},
        ],
        "services": [
            {"name": "serve0", "accelerators": "H100:8", "throughput": 10, "demand": demand}
        ],
        "batch": [
            {
                "name": "batch0",
                "accelerators": "H100:8",
                "work": draw.randint(60, 160),
                "spot": {"checkpoint": 0.1, "restart": 0.1},
            }
        ],
    }
    return rows, data


def stated(data: Data, *pieces: Data) -> Data:
    """Return `data` with pieces of a spec in it."""
    whole = copy.deepcopy(data)
    workloads = {
        one["name"]: one for kind in ("training", "services", "batch") for one in whole[kind]
    }
    for piece in pieces:
        for key, value in copy.deepcopy(piece).items():
            if key in workloads:
                _join(workloads[key], value)
            else:
                _join(whole, {key: value})
    return whole


def _join(into: Data, piece: Data) -> None:
    """Join mappings key by key, and lists item by item, each once."""
    for key, value in piece.items():
        there = into.get(key)
        if isinstance(there, dict) and isinstance(value, dict):
            _join(there, value)
        elif isinstance(there, list) and isinstance(value, list):
            there.extend(one for one in value if one not in there)
        else:
            into[key] = value
