"""The calls of a refresh: which path, which page of it, which rows are kept.

Nothing here interprets a row beyond dropping what nobody asked for. Every call only reads; the
two that Azure takes as POST are queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from broker.provider import Call, Json, Row, Scope
from providers.azure.catalog import trimmed_size
from providers.azure.clients import ResourceManager, RetailPrices
from providers.azure.fields import region_key, rows_of, text_of, value_of
from providers.azure.prices import price_filters, trimmed_price

_COMPUTE: Final = "Microsoft.Compute"
_COMPUTE_VERSION: Final = "2026-04-01"

#: Sizes whose spot placement is scored when signals are asked for: Azure counts requests by the
#: hour, so the set is small and stable. The option ``score_sizes`` replaces it.
SCORED_SIZES: Final = (
    "Standard_NC24ads_A100_v4",
    "Standard_NC40ads_H100_v5",
    "Standard_NC4as_T4_v3",
    "Standard_ND96isr_H100_v5",
    "Standard_NV36ads_A10_v5",
)
_SIZES_PER_SCORE: Final = 5
_REGIONS_PER_SCORE: Final = 8

_EVICTION_QUERY: Final = (
    "SpotResources"
    " | where type =~ 'microsoft.compute/skuspotevictionrate/location'"
    " | project sku = tostring(sku.name), location,"
    " evictionRate = tostring(properties.evictionRate)"
    " | order by location asc, sku asc"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One subscription as the calls see it.

    Attributes:
        manager: Azure Resource Manager.
        prices: the Retail Prices API.
        subscription: subscription id.
        cpu_generations: generations of CPU sizes to read, such as ``v6``.
        scored_sizes: sizes whose spot placement is scored.
    """

    manager: ResourceManager
    prices: RetailPrices
    subscription: str
    cpu_generations: frozenset[str]
    scored_sizes: tuple[str, ...]


def subscriptions_call(manager: ResourceManager) -> Call:
    """Return the call that lists the subscriptions of the identity."""

    def run() -> list[Row]:
        return manager.rows(
            "/subscriptions",
            api_version="2022-12-01",
            permission="Microsoft.Resources/subscriptions/read",
        )

    return _call("subscriptions", "", run)


def regions_call(account: Account) -> Call:
    """Return the call that lists the regions the subscription can see."""

    def run() -> list[Row]:
        rows = account.manager.rows(
            f"/subscriptions/{account.subscription}/locations",
            api_version="2022-12-01",
            permission="Microsoft.Resources/subscriptions/locations/read",
        )
        return [
            {"name": region_key(text_of(row, "name"))}
            for row in rows
            if text_of(row, "metadata", "regionType") == "Physical"
        ]

    return _call("regions", "", run)


def region_calls(account: Account, region: str) -> list[Call]:
    """Return the calls for everything that Azure says by region."""
    gpu, *cpu = price_filters(region, account.cpu_generations)
    calls = [
        _call("instance-types", region, lambda: _sizes(account, region)),
        _call("quotas", region, lambda: _usages(account, region)),
        _price_call("prices", region, lambda: _priced(account, (gpu,))),
    ]
    if cpu:
        calls.append(_price_call("prices/cpu", region, lambda: _priced(account, cpu)))
    return calls


def account_calls(account: Account, scope: Scope, regions: Sequence[str]) -> list[Call]:
    """Return the calls for what the account holds and runs, and for signals if asked for."""
    calls = [
        _call("reservations", "", lambda: _reservations(account)),
        _call("reserved-instances", "", lambda: _reserved_instances(account)),
        _call("savings-plans", "", lambda: _savings_plans(account)),
        _call("instances", "", lambda: _instances(account, scope.tag)),
    ]
    if scope.signals:
        calls += [_call("eviction-rates", "", lambda: _evictions(account))]
        calls += _score_calls(account, regions)
    return calls


def _call(dataset: str, region: str, run: Callable[[], Sequence[Row]]) -> Call:
    """Return a call of Resource Manager, which allows 250 reads at once and 25 a second."""
    return Call(
        dataset=dataset, region=region, api="resource-manager", per_second=25.0, burst=25, run=run
    )


