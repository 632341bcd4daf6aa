"""An emulated Google Cloud: the compute and quota APIs over HTTP, the price catalog over gRPC.

Paths, parameters, paging, errors and partial answers are those of compute v1 and Cloud Quotas
v1; a parameter, filter or body that the real service would not know is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Final

from broker.market import Market
from providers.emulation.faults import Fault, Target
from providers.emulation.gcp_catalog import CatalogServer
from providers.emulation.gcp_fixtures import Fixtures, Wire, fixtures_of
from providers.emulation.server import Emulator, Refusal, Reply, Request

_COMPUTE: Final = re.compile(r"/compute/v1/projects/(?P<project>[^/]+)/(?P<rest>.+)")
_QUOTAS: Final = re.compile(
    r"/v1/projects/(?P<project>[^/]+)/locations/global/services/compute\.googleapis\.com/quotaInfos"
)
_ADVICE: Final = re.compile(r"regions/(?P<region>[^/]+)/advice/(?P<kind>\w+)")
_AGGREGATED: Final[Mapping[str, str]] = {
    "machineTypes": "zones",
    "acceleratorTypes": "zones",
    "reservations": "zones",
    "instances": "zones",
    "commitments": "regions",
}
_LIST_PARAMETERS: Final = frozenset(
    {"filter", "maxResults", "pageToken", "orderBy", "includeAllScopes", "$alt", "alt"}
)
_QUOTA_PARAMETERS: Final = frozenset({"pageSize", "pageToken"})
_BY_NAME: Final = re.compile(r'name eq "(?P<pattern>[^"]+)"')
_BY_LABEL: Final = re.compile(r"labels\.(?P<key>[a-z0-9_-]+):\*")
_STATUSES: Final[Mapping[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_PAGE_SIZE: Final = 500
#: Obtainability and preemption rate of a machine that the fixtures do not mention.
_MIDDLING: Final = (0.5, 0.05)


class GoogleSite:
    """The HTTP part of the emulated cloud.

    Args:
        fixtures: what it holds.
        page_size: largest page of any list, so that small fixtures page too.
    """

    def __init__(self, fixtures: Fixtures, *, page_size: int = _PAGE_SIZE) -> None:
        self.fixtures = fixtures
        self.page_size = page_size

    def identify(self, request: Request) -> tuple[Target, Mapping[str, object]]:
        """Return what a request asks for, and its query and body.

        Raises:
            Refusal: for an unknown path, method or parameter.
        """
        body = json.loads(request.body) if request.body else {}
        page = 1 + int(request.query.get("pageToken") or 0) // self.page_size
        if match := _QUOTAS.fullmatch(request.path):
            _known(request, _QUOTA_PARAMETERS, "GET")
            parameters = {"project": match["project"], **request.query}
            target = Target(service="cloudquotas", operation="quotaInfos.list", page=page)
            return target, parameters
        match = _COMPUTE.fullmatch(request.path)
        if match is None:
            raise Refusal(status=404, code="notFound", message=f"{request.path} was not found")
        parameters = {"project": match["project"], **request.query, **body}
        return self._compute(request, match["rest"], page), parameters

    def _compute(self, request: Request, rest: str, page: int) -> Target:
        if advice := _ADVICE.fullmatch(rest):
            _known(request, frozenset({"$alt"}), "POST")
            operation = f"advice.{advice['kind']}"
            return Target(service="compute", operation=operation, region=advice["region"])
        _known(request, _LIST_PARAMETERS, "GET")
        if rest == "regions":
            return Target(service="compute", operation="regions.list", page=page)
        kind = rest.removeprefix("aggregated/")
        if kind == rest or kind not in _AGGREGATED:
            raise Refusal(status=404, code="notFound", message=f"{rest} was not found")
        return Target(service="compute", operation=f"{kind}.aggregatedList", page=page)

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        """Answer a request from the fixtures.

        Raises:
            Refusal: for a filter or body the service does not understand.
        """
        kind, _, operation = target.operation.partition(".")
        if operation == "aggregatedList":
            return _reply(self._aggregated(request, kind))
        if kind == "advice":
            return _reply(_ADVISERS[operation](self.fixtures, target.region, parameters))
        if kind == "quotaInfos":
            return _reply(self._page(self.fixtures.quota_infos, request, "quotaInfos"))
        return _reply(self._page(self.fixtures.regions, request, "items"))

    def refuse(self, request: Request, target: Target, refusal: Refusal) -> Reply:  # noqa: ARG002 - the given form
        """Word a refusal as Google's REST services do, the reason in ``errors[0]``."""
        entry = {"message": refusal.message, "domain": "global", "reason": refusal.code}
        error: Wire = {
            "code": refusal.status,
            "message": refusal.message,
            "errors": [entry],
            "status": _STATUSES.get(refusal.status, "UNKNOWN"),
        }
        return _reply({"error": error}, status=refusal.status)

    def _page(self, items: Sequence[Wire], request: Request, key: str) -> Wire:
        start = int(request.query.get("pageToken") or 0)
        end = start + self._size(request)
        more = {"nextPageToken": str(end)} if end < len(items) else {}
        return {key: list(items[start:end]), **more}

    def _size(self, request: Request) -> int:
        asked = request.query.get("maxResults") or request.query.get("pageSize") or _PAGE_SIZE
        return min(int(asked), self.page_size)

    def _aggregated(self, request: Request, kind: str) -> Wire:
        scope = _AGGREGATED[kind]
        held = self._held(kind)
        chosen = _chosen(request.query.get("filter", ""))
        items = [(place, one) for place in sorted(held) for one in held[place] if chosen(one)]
        start = int(request.query.get("pageToken") or 0)
        end = start + self._size(request)
        found: dict[str, list[Wire]] = {}
        for place, one in items[start:end]:
            found.setdefault(place, []).append(one)
        answer: Wire = {
            "kind": f"compute#{kind.removesuffix('s')}AggregatedList",
            "items": {
                f"{scope}/{place}": {kind: found[place]}
                if place in found
                else {"warning": _nothing(scope, place)}
                for place in sorted(held)
            }
            | {place: {"warning": _out_of_reach(place)} for place in self.fixtures.warned},
        }
        if self.fixtures.unreachable:
            answer["unreachables"] = self.fixtures.unreachable
        if end < len(items):
            answer["nextPageToken"] = str(end)
        return answer

    def _held(self, kind: str) -> Mapping[str, Sequence[Wire]]:
        fixtures = self.fixtures
        held = {
            "machineTypes": fixtures.machine_types,
            "acceleratorTypes": fixtures.accelerator_types,
            "reservations": fixtures.reservations,
            "instances": fixtures.instances,
            "commitments": fixtures.commitments,
        }[kind]
        silent = (*fixtures.unreachable, *fixtures.warned)
        dead = {place.rpartition("/")[-1] for place in silent}
        return {place: found for place, found in held.items() if place not in dead}


