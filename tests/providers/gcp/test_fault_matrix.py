"""Whatever goes wrong with one call is classified, tried again within limits, and left there."""

import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from broker.fetching import ConcurrentFetcher
from broker.provider import FaultKind, Fetched, Scope
from providers.emulation.faults import Fault, Trouble
from providers.emulation.gcp import GoogleEmulator
from tests.providers.gcp.cloud import QUICK, fixtures, provider

TYPES, CATALOG, QUOTAS = "machineTypes.aggregatedList", "ListSkus", "quotaInfos.list"


@pytest.fixture
def emulator() -> Iterator[GoogleEmulator]:
    """The hand-made cloud, three rows a page."""
    with GoogleEmulator(fixtures(), page_size=3) as running:
        yield running


def collect(emulator: GoogleEmulator, *faults: Fault, **patience: float) -> dict[str, Fetched]:
    """Refresh under `faults`; outcomes by dataset."""
    for fault in faults:
        emulator.faults.add(fault)
    limits = replace(QUICK, **patience)  # type: ignore[arg-type] # seconds only
    fetched = provider(emulator).collect(Scope(), ConcurrentFetcher(patience=limits))
    return {one.dataset: one for one in fetched}


def refuse(operation: str, status: int, code: str, *, times: int | None = 1) -> Fault:
    return Fault(
        trouble=Trouble.REFUSE, operation=operation, status=status, code=code, times=times
    )


DATASETS = {TYPES: "instance-types", CATALOG: "prices", QUOTAS: "quotas"}


@pytest.mark.parametrize("operation", DATASETS)
@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "rateLimitExceeded"),
        (403, "rateLimitExceeded"),
        (403, "RATE_LIMIT_EXCEEDED"),
        (500, "backendError"),
        (503, "backendError"),
        (504, "gatewayTimeout"),
    ],
)
def test_throttling_and_outages_pass(
    emulator: GoogleEmulator, operation: str, status: int, code: str
) -> None:
    """Two refusals are waited out; the third try has every row."""
    outcome = collect(emulator, refuse(operation, status, code, times=2))[DATASETS[operation]]
    assert outcome.fault is None
    assert outcome.requests == 3


@pytest.mark.parametrize("operation", DATASETS)
@pytest.mark.parametrize("trouble", [Trouble.DROP_BEFORE, Trouble.DROP_AFTER])
def test_a_dropped_connection_is_tried_again(
    emulator: GoogleEmulator, operation: str, trouble: Trouble
) -> None:
    """Connection errors leave the compute client as `requests` errors and are transient too."""
    outcome = collect(emulator, Fault(trouble=trouble, operation=operation))[DATASETS[operation]]
    assert outcome.fault is None
    assert outcome.requests == 2


@pytest.mark.parametrize("operation", DATASETS)
def test_a_lost_page_fails_the_list_and_never_shortens_it(
    emulator: GoogleEmulator, operation: str
) -> None:
    """When page 2 stays lost there are no rows at all and a fault that says so."""
    emulator.fixtures.quota_infos = [{"quotaId": "x"}] * 5
    lost = Fault(trouble=Trouble.REFUSE, operation=operation, page=2, times=None)
    outcome = collect(emulator, lost)[DATASETS[operation]]
    assert outcome.rows == ()
    assert outcome.fault is not None
    assert outcome.fault.kind is FaultKind.TRANSIENT


@pytest.mark.parametrize(
    ("status", "code", "kind", "remedy"),
    [
        (403, "forbidden", FaultKind.DENIED, "docs/providers/gcp.md"),
        (403, "IAM_PERMISSION_DENIED", FaultKind.DENIED, "docs/providers/gcp.md"),
        (403, "accessNotConfigured", FaultKind.DISABLED, "gcloud services enable {}"),
        (403, "SERVICE_DISABLED", FaultKind.DISABLED, "gcloud services enable {}"),
        (404, "notFound", FaultKind.DISABLED, "check the project"),
        (400, "invalid", FaultKind.BROKEN, "report it"),
    ],
)
@pytest.mark.parametrize("operation", DATASETS)
def test_a_refusal_is_told_apart_and_the_rest_goes_on(
    emulator: GoogleEmulator,
    operation: str,
    status: int,
    code: str,
    kind: FaultKind,
    remedy: str,
) -> None:
    """A 403 is a missing right or an API that is off; both leave the other lists alone."""
    outcomes = collect(emulator, refuse(operation, status, code, times=None))
    failed = {name: one.fault for name, one in outcomes.items() if one.fault}
    (fault,) = failed.values()
    assert list(failed) == [DATASETS[operation]]
    assert (fault.kind, fault.code) == (kind, code)
    hosts = {TYPES: "compute", CATALOG: "cloudbilling", QUOTAS: "cloudquotas"}
    assert remedy.format(f"{hosts[operation]}.googleapis.com") in fault.remedy


