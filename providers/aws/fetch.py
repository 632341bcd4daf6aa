"""What is asked of AWS: every page of one dataset, as JSON-able rows; no logic.

Rows keep the API's own member names. Only the members that are read later are kept, so that
nothing an account would rather not share is written to disk. Nothing here changes anything.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from broker.provider import Json, Row

_LINUX: Final = "Linux/UNIX"
_VALUES_A_FILTER_TAKES: Final = 200
#: The one price row of a machine that is rented plainly.
_PLAIN_RENT: Final = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}


def regions(ec2: Any) -> list[Row]:
    """Return every region of the partition with its opt-in status."""
    answer = ec2.describe_regions(AllRegions=True)
    return _rows(answer["Regions"], "RegionName", "OptInStatus")


def zones(ec2: Any) -> list[Row]:
    """Return the region's zones, local and wavelength zones included."""
    answer = ec2.describe_availability_zones(AllAvailabilityZones=True)
    members = ("ZoneName", "ZoneId", "ZoneType", "GroupName", "OptInStatus", "State")
    return _rows(answer["AvailabilityZones"], *members)


def instance_types(ec2: Any, patterns: Sequence[str]) -> list[Row]:
    """Return the specifications of the types that match `patterns`."""
    members = (
        "InstanceType",
        "SupportedUsageClasses",
        "VCpuInfo",
        "MemoryInfo",
        "ProcessorInfo",
        "GpuInfo",
        "NeuronInfo",
        "InferenceAcceleratorInfo",
        "InstanceStorageSupported",
        "InstanceStorageInfo",
        "NetworkInfo",
    )
    wanted = [{"Name": "instance-type", "Values": list(patterns)}]
    pages = ec2.get_paginator("describe_instance_types").paginate(Filters=wanted)
    rows = [row for page in pages for row in _rows(page["InstanceTypes"], *members)]
    for row in rows:
        row["NetworkInfo"] = _part(row.get("NetworkInfo"), "NetworkPerformance", "EfaSupported")
        row["VCpuInfo"] = _part(row.get("VCpuInfo"), "DefaultVCpus")
        row["ProcessorInfo"] = _part(row.get("ProcessorInfo"), "SupportedArchitectures")
    return rows


def offerings(ec2: Any, names: Sequence[str]) -> list[Row]:
    """Return which of the types are sold in which zone id."""
    paginator = ec2.get_paginator("describe_instance_type_offerings")
    return [
        row
        for filters in _by_name(names)
        for page in paginator.paginate(LocationType="availability-zone-id", Filters=filters)
        for row in _rows(page["InstanceTypeOfferings"], "InstanceType", "Location")
    ]


def spot_prices(ec2: Any, names: Sequence[str]) -> list[Row]:
    """Return the spot price in force of each type and zone."""
    paginator = ec2.get_paginator("describe_spot_price_history")
    request = {"StartTime": datetime.now(UTC), "ProductDescriptions": [_LINUX]}
    members = ("AvailabilityZone", "AvailabilityZoneId", "InstanceType", "SpotPrice", "Timestamp")
    return [
        row
        for filters in _by_name(names)
        for page in paginator.paginate(Filters=filters, **request)
        for row in _rows(page["SpotPriceHistory"], *members)
    ]


def _by_name(names: Sequence[str]) -> Iterator[list[dict[str, object]]]:
    """Yield the filters of as many requests as it takes to ask for `names`."""
    for start in range(0, len(names), _VALUES_A_FILTER_TAKES):
        values = list(names[start : start + _VALUES_A_FILTER_TAKES])
        yield [{"Name": "instance-type", "Values": values}]


def prices(pricing: Any, family: str) -> list[Row]:
    """Return on-demand and reserved prices of a family (``p5``) in every location."""
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in _PLAIN_RENT.items()
    ]
    filters.append({"Type": "CONTAINS", "Field": "instanceType", "Value": f"{family}."})
    pages = pricing.get_paginator("get_products").paginate(
        ServiceCode="AmazonEC2", Filters=filters
    )
    return [_product(text) for page in pages for text in page["PriceList"]]


def savings_rates(savingsplans: Any, family: str) -> list[Row]:
    """Return the hourly rates of a family under no-upfront savings plans, in every region."""
    request = {
        "savingsPlanTypes": ["Compute", "EC2Instance"],
        "savingsPlanPaymentOptions": ["No Upfront"],
        "products": ["EC2"],
        "serviceCodes": ["AmazonEC2"],
        "operations": ["RunInstances"],
        "filters": [
            {"name": "instanceFamily", "values": [family]},
            {"name": "productDescription", "values": [_LINUX]},
            {"name": "tenancy", "values": ["shared"]},
        ],
        "maxResults": 1000,
    }
    operation = savingsplans.describe_savings_plans_offering_rates
    members = ("savingsPlanOffering", "rate", "unit", "usageType", "properties")
    return _paged_rows(operation, request, "searchResults", members)


def owned_savings_plans(savingsplans: Any) -> list[Row]:
    """Return the savings plans in force."""
    members = (
        "savingsPlanId",
        "savingsPlanType",
        "commitment",
        "currency",
        "region",
        "ec2InstanceFamily",
        "start",
        "end",
        "state",
    )
    request = {"states": ["active", "queued"], "maxResults": 100}
    return _paged_rows(savingsplans.describe_savings_plans, request, "savingsPlans", members)


def quotas(service_quotas: Any) -> list[Row]:
    """Return the EC2 quotas that apply; defaults where the account has no value of its own."""
    rows: dict[Json, Row] = {}
    for name in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in service_quotas.get_paginator(name).paginate(ServiceCode="ec2"):
            for row in _rows(page["Quotas"], "QuotaCode", "QuotaName", "Value"):
                rows[row["QuotaCode"]] = row
    return list(rows.values())


