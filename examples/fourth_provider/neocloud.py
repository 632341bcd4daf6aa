"""Neocloud, an imaginary cloud, as a provider: one file outside the broker's own package.

Its API is one price list over HTTP, page by page::

    GET /v1/offers?page=1
    {"as_of": "2026-11-20T00:00:00Z", "next": 2, "offers": [{"region": "eu-1", "machine": "h100.8",
     "gpu": "H100", "gpus": 8, "vcpus": 192, "memory_gib": 2048, "usd_per_hour": "18.40",
     "interruptible": false}]}
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from broker.accelerators import UnknownAccelerator, canonical
from broker.market import GAP_SCHEMA, Source
from broker.offers import OFFER_SCHEMA
from broker.provider import (
    Call,
    CallError,
    FaultKind,
    Fetched,
    Fetcher,
    Provider,
    Row,
    Scope,
    Settings,
    Tables,
)

API = "https://api.neocloud.example"
TIMEOUT_S = 20


def connect(settings: Settings) -> Provider:
    """Return the provider; the entry point in pyproject.toml names this function."""
    return Neocloud(settings.endpoints.get("api", API))


class Neocloud:
    """The price list at `url`."""

    name = "neocloud"

    def __init__(self, url: str) -> None:
        self._url = url

    def collect(self, scope: Scope, fetcher: Fetcher) -> Sequence[Fetched]:
        """Describe the calls; the fetcher runs them, again where it makes sense."""
        del scope  # the list is small: the broker picks the regions
        prices = Call(
            dataset="prices", region="", api="v1", per_second=2, burst=2, run=self._fetch
        )
        return fetcher.run([prices])

    def _fetch(self) -> Sequence[Row]:
        """Read every page; only this method touches the network, and it judges nothing."""
        rows: list[Row] = []
        page: int | None = 1
        while page is not None:
            body = _get(f"{self._url}/v1/offers?page={page}")
            rows.extend(row | {"as_of": body["as_of"]} for row in body["offers"])
            page = body.get("next")
        return rows

    def read(self, fetched: Sequence[Fetched], scope: Scope) -> Tables:
        """Turn rows into tables: no network here, so tests need none."""
        del scope
        offers, gaps = [], []
        for row in (row for one in fetched for row in one.rows):
            try:
                offers.append(_offer(row))
            except UnknownAccelerator as error:
                gaps.append(_gap(row, str(error)))
        return Tables(
            tables={
                "offers": pl.DataFrame(offers, schema=dict(OFFER_SCHEMA), orient="row"),
                "gaps": pl.DataFrame(gaps, schema=dict(GAP_SCHEMA), orient="row"),
            },
            sources=_sources(fetched),
        )


def _sources(fetched: Sequence[Fetched]) -> Sequence[Source]:
    days = sorted({str(row["as_of"])[:10] for one in fetched for row in one.rows})
    return [
        Source(key="neocloud-list", name="Neocloud list prices", observed_on=day, licence="facts")
        for day in days[-1:]
    ]


def _get(url: str) -> Any:
    """Return a JSON answer; every failure becomes a classified `CallError`."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - our own URL
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise CallError(
            _kind(error.code), str(error.code), remedy="see neocloud's status"
        ) from error
    except (OSError, http.client.HTTPException) as error:
        code = type(error).__name__
        raise CallError(FaultKind.TRANSIENT, code, remedy="refresh again later") from error
    except ValueError as error:
        raise CallError(FaultKind.BROKEN, "NoJson", remedy="report it to neocloud") from error


def _kind(status: int) -> FaultKind:
    known = {401: FaultKind.EXPIRED, 403: FaultKind.DENIED, 429: FaultKind.THROTTLED}
    return known.get(status, FaultKind.TRANSIENT if status >= 500 else FaultKind.BROKEN)


def _offer(row: Row) -> dict[str, object]:
    """Return one offer; columns that are left out are unknown."""
    card = canonical(str(row["gpu"]))[0]
    as_of = datetime.fromisoformat(str(row["as_of"]))
    return {
        "provider": "neocloud",
        "region": row["region"],
        "zone": "-",
        "location_kind": "region",
        "instance_type": row["machine"],
        "option": "spot" if row["interruptible"] else "on-demand",
        "variant": "",
        "usd_per_hour": Decimal(str(row["usd_per_hour"])),
        "upfront_usd": Decimal(0),
        "purchasable": "yes",
        "accelerator": card.name,
        "accelerators": float(str(row["gpus"])),
        "accelerator_memory_gib": card.memory_gib,
        "vcpus": row["vcpus"],
        "memory_gib": float(str(row["memory_gib"])),
        "price_source": "neocloud-list",
        "price_observed_at": as_of,
        "spec_source": "neocloud-list",
        "spec_observed_at": as_of,
    }


def _gap(row: Row, reason: str) -> dict[str, object]:
    return {
        "provider": "neocloud",
        "region": row["region"],
        "dataset": "prices",
        "code": "UNKNOWN_ACCELERATOR",
        "reason": reason,
        "remedy": "ask for the accelerator to be added",
        "stale_since": None,
    }
