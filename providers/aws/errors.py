"""What a failed AWS call means, by its code: never by exception class or HTTP status alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)
from botocore.exceptions import (
    ConnectionError as NoConnection,
)
from botocore.parsers import ResponseParserError

from broker.provider import CallError, FaultKind

_THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "CapacityBlockDescribeLimitExceeded",  # the SDK does not take it for throttling
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_EXPIRED: Final = frozenset(
    {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
)
_BAD_KEYS: Final = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "MaxConfigLimitExceeded", "UnauthorizedOperation"}
)
_DISABLED: Final = frozenset(
    {
        "InvalidAction",
        "OptInRequired",
        "SubscriptionRequiredException",
        "UnknownOperationException",
        "UnsupportedOperation",
    }
)
_REMEDIES: Final = {
    FaultKind.THROTTLED: "run the refresh again later, or with fewer regions",
    FaultKind.TRANSIENT: "run the refresh again",
    FaultKind.EXPIRED: "sign in again (aws sso login, or new keys) and run the refresh again",
    FaultKind.UNCONFIGURED: "set up credentials: aws configure, AWS_PROFILE, or a role",
    FaultKind.DISABLED: "enable the region or API for the account, or leave it out",
    FaultKind.BROKEN: "check the endpoint in the configuration; report it if there is none",
}
_SSO_ERRORS: Final = (
    CredentialRetrievalError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)


@contextmanager
def classified(action: str, *, is_home: bool = False) -> Iterator[None]:
    """Turn whatever the SDK raises inside into a `CallError`.

    Args:
        action: the IAM action, named in the remedy when it is not allowed.
        is_home: whether the call goes to the home region. Elsewhere, keys that the home region
            accepted and this one does not mean that the region is switched off.

    Raises:
        CallError: classified; it carries the service's code and never its message, which may
            quote the request.
    """
    try:
        yield
    except ClientError as error:
        raise _of_answer(error, action, is_home=is_home) from None
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise _call_error(FaultKind.UNCONFIGURED, type(error).__name__) from None
    except _SSO_ERRORS as error:
        raise _call_error(FaultKind.EXPIRED, type(error).__name__) from None
    except (HTTPClientError, NoConnection) as error:
        raise _call_error(FaultKind.TRANSIENT, type(error).__name__) from None
    except (BotoCoreError, ResponseParserError, ValueError, LookupError) as error:
        raise _call_error(FaultKind.BROKEN, type(error).__name__) from None


def fault_kind(code: str, *, status: int, is_home: bool) -> FaultKind:
    """Return what `code` means, given the HTTP `status` it came with."""
    if code in _THROTTLED or status == 429:
        return FaultKind.THROTTLED
    if code in _EXPIRED:
        return FaultKind.EXPIRED
    if code in _BAD_KEYS:
        return FaultKind.UNCONFIGURED if is_home else FaultKind.DISABLED
    if code in _DENIED:
        return FaultKind.DENIED
    if code in _DISABLED:
        return FaultKind.DISABLED
    return FaultKind.TRANSIENT if status >= 500 else FaultKind.BROKEN


def _of_answer(error: ClientError, action: str, *, is_home: bool) -> CallError:
    code = str(error.response.get("Error", {}).get("Code", "Unknown"))
    metadata = error.response.get("ResponseMetadata", {})
    kind = fault_kind(code, status=metadata.get("HTTPStatusCode", 0), is_home=is_home)
    headers = metadata.get("HTTPHeaders", {})
    return _call_error(kind, code, action=action, retry_after=headers.get("retry-after"))


def _call_error(
    kind: FaultKind, code: str, *, action: str = "", retry_after: str | None = None
) -> CallError:
    remedy = f"allow {action}" if kind is FaultKind.DENIED else _REMEDIES[kind]
    if code == "MaxConfigLimitExceeded":
        remedy = "ask for the same scores as before, or wait a day"
    seconds = float(retry_after) if retry_after and retry_after.isdigit() else None
    return CallError(kind, code, remedy=remedy, retry_after_s=seconds)
