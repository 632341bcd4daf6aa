"""The emulated Google Cloud is as strict and as partial as the real one."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from providers.emulation.faults import Fault, Trouble
from providers.emulation.gcp import GoogleEmulator
from tests.providers.gcp.cloud import fixtures

COMPUTE = "/compute/v1/projects/p"


@pytest.fixture
def emulator() -> Iterator[GoogleEmulator]:
    """The hand-made cloud, four rows a page."""
    with GoogleEmulator(fixtures(), page_size=4) as running:
        yield running


def ask(emulator: GoogleEmulator, path: str, body: object = None) -> tuple[int, Any]:
    """Return status and JSON of a request; POST when there is a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(emulator.http.url + path, data=data)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        (f"{COMPUTE}/regions?pagesize=3", 400, "invalid"),
        (f"{COMPUTE}/aggregated/machineTypes?filter=name%3Da3", 400, "invalid"),
        (f"{COMPUTE}/aggregated/disks", 404, "notFound"),
        (f"{COMPUTE}/machineTypes", 404, "notFound"),
        ("/v2/anything", 404, "notFound"),
        (f"{COMPUTE}/regions/us-central1/advice/capacity", 405, "httpMethodNotAllowed"),
    ],
)
def test_what_google_does_not_know_is_refused(
    emulator: GoogleEmulator, path: str, status: int, reason: str
) -> None:
    """Paths, parameters, filters and methods are checked, refusals worded as Google does."""
    found, body = ask(emulator, path)
    assert (found, body["error"]["errors"][0]["reason"]) == (status, reason)
    assert body["error"]["code"] == status


def test_a_body_is_checked_by_the_sdks_own_definition(emulator: GoogleEmulator) -> None:
    """An unknown member of a request is refused."""
    path = f"{COMPUTE}/regions/us-central1/advice/capacityHistory"
    status, body = ask(emulator, path, {"types": ["PREEMPTION"], "machine": "a3-highgpu-8g"})
    assert status == 400
    assert "machine" in body["error"]["message"]


def test_every_scope_is_on_every_page(emulator: GoogleEmulator) -> None:
    """Zones without rows on a page carry Google's warning, so that none is silently absent."""
    path = f"{COMPUTE}/aggregated/machineTypes"
    _, first = ask(emulator, path)
    assert set(first["items"]) == {
        "zones/europe-west4-a",
        "zones/us-central1-a",
        "zones/us-central1-b",
    }
    empty = first["items"]["zones/us-central1-b"]
    assert empty["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    _, second = ask(emulator, f"{path}?pageToken={first['nextPageToken']}")
    _, third = ask(emulator, f"{path}?pageToken={second['nextPageToken']}")
    assert "nextPageToken" not in third
    counts = [
        sum(len(scope.get("machineTypes", ())) for scope in page["items"].values())
        for page in (first, second, third)
    ]
    assert counts == [4, 4, 1]


def test_a_fault_hits_the_page_it_names(emulator: GoogleEmulator) -> None:
    """Faults choose operation and page, and are used up."""
    lost = Fault(trouble=Trouble.REFUSE, operation="machineTypes.*", page=2, status=502)
    emulator.faults.add(lost)
    path = f"{COMPUTE}/aggregated/machineTypes"
    statuses = [ask(emulator, path)[0]] + [ask(emulator, f"{path}?pageToken=4")[0] for _ in "ab"]
    assert statuses == [200, 502, 200]
