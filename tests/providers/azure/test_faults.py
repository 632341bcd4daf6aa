"""Error replies are told apart by their code, then by their status."""

from __future__ import annotations

import pytest

from broker.provider import FaultKind, Json
from providers.azure.faults import error_code, fault_of, retry_after_s


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (429, "TooManyRequests", FaultKind.THROTTLED),
        (429, "OperationNotAllowed", FaultKind.THROTTLED),
        (401, "ExpiredAuthenticationToken", FaultKind.EXPIRED),
        (401, "InvalidAuthenticationToken", FaultKind.EXPIRED),
        (403, "AuthorizationFailed", FaultKind.DENIED),
        (403, "SomethingNew", FaultKind.DENIED),
        (404, "SubscriptionNotFound", FaultKind.UNCONFIGURED),
        (404, "ResourceNotFound", FaultKind.DISABLED),
        (400, "NoRegisteredProviderFound", FaultKind.DISABLED),
        (409, "MissingSubscriptionRegistration", FaultKind.DISABLED),
        (409, "ReadOnlyDisabledSubscription", FaultKind.DISABLED),
        (500, "InternalServerError", FaultKind.TRANSIENT),
        (503, "ServiceUnavailable", FaultKind.TRANSIENT),
        (599, "", FaultKind.TRANSIENT),
        (408, "", FaultKind.TRANSIENT),
        (400, "InvalidFilter", FaultKind.BROKEN),
    ],
)
def test_replies_are_classified(status: int, code: str, kind: FaultKind) -> None:
    """Each documented refusal means one thing to the caller."""
    fault = fault_of(status, headers={}, body={"error": {"code": code}})
    assert fault.kind is kind
    assert fault.code == (code or f"HTTP{status}")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"error": {"code": "A"}}, "A"),
        ({"Error": {"Code": "B"}}, "B"),
        ({"code": "C"}, "C"),
        ({"error": {"code": "no spaces, please"}}, ""),
        ({"error": "text"}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_the_code_is_found_in_every_form_of_body(body: Json, code: str) -> None:
    """Nested, flat and capitalised bodies are read; what is no code is not repeated."""
    assert error_code(body) == code


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250"}, 0.25),
        ({"x-ms-retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        (
            {
                "retry-after": "Mon, 23 Nov 2026 08:00:30 GMT",
                "date": "Mon, 23 Nov 2026 08:00:00 GMT",
            },
            30.0,
        ),
        ({"retry-after": "Mon, 23 Nov 2026 08:00:30 GMT"}, None),
    ],
)
def test_waiting_times_are_read_in_all_their_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    """Seconds, milliseconds, and dates measured against the reply's own."""
    assert retry_after_s(headers) == seconds
