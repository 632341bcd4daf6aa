"""Asking for capacity advice: opt-in, tightly rate-limited, one region and machine at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from broker.provider import Row
from providers.gcp.clients import Clients

_TIMEOUT_S: Final = 20.0
_SPOT: Final = "SPOT"

#: Shortest and longest reservation asked for by calendar.
_CALENDAR_S: Final = ("86400s", "7776000s")


def fetch_capacity(clients: Clients, region: str, machine_types: Sequence[str]) -> list[Row]:
    """Return how obtainable one spot instance of each type is: ``score``, ``uptime``, zones.

    Raises:
        CallError: when the advice cannot be had.
    """
    from providers.gcp.faults import classified

    with classified("compute"):
        from google.cloud import compute_v1 as sdk

        client: Any = clients.compute("AdviceClient")
        rows: list[Row] = []
        for machine_type in machine_types:
            asked = sdk.CapacityAdviceRequest(
                size=1,
                instance_properties={"scheduling": {"provisioning_model": _SPOT}},
                instance_flexibility_policy={
                    "instance_selections": {"only": {"machine_types": [machine_type]}}
                },
            )
            answer = client.capacity(
                project=clients.project,
                region=region,
                capacity_advice_request_resource=asked,
                retry=None,
                timeout=_TIMEOUT_S,
            )
            rows.extend(_capacity(region, machine_type, one) for one in answer.recommendations)
        return rows


def fetch_history(clients: Clients, region: str, machine_types: Sequence[str]) -> list[Row]:
    """Return the preemption rate of each type, day by day: ``rate``, ``start``, ``end``.

    Raises:
        CallError: when the history cannot be had.
    """
    from providers.gcp.faults import classified

    with classified("compute"):
        from google.cloud import compute_v1 as sdk

        client: Any = clients.compute("AdviceClient")
        rows: list[Row] = []
        for machine_type in machine_types:
            asked = sdk.CapacityHistoryRequest(
                types=["PREEMPTION"],
                instance_properties={
                    "machine_type": machine_type,
                    "scheduling": {"provisioning_model": _SPOT},
                },
            )
            answer = client.capacity_history(
                project=clients.project,
                region=region,
                capacity_history_request_resource=asked,
                retry=None,
                timeout=_TIMEOUT_S,
            )
            rows.extend(
                _preemption(region, machine_type, one) for one in answer.preemption_history
            )
        return rows


def fetch_calendar(clients: Clients, region: str, machine_types: Sequence[str]) -> list[Row]:
    """Return when one instance of each type can be reserved by calendar.

    Raises:
        CallError: when the advice cannot be had.
    """
    from providers.gcp.faults import classified

    with classified("compute"):
        client: Any = clients.compute("AdviceClient")
        rows: list[Row] = []
        for machine_type in machine_types:  # a request holds one specification only
            answer = client.calendar_mode(
                project=clients.project,
                region=region,
                calendar_mode_advice_request_resource=_calendar_request(machine_type),
                retry=None,
                timeout=_TIMEOUT_S,
            )
            rows.extend(
                _calendar(machine_type, one)
                for recommendation in answer.recommendations
                for one in recommendation.recommendations_per_spec.values()
            )
        return rows


def _calendar_request(machine_type: str) -> Any:
    from google.cloud import compute_v1 as sdk

    shortest, longest = _CALENDAR_S
    wanted = {"specific_sku_resources": {"machine_type": machine_type, "instance_count": 1}}
    return sdk.CalendarModeAdviceRequest(
        future_resources_specs={
            "only": sdk.FutureResourcesSpec(
                target_resources=wanted,
                time_range_spec={"min_duration": shortest, "max_duration": longest},
            )
        }
    )


def _capacity(region: str, machine_type: str, one: Any) -> Row:
    return {
        "region": region,
        "machine_type": machine_type,
        "score": one.scores.obtainability,
        "uptime": one.scores.estimated_uptime,
        "zones": [shard.zone.rsplit("/", 1)[-1] for shard in one.shards],
    }


def _preemption(region: str, machine_type: str, one: Any) -> Row:
    return {
        "region": region,
        "machine_type": machine_type,
        "rate": one.preemption_rate,
        "start": one.interval.start_time,
        "end": one.interval.end_time,
    }


def _calendar(machine_type: str, one: Any) -> Row:
    return {
        "machine_type": machine_type,
        "location": one.location.rsplit("/", 1)[-1],
        "starts": one.start_time,
        "ends": one.end_time,
    }
