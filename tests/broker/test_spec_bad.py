"""Every mistake gives one message that names line, path, what was found and what is right."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from broker.errors import SpecError
from broker.market import Market
from broker.spec import checked, load_spec
from broker.workloads import Shape, Spec, Training
from tests.broker.bad_claims import CLAIMS
from tests.broker.bad_spec import Bad, service, tiny_market, training
from tests.broker.bad_specs import BAD_SPECS
from tests.broker.bad_stability import STABILITY


@pytest.fixture(scope="module")
def market() -> Market:
    """Return the market the specs are checked against."""
    return tiny_market()


def refusal(path: Path, market: Market) -> SpecError:
    """Return the error with which the spec at `path` is refused."""
    with pytest.raises(SpecError) as caught:
        load_spec(path, read_market=lambda _: market)
    return caught.value


@pytest.mark.parametrize("bad", [*BAD_SPECS, *CLAIMS, *STABILITY], ids=lambda bad: bad.name)
def test_mistake_is_named_once(bad: Bad, tmp_path: Path, market: Market) -> None:
    """One mistake gives exactly one fault, with its line, path and remedy."""
    path = tmp_path / "spec.yaml"
    path.write_text(bad.text)
    error = refusal(path, market)
    assert len(error.faults) == 1, str(error)
    fault = error.faults[0]
    assert (fault.line, fault.path) == (bad.line, bad.path), str(error)
    assert bad.piece in fault.render("spec.yaml")
    assert list(tmp_path.iterdir()) == [path]


def test_every_mistake_at_once(tmp_path: Path, market: Market) -> None:
    """Mistakes of syntax, type, meaning and market are told together, in the file's order."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        "period: 10h\n"
        "training:\n"
        "- {name: a, accelerators: H100:x, hours: 1}\n"
        "- {name: b, accelerators: H100:8, hours: 11}\n"
        "- {name: b, accelerators: H100:8, hours: 1, priority: high}\n"
        "- {name: c, accelerators: H100:8, hours: 1, where: {regions: [mars]}}\n"
        "- {name: c, accelerators: H100:8, hours: 1, hours: 2}\n"
        "policy: {exclusivity: [{workloads: [b], only: [ibm]}]}\n"
        "extra: 1\n"
    )
    error = refusal(path, market)
    assert [(fault.line, fault.path) for fault in error.faults] == [
        (3, "training[0].accelerators"),
        (4, "training[1].hours"),
        (5, "training[2].name"),
        (5, "training[2].priority"),
        (6, "training[3].where.regions[0]"),
        (7, "training[4].hours"),
        (8, "policy.exclusivity[0].only[0]"),
        (9, "extra"),
    ]


def test_fault_does_not_hide_others_in_the_same_workload(tmp_path: Path, market: Market) -> None:
    """Where one key of a workload is wrong, its other keys are checked all the same."""
    path = tmp_path / "spec.yaml"
    path.write_text(
        service(
            "  latency: {rtt: 60ms, share: 95}\n  where: {regions: [mars], providers: 3}\n"
            "  survive: rack\n  survive_share: 50%\n  spread: {regions: 2, max_share: 10%}\n",
            demand="[{from: parsi}, {from: pariss, rate: 2}, {from: rome, rate: -1}]",
        )
    )
    error = refusal(path, market)
    assert [(fault.line, fault.path) for fault in error.faults] == [
        (4, "services[0].demand[0].rate"),
        (4, "services[0].demand[1].from"),
        (4, "services[0].demand[2].rate"),
        (6, "services[0].latency.share"),
        (7, "services[0].where.providers"),
        (7, "services[0].where.regions[0]"),
        (8, "services[0].survive"),
        (10, "services[0].spread.max_share"),
    ]


def test_fault_names_the_file(tmp_path: Path, market: Market) -> None:
    """A message begins with file and line, as editors understand it."""
    path = tmp_path / "spec.yaml"
    path.write_text(service("  headroom: 25\n"))
    assert str(refusal(path, market)).startswith(f"{path}:6: services[0].headroom: found `25`")


def test_own_table_may_name_origins(tmp_path: Path, market: Market) -> None:
    """A spec's own table of round trips adds origins; others must be known as ever."""
    table = tmp_path / "mine.csv"
    table.write_text("metro,region,rtt_ms\noffice,aws/us-east-1,9\n")
    path = tmp_path / "spec.yaml"
    demand = "[{from: office, rate: 1}, {from: offcie, rate: 2}]"
    path.write_text(service(f"latency: {table}\n", demand=demand))
    (fault,) = refusal(path, market).faults
    assert (fault.path, fault.remedy) == ("services[0].demand[1].from", "did you mean office?")


def test_spec_made_in_python_is_checked_alike(market: Market) -> None:
    """Typed objects get the checks of a file, with paths but no lines."""
    shape = Shape(accelerators=("H100",), count=Decimal(8), written="H100:8")
    good = Training(name="a", shapes=(shape,), hours=Decimal(9))
    spec = Spec(training=(good,))
    assert checked(spec, market) == spec
    bad = replace(spec, training=(good, replace(good, hours=Decimal(9999))), providers=("ibm",))
    with pytest.raises(SpecError) as caught:
        checked(bad, market)
    found = [(fault.line, fault.path) for fault in caught.value.faults]
    assert found == [(0, "providers[0]"), (0, "training[1].hours"), (0, "training[1].name")]


def test_market_is_not_needed_to_read(tmp_path: Path) -> None:
    """Without a market only what the file says by itself is judged."""
    path = tmp_path / "spec.yaml"
    path.write_text(training("  where: {regions: [mars]}\n"))
    assert load_spec(path).training[0].where.regions == ("mars",)
