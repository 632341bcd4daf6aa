"""Whatever AWS does wrong becomes a gap with its code, and the rest still comes."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import polars as pl
import pytest

from broker.fetching import Patience
from broker.provider import FaultKind
from broker.refresh import gap_table
from providers.aws.errors import fault_kind
from providers.emulation.faults import Fault, Trouble
from providers.emulation.server import Emulator
from tests.providers.aws.cloud import KEYS, emulator_of, faults, fetch, small_market

TYPES = "DescribeInstanceTypes"
WEST = {"operation": TYPES, "region": "eu-west-1"}


def refusal(
    code: str, *, status: int, times: int | None = 1, operation: str = TYPES, region: str = "*"
) -> Fault:
    return Fault(
        trouble=Trouble.REFUSE,
        operation=operation,
        region=region,
        code=code,
        status=status,
        times=times,
    )


def test_throttled_three_times_comes_all_the_same(emulator: Emulator) -> None:
    """Three throttles and an answer: four requests on the wire, no gap."""
    fault = refusal("RequestLimitExceeded", status=503, times=3, region="eu-west-1")
    emulator.faults.add(fault)
    fetched, _ = fetch(emulator)
    assert faults(fetched) == set()
    assert len(emulator.requests(TYPES, "eu-west-1")) == 4


def test_throttled_for_good_is_a_gap(emulator: Emulator) -> None:
    """A dataset that is always throttled is given up; its region's others are there."""
    emulator.faults.add(
        refusal("RequestLimitExceeded", status=503, times=None, region="eu-west-1")
    )
    fetched, tables = fetch(emulator)
    assert faults(fetched) == {("instance-types", "eu-west-1", "RequestLimitExceeded")}
    assert "eu-west-1" in set(tables.tables["offers"]["region"])  # specs of another region serve


def test_a_throttle_the_sdk_does_not_know_is_tried_again(emulator: Emulator) -> None:
    """The capacity block limit is throttling for us, though the SDK gives up on it."""
    assert (
        fault_kind("CapacityBlockDescribeLimitExceeded", status=400, is_home=True)
        is FaultKind.THROTTLED
    )
    emulator.faults.add(refusal("CapacityBlockDescribeLimitExceeded", status=400, times=2))
    fetched, _ = fetch(emulator)
    assert faults(fetched) == set()


def test_server_errors_pass(emulator: Emulator) -> None:
    """A 5xx of any kind is tried again."""
    emulator.faults.add(refusal("InternalError", status=500, times=2))
    emulator.faults.add(refusal("Unavailable", status=503, operation="DescribeAvail*"))
    emulator.faults.add(refusal("BadGateway", status=502, operation="ListServiceQuotas"))
    fetched, _ = fetch(emulator)
    assert faults(fetched) == set()
    assert len(emulator.requests(TYPES)) == 4


def test_lost_and_garbled_answers_pass(emulator: Emulator) -> None:
    """A connection dropped before or after the work, or an unreadable answer, is asked again."""
    hit = [
        (Trouble.DROP_BEFORE, "DescribeInstanceTypes"),
        (Trouble.DROP_AFTER, "DescribeInstanceTypeOfferings"),
        (Trouble.GARBAGE, "DescribeSpotPriceHistory"),
        (Trouble.DROP_AFTER, "GetProducts"),
        (Trouble.GARBAGE, "ListServiceQuotas"),
        (Trouble.GARBAGE, "DescribeSavingsPlans"),
        (Trouble.GARBAGE, "Download"),
    ]
    for trouble, operation in hit:
        emulator.faults.add(Fault(trouble=trouble, operation=operation))
    fetched, _ = fetch(emulator)
    assert faults(fetched) == set()
    assert sum(logged.fault is not None for logged in emulator.log) == len(hit)


