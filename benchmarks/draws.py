"""Draws of one seed: the same in every process, one stream for each thing that is drawn."""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Final, TypeVar

#: Quantiles of real demand, with their sources: ``fact,probability,value,source,licence``.
FACTS: Final = Path(__file__).parent / "data" / "demand.csv"

T = TypeVar("T")


class Draws:
    """One stream of random numbers.

    Args:
        seed: of the instance.
        stream: what is drawn; two streams of one seed are independent.
    """

    def __init__(self, seed: int, stream: str) -> None:
        self.random = Random(f"{seed}/{stream}")  # noqa: S311 - a benchmark, no secret

    def chance(self, probability: float) -> bool:
        """Return True with `probability`."""
        return self.random.random() < probability

    def one_of(self, choices: Sequence[T]) -> T:
        """Return one of `choices`, each as likely."""
        return choices[int(self.random.random() * len(choices))]

    def some_of(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different ones of `choices`, or all where there are no more."""
        return self.random.sample(choices, min(count, len(choices)))

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.random.random() * (high - low + 1))

    def between(self, low: float, high: float) -> float:
        """Return a number from `low` to `high`."""
        return low + (high - low) * self.random.random()

    def lognormal(self, median: float, sigma: float) -> float:
        """Return a log-normal number."""
        return median * math.exp(self.random.gauss(0.0, sigma))

    def of_fact(self, fact: str) -> float:
        """Return a value of a fact of `FACTS`: the logarithm is linear between quantiles."""
        probabilities, logs = _quantiles()[fact]
        at = self.random.random()
        right = min(bisect_right(probabilities, at), len(probabilities) - 1)
        left = right - 1
        width = probabilities[right] - probabilities[left]
        part = (at - probabilities[left]) / width
        return math.exp(logs[left] + part * (logs[right] - logs[left]))


@cache
def _quantiles() -> dict[str, tuple[list[float], list[float]]]:
    found: dict[str, tuple[list[float], list[float]]] = {}
    with FACTS.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            probabilities, logs = found.setdefault(row["fact"], ([], []))
            probabilities.append(float(row["probability"]))
            logs.append(math.log(float(row["value"])))
    return found


def rounded(number: float, digits: int = 2) -> Decimal:
    """Return a decimal of `digits` significant digits, as a person would write it."""
    return Decimal(f"{Decimal(f'{number:.{digits}g}'):f}").normalize() + 0
