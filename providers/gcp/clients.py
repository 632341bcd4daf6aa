"""The Google SDK clients of one project, made when first used.

The SDK takes over a second to import, so nothing of it is imported before a call runs.
An endpoint on this machine gets no credentials and may be plain text; every other endpoint
is reached over TLS with the SDK's own credential chain.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from broker.errors import ProviderError
from broker.provider import Settings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials
    from google.auth.transport.requests import AuthorizedSession
    from google.cloud import billing_v1, compute_v1

_Client = TypeVar("_Client")

#: Names of endpoints in the configuration -> the service each stands for.
ENDPOINTS: Final[Mapping[str, str]] = {
    "compute": "https://compute.googleapis.com",
    "billing": "cloudbilling.googleapis.com",
    "quotas": "https://cloudquotas.googleapis.com",
}
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_QUOTA_PROJECT: Final = "GOOGLE_CLOUD_PROJECT"


def is_loopback(endpoint: str) -> bool:
    """Return whether an endpoint stands on this machine."""
    return urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").hostname in _LOOPBACK


class Clients:
    """SDK clients of one project; safe to share between threads.

    Attributes:
        settings: endpoints by service (`ENDPOINTS`), option ``project``.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.RLock()
        self._made: dict[str, object] = {}

    @property
    def project(self) -> str:
        """Project whose quotas, reservations and instances are read.

        Raises:
            ProviderError: when neither the option nor the environment names one.
        """
        project = self.settings.options.get("project") or os.environ.get(_QUOTA_PROJECT, "")
        if not project:
            raise ProviderError(
                "gcp: found no project; expected the option `project`",
                remedy="set providers.gcp.options.project in the configuration, or"
                f" {_QUOTA_PROJECT} in the environment",
            )
        return project

    def compute(self, kind: str) -> compute_v1.RegionsClient:
        """Return the compute client class named `kind`, e.g. ``MachineTypesClient``.

        The annotation names one of them; all share constructor and call conventions.
        """

        def make() -> compute_v1.RegionsClient:
            from google.api_core.client_options import ClientOptions
            from google.cloud import compute_v1

            endpoint = self.endpoint("compute")
            made: compute_v1.RegionsClient = getattr(compute_v1, kind)(
                credentials=self._credentials(endpoint),
                client_options=ClientOptions(api_endpoint=endpoint),
            )
            return made

        return self._once(kind, make)

    def catalog(self) -> billing_v1.CloudCatalogClient:
        """Return the price catalog's client, over gRPC."""

        def make() -> billing_v1.CloudCatalogClient:
            import grpc  # type: ignore[import-untyped] # no stubs
            from google.cloud import billing_v1
            from google.cloud.billing_v1.services.cloud_catalog.transports import (
                CloudCatalogGrpcTransport,
            )

            endpoint = self.endpoint("billing")
            if not is_loopback(endpoint):
                return billing_v1.CloudCatalogClient(
                    credentials=self._credentials(endpoint),
                    client_options={"api_endpoint": endpoint},
                )
            channel = grpc.insecure_channel(
                endpoint, options=[("grpc.max_receive_message_length", -1)]
            )
            return billing_v1.CloudCatalogClient(
                transport=CloudCatalogGrpcTransport(channel=channel)
            )

        return self._once("catalog", make)

    def session(self) -> AuthorizedSession:
        """Return an HTTP session that carries the credentials, for APIs without a client."""

        def make() -> AuthorizedSession:
            from google.auth.transport.requests import AuthorizedSession

            credentials = self._credentials(self.endpoint("quotas"))
            return AuthorizedSession(credentials)  # type: ignore[no-untyped-call] # as shipped

        return self._once("session", make)

    def endpoint(self, service: str) -> str:
        """Return the endpoint of a service, the real one unless the configuration has another."""
        return self.settings.endpoints.get(service, ENDPOINTS[service]).rstrip("/")

    def is_local(self) -> bool:
        """Return whether every service stands on this machine, so that no credentials are used."""
        return all(is_loopback(self.endpoint(service)) for service in ENDPOINTS)

    def _credentials(self, endpoint: str) -> Credentials:
        import google.auth
        from google.auth.credentials import AnonymousCredentials

        if is_loopback(endpoint):
            return AnonymousCredentials()  # type: ignore[no-untyped-call] # as shipped
        found, _ = self._once("credentials", lambda: google.auth.default(scopes=[_SCOPE]))
        return found

    def _once(self, name: str, make: Callable[[], _Client]) -> _Client:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: _Client = self._made[name]  # type: ignore[assignment] # one type per name
            return made