def test_garbage_for_good_is_a_gap(emulator: Emulator) -> None:
    """An answer that stays unreadable is a broken one, with a remedy."""
    emulator.faults.add(Fault(trouble=Trouble.GARBAGE, operation="GetProducts", times=None))
    fetched, tables = fetch(emulator)
    assert {dataset.partition("/")[0] for dataset, _, _ in faults(fetched)} == {"prices"}
    gaps = gap_table("aws", fetched)
    assert gaps.height == 5
    assert all("endpoint" in remedy for remedy in gaps["remedy"])
    on_demand = tables.tables["offers"].filter(pl.col("option") == "on-demand")
    assert on_demand["usd_per_hour"].null_count() == on_demand.height


def test_a_slow_answer_is_left_behind(emulator: Emulator) -> None:
    """A call beyond its time is a gap; the refresh does not wait for it."""
    emulator.faults.add(Fault(trouble=Trouble.SLOW, delay_s=16, **WEST))
    patience = Patience(first_wait_s=0.01, call_s=9, provider_s=240)
    fetched, _ = fetch(emulator, patience=patience)
    assert faults(fetched) == {("instance-types", "eu-west-1", "DeadlineExceeded")}


def test_a_dead_region_leaves_the_others(emulator: Emulator) -> None:
    """With one region down, all of its datasets are gaps and the other region is whole."""
    emulator.faults.add(
        refusal("InternalError", status=500, times=None, operation="*", region="eu-west-1")
    )
    fetched, tables = fetch(emulator)
    assert {region for _, region, _ in faults(fetched)} == {"eu-west-1"}
    assert len(faults(fetched)) == 8
    there = tables.tables["offers"].filter(pl.col("region") == "us-east-1")
    expected = small_market().offers.filter(pl.col("region") == "us-east-1")
    assert there.height == expected.height


def test_a_lost_second_page_never_shortens_a_list() -> None:
    """When page 2 fails once, the list is read anew; when it always fails, it is a gap."""
    with emulator_of(small_market(), page_size=5) as emulator:
        lost = {"operation": "DescribeInstanceTypeOfferings", "page": 2, "region": "us-east-1"}
        emulator.faults.add(Fault(trouble=Trouble.DROP_AFTER, times=3, **lost))  # type: ignore[arg-type] # by name
        fetched, _ = fetch(emulator)
        assert faults(fetched) == set()
        emulator.faults.add(Fault(trouble=Trouble.DROP_AFTER, times=None, **lost))  # type: ignore[arg-type] # by name
        fetched, _ = fetch(emulator)
    assert {(dataset, region) for dataset, region, _ in faults(fetched)} == {
        ("offerings", "us-east-1")
    }
    (outcome,) = [one for one in fetched if one.fault]
    assert list(outcome.rows) == []


def test_an_empty_region_is_not_a_region_that_sells_nothing() -> None:
    """Where no offering is listed, prices stay, and whether they can be had is unknown."""
    emulator = emulator_of(small_market())
    emulator.site.fixtures.offerings["eu-west-1"] = []  # type: ignore[attr-defined] # AWS's site
    with emulator:
        fetched, tables = fetch(emulator)
    assert faults(fetched) == set()
    there = tables.tables["offers"].filter(pl.col("region") == "eu-west-1")
    assert set(there["zone"]) == {"-"}
    assert set(there["purchasable"]) <= {"unknown", "no"}
    assert there.filter(pl.col("instance_type") == "g5.xlarge")["purchasable"][0] == "unknown"


def test_credentials_that_end_in_mid_refresh(emulator: Emulator, tmp_path: Path) -> None:
    """After one expired answer nothing more is asked; yesterday's rows stand in, stale."""
    fetch(emulator, kept_in=tmp_path)
    emulator.forget()
    expired = Fault(
        trouble=Trouble.REFUSE,
        service="ec2",
        code="RequestExpired",
        status=400,
        times=None,
        after=4,
    )
    emulator.faults.add(expired)
    fetched, tables = fetch(emulator, kept_in=tmp_path)
    stopped = [one for one in fetched if one.fault]
    assert {one.fault.kind for one in stopped if one.fault} == {FaultKind.EXPIRED}
    assert all(one.fetched_at is not None for one in stopped)
    assert len(emulator.log) < 25
    assert tables.tables["offers"].height == small_market().offers.height
    gaps = gap_table("aws", fetched)
    assert gaps["stale_since"].null_count() == 0
    assert all("sign in again" in remedy for remedy in gaps["remedy"])


