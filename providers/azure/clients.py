"""The adapter's two HTTP pipelines: Resource Manager with a token, retail prices without one.

Both carry an explicit list of policies. The SDK's default list registers resource providers when
a read meets an unregistered one, follows redirects and sleeps as long as a service asks; here no
read changes anything, no token leaves for another host, and waiting is the fetcher's affair.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from broker.provider import CallError, FaultKind, Json, Row
from providers.azure.faults import fault_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport
    from azure.core.rest import HttpRequest, HttpResponse

MANAGEMENT_URL: Final = "https://management.azure.com"
PRICES_URL: Final = "https://prices.azure.com"

#: More pages than any dataset has; beyond it something is wrong, and cutting short would lie.
_MOST_PAGES: Final = 500
_CONNECT_S: Final = 4
_READ_S: Final = 30
_CONNECTIONS: Final = 16
#: Requests in flight at the price API: it answers 429 to about twenty at once.
_PRICE_REQUESTS: Final = 8
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


class Credentials(Protocol):
    """Makes the credential when it is first needed: importing the identity SDK is slow."""

    def __call__(self) -> TokenCredential:
        """Return a credential of the SDK's own chain."""


class ResourceManager:
    """Azure Resource Manager, read as raw JSON through the Compute SDK's client.

    Raw JSON because the typed models cost about a millisecond for each size of a region.

    Args:
        url: base URL; plain http is accepted on the loopback interface only.
        credentials: see `Credentials`.

    Raises:
        ValueError: for a plain http URL of another machine.
    """

    def __init__(self, url: str, *, credentials: Credentials) -> None:
        from azure.mgmt.compute import ComputeManagementClient
        from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

        self._url = url.rstrip("/")
        secure = urlsplit(url).scheme == "https"
        if not secure and urlsplit(url).hostname not in _LOOPBACK:
            raise ValueError("an https:// URL, or http:// on the loopback interface")
        scope = f"{self._url if secure else MANAGEMENT_URL}/.default"
        credential = credentials()
        self._client = ComputeManagementClient(
            credential,
            "unused-by-raw-requests",
            base_url=self._url,
            credential_scopes=[scope],
            policies=[*_plain_policies(), ARMChallengeAuthenticationPolicy(credential, scope)],
            transport=_transport(),
        )
        self._enforce_https = secure

    def rows(
        self,
        path: str,
        *,
        api_version: str,
        permission: str,
        parameters: Mapping[str, str] | None = None,
    ) -> list[Row]:
        """Return the rows of every page of a list.

        Raises:
            CallError: classified; also for links that repeat or lead to another host.
        """
        from azure.core.rest import HttpRequest

        if not path.startswith("/"):
            raise _broken("UnreadableReply", "a resource id has another form; update this program")
        first = HttpRequest(
            "GET", f"{self._url}{path}", params={**(parameters or {}), "api-version": api_version}
        )
        pages = _pages(lambda request: self._send(request, permission), first, link="nextLink")
        return [row for page in pages for row in _list_of(page, "value")]

    def post(self, path: str, *, api_version: str, permission: str, body: Row) -> Row:
        """Return the reply to a query that Azure takes as a POST; nothing is changed by it.

        Raises:
            CallError: classified.
        """
        from azure.core.rest import HttpRequest

        request = HttpRequest(
            "POST", f"{self._url}{path}", params={"api-version": api_version}, json=body
        )
        return self._send(request, permission)

    def _send(self, request: HttpRequest, permission: str) -> Row:
        return _answer(
            lambda: self._client.send_request(request, enforce_https=self._enforce_https),
            permission=permission,
        )


