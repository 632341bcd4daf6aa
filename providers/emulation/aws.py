"""The AWS emulator: the calls a refresh makes, answered from a market.

One port serves every region and service; both are read from the request's signature, as any
credentials sign it. Nothing is checked of a signature but that it is there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from broker.market import Market
from providers.emulation.aws_fixtures import Fixtures, fixtures_of
from providers.emulation.aws_names import Item
from providers.emulation.aws_pages import page_of, paged
from providers.emulation.aws_wire import WireCall, parse_request, write_answer, write_refusal
from providers.emulation.faults import Target
from providers.emulation.server import Refusal, Reply, Request

#: Values that one EC2 filter takes.
MOST_VALUES: Final = 200
ADVISOR_PATH: Final = "/spot-advisor-data.json"
_Answer = Callable[[Fixtures, str, Mapping[str, Any]], Mapping[str, Any]]


def filled(market: Market) -> AwsSite:
    """Return an emulated AWS that sells what `market` says AWS sells."""
    return AwsSite(fixtures_of(market))


class AwsSite:
    """AWS behind the emulator's server.

    Args:
        fixtures: what the account sees.
        page_size: rows per page, whatever is asked for; None: as the real services.
    """

    def __init__(self, fixtures: Fixtures, *, page_size: int | None = None) -> None:
        self.fixtures = fixtures
        self.page_size = page_size

    def identify(self, request: Request) -> tuple[Target, Mapping[str, object]]:
        """Return what a request asks for, from its signature and body."""
        if request.path == ADVISOR_PATH:
            return Target(service="spot-advisor", operation="Download"), {}
        call = parse_request(request)
        target = Target(
            service=call.service,
            operation=call.operation.name,
            region=call.region,
            page=page_of(call.parameters),
        )
        return target, call.parameters

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        """Answer from the fixtures."""
        if target.service == "spot-advisor":
            return Reply(body=json.dumps(self.fixtures.advisor).encode())
        answer = _ANSWERS.get(target.operation)
        if answer is None:
            raise Refusal(status=400, code="InvalidAction", message=target.operation)
        call: WireCall = parse_request(request)
        if self.page_size is not None:
            parameters = {**parameters, _size_name(call): self.page_size}
        return write_answer(call, answer(self.fixtures, target.region, parameters))

    def refuse(self, request: Request, target: Target, refusal: Refusal) -> Reply:
        """Word a refusal in the form of the service asked."""
        del target
        return write_refusal(request, refusal)


def _size_name(call: WireCall) -> str:
    return "maxResults" if call.service == "savingsplans" else "MaxResults"


# --- EC2 ----------------------------------------------------------------------------------------


def _filter(parameters: Mapping[str, Any], name: str) -> Sequence[str]:
    """Return the values of the one filter an operation takes here; all when it has none.

    Raises:
        Refusal: for another filter, which the emulator must not pass over in silence, and for
            more values than the service takes.
    """
    wanted: Sequence[str] = ("*",)
    for one in parameters.get("Filters", ()):
        if one["Name"] != name:
            raise Refusal(status=400, code="InvalidParameterValue", message=one["Name"])
        wanted = one.get("Values", ())
        if len(wanted) > MOST_VALUES:
            raise Refusal(status=400, code="FilterLimitExceeded")
    return wanted


def _matching(
    rows: Sequence[Item], parameters: Mapping[str, Any], name: str, member: str
) -> list[Item]:
    """Return the rows whose `member` matches the filter `name`, wildcards included."""
    wanted = _filter(parameters, name)
    return [row for row in rows if any(fnmatchcase(str(row[member]), form) for form in wanted)]


def _regions(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the regions of the partition that the request was signed for."""
    is_government = region.startswith("us-gov-")
    found = [
        {
            "RegionName": name,
            "OptInStatus": status,
            "Endpoint": f"ec2.{name}.amazonaws.com",
        }
        for name, status in fixtures.regions.items()
        if name.startswith("us-gov-") == is_government
        and (parameters.get("AllRegions") or status != "not-opted-in")
    ]
    return {"Regions": found}


