"""How long reading a market, filtering it and the whole command `broker offers` take.

Run `python -m benchmarks.offers`; each figure is the best of several runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from broker.market import Market
from broker.market_csv import offers_csv
from broker.offer_query import Query, parse_accelerators
from broker.offer_selection import select
from broker.snapshot import EMBEDDED, read_market, write_market

OFFERS = 40_000
SPECS = ("H100:8", "gpu:24GB..80GB", "cpu")


def best_ms(action: Callable[[], object], *, runs: int = 7) -> float:
    """Return the shortest of `runs` times of `action` in ms."""
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def large_market(market: Market) -> Market:
    """Return a market of `OFFERS` real offers: accelerated ones first, then the rest."""
    ordered = market.offers.sort(pl.col("accelerator").is_null(), maintain_order=True)
    return replace(market, offers=ordered.head(OFFERS))


def main() -> None:
    """Print one line for each step."""
    market = large_market(read_market(EMBEDDED))
    print(f"read the embedded market: {best_ms(lambda: read_market(EMBEDDED)):.1f} ms")
    for text in SPECS:
        query = Query(accelerators=parse_accelerators(text))
        found = select(market.offers, query).height
        took = best_ms(partial(select, market.offers, query))
        print(f"filter and sort {market.offers.height} offers, {text}: {took:.1f} ms, {found} fit")
    with tempfile.TemporaryDirectory() as place:
        folder, file = Path(place) / "market", Path(place) / "market.csv"
        write_market(market, folder)
        file.write_text(offers_csv(market.offers))
        print(f"read a folder of {OFFERS}: {best_ms(lambda: read_market(folder)):.1f} ms")
        print(f"read a CSV file of {OFFERS}: {best_ms(lambda: read_market(file), runs=2):.0f} ms")
    for arguments in (["--help"], ["offers", "-q", "H100:8"]):
        command = [sys.executable, "-m", "broker", *arguments]
        took = best_ms(partial(subprocess.check_output, command))
        print(f"broker {' '.join(arguments)}: {took:.0f} ms")


if __name__ == "__main__":
    main()
