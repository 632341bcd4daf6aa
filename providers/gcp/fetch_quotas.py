"""Reading the Cloud Quotas API: the only place where on-demand limits of new GPUs stand."""

from __future__ import annotations

from typing import Final

from broker.provider import Row
from providers.gcp.clients import Clients

_PAGE_SIZE: Final = 500
_TIMEOUT_S: Final = 20.0
_SERVICE: Final = "locations/global/services/compute.googleapis.com/quotaInfos"

#: Quota whose rows are told apart by the dimension ``gpu_family``.
PER_FAMILY: Final = "GPUS-PER-GPU-FAMILY-per-project-region"


def fetch_quota_infos(clients: Clients) -> list[Row]:
    """Return the limits per GPU family: ``family``, ``regions``, ``limit`` (text).

    Raises:
        CallError: when the limits cannot be read whole.
    """
    from providers.gcp.faults import classified

    with classified("cloudquotas"):
        return [row for info in _pages(clients) for row in _rows(info)]


def _pages(clients: Clients) -> list[dict[str, object]]:
    from google.api_core.exceptions import from_http_response

    url = f"{clients.endpoint('quotas')}/v1/projects/{clients.project}/{_SERVICE}"
    found: list[dict[str, object]] = []
    token = ""
    while True:
        answer = clients.session().get(
            url, params={"pageSize": str(_PAGE_SIZE), "pageToken": token}, timeout=_TIMEOUT_S
        )
        if answer.status_code >= 400:
            raise from_http_response(answer)  # type: ignore[no-untyped-call] # as shipped
        body = answer.json()
        found.extend(body.get("quotaInfos", []))
        token = body.get("nextPageToken", "")
        if not token:
            return found


def _rows(info: dict[str, object]) -> list[Row]:
    limits = info.get("dimensionsInfos")
    if info.get("quotaId") != PER_FAMILY or not isinstance(limits, list):
        return []
    return [
        {
            "family": str(limit["dimensions"]["gpu_family"]),
            "region": str(limit["dimensions"].get("region", "")),
            "regions": [str(region) for region in limit.get("applicableLocations", [])],
            "limit": str(limit.get("details", {}).get("value", "0")),
        }
        for limit in limits
        if "gpu_family" in limit.get("dimensions", {})
    ]
