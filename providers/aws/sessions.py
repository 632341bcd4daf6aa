"""The SDK's clients: one session, one client for each service and region, shared by threads."""

from __future__ import annotations

import threading
from typing import Any, Final

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from broker.errors import ProviderError
from broker.provider import CallError, FaultKind, Settings

#: Where a service lives when it is not regional.
_FIXED_REGIONS: Final = {"pricing": "us-east-1", "savingsplans": "us-east-1"}
#: No tries inside the SDK: the fetcher does them, where deadlines and buckets reach them.
_CONFIG: Final = Config(
    connect_timeout=4,
    read_timeout=20,
    max_pool_connections=16,
    retries={"mode": "standard", "total_max_attempts": 1},
    user_agent_extra="gpu-capacity-broker",
)
SPOT_ADVISOR_URL: Final = "https://spot-bid-advisor.s3.amazonaws.com/spot-advisor-data.json"


class Clients:
    """Makes and keeps the clients of one account.

    Clients are safe to share between threads, making them is not: hence the lock.

    Raises:
        ProviderError: when the SDK's own chain finds no whole pair of keys.
    """

    def __init__(self, settings: Settings) -> None:
        self._endpoints = settings.endpoints
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        try:
            self._session = boto3.Session(profile_name=settings.options.get("profile"))
            credentials = self._session.get_credentials()
            keys = credentials.get_frozen_credentials() if credentials else None
        except BotoCoreError as error:
            raise _no_credentials(type(error).__name__) from None
        if keys is None or not keys.access_key or not keys.secret_key:
            raise _no_credentials("no credentials")

    def client(self, service: str, region: str) -> Any:
        """Return the client of `service` for `region`."""
        key = (service, _FIXED_REGIONS.get(service, region))
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._session.client(
                    service,
                    region_name=key[1],
                    endpoint_url=self._endpoint(service),
                    config=_CONFIG,
                )
            return self._clients[key]

    def spot_advisor(self) -> bytes:
        """Return the public file of spot interruption bands; nothing of the account is sent.

        Raises:
            CallError: for any answer but the file.
        """
        base = self._endpoint("spot-advisor")
        url = f"{base}/spot-advisor-data.json" if base else SPOT_ADVISOR_URL
        answer = URLLib3Session(timeout=20).send(AWSRequest(method="GET", url=url).prepare())
        if answer.status_code != 200:
            kind = FaultKind.TRANSIENT if answer.status_code >= 500 else FaultKind.BROKEN
            raise CallError(kind, f"HTTP{answer.status_code}", remedy="run the refresh again")
        content = answer.content
        return content if isinstance(content, bytes) else b""

    def _endpoint(self, service: str) -> str | None:
        return self._endpoints.get(service) or self._endpoints.get("default")


def _no_credentials(found: str) -> ProviderError:
    return ProviderError(
        f"connecting to aws: found {found}; expected an access key and its secret",
        remedy="set up credentials: aws configure, AWS_PROFILE, or a role",
    )
