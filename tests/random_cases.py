"""Small random markets and specs of every kind, for tests of what must hold for all of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st

from broker.market import Market
from broker.market_csv import read_offers_csv
from broker.spec import spec_from_data
from broker.workloads import Spec

HEAD = (
    "provider,region,zone,instance_type,accelerator,accelerators,vcpus,memory_gib,fabric,option,"
    "usd_per_hour,upfront_usd,available,interruptions_per_hour,source,observed_at"
)
#: Machines in places; H100 machines come first.
PLACES = (
    "aws,us-east-1,use1-az1,p5.48xlarge,H100,8,192,2048,rdma",
    "aws,us-east-1,use1-az2,p5.48xlarge,H100,8,192,2048,rdma",
    "azure,westeurope,-,ND96isr_H100_v5,H100,8,96,1900,rdma",
    "gcp,europe-west4,europe-west4-a,a3-megagpu-8g,H100,8,208,1872,rdma",
    "gcp,europe-west4,europe-west4-b,g2-standard-4,L4,1,4,16,none",
    "aws,eu-west-1,euw1-az1,g6.xlarge,L4,1,4,16,none",
    "azure,westeurope,-,NV36ads_A10_v5,A10,1,36,440,none",
    "aws,us-east-1,use1-az1,m5.4xlarge,,0,16,64,none",
)
POOLS = ("aws/us-east-1/use1-az1/p5.48xlarge", "gcp/europe-west4/europe-west4-a/a3-megagpu-8g")
SHAPES = ("H100:8", "H100:16", "H100:24", "L4:1", "L4:2")
METROS = ("paris", "new-york", "tokyo")

Row = tuple[str, str, str, str, str, str]
Data = dict[str, Any]


def market_of(rows: list[Row]) -> Market:
    """Return the market of (place, option, price, fee, available, losses) rows."""
    lines = [f"{','.join(row)},tests,2026-11-01" for row in rows]
    return read_offers_csv("\n".join([HEAD, *lines]).encode(), name="random")


@st.composite
def market_rows(draw: st.DrawFn) -> list[Row]:
    """Draw four to ten offers, no two alike."""
    keys = st.tuples(
        st.sampled_from(PLACES), st.sampled_from(("on-demand", "on-demand", "spot", "reserved-1y"))
    )
    rows: list[Row] = []
    for place, option in draw(st.lists(keys, min_size=4, max_size=10, unique=True)):
        price = draw(st.integers(1, 400)) / 4
        fee = draw(st.sampled_from(("", "876"))) if option == "reserved-1y" else ""
        losses = draw(st.sampled_from(("", "0", "0.01", "0.05", "0.4")))
        available = draw(st.sampled_from(("", "0", "2", "3", "5", "9")))
        rows.append(
            (place, option, f"{price}", fee, available, losses if option == "spot" else "")
        )
    return rows


@st.composite
def spec_data(draw: st.DrawFn, *, rules: bool = True) -> Data:
    """Draw a spec of one to four workloads, with rules, holdings and quotas where `rules`."""
    trainings = [_training(draw, f"train{i}") for i in range(draw(st.integers(0, 2)))]
    services = [_service(draw, f"serve{i}", rules) for i in range(draw(st.integers(0, 1)))]
    batches = [_batch(draw, f"batch{i}") for i in range(draw(st.integers(0, 2)))]
    if not trainings + services + batches:
        batches = [_batch(draw, "batch0")]
    data: Data = {
        "period": 100,
        "start": "2026-11-01",
        "training": trainings,
        "services": services,
        "batch": batches,
        "assume": {"instances_per_pool": {"on-demand": draw(st.integers(1, 6)), "spot": 3}},
    }
    if rules:
        _with_reads(draw, trainings + batches)
    data = {key: value for key, value in data.items() if value}
    names = [one["name"] for one in trainings + services + batches]
    return _with_rules(draw, data, names) if rules else data


def spec_of(data: Data) -> Spec:
    """Return the spec of plain data."""
    return spec_from_data(data)


def _common(draw: st.DrawFn, name: str) -> Data:
    found: Data = {"name": name, "priority": draw(st.integers(0, 1))}
    found |= draw(
        st.sampled_from(
            (
                {},
                {},
                {},
                {},
                {"where": {"providers": ["aws"]}},
                {"where": {"residency": ["IE", "NL"]}},
                {"where": {"regions": ["gcp/*", "us-east-1"]}},
            )
        )
    )
    if draw(st.integers(0, 2)) == 0:
        found["data"] = {"in": "aws/us-east-1", "gb": draw(st.integers(1, 500))}
    if draw(st.booleans()):
        share = draw(st.sampled_from((0.4, 0.5, 1)))
        found["spot"] = {"checkpoint": 0.1, "restart": 0.2, "max_share": share}
    if draw(st.integers(0, 3)) == 0:
        found["purchase"] = ["reserved-1y"]
    return found


def _shapes(draw: st.DrawFn) -> Data:
    if draw(st.integers(0, 2)):
        return {"accelerators": draw(st.sampled_from(SHAPES))}
    first, second = draw(st.permutations(("H100:8", "L4:2", "A10:3")))[:2]
    speed = draw(st.sampled_from((0.5, 0.7, 1.5)))
    return {"shapes": [{"accelerators": first}, {"accelerators": second, "speed": speed}]}


def _training(draw: st.DrawFn, name: str) -> Data:
    hours = {"hours": draw(st.integers(1, 50))}
    if draw(st.integers(0, 3)) == 0:
        return _common(draw, name) | {"vcpus": 8, "nodes": 2, "fabric": "any"} | hours
    return _common(draw, name) | _shapes(draw) | hours


def _batch(draw: st.DrawFn, name: str) -> Data:
    found = _common(draw, name) | _shapes(draw) | {"work": draw(st.integers(1, 400))}
    if draw(st.booleans()):
        found["deadline"] = draw(st.integers(10, 100))
    return found


def _service(draw: st.DrawFn, name: str, rules: bool) -> Data:
    metros = draw(st.lists(st.sampled_from(METROS), min_size=1, max_size=3, unique=True))
    found = _common(draw, name) | _shapes(draw)
    unit = draw(st.sampled_from((1, 1, 0.001, 10_000)))  # whatever the service counts
    rates = [draw(st.integers(1, 300)) for _ in metros]
    found["demand"] = [
        {"from": one, "rate": rate * unit} for one, rate in zip(metros, rates, strict=True)
    ]
    found["throughput"] = draw(st.sampled_from((10, 12.5, 7.3))) * unit
    if draw(st.integers(0, 2)) == 0:
        _with_sizes(draw, found, unit)
    found["headroom"] = draw(st.sampled_from((0, 0.25)))
    if draw(st.booleans()):
        found["latency"] = {
            "rtt": draw(st.sampled_from((30, 100, 250))),
            "share": draw(st.sampled_from((0.6, 0.8, 1))),
            "each_metro": draw(st.booleans()),
        }
    if rules:
        found |= draw(
            st.sampled_from(
                (
                    {},
                    {"spread": {"regions": 2}},
                    {"survive": "zone", "survive_share": 0.5},
                    {"survive": "region"},
                )
            )
        )
    return found


def _with_sizes(draw: st.DrawFn, service: Data, unit: float) -> None:
    """Tell requests apart by size; a later shape may be unable to serve the long ones."""
    service["sizes"] = draw(
        st.sampled_from(
            (
                {"short": "60%", "long": "40%"},
                {"long": 0.2, "mid": 0.3, "short": 0.5},
                {"long": "33.33%", "mid": "33.33%", "short": "33.33%"},
            )
        )
    )
    for number, shape in enumerate(service.get("shapes", [service])):
        least = 0.5 if number == 0 else 0
        rates = {size: draw(st.sampled_from((least, 3, 12.5))) * unit for size in service["sizes"]}
        shape["throughput"] = rates | {"short": draw(st.sampled_from((9, 25))) * unit}


def _with_reads(draw: st.DrawFn, writers: list[Data]) -> None:
    """Let one of two workloads read the one before it, whatever kind the two are."""
    for source, reader in pairwise(writers):
        if draw(st.booleans()):
            reader["reads"] = {"from": source["name"], "gb": draw(st.sampled_from((1, 50, 3000)))}


def _savings_plans(draw: st.DrawFn) -> list[Data]:
    """One or two plans; two of them may pay for the same hours."""
    scopes: tuple[Data, ...] = (
        {},
        {"types": ["p5*", "g*"]},
        {"regions": ["us-*"]},
        {"until": "2026-11-02"},
    )
    return [
        {
            "provider": draw(st.sampled_from(("aws", "gcp"))),
            "per_hour": draw(st.sampled_from((1, 7, 60))),
            "off": draw(st.sampled_from((0.27, 0.5))),
            **draw(st.sampled_from(scopes)),
        }
        for _ in range(draw(st.integers(1, 2)))
    ]


def _with_rules(draw: st.DrawFn, data: Data, names: list[str]) -> Data:
    scope = draw(st.sampled_from(("provider", "region", "zone")))
    some = names[: draw(st.integers(1, len(names)))]
    rule = draw(
        st.sampled_from(
            (
                None,
                {"apart": scope, "workloads": names},
                {"together": scope, "workloads": some},
                {"alone": scope, "workloads": some},
                {"never": ["aws"], "workloads": some},
            )
        )
    )
    if rule is not None and (len(names) > 1 or "apart" not in rule):
        data["policy"] = {"exclusivity": [rule]}
    holdings: Data = {}
    if draw(st.booleans()):
        pool = draw(st.sampled_from(POOLS))
        holdings["reservations"] = [{"pool": pool, "instances": draw(st.integers(1, 3))}]
    if draw(st.booleans()):
        holdings["commitments"] = [{"provider": "aws", "spend": draw(st.integers(1, 9000))}]
    if draw(st.booleans()):
        holdings["discounts"] = [{"provider": "gcp", "off": 0.13}]
    if draw(st.booleans()):
        holdings["savings_plans"] = _savings_plans(draw)
    if draw(st.booleans()):
        limit = 8 * draw(st.integers(0, 4))
        quota = {"provider": "aws", "accelerator": "H100", "unit": "gpus", "limit": limit}
        data["quotas"] = [quota]
    return data | ({"holdings": holdings} if holdings else {})
