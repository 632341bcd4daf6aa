"""Paging as AWS does it: opaque tokens, page sizes the service chooses below what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.emulation.server import Refusal


def page_of(parameters: Mapping[str, Any]) -> int:
    """Return which page a request asks for; 1 where it has no token."""
    token = str(parameters.get("NextToken") or parameters.get("nextToken") or "")
    page = token.partition("/")[2]
    return int(page) if page.isdigit() else 1


def paged(
    rows: Sequence[Any],
    parameters: Mapping[str, Any],
    key: str,
    *,
    largest: int = 1000,
    ends_empty: bool = False,
) -> dict[str, Any]:
    """Return one page of `rows` under `key`, with a token for the next.

    Args:
        rows: all of them.
        parameters: of the request: page size and token, in either spelling.
        key: member that holds the rows.
        largest: rows the service puts on a page at most.
        ends_empty: whether the last page has an empty token, as spot history does.
    """
    is_lower = key[0].islower()
    token_name = "nextToken" if is_lower else "NextToken"
    asked = parameters.get("maxResults" if is_lower else "MaxResults") or largest
    size = min(int(asked), largest)
    start = _start(str(parameters.get(token_name) or "0/1"))
    end = start + size
    answer: dict[str, Any] = {key: list(rows[start:end])}
    if end < len(rows):
        answer[token_name] = f"{end}/{page_of(parameters) + 1}"
    elif ends_empty:
        answer[token_name] = ""
    return answer


def _start(token: str) -> int:
    head = token.partition("/")[0]
    if not head.isdigit():
        raise Refusal(status=400, code="InvalidNextToken")
    return int(head)
