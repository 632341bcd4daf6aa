"""The server every emulated cloud runs in: HTTP, a log of requests, faults, latency.

A cloud is a `Site`: it says what a request asks for, answers it, and words a refusal in its own
form. Everything else (threads, connections, faults, the log) is here.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Protocol
from urllib.parse import parse_qsl, urlsplit

from providers.emulation.faults import Fault, FaultPlan, Target, Trouble

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request as it came over the wire.

    Attributes:
        method: GET, POST, ...
        path: without the query.
        query: decoded; the last value wins where a name comes twice.
        headers: names in lower case.
        body: as sent.
    """

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer."""

    status: int = 200
    content_type: str = "application/json"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):
    """Raised by a site to answer with an error.

    Attributes:
        status: HTTP status.
        code: the cloud's own code.
        message: the cloud's own words.
    """

    def __init__(self, *, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.message = message or code


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A request as tests look at it.

    Attributes:
        target: what it asked for.
        parameters: as the site parsed them.
        at: monotonic seconds when it came.
        fault: the fault that hit it.
    """

    target: Target
    parameters: Mapping[str, object]
    at: float
    fault: Fault | None


class Site(Protocol):
    """One emulated cloud."""

    def identify(self, request: Request) -> tuple[Target, Mapping[str, object]]:
        """Return what `request` asks for, and its parameters as the service would parse them.

        Raises:
            Refusal: for a request the service would not understand.
        """

    def answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        """Answer `request`.

        Raises:
            Refusal: to answer with an error.
        """

    def refuse(self, request: Request, target: Target, refusal: Refusal) -> Reply:
        """Word `refusal` as the service does."""


class Emulator:
    """Serves one site on a loopback port; a context manager.

    Args:
        site: the cloud.
        port: TCP port; 0 lets the system choose.
        latency_s: added to every answer.
        faults: what goes wrong.
    """

    def __init__(
        self, site: Site, *, port: int = 0, latency_s: float = 0.0, faults: Sequence[Fault] = ()
    ) -> None:
        self.site = site
        self.faults = FaultPlan(faults)
        self.latency_s = latency_s
        self._log: list[Logged] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"emulator": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self.serve, daemon=True)

    @property
    def url(self) -> str:
        """Base URL of the server, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> Emulator:
        """Serve in a thread of its own."""
        self._thread.start()
        return self

    def serve(self) -> None:
        """Serve in the calling thread until interrupted."""
        self._server.serve_forever(poll_interval=0.02)

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Emulator:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> Sequence[Logged]:
        """Requests so far, in the order they came."""
        with self._lock:
            return tuple(self._log)

    def requests(self, operation: str = "*", region: str = "*") -> Sequence[Logged]:
        """Return the logged requests for an operation and region (shell patterns)."""
        wanted = Fault(trouble=Trouble.SLOW, operation=operation, region=region)
        return [logged for logged in self.log if wanted.matches(logged.target)]

    def forget(self) -> None:
        """Empty the log and the faults."""
        with self._lock:
            self._log.clear()
        self.faults.clear()

    def handle(self, request: Request) -> Reply | None:
        """Return the answer to `request`; None when the connection is to be dropped."""
        unknown = Target(service="", operation="")
        try:
            target, parameters = self.site.identify(request)
        except Refusal as refusal:
            return self.site.refuse(request, unknown, refusal)
        fault = self.faults.strike(target)
        with self._lock:
            self._log.append(
                Logged(target=target, parameters=parameters, at=time.monotonic(), fault=fault)
            )
        time.sleep(self.latency_s + (fault.delay_s if fault else 0.0))
        if fault is None or fault.trouble is Trouble.SLOW:
            return self._answer(request, target, parameters)
        return self._harm(request, target, parameters, fault)

    def _harm(
        self, request: Request, target: Target, parameters: Mapping[str, object], fault: Fault
    ) -> Reply | None:
        if fault.trouble is Trouble.REFUSE:
            refusal = Refusal(status=fault.status, code=fault.code, message=fault.message)
            reply = self.site.refuse(request, target, refusal)
            return _with_retry_after(reply, fault.retry_after_s)
        if fault.trouble is Trouble.GARBAGE:
            return Reply(body=b"\x00<<not { an answer", content_type="text/plain")
        if fault.trouble is Trouble.DROP_AFTER:
            self._answer(request, target, parameters)
        return None

    def _answer(self, request: Request, target: Target, parameters: Mapping[str, object]) -> Reply:
        try:
            return self.site.answer(request, target, parameters)
        except Refusal as refusal:
            return self.site.refuse(request, target, refusal)


def _with_retry_after(reply: Reply, seconds: float | None) -> Reply:
    if seconds is None:
        return reply
    headers = {**reply.headers, "Retry-After": f"{seconds:g}"}
    return Reply(
        status=reply.status, content_type=reply.content_type, body=reply.body, headers=headers
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Log mistakes of the emulator; say nothing of clients that hang up."""
        del client_address
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            _LOG.error("the emulator failed on %s", request, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    emulator: ClassVar[Emulator]
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one segment per answer: small unbuffered writes cost 40 ms each
    timeout = 60

    def log_message(self, format: str, *args: object) -> None:
        """Keep standard error quiet; the emulator has a log of its own."""

    def serve(self) -> None:
        """Read one request and write its answer."""
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        reply = self.emulator.handle(
            Request(
                method=self.command,
                path=parts.path,
                query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length) if length else b"",
            )
        )
        if reply is None:
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)
        self.wfile.flush()


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.serve)