class GoogleEmulator:
    """Both servers of the emulated cloud; a context manager.

    Args:
        fixtures: what it holds; or use `emulate` to fill it from a market.
        port: HTTP port; 0 lets the system choose. gRPC takes a free one.
        page_size: largest page of any list.
        latency_s: added to every answer.
        faults: what goes wrong, over HTTP and gRPC alike.
    """

    def __init__(
        self,
        fixtures: Fixtures,
        *,
        port: int = 0,
        page_size: int = _PAGE_SIZE,
        latency_s: float = 0.0,
        faults: Sequence[Fault] = (),
    ) -> None:
        self.fixtures = fixtures
        site = GoogleSite(fixtures, page_size=page_size)
        self.http = Emulator(site, port=port, latency_s=latency_s, faults=faults)
        self.faults = self.http.faults
        self.catalog = CatalogServer(
            fixtures, faults=self.faults, page_size=page_size, latency_s=latency_s
        )

    @property
    def endpoints(self) -> Mapping[str, str]:
        """What goes under ``endpoints`` of the provider in the configuration."""
        url = self.http.url
        return {"compute": url, "quotas": url, "billing": self.catalog.address}

    def start(self) -> None:
        """Serve in threads of its own."""
        self.catalog.start()
        self.http.start()

    def stop(self) -> None:
        """Stop serving and free the ports."""
        self.http.stop()
        self.catalog.stop()

    def __enter__(self) -> GoogleEmulator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def emulate(
    market: Market, *, port: int = 0, latency_s: float = 0.0, faults: Sequence[Fault] = ()
) -> GoogleEmulator:
    """Return an emulated Google Cloud that sells what `market` says Google sells."""
    return GoogleEmulator(fixtures_of(market), port=port, latency_s=latency_s, faults=faults)


def _known(request: Request, parameters: frozenset[str], method: str) -> None:
    if request.method != method:
        raise Refusal(status=405, code="httpMethodNotAllowed")
    unknown = sorted(set(request.query) - parameters)
    if unknown:
        message = f"Invalid JSON payload received. Unknown name {unknown[0]!r}"
        raise Refusal(status=400, code="invalid", message=message)


