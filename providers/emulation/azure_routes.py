"""Azure's operations as requests look on the wire: paths, methods, versions, who needs a token."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from providers.emulation.server import Refusal, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: how its requests look, and which versions of it exist."""

    service: str
    operation: str
    path: re.Pattern[str]
    versions: tuple[str, ...]
    method: str = "GET"
    needs_token: bool = True


def _route(operation: str, path: str, *versions: str, method: str = "GET") -> Route:
    pattern = path.replace(".", r"\.").replace("{", "(?P<").replace("}", ">[^/]+)")
    service = re.search(r"/providers/(Microsoft\.\w+)/", path)
    return Route(
        service=service[1] if service else "Microsoft.Resources",
        operation=operation,
        path=re.compile(pattern, re.IGNORECASE),
        versions=versions,
        method=method,
    )


_SUBSCRIPTION_PATH: Final = "/subscriptions/{subscription}"
_COMPUTE_PATH: Final = f"{_SUBSCRIPTION_PATH}/providers/Microsoft.Compute"
_GROUP_PATH: Final = (
    f"{_SUBSCRIPTION_PATH}/resourceGroups/{{rg}}/providers/Microsoft.Compute"
    "/capacityReservationGroups/{group}"
)
_COMPUTE_VERSIONS: Final = ("2024-03-01", "2024-07-01", "2025-04-01", "2026-04-01")
_ROUTES: Final = (
    _route("ListSubscriptions", "/subscriptions", "2020-01-01", "2022-12-01"),
    _route("ListLocations", f"{_SUBSCRIPTION_PATH}/locations", "2020-01-01", "2022-12-01"),
    _route(
        "RegisterProvider",
        f"{_SUBSCRIPTION_PATH}/providers/{{namespace}}/register",
        *("2016-02-01", "2021-04-01", "2022-12-01"),
        method="POST",
    ),
    _route("ListSkus", f"{_COMPUTE_PATH}/skus", "2019-04-01", "2021-07-01"),
    _route("ListUsages", f"{_COMPUTE_PATH}/locations/{{location}}/usages", *_COMPUTE_VERSIONS),
    _route(
        "ScoreSpotPlacement",
        f"{_COMPUTE_PATH}/locations/{{location}}/placementScores/spot/generate",
        "2025-06-05",
        method="POST",
    ),
    _route("ListReservationGroups", f"{_COMPUTE_PATH}/capacityReservationGroups", "2026-04-01"),
    _route("ListReservations", f"{_GROUP_PATH}/capacityReservations", *_COMPUTE_VERSIONS),
    _route("ListMachines", f"{_COMPUTE_PATH}/virtualMachines", *_COMPUTE_VERSIONS),
    _route("ListScaleSets", f"{_COMPUTE_PATH}/virtualMachineScaleSets", *_COMPUTE_VERSIONS),
    _route("ListReservedInstances", "/providers/Microsoft.Capacity/reservations", "2022-11-01"),
    _route("ListSavingsPlans", "/providers/Microsoft.BillingBenefits/savingsPlans", "2022-11-01"),
    _route(
        "QueryResources",
        "/providers/Microsoft.ResourceGraph/resources",
        "2021-03-01",
        "2022-10-01",
        method="POST",
    ),
    Route(
        service="prices",
        operation="ListPrices",
        path=re.compile("/api/retail/prices"),
        versions=("2021-10-01-preview", "2023-01-01-preview"),
        needs_token=False,
    ),
    Route(
        service="identity",
        operation="GetToken",
        path=re.compile("/msi"),
        versions=("2017-09-01", "2019-08-01"),
        needs_token=False,
    ),
)


def find_route(request: Request) -> tuple[Route, dict[str, str]]:
    """Return the operation that `request` asks for and the names in its path.

    Raises:
        Refusal: for an unknown path, method or version, or a missing token.
    """
    path = unquote(request.path)
    for route in _ROUTES:
        match = route.path.fullmatch(path)
        if match is not None and route.method == request.method:
            _check(route, request)
            return route, match.groupdict()
    raise Refusal(status=404, code="InvalidResourceType", message=f"no such path: {path}")


def _check(route: Route, request: Request) -> None:
    version = request.query.get("api-version")
    if version is None:
        raise Refusal(
            status=400,
            code="MissingApiVersionParameter",
            message="The api-version query parameter (?api-version=) is required.",
        )
    if version not in route.versions:
        raise Refusal(status=400, code="InvalidApiVersionParameter", message=f"not {version}")
    if route.needs_token and not request.headers.get("authorization", "").startswith("Bearer "):
        raise Refusal(
            status=401,
            code="AuthenticationFailed",
            message="Authentication failed. The 'Authorization' header is missing.",
        )
