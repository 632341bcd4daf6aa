"""What Azure's error replies mean: status, headers and body in, a `CallError` out.

Errors are told apart by the code in the body first and by the status second. The service's own
message is never carried on: it may quote tenants, subscriptions or tokens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from broker.provider import CallError, FaultKind, Json

_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,79}")

_REGISTER: Final = (
    "register the resource provider once: az provider register --namespace Microsoft.Compute"
)
_SIGN_IN: Final = "sign in again (az login) or renew the identity's credentials, then refresh"
_REGION: Final = "the subscription cannot use this region; name others under `regions`"

#: Code in the body -> what it means and what to do, whatever the status.
_BY_CODE: Final[Mapping[str, tuple[FaultKind, str]]] = {
    "authorizationfailed": (FaultKind.DENIED, ""),
    "linkedauthorizationfailed": (FaultKind.DENIED, ""),
    "missingsubscriptionregistration": (FaultKind.DISABLED, _REGISTER),
    "subscriptionnotregistered": (FaultKind.DISABLED, _REGISTER),
    "noregisteredproviderfound": (FaultKind.DISABLED, _REGION),
    "locationnotavailableforresourcetype": (FaultKind.DISABLED, _REGION),
    "locationnotsupported": (FaultKind.DISABLED, _REGION),
    "invalidlocation": (FaultKind.DISABLED, _REGION),
    "subscriptionnotfound": (FaultKind.UNCONFIGURED, "check the subscription's id and tenant"),
    "invalidsubscriptionid": (FaultKind.UNCONFIGURED, "check the subscription's id"),
    "readonlydisabledsubscription": (FaultKind.DISABLED, "enable the subscription again"),
    "disallowedoperation": (FaultKind.DISABLED, "the subscription's offer forbids this"),
    "toomanyrequests": (FaultKind.THROTTLED, ""),
    "subscriptionrequeststhrottled": (FaultKind.THROTTLED, ""),
    "ratelimiting": (FaultKind.THROTTLED, ""),
}

#: The same for the status, where the code is not known.
_BY_STATUS: Final[Mapping[int, tuple[FaultKind, str]]] = {
    401: (FaultKind.EXPIRED, _SIGN_IN),
    403: (FaultKind.DENIED, ""),
    404: (FaultKind.DISABLED, "this cloud or region does not offer it"),
    408: (FaultKind.TRANSIENT, ""),
    429: (FaultKind.THROTTLED, ""),
}


def fault_of(
    status: int, *, headers: Mapping[str, str], body: Json, permission: str = ""
) -> CallError:
    """Return what an error reply means.

    Args:
        status: HTTP status of 400 or above.
        headers: response headers, any case-insensitive mapping.
        body: decoded JSON body, or None.
        permission: the action a role needs for this call, for the remedy.
    """
    code = error_code(body) or f"HTTP{status}"
    kind, remedy = _meaning(status, code)
    if kind is FaultKind.DENIED:
        remedy = f"give the identity a role with {permission}" if permission else "widen its role"
    return CallError(kind, code, remedy=remedy, retry_after_s=retry_after_s(headers))


def error_code(body: Json) -> str:
    """Return the code in an error body (``{"error": {"code": ..}}`` or flat), or ""."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error") or body.get("Error") or body
    code = (error.get("code") or error.get("Code")) if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a reply asks to wait; None when it says nothing readable.

    A date is measured against the reply's own ``Date``, so that no clock of ours takes part.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001)):
        if _is_number(headers.get(name)):
            return float(headers[name]) * unit_s
    stated = headers.get("retry-after")
    if stated is None:
        return None
    if _is_number(stated):
        return float(stated)
    try:
        asked = parsedate_to_datetime(stated) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, asked.total_seconds())


def _meaning(status: int, code: str) -> tuple[FaultKind, str]:
    known = _BY_STATUS.get(status)
    if status != 429:
        known = _BY_CODE.get(code.casefold(), known)
    if known is not None:
        return known
    if status >= 500:
        return FaultKind.TRANSIENT, ""
    return FaultKind.BROKEN, "tell the maintainers of this adapter"


def _is_number(text: str | None) -> bool:
    return text is not None and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text.strip()) is not None