def _chosen(text: str) -> Callable[[Wire], bool]:
    if not text:
        return lambda _: True
    if match := _BY_NAME.fullmatch(text):
        pattern = re.compile(match["pattern"])
        return lambda one: pattern.fullmatch(str(one["name"])) is not None
    if match := _BY_LABEL.fullmatch(text):
        key = match["key"]
        return lambda one: key in one.get("labels", {})
    raise Refusal(status=400, code="invalid", message=f"Invalid list filter expression {text!r}")


def _out_of_reach(place: str) -> Wire:
    return {"code": "UNREACHABLE", "message": f"{place} is out of reach", "data": []}


def _nothing(scope: str, place: str) -> Wire:
    return {
        "code": "NO_RESULTS_ON_PAGE",
        "message": f"There are no results for scope '{scope}/{place}' on this page.",
        "data": [{"key": "scope", "value": f"{scope}/{place}"}],
    }


def _reply(body: Wire, *, status: int = 200) -> Reply:
    return Reply(
        status=status,
        content_type="application/json; charset=UTF-8",
        body=json.dumps(body).encode(),
    )


def _capacity(fixtures: Fixtures, region: str, body: Mapping[str, object]) -> Wire:
    asked = _parsed("CapacityAdviceRequest", body)
    selections = asked["instanceFlexibilityPolicy"]["instanceSelections"].values()
    name = next(name for one in selections for name in one["machineTypes"])
    zones = sorted(zone for zone in fixtures.machine_types if zone.startswith(f"{region}-"))
    score = fixtures.obtainability.get((region, name), _MIDDLING[0])
    return {
        "recommendations": [
            {
                "scores": {"obtainability": score, "estimatedUptime": "3600s"},
                "shards": [
                    {
                        "zone": f"https://www.googleapis.com/compute/v1/zones/{zone}",
                        "machineType": name,
                        "instanceCount": asked.get("size", 1),
                        "provisioningModel": "SPOT",
                    }
                    for zone in zones[:1]
                ],
            }
        ]
    }


def _history(fixtures: Fixtures, region: str, body: Mapping[str, object]) -> Wire:
    asked = _parsed("CapacityHistoryRequest", body)
    name = asked["instanceProperties"]["machineType"]
    rate = fixtures.preemption_rate.get((region, name), _MIDDLING[1])
    days = (("2026-11-21", "2026-11-22", rate / 2), ("2026-11-22", "2026-11-23", rate))
    return {
        "location": f"regions/{region}",
        "machineType": name,
        "preemptionHistory": [
            {
                "interval": {"startTime": f"{start}T08:00:00Z", "endTime": f"{end}T08:00:00Z"},
                "preemptionRate": value,
            }
            for start, end, value in days
        ],
    }


def _calendar(fixtures: Fixtures, region: str, body: Mapping[str, object]) -> Wire:
    asked = _parsed("CalendarModeAdviceRequest", body)
    if len(asked["futureResourcesSpecs"]) != 1:
        raise Refusal(status=400, code="invalid", message="exactly one future resources spec")
    found = {
        key: fixtures.calendar.get(
            (region, spec["targetResources"]["specificSkuResources"]["machineType"])
        )
        for key, spec in asked["futureResourcesSpecs"].items()
    }
    recommendations = {
        key: {
            "recommendationType": "FUTURE_RESERVATION",
            "location": f"zones/{window[0]}",
            "startTime": window[1],
            "endTime": window[2],
        }
        for key, window in found.items()
        if window is not None
    }
    return {"recommendations": [{"recommendationsPerSpec": recommendations}]}


def _parsed(message: str, body: Mapping[str, object]) -> Wire:
    """Return a request's body after the SDK's own definition of it has accepted it."""
    from google.cloud import compute_v1
    from google.protobuf.json_format import ParseError  # type: ignore[import-untyped] # no stubs

    sent: Wire = {name: value for name, value in body.items() if name not in {"project", "$alt"}}
    try:
        getattr(compute_v1, message).from_json(json.dumps(sent), ignore_unknown_fields=False)
    except ParseError as error:
        raise Refusal(status=400, code="invalid", message=str(error)) from error
    return sent


_ADVISERS: Final[Mapping[str, Callable[[Fixtures, str, Mapping[str, object]], Wire]]] = {
    "capacity": _capacity,
    "capacityHistory": _history,
    "calendarMode": _calendar,
}
