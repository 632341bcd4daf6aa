"""The emulated price catalog: CloudCatalog.ListSkus over gRPC on a loopback port."""

from __future__ import annotations

import json
import threading
import time
from concurrent import futures
from typing import Any, Final

from providers.emulation.faults import Fault, FaultPlan, Target, Trouble
from providers.emulation.gcp_fixtures import Fixtures, Wire
from providers.emulation.server import Logged

_SERVICE: Final = "google.cloud.billing.v1.CloudCatalog"
_LARGEST_PAGE: Final = 5000
#: HTTP status -> the same as a gRPC code.
_CODES: Final = {400: 3, 401: 16, 403: 7, 404: 5, 429: 8, 500: 13, 503: 14, 504: 4}
_UNAVAILABLE: Final = 14
_GARBAGE: Final = b"\xff\xff not a message"


class CatalogServer:
    """Serves the SKUs of the fixtures.

    Args:
        fixtures: what is for sale.
        faults: shared with the HTTP part; the catalog's service is ``cloudbilling``, its
            operation ``ListSkus``.
        page_size: largest page.
        latency_s: added to every answer.
    """

    def __init__(
        self, fixtures: Fixtures, *, faults: FaultPlan, page_size: int, latency_s: float
    ) -> None:
        import grpc  # type: ignore[import-untyped] # no stubs

        self.fixtures = fixtures
        self._faults = faults
        self._page_size = min(page_size * 10, _LARGEST_PAGE)
        self._latency_s = latency_s
        self._log: list[Logged] = []
        self._lock = threading.Lock()
        self._messages: tuple[list[Wire], list[Any]] | None = None
        self._server = grpc.server(
            futures.ThreadPoolExecutor(4), options=[("grpc.max_send_message_length", -1)]
        )
        self._server.add_generic_rpc_handlers((self._handler(),))
        self._port = self._server.add_insecure_port("127.0.0.1:0")

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._port}"

    @property
    def log(self) -> tuple[Logged, ...]:
        """Requests so far, in the order they came."""
        with self._lock:
            return tuple(self._log)

    def start(self) -> None:
        """Serve in threads of its own."""
        self._server.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        self._server.stop(grace=None).wait()

    def _handler(self) -> Any:  # grpc carries no types
        import grpc
        from google.cloud import billing_v1

        request = type(billing_v1.ListSkusRequest.pb(billing_v1.ListSkusRequest()))
        method = grpc.unary_unary_rpc_method_handler(
            self._list_skus,
            request_deserializer=request.FromString,
            response_serializer=lambda sent: (
                sent if isinstance(sent, bytes) else sent.SerializeToString()
            ),
        )
        return grpc.method_handlers_generic_handler(_SERVICE, {"ListSkus": method})

    def _list_skus(self, request: Any, context: Any) -> Any:
        start = int(request.page_token or 0)
        page = 1 + start // self._page_size
        target = Target(service="cloudbilling", operation="ListSkus", page=page)
        fault = self._faults.strike(target)
        parameters = {"parent": request.parent, "page_size": request.page_size}
        with self._lock:
            self._log.append(
                Logged(target=target, parameters=parameters, at=time.monotonic(), fault=fault)
            )
        time.sleep(self._latency_s + (fault.delay_s if fault else 0.0))
        if fault is not None and fault.trouble is Trouble.GARBAGE:
            return _GARBAGE
        if fault is not None and fault.trouble is not Trouble.SLOW:
            _abort(context, fault)
        return self._page(start, min(request.page_size or _LARGEST_PAGE, self._page_size))

    def _page(self, start: int, size: int) -> Any:
        from google.cloud import billing_v1

        messages = self._all()
        answer = billing_v1.ListSkusResponse.pb(billing_v1.ListSkusResponse())
        answer.skus.extend(messages[start : start + size])
        if start + size < len(messages):
            answer.next_page_token = str(start + size)
        return answer

    def _all(self) -> list[Any]:
        from google.cloud import billing_v1

        with self._lock:
            if self._messages is None or self._messages[0] != self.fixtures.skus:
                found = [
                    billing_v1.Sku.pb(
                        billing_v1.Sku.from_json(json.dumps(one), ignore_unknown_fields=False)
                    )
                    for one in self.fixtures.skus
                ]
                self._messages = (list(self.fixtures.skus), found)
            return self._messages[1]


def _abort(context: Any, fault: Fault) -> None:
    """End a call as the service does: a status, and the reason in its error info."""
    from google.protobuf.any_pb2 import Any as Packed  # type: ignore[import-untyped] # no stubs
    from google.rpc.error_details_pb2 import (  # type: ignore[import-untyped] # no stubs
        ErrorInfo,
    )
    from google.rpc.status_pb2 import Status  # type: ignore[import-untyped] # no stubs
    from grpc_status import rpc_status  # type: ignore[import-untyped] # no stubs

    refused = fault.trouble is Trouble.REFUSE
    code = _CODES.get(fault.status, _UNAVAILABLE) if refused else _UNAVAILABLE
    info = Packed()
    info.Pack(ErrorInfo(reason=fault.code, domain="googleapis.com"))
    status = Status(code=code, message=fault.message, details=[info] if refused else [])
    context.abort_with_status(rpc_status.to_status(status))