def test_not_authorised_for_some_calls(emulator: Emulator) -> None:
    """What is not allowed is asked once, names the action to allow, and stops nothing else."""
    denied = {
        "DescribeCapacityReservations": ("UnauthorizedOperation", "ec2"),
        "DescribeSavingsPlans": ("AccessDeniedException", "savingsplans"),
        "ListServiceQuotas": ("AccessDeniedException", "servicequotas"),
    }
    for operation, (code, _) in denied.items():
        emulator.faults.add(refusal(code, status=403, times=None, operation=operation))
    fetched, tables = fetch(emulator)
    gaps = gap_table("aws", fetched)
    assert set(gaps["remedy"]) == {
        f"allow {service}:{operation}" for operation, (_, service) in denied.items()
    }
    asked = sum(len(emulator.requests(operation)) for operation in denied)
    assert asked == gaps.height == 5
    assert tables.tables["offers"].height == small_market().offers.height


def test_a_region_that_is_switched_off(emulator: Emulator) -> None:
    """Keys the home region takes and another refuses mean that the other is disabled."""
    emulator.faults.add(
        refusal("AuthFailure", status=401, times=None, operation="*", region="eu-west-1")
    )
    fetched, _ = fetch(emulator)
    kinds = {one.fault.kind for one in fetched if one.fault}
    assert kinds == {FaultKind.DISABLED}


def test_keys_nobody_knows(emulator: Emulator) -> None:
    """Keys that the home region refuses stop the provider after one request."""
    emulator.faults.add(refusal("AuthFailure", status=401, times=None, operation="*"))
    fetched, _ = fetch(emulator)
    assert {one.fault.kind for one in fetched if one.fault} == {FaultKind.UNCONFIGURED}
    assert len(emulator.log) == 1


def test_a_disabled_api(emulator: Emulator) -> None:
    """An API the account has not switched on is a gap; prices of the rest stay."""
    emulator.faults.add(
        refusal("OptInRequired", status=401, times=None, operation="DescribeSavingsPlans*")
    )
    fetched, tables = fetch(emulator)
    assert {one.fault.kind for one in fetched if one.fault} == {FaultKind.DISABLED}
    assert tables.tables["offers"].height == small_market().offers.height


def test_secrets_are_written_nowhere(
    emulator: Emulator, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither rows on disk nor logs, faults or tables hold the keys, whatever goes wrong."""
    caplog.set_level(logging.DEBUG, logger="broker")
    secret = KEYS["AWS_SECRET_ACCESS_KEY"]
    echoed = Fault(
        trouble=Trouble.REFUSE,
        operation=TYPES,
        code="UnauthorizedOperation",
        status=403,
        message=f"key {KEYS['AWS_ACCESS_KEY_ID']} {secret}",
        times=None,
    )
    emulator.faults.add(echoed)
    emulator.faults.add(Fault(trouble=Trouble.GARBAGE, operation="GetProducts", times=None))
    fetched, tables = fetch(emulator, kept_in=tmp_path)
    said = [caplog.text, repr(fetched), *(frame.write_json() for frame in tables.tables.values())]
    said.append(json.dumps(gap_table("aws", fetched).rows(), default=str))
    said += [path.read_text() for path in tmp_path.rglob("*.json")]
    said += [gzip.decompress(path.read_bytes()).decode() for path in tmp_path.rglob("*.gz")]
    assert len(said) > 20
    for canary in KEYS.values():
        assert not any(canary in text for text in said)
