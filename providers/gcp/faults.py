"""What a failed Google call means, by the service's own code and never by class alone.

A 403 is three things: a rate limit, an API that is switched off, or a missing permission.
Socket failures leave the compute client as `requests` exceptions, not as Google's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Final

import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.protobuf.json_format import ParseError  # type: ignore[import-untyped] # no stubs

from broker.provider import CallError, FaultKind

_RATE_LIMITS: Final = frozenset(
    {
        "ratelimitexceeded",
        "userratelimitexceeded",
        "quotaexceeded",
        "dailylimitexceeded",
        "rate_limit_exceeded",
        "resource_exhausted",
    }
)
_SWITCHED_OFF: Final = frozenset({"accessnotconfigured", "service_disabled", "api_disabled"})
_SIGN_IN: Final = "sign in again: gcloud auth application-default login"
_REMEDIES: Final[Mapping[FaultKind, str]] = MappingProxyType(
    {
        FaultKind.THROTTLED: "run the refresh again after a minute, or ask for a higher rate",
        FaultKind.TRANSIENT: "run the refresh again",
        FaultKind.EXPIRED: _SIGN_IN,
        FaultKind.UNCONFIGURED: _SIGN_IN,
        FaultKind.DENIED: "grant the role of docs/providers/gcp.md to the account in use",
        FaultKind.BROKEN: "run the refresh again; if it stays, report it with the code",
    }
)


@contextmanager
def classified(service: str) -> Iterator[None]:
    """Turn whatever the SDK raises into a `CallError`.

    Args:
        service: API host without ``.googleapis.com``, for the remedy of an API switched off.

    Raises:
        CallError: for every failure of the SDK, of the network or of the answer's form.
    """
    try:
        yield
    except api.GoogleAPICallError as error:
        raise _of_answer(error, service) from error
    except api.RetryError as error:
        raise _fault(FaultKind.TRANSIENT, "DeadlineExceeded") from error
    except (auth.RefreshError, auth.InvalidOperation) as error:
        # InvalidOperation is what credentials that cannot refresh make of a 401
        raise _fault(FaultKind.EXPIRED, type(error).__name__) from error
    except (auth.TransportError, auth.TimeoutError) as error:
        raise _fault(FaultKind.TRANSIENT, type(error).__name__) from error
    except auth.GoogleAuthError as error:
        raise _fault(FaultKind.UNCONFIGURED, type(error).__name__) from error
    except requests.exceptions.JSONDecodeError as error:
        raise _fault(FaultKind.BROKEN, "JSONDecodeError") from error
    except requests.exceptions.RequestException as error:
        raise _fault(FaultKind.TRANSIENT, type(error).__name__) from error
    except (ParseError, ValueError, KeyError, TypeError) as error:
        raise _fault(FaultKind.BROKEN, type(error).__name__) from error


def _fault(kind: FaultKind, code: str) -> CallError:
    return CallError(kind, code, remedy=_REMEDIES[kind])


def _of_answer(error: api.GoogleAPICallError, service: str) -> CallError:
    reason = reason_of(error)
    kind = _kind(int(error.code or 0), reason.lower())
    wait = _retry_after_s(error)
    remedy = _REMEDIES.get(kind, f"gcloud services enable {service}.googleapis.com")
    if int(error.code or 0) == 404:
        remedy = "check the project (option `project`) and the regions asked for"
    return CallError(kind, reason, remedy=remedy, retry_after_s=wait)


def _kind(status: int, reason: str) -> FaultKind:
    if status == 429 or (status == 403 and reason in _RATE_LIMITS):
        return FaultKind.THROTTLED
    if status == 403:
        return FaultKind.DISABLED if reason in _SWITCHED_OFF else FaultKind.DENIED
    if status == 401:
        return FaultKind.EXPIRED
    if status == 404:
        return FaultKind.DISABLED
    if status >= 500 or status == 408:
        return FaultKind.TRANSIENT
    return FaultKind.BROKEN


def reason_of(error: api.GoogleAPICallError) -> str:
    """Return the service's own code: ``errors[0].reason``, else the error info, else the class.

    `GoogleAPICallError.reason` is None for the classic errors of compute.
    """
    for one in error.errors:
        if isinstance(one, Mapping) and one.get("reason"):
            return str(one["reason"])
    for detail in error.details:
        if isinstance(detail, Mapping) and detail.get("reason"):
            return str(detail["reason"])
    return str(error.reason or type(error).__name__)


def _retry_after_s(error: api.GoogleAPICallError) -> float | None:
    headers = getattr(error.response, "headers", None)
    value = headers.get("Retry-After", "") if isinstance(headers, Mapping) else ""
    return float(value) if value.isdigit() else None
