"""Neocloud keeps the broker's contract, over HTTP from recorded pages."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import neocloud

from broker.provider import Provider, Settings
from broker.testing import ProviderContract

RECORDED = Path(__file__).parent / "recorded"


class RecordedPages(SimpleHTTPRequestHandler):
    """Answers ``/v1/offers?page=N`` with ``recorded/page-N.json``."""

    def translate_path(self, path: str) -> str:
        """Return the file of the page asked for."""
        page = parse_qs(urlsplit(path).query).get("page", ["1"])[0]
        return str(RECORDED / f"page-{int(page)}.json")

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


class TestNeocloud(ProviderContract):
    """The whole contract; only how to connect is left to say."""

    server: ClassVar[ThreadingHTTPServer]

    @classmethod
    def setup_class(cls) -> None:
        """Serve the recorded pages."""
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(RecordedPages))
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def teardown_class(cls) -> None:
        """Stop serving."""
        cls.server.shutdown()
        cls.server.server_close()

    def provider(self) -> Provider:
        """Return the adapter at the recorded pages."""
        url = f"http://127.0.0.1:{self.server.server_port}"
        return neocloud.connect(Settings(endpoints={"api": url}))

    def unreachable(self) -> Provider:
        """Return the adapter at a closed port."""
        return neocloud.connect(Settings(endpoints={"api": "http://127.0.0.1:9"}))