@pytest.mark.parametrize("operation", [TYPES, QUOTAS])
def test_garbage_is_broken_after_a_second_look(emulator: GoogleEmulator, operation: str) -> None:
    """A body nobody can read is asked for once more, then given up."""
    outcome = collect(emulator, Fault(trouble=Trouble.GARBAGE, operation=operation, times=None))
    fault = outcome[DATASETS[operation]].fault
    assert fault is not None
    assert fault.kind is FaultKind.BROKEN
    assert outcome[DATASETS[operation]].requests == 2


def test_garbage_over_grpc_fails_the_catalog_only(emulator: GoogleEmulator) -> None:
    """An unreadable message is an internal error of gRPC: tried again, then given up."""
    outcomes = collect(emulator, Fault(trouble=Trouble.GARBAGE, operation=CATALOG, times=None))
    assert [name for name, one in outcomes.items() if one.fault] == ["prices"]


def test_slow_calls_are_left_behind(emulator: GoogleEmulator) -> None:
    """Calls past their time fail alone, over REST and gRPC; the others are there."""
    slow = [Fault(trouble=Trouble.SLOW, operation=one, delay_s=14, times=None) for one in DATASETS]
    outcomes = collect(emulator, *slow, call_s=8)
    faults = {name: one.fault.code for name, one in outcomes.items() if one.fault}
    assert faults == dict.fromkeys(DATASETS.values(), "DeadlineExceeded")
    assert len(outcomes) > len(faults)


def test_credentials_that_end_stop_the_provider(emulator: GoogleEmulator) -> None:
    """After a 401 nothing more is asked, and the remedy says how to sign in."""
    outcomes = collect(emulator, refuse("*", 401, "authError", times=None))
    assert {one.fault.kind for one in outcomes.values() if one.fault} == {FaultKind.EXPIRED}
    assert outcomes["regions"].fault is not None
    assert "gcloud auth" in outcomes["regions"].fault.remedy
    asked = len(emulator.http.log) + len(emulator.catalog.log)
    assert asked <= len(outcomes)


def test_the_wait_the_service_asks_for_is_handed_on(emulator: GoogleEmulator) -> None:
    """A Retry-After header reaches the fetcher as seconds."""
    throttled = Fault(
        trouble=Trouble.REFUSE,
        operation=TYPES,
        status=429,
        code="rateLimitExceeded",
        times=None,
        retry_after_s=7,
    )
    fault = collect(emulator, throttled)["instance-types"].fault
    assert fault is not None
    assert fault.retry_after_s == 7


def test_one_dead_region_leaves_the_others_advice(emulator: GoogleEmulator) -> None:
    """Advice is asked region by region, so that one region's outage is its own gap."""
    dead = Fault(
        trouble=Trouble.REFUSE, operation="advice.capacity", region="europe-west4", times=None
    )
    emulator.faults.add(dead)
    cloud = provider(emulator, advice_types="g2-standard-4")
    scope = Scope(signals=True)
    fetched = cloud.collect(scope, ConcurrentFetcher(patience=QUICK))
    failed = [(one.dataset, one.region) for one in fetched if one.fault]
    assert failed == [("capacity", "europe-west4")]
    regions = set(cloud.read(fetched, scope).tables["signals"]["region"])
    assert regions == {"us-central1", "europe-west4"}


def test_nothing_the_service_says_is_written_anywhere(
    emulator: GoogleEmulator, caplog: pytest.LogCaptureFixture
) -> None:
    """A secret in an error message reaches no log, no fault and no table."""
    canary = "ya29.CANARY-do-not-write"
    for operation in DATASETS:
        emulator.faults.add(replace(refuse(operation, 403, "forbidden"), message=canary))
    with caplog.at_level(logging.DEBUG, logger="broker"):
        fetched = provider(emulator).collect(Scope(), ConcurrentFetcher(patience=QUICK))
    tables = provider(emulator).read(fetched, Scope()).tables
    faults = " ".join(f"{one.fault} {one.fault.remedy}" for one in fetched if one.fault)
    written = faults + caplog.text + "".join(frame.write_csv() for frame in tables.values())
    assert "forbidden" in faults
    assert canary not in written