def _zones(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    zones = fixtures.zones.get(region, ())
    wants_all = parameters.get("AllAvailabilityZones")
    found = [zone for zone in zones if wants_all or zone["OptInStatus"] != "not-opted-in"]
    return {"AvailabilityZones": found}


def _types(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = fixtures.types.get(region, ())
    found = _matching(rows, parameters, "instance-type", "InstanceType")
    return paged(found, parameters, "InstanceTypes", largest=100)


def _offerings(
    fixtures: Fixtures, region: str, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    if parameters.get("LocationType") != "availability-zone-id":
        raise Refusal(status=400, code="InvalidParameterValue", message="zone ids only")
    rows = fixtures.offerings.get(region, ())
    found = _matching(rows, parameters, "instance-type", "InstanceType")
    return paged(found, parameters, "InstanceTypeOfferings")


def _spot(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = fixtures.spot.get(region, ())
    found = _matching(rows, parameters, "instance-type", "InstanceType")
    return paged(found, parameters, "SpotPriceHistory", ends_empty=True)


def _reservations(
    fixtures: Fixtures, region: str, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    rows = fixtures.reservations.get(region, ())
    found = _matching(rows, parameters, "state", "State")
    return paged(found, parameters, "CapacityReservations")


def _reserved(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = fixtures.reserved.get(region, ())
    return {"ReservedInstances": _matching(rows, parameters, "state", "State")}


def _instances(
    fixtures: Fixtures, region: str, parameters: Mapping[str, Any]
) -> Mapping[str, Any]:
    wanted = _filter(parameters, "instance-state-name")
    found = [
        {"ReservationId": row["InstanceId"].replace("i-", "r-", 1), "Instances": [row]}
        for row in fixtures.instances.get(region, ())
        if any(fnmatchcase(row["State"]["Name"], form) for form in wanted)
    ]
    return paged(found, parameters, "Reservations")


def _blocks(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    found = [
        block
        for block in fixtures.blocks.get(region, ())
        if block["InstanceType"] == parameters.get("InstanceType")
        and block["CapacityBlockDurationHours"] == parameters.get("CapacityDurationHours")
    ]
    return paged(found, parameters, "CapacityBlockOfferings")


def _scores(fixtures: Fixtures, _: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    asked = parameters.get("RegionNames", ())
    if len(asked) > 10:
        raise Refusal(status=400, code="InvalidParameterValue", message="at most 10 regions")
    found = [
        {"Region": place, "AvailabilityZoneId": zone, "Score": score}
        for zone, (place, score) in sorted(fixtures.scores.items())
        if place in asked
    ]
    return paged(found, parameters, "SpotPlacementScores")


# --- prices, plans, quotas ----------------------------------------------------------------------


def _products(fixtures: Fixtures, _: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    filters = parameters.get("Filters", ())
    found = [
        json.dumps(item)
        for item in fixtures.products
        if all(_product_matches(item["product"]["attributes"], one) for one in filters)
    ]
    return {"FormatVersion": "aws_v1", **paged(found, parameters, "PriceList", largest=100)}


def _product_matches(attributes: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    found, value = attributes.get(wanted["Field"], ""), wanted["Value"]
    if wanted["Type"] in {"TERM_MATCH", "EQUALS"}:
        return found == value
    if wanted["Type"] == "CONTAINS":
        return value in found
    raise Refusal(status=400, code="InvalidParameterException", message=wanted["Type"])


def _rates(fixtures: Fixtures, _: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = {one["name"]: one["values"] for one in parameters.get("filters", ())}
    found = [rate for rate in fixtures.rates if _rate_matches(rate, wanted)]
    return paged(found, parameters, "searchResults")


def _rate_matches(rate: Item, wanted: Mapping[str, Sequence[str]]) -> bool:
    properties = {one["name"]: one["value"] for one in rate["properties"]}
    return all(properties.get(name) in values for name, values in wanted.items())


def _plans(fixtures: Fixtures, _: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    states = parameters.get("states", ())
    found = [plan for plan in fixtures.plans if plan["state"] in states]
    return paged(found, parameters, "savingsPlans")


def _quotas(fixtures: Fixtures, region: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return paged(fixtures.quotas.get(region, ()), parameters, "Quotas", largest=100)


def _default_quotas(_: Fixtures, __: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    return paged((), parameters, "Quotas", largest=100)


_ANSWERS: Final[Mapping[str, _Answer]] = {
    "DescribeRegions": _regions,
    "DescribeAvailabilityZones": _zones,
    "DescribeInstanceTypes": _types,
    "DescribeInstanceTypeOfferings": _offerings,
    "DescribeSpotPriceHistory": _spot,
    "DescribeCapacityReservations": _reservations,
    "DescribeReservedInstances": _reserved,
    "DescribeInstances": _instances,
    "DescribeCapacityBlockOfferings": _blocks,
    "GetSpotPlacementScores": _scores,
    "GetProducts": _products,
    "DescribeSavingsPlansOfferingRates": _rates,
    "DescribeSavingsPlans": _plans,
    "ListServiceQuotas": _quotas,
    "ListAWSDefaultServiceQuotas": _default_quotas,
}
