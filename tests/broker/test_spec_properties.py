"""Whatever is written, reading ends in a spec or in a message; and data reads back the same."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.errors import BrokerError
from broker.spec import load_spec, spec_from_data, spec_to_data
from tests.broker.bad_spec import tiny_market
from tests.broker.bad_specs import BAD_SPECS
from tests.broker.test_spec_data import EVERYTHING

_MARKET = tiny_market()
_NAMES = ["a", "b-1", "c.2", "d_3"]
_ODD = [
    None,
    True,
    [],
    {},
    "",
    " ",
    "x",
    "NO",
    0,
    -1,
    1.5,
    "95",
    "1e400",
    "[",
    "*",
    "\x00",
    "H100",
]

_shapes = st.one_of(
    st.builds(
        lambda model, count: {"accelerators": f"{model}:{count}"},
        st.sampled_from(["H100", "A100", "a100:80gb", "L4", "T4"]),
        st.sampled_from(["1", "8", "64", "0.5"]),
    ),
    st.builds(
        lambda low, count: {"gpu": f"{low}GB..80GB:{count}"}, st.integers(1, 80), st.just(2)
    ),
    st.builds(lambda low: {"gpu": f"{low}GB.."}, st.integers(1, 80)),
    st.builds(lambda n: {"accelerators": "H100", "per_node": 8, "nodes": n}, st.integers(1, 9)),
    st.builds(
        lambda vcpus, memory, nodes: {"vcpus": vcpus, "memory": f"{memory} GiB", "nodes": nodes},
        st.integers(1, 64),
        st.integers(1, 512),
        st.integers(1, 4),
    ),
)
_common = st.fixed_dictionaries(
    {"shapes": st.lists(_shapes, min_size=1, max_size=3)},
    optional={
        "priority": st.integers(-5, 5),
        "owner": st.sampled_from(["ml", "Zoë"]),
        "where": st.sampled_from(
            [{"residency": ["EU", "NO"]}, {"regions": ["aws/*"]}, {"providers": ["aws", "gcp"]}]
        ),
        "spot": st.sampled_from([{}, {"checkpoint": "7m", "restart": "13s", "max_share": "33%"}]),
        "data": st.sampled_from([{"in": "aws/us-east-1", "gb": "3 TB"}]),
        "purchase": st.sampled_from([["reserved-1y"], ["capacity-block", "flex-start"]]),
    },
)
_own = {
    "training": st.fixed_dictionaries({"hours": st.sampled_from([1, "7m", "9d", "0.1"])}),
    "services": st.fixed_dictionaries(
        {
            "throughput": st.sampled_from([0.1, "12k"]),
            "demand": st.just(
                [{"from": "nyc", "rate": 1}, {"from": "gcp/europe-west4", "rate": 2}]
            ),
        },
        optional={
            "headroom": st.sampled_from(["25%", 0.3, "100%"]),
            "latency": st.sampled_from([{"rtt": "60ms"}, {"rtt": 9, "share": "7%"}]),
            "spread": st.sampled_from([{"regions": 2}, {"regions": 3, "max_share": "40%"}]),
        },
    ),
    "batch": st.fixed_dictionaries({"work": st.sampled_from(["13h", "1d", 700])}),
}


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """Return the data of a spec without faults."""
    data: dict[str, Any] = {}
    for index, name in enumerate(_NAMES[: draw(st.integers(1, len(_NAMES)))]):
        kind = draw(st.sampled_from(sorted(_own)))
        workload = {"name": name, **draw(_common), **draw(_own[kind])}
        data.setdefault(kind, []).append(workload)
        if index == 0:
            verb = draw(
                st.sampled_from([{"only": ["aws"]}, {"apart": "zone"}, {"never": ["gcp"]}])
            )
            data["policy"] = {"exclusivity": [{"workloads": [name], "why": "so", **verb}]}
    return data


@given(specs())
@settings(max_examples=60, deadline=None)
def test_data_reads_back(data: dict[str, Any]) -> None:
    """A spec written out as JSON and read again is the same, and is written out the same."""
    spec = spec_from_data(data)
    written = json.dumps(spec_to_data(spec))
    again = spec_from_data(json.loads(written))
    assert again == spec
    assert json.dumps(spec_to_data(again)) == written


def _read(text: str, path: Path) -> None:
    """Read `text` as a spec; anything but a message of ours fails the test."""
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    with contextlib.suppress(BrokerError):
        load_spec(path, read_market=lambda _: _MARKET)


@given(data=st.data())
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mutated_values_end_in_a_message(tmp_path: Path, data: st.DataObject) -> None:
    """Any value replaced by another of any type gives a spec or a message, never a bug."""
    tree = yaml.load(EVERYTHING, Loader=yaml.BaseLoader)  # noqa: S506 - texts only, our own
    node: Any = tree
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(node[key], dict | list) or not node[key] or data.draw(st.booleans()):
            break
        node = node[key]
    node[key] = data.draw(st.sampled_from(_ODD))
    _read(json.dumps(tree), tmp_path / "spec.json")


@given(data=st.data())
@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_mutated_text_ends_in_a_message(tmp_path: Path, data: st.DataObject) -> None:
    """Characters taken out, put in or doubled give a spec or a message, never a bug."""
    texts = [EVERYTHING, *(bad.text for bad in BAD_SPECS if len(bad.text) < 2000)]
    text = data.draw(st.sampled_from(texts)) or "x"
    start = data.draw(st.integers(0, len(text)))
    end = min(len(text), start + data.draw(st.integers(0, 12)))
    put_in = data.draw(
        st.text(max_size=4) | st.sampled_from(["\t", "{", "- ", ": ", "&a ", "*a", "#"])
    )
    _read(text[:start] + put_in + text[end:], tmp_path / "spec.yaml")