class RetailPrices:
    """The Retail Prices API: public, so that no token is ever sent to it.

    Args:
        url: base URL.
    """

    def __init__(self, url: str) -> None:
        from azure.core import PipelineClient

        self._url = url.rstrip("/")
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            self._url, policies=_plain_policies(), transport=_transport()
        )
        self._turns = threading.BoundedSemaphore(_PRICE_REQUESTS)

    def rows(self, price_filter: str) -> list[Row]:
        """Return the price rows of every page that match an OData filter, in USD.

        Raises:
            CallError: classified; also for links that repeat or lead to another host.
        """
        from azure.core.rest import HttpRequest

        first = HttpRequest(
            "GET",
            f"{self._url}/api/retail/prices",
            params={
                "api-version": "2023-01-01-preview",
                "meterRegion": "'primary'",
                "$filter": price_filter,
            },
        )
        pages = _pages(self._send, first, link="NextPageLink")
        return [row for page in pages for row in _list_of(page, "Items")]

    def _send(self, request: HttpRequest) -> Row:
        with self._turns:
            return _answer(lambda: self._client.send_request(request))


def _plain_policies() -> list[object]:
    from azure.core.pipeline.policies import RequestIdPolicy, UserAgentPolicy

    return [RequestIdPolicy(), UserAgentPolicy("gpu-capacity-broker")]


def _transport() -> RequestsTransport:
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    adapter = HTTPAdapter(max_retries=0, pool_maxsize=_CONNECTIONS)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(
        session=session,
        session_owner=True,
        connection_timeout=_CONNECT_S,
        read_timeout=_READ_S,
    )


def _pages(send: Callable[[HttpRequest], Row], first: HttpRequest, *, link: str) -> Iterator[Row]:
    """Yield every page of a list, following `link`.

    Raises:
        CallError: BROKEN when a link repeats, leaves the host or never ends: rows that are cut
            short, or a token sent elsewhere, would be worse than none.
    """
    from azure.core.rest import HttpRequest

    request, seen = first, {first.url}
    for _ in range(_MOST_PAGES):
        page = send(request)
        yield page
        following = page.get(link)
        if not following:
            return
        if not isinstance(following, str) or _origin(following) != _origin(first.url):
            raise _broken("ForeignNextLink", "the list goes on at another host; check endpoints")
        if following in seen:
            raise _broken("RepeatedNextLink", "the list never ends; try again later")
        seen.add(following)
        request = HttpRequest("GET", following)
    raise _broken("TooManyPages", f"the list has over {_MOST_PAGES} pages; name fewer regions")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _list_of(page: Row, key: str) -> list[Row]:
    found = page.get(key)
    if not isinstance(found, list):
        raise _broken("NoListInReply", "the reply has another form; update this program")
    return [row for row in found if isinstance(row, dict)]


def _answer(send: Callable[[], HttpResponse], *, permission: str = "") -> Row:
    """Send once and return the JSON object that came back.

    Raises:
        CallError: for every way in which there was none.
    """
    from azure.core.exceptions import AzureError, ClientAuthenticationError
    from azure.identity import CredentialUnavailableError

    try:
        response = send()
        status, headers, content = response.status_code, response.headers, response.content
    except CredentialUnavailableError:
        raise CallError(
            FaultKind.UNCONFIGURED, "CredentialUnavailable", remedy=_CONFIGURE
        ) from None
    except ClientAuthenticationError as error:
        raise _no_token(str(error)) from None
    except AzureError as error:
        raise CallError(FaultKind.TRANSIENT, type(error).__name__) from None
    body = _decoded(content)
    if status >= 400:
        raise fault_of(status, headers=headers, body=body, permission=permission)
    if status != 200 or not isinstance(body, dict):
        raise CallError(FaultKind.TRANSIENT, "UnreadableReply", remedy="try again later")
    return body


_CONFIGURE: Final = "sign in (az login), or give the process an identity Azure's SDK can find"


def _no_token(text: str) -> CallError:
    """Tell a chain that found nothing, which the SDK says only in words, from a refusal."""
    refused = "AADSTS" in text
    if "failed to retrieve a token from the included credentials" in text and not refused:
        return CallError(FaultKind.UNCONFIGURED, "NoCredentials", remedy=_CONFIGURE)
    return CallError(FaultKind.EXPIRED, "AuthenticationFailed", remedy=_CONFIGURE)


def _decoded(content: bytes) -> Json:
    try:
        decoded: Json = json.loads(content)
    except ValueError:
        return None
    return decoded


def _broken(code: str, remedy: str) -> CallError:
    return CallError(FaultKind.BROKEN, code, remedy=remedy)