def _price_call(dataset: str, region: str, run: Callable[[], Sequence[Row]]) -> Call:
    """Return a call of the price API, which states no limit but answers 429 to crowds."""
    return Call(
        dataset=dataset, region=region, api="retail-prices", per_second=4.0, burst=4, run=run
    )


def _sizes(account: Account, region: str) -> list[Row]:
    rows = account.manager.rows(
        f"/subscriptions/{account.subscription}/providers/{_COMPUTE}/skus",
        api_version="2021-07-01",
        permission=f"{_COMPUTE}/skus/read",
        parameters={"$filter": f"location eq '{region}'"},
    )
    trimmed = (trimmed_size(row, region, account.cpu_generations) for row in rows)
    return [row for row in trimmed if row is not None]


def _usages(account: Account, region: str) -> list[Row]:
    rows = account.manager.rows(
        f"/subscriptions/{account.subscription}/providers/{_COMPUTE}/locations/{region}/usages",
        api_version=_COMPUTE_VERSION,
        permission=f"{_COMPUTE}/locations/usages/read",
    )
    return [
        {
            "name": {"value": text_of(row, "name", "value")},
            "limit": row.get("limit"),
            "currentValue": row.get("currentValue"),
        }
        for row in rows
    ]


def _priced(account: Account, filters: Sequence[str]) -> list[Row]:
    trimmed = (trimmed_price(row) for one in filters for row in account.prices.rows(one))
    return [row for row in trimmed if row is not None]


def _reservations(account: Account) -> list[Row]:
    """Return every capacity reservation with the type of its group; groups do not list sizes."""
    groups = account.manager.rows(
        f"/subscriptions/{account.subscription}/providers/{_COMPUTE}/capacityReservationGroups",
        api_version=_COMPUTE_VERSION,
        permission=f"{_COMPUTE}/capacityReservationGroups/read",
    )
    return [
        _kept(
            row,
            "id",
            "location",
            "zones",
            "sku",
            "properties",
            group={"reservationType": value_of(group, "properties", "reservationType")},
        )
        for group in groups
        for row in account.manager.rows(
            f"{text_of(group, 'id')}/capacityReservations",
            api_version=_COMPUTE_VERSION,
            permission=f"{_COMPUTE}/capacityReservationGroups/capacityReservations/read",
        )
    ]


def _reserved_instances(account: Account) -> list[Row]:
    rows = account.manager.rows(
        "/providers/Microsoft.Capacity/reservations",
        api_version="2022-11-01",
        permission="Microsoft.Capacity/reservations/read",
        parameters={"$filter": "properties/reservedResourceType eq 'VirtualMachines'"},
    )
    return [
        _kept(row, "id", "location", "sku", "properties")
        for row in rows
        if text_of(row, "properties", "reservedResourceType") == "VirtualMachines"
    ]


def _savings_plans(account: Account) -> list[Row]:
    rows = account.manager.rows(
        "/providers/Microsoft.BillingBenefits/savingsPlans",
        api_version="2022-11-01",
        permission="Microsoft.BillingBenefits/savingsPlans/read",
    )
    return [_kept(row, "id", "properties") for row in rows]


def _instances(account: Account, tag: str) -> list[Row]:
    """Return machines with `tag`, each with its power state, and uniform scale sets with it.

    The list of machines leaves out the instances of uniform scale sets, and tells power states
    only when asked for nothing else.
    """
    base = f"/subscriptions/{account.subscription}/providers/{_COMPUTE}"
    listed = partial(
        account.manager.rows,
        f"{base}/virtualMachines",
        api_version=_COMPUTE_VERSION,
        permission=f"{_COMPUTE}/virtualMachines/read",
    )
    machines, states = listed(), listed(parameters={"statusOnly": "true"})
    scale_sets = account.manager.rows(
        f"{base}/virtualMachineScaleSets",
        api_version=_COMPUTE_VERSION,
        permission=f"{_COMPUTE}/virtualMachineScaleSets/read",
    )
    power = {text_of(row, "id").casefold(): _power(row) for row in states}
    return [
        *(
            _kept_machine(row, power=power.get(text_of(row, "id").casefold(), ""))
            for row in machines
            if _has_tag(row, tag)
        ),
        *(
            _kept_machine(row, power="")
            for row in scale_sets
            if _has_tag(row, tag) and _is_uniform(row)
        ),
    ]


