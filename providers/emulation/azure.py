"""Azure, emulated: Resource Manager, Resource Graph, Retail Prices and a token endpoint.

Paths, parameters, page links, error bodies and headers are those of the services. What they
hold is an `AzureWorld`, made by hand or from a market (`providers.emulation.azure_world`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote, urlencode

from broker.provider import Json, Row
from providers.azure.fields import region_key, text_of, texts_of
from providers.emulation.azure_odata import parse_filter
from providers.emulation.azure_routes import Route, find_route
from providers.emulation.faults import Target
from providers.emulation.server import Refusal, Reply, Request

SUBSCRIPTION: Final = "00000000-0000-0000-0000-00000000aced"


@dataclass(slots=True, kw_only=True)
class AzureWorld:
    """What the emulated cloud holds; rows as the services send them.

    Attributes:
        locations: rows of the subscription's locations.
        skus, usages, prices: region -> rows.
        groups: capacity reservation groups.
        reservations: group id in lower case -> capacity reservations.
        reserved_instances, savings_plans: what was bought through billing.
        machines, scale_sets: what runs; a machine's ``power`` stands in its ``_power``.
        evictions: rows of sku, location, evictionRate.
        scores: (size, region, zone) -> High, Medium or Low.
        token: what the token endpoint hands out.
    """

    locations: list[Row] = field(default_factory=list)
    skus: dict[str, list[Row]] = field(default_factory=dict)
    usages: dict[str, list[Row]] = field(default_factory=dict)
    prices: dict[str, list[Row]] = field(default_factory=dict)
    groups: list[Row] = field(default_factory=list)
    reservations: dict[str, list[Row]] = field(default_factory=dict)
    reserved_instances: list[Row] = field(default_factory=list)
    savings_plans: list[Row] = field(default_factory=list)
    machines: list[Row] = field(default_factory=list)
    scale_sets: list[Row] = field(default_factory=list)
    evictions: list[Row] = field(default_factory=list)
    scores: dict[tuple[str, str, str], str] = field(default_factory=dict)
    token: str = "emulated-token"  # noqa: S105 - opens nothing


class AzureSite:
    """One subscription, served.

    Args:
        world: what it holds.
        page_rows: rows of one page of Resource Manager's lists.
        price_rows: rows of one page of prices.
    """

    def __init__(
        self, world: AzureWorld, *, page_rows: int = 1000, price_rows: int = 1000
    ) -> None:
        self.world = world
        self.page_rows = page_rows
        self.price_rows = price_rows
        self._answers: Mapping[str, Callable[[Request, _Asked], Json]] = {
            "ListSubscriptions": self._subscriptions,
            "ListLocations": self._locations,
            "RegisterProvider": self._registration,
            "ListSkus": self._skus,
            "ListUsages": self._usages,
            "ScoreSpotPlacement": self._placement_scores,
            "ListReservationGroups": self._groups,
            "ListReservations": self._reservations,
            "ListMachines": self._machines,
            "ListScaleSets": self._scale_sets,
            "ListReservedInstances": self._reserved_instances,
            "ListSavingsPlans": self._savings_plans,
            "QueryResources": self._resources,
            "ListPrices": self._prices,
            "GetToken": self._token,
        }

    def identify(self, request: Request) -> tuple[Target, Mapping[str, object]]:
        """Return the operation, its region and page, and its parameters.

        Raises:
            Refusal: for an unknown path, method or version, or a missing token.
        """
        return self._target(request, *find_route(request))

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        """Answer with one JSON document.

        Raises:
            Refusal: for parameters the service refuses.
        """
        return _reply(200, self._answers[target.operation](request, parameters))

    def refuse(self, request: Request, target: Target, refusal: Refusal) -> Reply:
        """Word an error as Resource Manager or the price API does."""
        del request
        error: Row = {"code": refusal.code, "message": refusal.message}
        if target.service == "prices":
            return _reply(refusal.status, {"Error": {"Code": refusal.code, "Message": "refused"}})
        headers = {}
        if refusal.status == 401:
            headers["WWW-Authenticate"] = (
                'Bearer authorization_uri="https://login.microsoftonline.com/common",'
                ' error="invalid_token"'
            )
        return _reply(refusal.status, {"error": error}, headers)

    def _target(
        self, request: Request, route: Route, named: Mapping[str, str]
    ) -> tuple[Target, Mapping[str, object]]:
        price_filter = request.query.get("$filter", "")
        place = re.search(r"(?:armRegionName|location) eq '([^']*)'", price_filter)
        region = region_key(named.get("location", place[1] if place else ""))
        parameters: dict[str, object] = {**named, **request.query, "region": region}
        if route.method == "POST" and request.body:
            parameters["body"] = _body(request)
        skipped = int(request.query.get("$skip", request.query.get("$skiptoken", "0")))
        rows = self.price_rows if route.service == "prices" else self.page_rows
        target = Target(
            service=route.service,
            operation=route.operation,
            region=region,
            page=skipped // rows + 1,
        )
        return target, parameters

    # --- Resource Manager ---------------------------------------------------------------------

    def _subscriptions(self, request: Request, asked: _Asked) -> Json:
        one: Row = {
            "id": f"/subscriptions/{SUBSCRIPTION}",
            "subscriptionId": SUBSCRIPTION,
            "displayName": "emulated",
            "state": "Enabled",
        }
        return self._page([one], request, asked)

    def _locations(self, request: Request, asked: _Asked) -> Json:
        return self._page(self.world.locations, request, asked)

    def _registration(self, request: Request, asked: _Asked) -> Json:
        """Answer the one request here that would change something; a refresh never sends it."""
        del request
        return {"namespace": str(asked["namespace"]), "registrationState": "Registered"}

    def _skus(self, request: Request, asked: _Asked) -> Json:
        text = str(asked.get("$filter", ""))
        if text and not re.fullmatch(r"location eq '[^']+'", text):
            raise Refusal(status=400, code="InvalidFilter", message="only location may be asked")
        everywhere = [row for rows in self.world.skus.values() for row in rows]
        rows = self.world.skus.get(str(asked["region"]), []) if text else everywhere
        return self._page(rows, request, asked)

    def _usages(self, request: Request, asked: _Asked) -> Json:
        rows = self.world.usages.get(str(asked["region"]))
        if rows is None:
            message = f"No registered resource provider found for location '{asked['location']}'"
            raise Refusal(status=400, code="NoRegisteredProviderFound", message=message)
        return self._page(rows, request, asked)

    def _groups(self, request: Request, asked: _Asked) -> Json:
        return self._page(self.world.groups, request, asked)

    def _reservations(self, request: Request, asked: _Asked) -> Json:
        group_id = unquote(request.path).removesuffix("/capacityReservations").casefold()
        rows = self.world.reservations.get(group_id)
        if rows is None:
            raise Refusal(status=404, code="ResourceNotFound", message="no such group")
        return self._page(rows, request, asked)

    def _machines(self, request: Request, asked: _Asked) -> Json:
        if asked.get("statusOnly") == "true":
            return self._page([_status(row) for row in self.world.machines], request, asked)
        rows = [{k: v for k, v in row.items() if k != "_power"} for row in self.world.machines]
        return self._page(rows, request, asked)

    def _scale_sets(self, request: Request, asked: _Asked) -> Json:
        return self._page(self.world.scale_sets, request, asked)

    def _reserved_instances(self, request: Request, asked: _Asked) -> Json:
        matches = _filter(str(asked.get("$filter", "")))
        rows = [row for row in self.world.reserved_instances if matches(row)]
        return self._page(rows, request, asked)

    def _savings_plans(self, request: Request, asked: _Asked) -> Json:
        return self._page(self.world.savings_plans, request, asked)

    def _placement_scores(self, request: Request, asked: _Asked) -> Json:
        del asked
        body = _body(request)
        regions = texts_of(body, "desiredLocations")
        sizes = [text_of(one, "sku") for one in _list(body, "desiredSizes")]
        if not regions or not sizes or len(regions) > 8 or len(sizes) > 5:
            raise Refusal(status=400, code="BadRequest", message="1-8 regions, 1-5 sizes")
        scores: list[Json] = [
            {
                "sku": size,
                "region": region,
                "availabilityZone": zone,
                "score": score,
                "isQuotaAvailable": True,
            }
            for (size, region, zone), score in sorted(self.world.scores.items())
            if size in sizes and region in regions
        ]
        return {**body, "placementScores": scores}

    def _resources(self, request: Request, asked: _Asked) -> Json:
        """Answer the one table that is emulated; it is empty for whoever names subscriptions."""
        del asked
        body = _body(request)
        options = _object(body.get("options"))
        query = str(body.get("query", ""))
        if "skuspotevictionrate" not in query.casefold():
            raise Refusal(status=400, code="BadRequest", message="only eviction rates are here")
        rows: list[Row] = [] if body.get("subscriptions") else self.world.evictions
        start = int(str(options.get("$skipToken") or 0))
        page = rows[start : start + self.page_rows]
        reply: Row = {
            "totalRecords": len(rows),
            "count": len(page),
            "data": list[Json](page),
            "facets": [],
            "resultTruncated": "false",
        }
        if start + self.page_rows < len(rows):
            reply["$skipToken"] = str(start + self.page_rows)
        return reply

    def _page(self, rows: Sequence[Row], request: Request, asked: _Asked) -> Json:
        start = int(str(asked.get("$skiptoken", 0)))
        reply: Row = {"value": list[Json](rows[start : start + self.page_rows])}
        if start + self.page_rows < len(rows):
            reply["nextLink"] = _link(request, "$skiptoken", start + self.page_rows)
        return reply

    # --- elsewhere ----------------------------------------------------------------------------

    def _prices(self, request: Request, asked: _Asked) -> Json:
        region = str(asked["region"])
        everywhere = [row for rows in self.world.prices.values() for row in rows]
        rows = self.world.prices.get(region, []) if region else everywhere
        matches = _filter(str(asked.get("$filter", "")))
        start = int(str(asked.get("$skip", 0)))
        found = [row for row in rows if matches(row)]
        items = found[start : start + self.price_rows]
        more = start + self.price_rows < len(found)
        return {
            "BillingCurrency": "USD",
            "CustomerEntityId": "Default",
            "CustomerEntityType": "Retail",
            "Items": list[Json](items),
            "NextPageLink": _link(request, "$skip", start + self.price_rows) if more else None,
            "Count": len(items),
        }

    def _token(self, request: Request, asked: _Asked) -> Json:
        if not request.headers.get("x-identity-header"):
            raise Refusal(status=401, code="Unauthorized", message="no identity header")
        return {
            "access_token": self.world.token,
            "expires_on": "4102444800",
            "resource": str(asked.get("resource", "")),
            "token_type": "Bearer",
        }


_Asked = Mapping[str, object]


def _filter(text: str) -> Callable[[Mapping[str, object]], bool]:
    if not text:
        return lambda _: True
    try:
        return parse_filter(text)
    except ValueError as error:
        raise Refusal(status=400, code="BadRequest", message=str(error)) from error


def _link(request: Request, name: str, position: int) -> str:
    query = {**request.query, name: str(position)}
    return f"http://{request.headers.get('host', '')}{quote(request.path)}?{urlencode(query)}"


def _status(row: Row) -> Row:
    """Return a machine as ``statusOnly`` lists it: its id and its states."""
    statuses: list[Json] = [
        {"code": "ProvisioningState/succeeded"},
        {"code": f"PowerState/{row.get('_power', 'running')}"},
    ]
    kept: Row = {name: row.get(name) for name in ("id", "name", "location")}
    kept["properties"] = {"instanceView": {"statuses": statuses}}
    return kept


def _body(request: Request) -> Row:
    try:
        body = json.loads(request.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Refusal(status=400, code="InvalidRequestContent", message="a JSON object")
    return dict(body)


def _object(value: Json) -> Row:
    return value if isinstance(value, dict) else {}


def _list(value: Json, key: str) -> list[Json]:
    found = _object(value).get(key)
    return found if isinstance(found, list) else []


def _reply(status: int, document: Json, headers: Mapping[str, str] | None = None) -> Reply:
    return Reply(
        status=status,
        content_type="application/json; charset=utf-8",
        body=json.dumps(document).encode(),
        headers=headers or {},
    )
