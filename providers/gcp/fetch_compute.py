"""Reading the compute API through its SDK: plain rows, no meaning.

Each function reads every page of one list. Zones that could not be reached come back as rows
of ``{"unreachable": zone}``, so that a part that is missing is never taken for empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from broker.provider import Row
from providers.gcp.clients import Clients

_TIMEOUT_S: Final = 20.0
_PAGE_SIZE: Final = 500
_UNREACHABLE: Final = "UNREACHABLE"

Reader = Callable[[str, Any], Row]  # protobuf messages carry no types


def fetch_regions(clients: Clients) -> list[Row]:
    """Return the project's regions with their state, zones and quotas."""
    from providers.gcp.faults import classified

    with classified("compute"):
        from google.cloud import compute_v1

        request = compute_v1.ListRegionsRequest(project=clients.project, max_results=_PAGE_SIZE)
        client = clients.compute("RegionsClient")
        pages = client.list(request=request, retry=None, timeout=_TIMEOUT_S).pages
        return [_region(one) for page in pages for one in type(page).pb(page).items]


def fetch_machine_types(clients: Clients, series: tuple[str, ...]) -> list[Row]:
    """Return the machine types of `series` in every zone."""
    chosen = f'name eq "({"|".join(series)})-.*"'
    return _aggregated(clients, "MachineTypes", "machine_types", _machine_type, chosen)


def fetch_accelerator_types(clients: Clients) -> list[Row]:
    """Return the accelerators that can be attached in every zone."""
    return _aggregated(clients, "AcceleratorTypes", "accelerator_types", _accelerator_type)


def fetch_reservations(clients: Clients) -> list[Row]:
    """Return the project's reservations of instances."""
    return _aggregated(clients, "Reservations", "reservations", _reservation)


def fetch_commitments(clients: Clients) -> list[Row]:
    """Return the project's resource commitments."""
    return _aggregated(clients, "RegionCommitments", "commitments", _commitment)


def fetch_instances(clients: Clients, label: str) -> list[Row]:
    """Return the instances that carry `label`."""

    def instance(zone: str, one: Any) -> Row:  # protobuf messages carry no types
        return {
            "zone": zone,
            "machine_type": _last(one.machine_type),
            "accelerators": [
                {"type": _last(card.accelerator_type), "count": card.accelerator_count}
                for card in one.guest_accelerators
            ],
            "provisioning": one.scheduling.provisioning_model,
            "preemptible": one.scheduling.preemptible,
            "status": one.status,
            "workload": one.labels.get(label, ""),
        }

    return _aggregated(clients, "Instances", "instances", instance, f"labels.{label}:*")


def _aggregated(
    clients: Clients, kind: str, member: str, reader: Reader, chosen: str = ""
) -> list[Row]:
    from providers.gcp.faults import classified

    with classified("compute"):
        from google.cloud import compute_v1

        request = getattr(compute_v1, f"AggregatedList{kind}Request")(
            project=clients.project, max_results=_PAGE_SIZE, filter=chosen
        )
        client: Any = clients.compute(f"{kind}Client")
        pages = client.aggregated_list(request=request, retry=None, timeout=_TIMEOUT_S).pages
        return [row for page in pages for row in _scoped(type(page).pb(page), member, reader)]


def _scoped(page: Any, member: str, reader: Reader) -> Iterator[Row]:
    for scope in page.unreachables:
        yield {"unreachable": _last(scope)}
    for scope, part in page.items.items():
        if part.warning.code == _UNREACHABLE:
            yield {"unreachable": _last(scope)}
        for one in getattr(part, member):
            yield reader(_last(scope), one)


def _last(url: str) -> str:
    return url.rsplit("/", 1)[-1]


def _region(one: Any) -> Row:
    return {
        "name": one.name,
        "status": one.status,
        "zones": [_last(zone) for zone in one.zones],
        "quotas": [
            {"metric": quota.metric, "limit": quota.limit, "usage": quota.usage}
            for quota in one.quotas
        ],
    }


def _machine_type(zone: str, one: Any) -> Row:
    card = one.accelerators[0] if one.accelerators else None
    return {
        "zone": zone,
        "name": one.name,
        "vcpus": one.guest_cpus,
        "memory_mib": one.memory_mb,
        "accelerator": card.guest_accelerator_type if card else "",
        "accelerators": card.guest_accelerator_count if card else 0,
        "ssd_partitions": one.bundled_local_ssds.partition_count,
        "architecture": one.architecture,
        "state": one.deprecated.state,
    }


def _accelerator_type(zone: str, one: Any) -> Row:
    return {"zone": zone, "name": one.name, "maximum": one.maximum_cards_per_instance}


def _reservation(zone: str, one: Any) -> Row:
    specific = one.specific_reservation
    properties = specific.instance_properties
    return {
        "zone": zone,
        "id": str(one.id),
        "name": one.name,
        "status": one.status,
        "machine_type": properties.machine_type,
        "accelerators": [
            {"type": _last(card.accelerator_type), "count": card.accelerator_count}
            for card in properties.guest_accelerators
        ],
        "count": specific.count,
        "created": one.creation_timestamp,
        "ends": one.delete_at_time,
    }


def _commitment(region: str, one: Any) -> Row:
    return {
        "region": region,
        "id": str(one.id),
        "name": one.name,
        "status": one.status,
        "plan": one.plan,
        "type": one.type_,
        "resources": [
            {
                "type": part.type_,
                "amount": part.amount,
                "accelerator": _last(part.accelerator_type),
            }
            for part in one.resources
        ],
        "starts": one.start_timestamp,
        "ends": one.end_timestamp,
    }