def _evictions(account: Account) -> list[Row]:
    """Return eviction rates from Resource Graph; the table answers only without subscriptions."""
    rows: list[Row] = []
    token: str | None = ""
    while token is not None:
        options: Row = {"resultFormat": "objectArray", "$top": 1000}
        body: Row = {"query": _EVICTION_QUERY}
        body["options"] = {**options, "$skipToken": token} if token else options
        reply = account.manager.post(
            "/providers/Microsoft.ResourceGraph/resources",
            api_version="2022-10-01",
            permission="Microsoft.ResourceGraph/resources/read",
            body=body,
        )
        rows += rows_of(reply, "data")
        following = text_of(reply, "$skipToken")
        token = following if following and following != token else None
    return [_kept(row, "sku", "location", "evictionRate") for row in rows]


def _score_calls(account: Account, regions: Sequence[str]) -> list[Call]:
    chunks = [
        list(regions[start : start + _REGIONS_PER_SCORE])
        for start in range(0, len(regions), _REGIONS_PER_SCORE)
    ]
    return [_score_call(account, chunk) for chunk in chunks]


def _score_call(account: Account, regions: list[str]) -> Call:
    """Return the call that scores a few regions together; it is filed under the first."""

    def run() -> list[Row]:
        sizes = account.scored_sizes
        batches = [
            sizes[start : start + _SIZES_PER_SCORE]
            for start in range(0, len(sizes), _SIZES_PER_SCORE)
        ]
        return [row for batch in batches for row in _scores(account, regions, batch)]

    return Call(
        dataset="placement-scores",
        region=regions[0],
        api="placement-scores",
        per_second=0.2,
        burst=1,
        run=run,
    )


def _scores(account: Account, regions: list[str], sizes: Sequence[str]) -> list[Row]:
    reply = account.manager.post(
        f"/subscriptions/{account.subscription}/providers/{_COMPUTE}/locations/{regions[0]}"
        "/placementScores/spot/generate",
        api_version="2025-06-05",
        permission=f"{_COMPUTE}/locations/placementScores/generate/action",
        body={
            "desiredLocations": list[Json](regions),
            "desiredSizes": [{"sku": size} for size in sizes],
            "desiredCount": 1,
            "availabilityZones": True,
        },
    )
    return rows_of(reply, "placementScores")


def _kept(row: Row, *names: str, **more: Json) -> Row:
    return {name: row[name] for name in names if name in row} | more


def _kept_machine(row: Row, *, power: str) -> Row:
    """Return what tells where a machine runs; its settings may hold secrets and are dropped."""
    properties = row.get("properties")
    profile = value_of(properties, "virtualMachineProfile")
    kept: Row = {
        "hardwareProfile": {"vmSize": value_of(properties, "hardwareProfile", "vmSize")},
        "priority": value_of(profile or properties, "priority"),
        "capacityReservation": value_of(profile or properties, "capacityReservation"),
    }
    return _kept(row, "location", "zones", "sku", "tags", properties=kept, power=power)


def _has_tag(row: Row, tag: str) -> bool:
    tags = row.get("tags")
    return isinstance(tags, dict) and tag.casefold() in {name.casefold() for name in tags}


def _is_uniform(row: Row) -> bool:
    return text_of(row, "properties", "orchestrationMode").casefold() != "flexible"


def _power(row: Row) -> str:
    """Return the power state of a machine: running, deallocated, stopped."""
    codes = [text_of(s, "code") for s in rows_of(row, "properties", "instanceView", "statuses")]
    states = [code.partition("/")[2] for code in codes if code.startswith("PowerState/")]
    return states[0] if states else ""
