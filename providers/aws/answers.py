"""What came back, looked up by dataset and region, with the moment it was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from broker.provider import Fetched, Row


class Answers:
    """The outcomes of a refresh; stale rows stand in where a call failed."""

    def __init__(self, fetched: Sequence[Fetched]) -> None:
        self._found = {(one.dataset, one.region): one for one in fetched}

    def regions(self, dataset: str) -> list[str]:
        """Return the regions that `dataset` was asked for in, sorted."""
        return sorted(region for name, region in self._found if name == dataset)

    def rows(self, dataset: str, region: str = "") -> Sequence[Row]:
        """Return the rows of a dataset; none where it was not had."""
        one = self._found.get((dataset, region))
        return one.rows if one else ()

    def seen_at(self, dataset: str, region: str = "") -> datetime | None:
        """Return when a dataset was had; None where it was not."""
        one = self._found.get((dataset, region))
        return one.fetched_at if one else None

    def parts(self, dataset: str) -> Iterator[tuple[str, Fetched]]:
        """Yield the rest of the name and the outcome of every ``dataset/...``, by name."""
        for (name, _), one in sorted(self._found.items()):
            head, _, rest = name.partition("/")
            if head == dataset and rest:
                yield rest, one
