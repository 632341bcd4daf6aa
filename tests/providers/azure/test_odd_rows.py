"""Whatever JSON the services send, reading it ends in tables or gaps, never in an exception."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.market import TABLES, empty
from broker.offers import OFFER_KEY
from broker.provider import Fetched, Json, Row, Scope
from providers.azure.calls import _kept_machine, _power
from providers.azure.catalog import trimmed_size
from providers.azure.prices import trimmed_price
from tests.providers.azure.worlds import NOW, small_world, tables_of

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(["", "1e40", "NaN", "-5", "0", "Infinity", "2026", "True", "Spot", "x" * 300]),
    st.just([]),
    st.just({}),
    st.just([None, 3, "a", {}]),
)
GENERATIONS = frozenset({"v5"})


def _places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every value inside `value`."""
    inside: list[tuple[str | int, Json]] = []
    if isinstance(value, dict):
        inside = list(value.items())
    elif isinstance(value, list):
        inside = list(enumerate(value))
    return [path, *(found for key, one in inside for found in _places(one, (*path, key)))]


def _replaced(value: Json, path: tuple[str | int, ...], odd: Json) -> Json:
    if not path:
        return odd
    if isinstance(value, dict):
        key = str(path[0])
        return value | {key: _replaced(value[key], path[1:], odd)}
    if isinstance(value, list):
        place = int(path[0])
        return [*value[:place], _replaced(value[place], path[1:], odd), *value[place + 1 :]]
    return odd


@st.composite
def oddly(draw: st.DrawFn, row: Row) -> Row:
    """Return `row` with up to three values replaced by something odd."""
    changed: Json = row
    for _ in range(draw(st.integers(0, 3))):
        paths = [path for path in _places(changed) if path]
        if paths:
            changed = _replaced(changed, draw(st.sampled_from(paths)), draw(ODD))
    assert isinstance(changed, dict)
    return changed


WORLD = small_world()
SIZES = st.lists(oddly(WORLD.skus["eastus"][0]), max_size=3)
PRICES = st.lists(st.sampled_from(WORLD.prices["eastus"]).flatmap(oddly), max_size=4)
USAGES = st.lists(st.sampled_from(WORLD.usages["eastus"]).flatmap(oddly), max_size=3)
RESERVATION: Row = {
    "id": "/subscriptions/s/resourceGroups/g/providers/p/groups/x/capacityReservations/y",
    "location": "eastus",
    "zones": ["1"],
    "sku": {"name": "n", "capacity": 4},
    "properties": {
        "provisioningState": "Succeeded",
        "timeCreated": "2026-09-04T07:00:00Z",
        "expiryDateTime": "2027-09-04T07:00:00Z",
        "quantity": 3,
        "commitment": {"currencyCode": "USD", "amount": 1.5},
        "scheduleProfile": {"start": "2026-12-01", "end": "2026-12-08"},
    },
    "group": {"reservationType": "Block"},
}
MACHINE: Row = {
    "location": "eastus",
    "zones": ["1"],
    "tags": {"broker:workload": "chat"},
    "sku": {"name": "n", "capacity": 3},
    "properties": {
        "hardwareProfile": {"vmSize": "v"},
        "priority": "Spot",
        "capacityReservation": {"capacityReservationGroup": {"id": "/x"}},
        "instanceView": {"statuses": [{"code": "PowerState/running"}]},
    },
}
EVICTION: Row = {"sku": "s", "location": "eastus", "evictionRate": "0-5"}
SCORE: Row = {"sku": "s", "region": "eastus", "availabilityZone": "1", "score": "High"}


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_odd_rows_never_break_the_reading(data: st.DataObject) -> None:
    """Every table comes back with its columns, and no offer stands twice."""
    sizes = [trimmed_size(row, "eastus", GENERATIONS) for row in data.draw(SIZES)]
    prices = [trimmed_price(row) for row in data.draw(PRICES)]
    machines = data.draw(st.lists(oddly(MACHINE), max_size=3))
    held = data.draw(st.lists(oddly(RESERVATION), max_size=2))
    datasets: dict[str, list[Row]] = {
        "regions": data.draw(st.lists(oddly({"name": "eastus"}), max_size=2)),
        "instance-types": [row for row in sizes if row is not None],
        "prices": [row for row in prices if row is not None],
        "quotas": data.draw(USAGES),
        "reservations": held,
        "reserved-instances": held,
        "savings-plans": held,
        "instances": [_kept_machine(row, power=_power(row)) for row in machines],
        "eviction-rates": data.draw(st.lists(oddly(EVICTION), max_size=2)),
        "placement-scores": data.draw(st.lists(oddly(SCORE), max_size=2)),
    }
    fetched = [
        Fetched(dataset=name, region="eastus", rows=rows, fetched_at=NOW)
        for name, rows in datasets.items()
    ]
    tables = tables_of(fetched, Scope(regions=("eastus",))).tables
    for name, schema in TABLES.items():
        assert tables[name].schema == empty(schema).schema
    offers = tables["offers"]
    assert not offers.select(OFFER_KEY).is_duplicated().any()
    assert not offers.select((pl.col("zone") == "").any()).item()
    for column in ("usd_per_hour", "upfront_usd", "accelerators", "vcpus"):
        assert (offers[column].drop_nulls() >= 0).all()