def reservations(ec2: Any) -> list[Row]:
    """Return capacity reservations and blocks that are held or coming."""
    members = (
        "CapacityReservationId",
        "ReservationType",
        "InstanceType",
        "AvailabilityZone",
        "AvailabilityZoneId",
        "TotalInstanceCount",
        "AvailableInstanceCount",
        "State",
        "StartDate",
        "EndDate",
    )
    states = ["active", "pending", "scheduled", "assessing", "delayed", "payment-pending"]
    pages = ec2.get_paginator("describe_capacity_reservations").paginate(
        Filters=[{"Name": "state", "Values": states}]
    )
    return [row for page in pages for row in _rows(page["CapacityReservations"], *members)]


def reserved_instances(ec2: Any) -> list[Row]:
    """Return the reserved instances in force."""
    members = (
        "ReservedInstancesId",
        "InstanceType",
        "InstanceCount",
        "AvailabilityZone",
        "AvailabilityZoneId",
        "Scope",
        "FixedPrice",
        "RecurringCharges",
        "Duration",
        "Start",
        "End",
        "State",
    )
    answer = ec2.describe_reserved_instances(Filters=[{"Name": "state", "Values": ["active"]}])
    return _rows(answer["ReservedInstances"], *members)


def instances(ec2: Any, tag: str) -> list[Row]:
    """Return what runs: type, zone, lifecycle, vCPUs, and the value of one tag, no other."""
    pages = ec2.get_paginator("describe_instances").paginate(
        Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    )
    return [
        _instance(instance, tag)
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation.get("Instances", ())
    ]


def capacity_blocks(ec2: Any, instance_type: str, hours: int) -> list[Row]:
    """Return the capacity blocks of one instance and `hours` that can be bought now."""
    pages = ec2.get_paginator("describe_capacity_block_offerings").paginate(
        InstanceType=instance_type, InstanceCount=1, CapacityDurationHours=hours
    )
    members = (
        "CapacityBlockOfferingId",
        "InstanceType",
        "AvailabilityZone",
        "InstanceCount",
        "StartDate",
        "CapacityBlockDurationHours",
        "CapacityBlockDurationMinutes",
        "UpfrontFee",
        "CurrencyCode",
    )
    return [row for page in pages for row in _rows(page["CapacityBlockOfferings"], *members)]


def placement_scores(ec2: Any, types: Sequence[str], region_names: Sequence[str]) -> list[Row]:
    """Return how likely spot capacity for one of `types` is, by zone, 1 to 10."""
    pages = ec2.get_paginator("get_spot_placement_scores").paginate(
        InstanceTypes=list(types),
        TargetCapacity=1,
        TargetCapacityUnitType="units",
        SingleAvailabilityZone=True,
        RegionNames=list(region_names),
    )
    members = ("Region", "AvailabilityZoneId", "Score")
    return [row for page in pages for row in _rows(page["SpotPlacementScores"], *members)]


def interruptions(content: bytes, patterns: Sequence[str]) -> list[Row]:
    """Return the spot advisor's band for each region and type of the file `content`."""
    advice = json.loads(content)
    bands = {band["index"]: band for band in advice["ranges"]}
    return [
        {"Region": region, "InstanceType": name, "MaxPercent": bands[found["r"]]["max"]}
        for region, systems in advice["spot_advisor"].items()
        for name, found in systems.get("Linux", {}).items()
        if name.startswith(tuple(pattern.rstrip("*") for pattern in patterns))
    ]


# --- rows ---------------------------------------------------------------------------------------


def _rows(found: Iterable[Mapping[str, Any]], *members: str) -> list[Row]:
    return [_part(one, *members) for one in found]


def _part(found: Mapping[str, Any] | Json, *members: str) -> Row:
    if not isinstance(found, Mapping):
        return {}
    return {name: _json(found[name]) for name in members if name in found}


def _json(value: Any) -> Json:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): _json(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_json(one) for one in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _paged_rows(
    operation: Any, request: dict[str, Any], key: str, members: Sequence[str]
) -> list[Row]:
    """Return every page of an operation for which the SDK has no paginator."""
    rows: list[Row] = []
    while True:
        answer = operation(**request)
        rows.extend(_rows(answer[key], *members))
        token = answer.get("nextToken")
        if not token:
            return rows
        if token == request.get("nextToken"):
            raise ValueError("the service repeats a page token")
        request = {**request, "nextToken": token}


def _product(text: str) -> Row:
    item = json.loads(text)
    attributes = _part(
        item["product"]["attributes"], "instanceType", "regionCode", "usagetype", "marketoption"
    )
    terms = item.get("terms", {})
    return {
        **attributes,
        "OnDemand": [_term(term) for term in terms.get("OnDemand", {}).values()],
        "Reserved": [_term(term) for term in terms.get("Reserved", {}).values()],
    }


def _term(term: Mapping[str, Any]) -> Row:
    members = ("unit", "pricePerUnit")
    dimensions = _rows(term["priceDimensions"].values(), *members)
    return {"attributes": _json(term.get("termAttributes", {})), "dimensions": [*dimensions]}


def _instance(instance: Mapping[str, Any], tag: str) -> Row:
    tags = {one["Key"]: one["Value"] for one in instance.get("Tags", ())}
    row = _part(instance, "InstanceType", "InstanceLifecycle", "CapacityReservationId")
    row["Placement"] = _part(instance.get("Placement"), "AvailabilityZone", "AvailabilityZoneId")
    row["CpuOptions"] = _part(instance.get("CpuOptions"), "CoreCount", "ThreadsPerCore")
    row["Workload"] = tags.get(tag)
    return row
