"""The benchmark of warm starts moves the prices it says, and compares like with like."""

from __future__ import annotations

from benchmarks.instances import Size, draw
from benchmarks.warm import moved, report, timed


def test_a_drawn_part_of_prices_moves_within_its_bounds() -> None:
    """About a tenth of 600 offers move, none by more than a fifth; the same day moves the same."""
    _, market = draw(Size(workloads=6, offers=600), rules="none")
    today = moved(market, part=0.1, by=0.2, day=1)
    prices = zip(market.offers["usd_per_hour"], today.offers["usd_per_hour"], strict=True)
    ratios = [float(new / old) for old, new in prices if old]
    changed = [ratio for ratio in ratios if ratio != 1]
    assert 0.05 < len(changed) / len(ratios) < 0.15
    assert 0.8 <= min(changed) < 1 < max(changed) <= 1.2
    assert today.digest == moved(market, part=0.1, by=0.2, day=1).digest != market.digest


def test_the_warm_run_begins_with_the_plan_of_the_day_before() -> None:
    """The table has three plans, all of whose placements stood, and one ratio."""
    spec, market = draw(Size(workloads=6, offers=600), rules="none")
    today = moved(market, part=0.1, by=0.2, day=1)
    runs = {"yesterday": timed(spec, market, 0.01)}
    runs["anew"] = timed(spec, today, 0.01)
    runs["warm"] = timed(spec, today, 0.01, runs["yesterday"].plan)
    count = len(runs["yesterday"].plan.placements)
    assert f"{count} of {count} placements stood; warm over anew: " in report(runs)
    assert runs["anew"].plan.warm_start is None
