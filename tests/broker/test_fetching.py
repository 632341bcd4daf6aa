"""Calls run concurrently within their buckets, tries and deadlines; failures keep old rows."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.errors import OutputError
from broker.fetching import ConcurrentFetcher, Patience
from broker.last_good import LastGood
from broker.provider import Call, CallError, FaultKind, Row

QUICK = Patience(threads=4, first_wait_s=0.01, longest_wait_s=0.1, call_s=60, provider_s=60)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def call(
    run: Callable[[], Sequence[Row]],
    *,
    dataset: str = "prices",
    region: str = "r1",
    per_second: float = 1000,
    burst: int = 1000,
) -> Call:
    return Call(
        dataset=dataset, region=region, api="api", per_second=per_second, burst=burst, run=run
    )


class Flaky:
    """Fails with the given faults, one a run, then returns one row."""

    def __init__(self, *faults: CallError) -> None:
        self.faults = list(faults)
        self.runs = 0

    def __call__(self) -> Sequence[Row]:
        self.runs += 1
        if self.faults:
            raise self.faults.pop(0)
        return [{"usd": "1.25"}]


def throttled(times: int) -> list[CallError]:
    return [CallError(FaultKind.THROTTLED, "SlowDown") for _ in range(times)]


def test_outcomes_come_in_the_order_of_the_calls() -> None:
    """Whatever finishes first, the answer has the calls' order."""

    def run(name: str, pause_s: float) -> Callable[[], Sequence[Row]]:
        def work() -> Sequence[Row]:
            time.sleep(pause_s)
            return [{"name": name}]

        return work

    calls = [call(run("slow", 0.1)), call(run("quick", 0.0))]
    outcomes = ConcurrentFetcher(patience=QUICK).run(calls)
    assert [outcome.rows for outcome in outcomes] == [[{"name": "slow"}], [{"name": "quick"}]]


def test_calls_overlap() -> None:
    """Four calls that wait for each other all finish."""
    meet = threading.Barrier(4)

    def run() -> Sequence[Row]:
        meet.wait(timeout=50)
        return []

    outcomes = ConcurrentFetcher(patience=QUICK).run([call(run)] * 4)
    assert [outcome.fault for outcome in outcomes] == [None] * 4


def test_throttled_call_is_tried_again() -> None:
    """Three throttles and a success make four requests and no fault."""
    flaky = Flaky(*throttled(3))
    (outcome,) = ConcurrentFetcher(patience=QUICK).run([call(flaky)])
    assert (outcome.fault, outcome.requests, flaky.runs) == (None, 4, 4)


def test_tries_are_capped() -> None:
    """A call that is always throttled ends after `tries` runs with its own code."""
    flaky = Flaky(*throttled(9))
    (outcome,) = ConcurrentFetcher(patience=QUICK).run([call(flaky)])
    assert outcome.fault is not None
    assert (outcome.fault.code, flaky.runs) == ("SlowDown", QUICK.tries)


def test_asked_wait_is_honoured_up_to_the_cap() -> None:
    """A service that asks for 300 s is asked again after the cap of 0.1 s, and not before.

    Who waited as long as asked would end at the provider's deadline of 60 s, with a fault.
    """
    flaky = Flaky(CallError(FaultKind.THROTTLED, "SlowDown", retry_after_s=300))
    start = time.monotonic()
    (outcome,) = ConcurrentFetcher(patience=QUICK).run([call(flaky)])
    assert outcome.fault is None
    assert time.monotonic() - start >= 0.1


def test_a_throttle_holds_the_whole_bucket() -> None:
    """Calls of the same region and API wait too when one of them is throttled."""
    times: list[float] = []

    def record() -> Sequence[Row]:
        times.append(time.monotonic())
        return []

    fault = CallError(FaultKind.THROTTLED, "SlowDown", retry_after_s=0.1)
    one_thread = Patience(threads=1, first_wait_s=0.01, longest_wait_s=0.1)
    start = time.monotonic()
    ConcurrentFetcher(patience=one_thread).run([call(Flaky(fault)), call(record)])
    assert times[0] - start >= 0.1


def test_bucket_paces_calls() -> None:
    """Two at once and then 20 a second: six calls take at least 0.2 s."""
    start = time.monotonic()
    ConcurrentFetcher(patience=QUICK).run([call(Flaky(), per_second=20, burst=2)] * 6)
    assert time.monotonic() - start >= 0.2


def test_buckets_of_two_regions_are_separate() -> None:
    """A region's bucket does not slow another's calls: a shared one would pass the deadline."""
    calls = [call(Flaky(), region=f"r{n}", per_second=0.001, burst=1) for n in range(8)]
    outcomes = ConcurrentFetcher(patience=QUICK).run(calls)
    assert [outcome.fault for outcome in outcomes] == [None] * 8


def test_a_call_the_bucket_admits_too_late_fails_at_once() -> None:
    """A call whose turn would come after the deadline is a gap now, not in a day."""
    calls = [call(Flaky(), per_second=1e-9, burst=1)] * 2
    patience = Patience(threads=4, provider_s=86400)
    first, second = ConcurrentFetcher(patience=patience).run(calls)
    assert first.fault is None
    assert second.fault is not None
    assert second.fault.code == "DeadlineExceeded"


def test_a_call_that_hangs_is_left_behind() -> None:
    """One hanging call costs its own deadline; the others use its thread's place."""
    release = threading.Event()

    def hang() -> Sequence[Row]:
        release.wait(timeout=60)
        return [{"late": True}]

    patience = Patience(threads=1, call_s=2, provider_s=60)
    try:
        hung, fine = ConcurrentFetcher(patience=patience).run([call(hang), call(Flaky())])
    finally:
        release.set()
    assert hung.fault is not None
    assert (hung.fault.code, hung.rows) == ("DeadlineExceeded", ())
    assert fine.fault is None


def test_the_provider_deadline_ends_everything() -> None:
    """Calls still running or waiting at the provider's deadline become faults."""
    release = threading.Event()

    def hang() -> Sequence[Row]:
        release.wait(timeout=60)
        return []

    patience = Patience(threads=1, call_s=60, provider_s=0.2)
    fetcher = ConcurrentFetcher(patience=patience)
    try:
        outcomes = fetcher.run([call(hang)] * 3)
        later = fetcher.run([call(Flaky())])
    finally:
        release.set()
    codes = [outcome.fault.code for outcome in [*outcomes, *later] if outcome.fault]
    assert codes == ["DeadlineExceeded"] * 4


def test_expired_credentials_stop_the_provider() -> None:
    """After one EXPIRED nothing more is asked, in this round or the next."""
    expired = Flaky(CallError(FaultKind.EXPIRED, "ExpiredToken"))
    never = Flaky()
    fetcher = ConcurrentFetcher(patience=Patience(threads=1))
    outcomes = [*fetcher.run([call(expired), call(never)]), *fetcher.run([call(never)])]
    assert [outcome.fault.code for outcome in outcomes if outcome.fault] == ["ExpiredToken"] * 3
    assert never.runs == 0


@pytest.mark.parametrize("kind", [FaultKind.DENIED, FaultKind.DISABLED])
def test_a_refusal_is_not_tried_again(kind: FaultKind) -> None:
    """What is not allowed is asked once."""
    flaky = Flaky(CallError(kind, "No"))
    (outcome,) = ConcurrentFetcher(patience=QUICK).run([call(flaky)])
    assert outcome.fault is not None
    assert flaky.runs == 1


def test_a_bug_in_an_adapter_is_raised() -> None:
    """An exception that is not a CallError reaches the caller instead of becoming a gap."""

    def bug() -> Sequence[Row]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ConcurrentFetcher(patience=QUICK).run([call(bug), call(Flaky())])


def fetcher_on(tmp_path: Path, *, at: datetime = NOON) -> ConcurrentFetcher:
    return ConcurrentFetcher(
        patience=QUICK, last_good=LastGood(folder=tmp_path / "aws"), now=lambda: at
    )


def test_last_good_rows_stand_in(tmp_path: Path) -> None:
    """The rows of noon stand in an hour later, with the fault and their own time."""
    fetcher_on(tmp_path).run([call(Flaky())])
    broken = Flaky(*[CallError(FaultKind.BROKEN, "NotJson")] * 2)
    (outcome,) = fetcher_on(tmp_path, at=NOON + timedelta(hours=1)).run([call(broken)])
    assert outcome.fault is not None
    assert (outcome.rows, outcome.fetched_at) == ([{"usd": "1.25"}], NOON)
    assert broken.runs == 2


def test_rows_of_a_disabled_region_do_not_stand_in(tmp_path: Path) -> None:
    """A region that was switched off has no rows, whatever it had before."""
    fetcher_on(tmp_path).run([call(Flaky())])
    off = Flaky(CallError(FaultKind.DISABLED, "OptInRequired"))
    (outcome,) = fetcher_on(tmp_path).run([call(off)])
    assert (outcome.rows, outcome.fetched_at) == ((), None)


def test_very_old_rows_do_not_stand_in(tmp_path: Path) -> None:
    """Rows older than `keep_for` are not used."""
    fetcher_on(tmp_path).run([call(Flaky())])
    denied = Flaky(CallError(FaultKind.DENIED, "AccessDenied"))
    (outcome,) = fetcher_on(tmp_path, at=NOON + timedelta(days=31)).run([call(denied)])
    assert (outcome.rows, outcome.fetched_at) == ((), None)


def test_outcomes_are_told_as_they_come() -> None:
    """A listener hears of every call once."""
    heard: list[str] = []
    fetcher = ConcurrentFetcher(patience=QUICK, heard=lambda fetched: heard.append(fetched.region))
    fetcher.run([call(Flaky(), region=name) for name in ("a", "b", "c")])
    assert sorted(heard) == ["a", "b", "c"]


def test_rows_that_cannot_be_kept_end_the_refresh(tmp_path: Path) -> None:
    """A full or forbidden disk is told at once, as an error of output."""
    (tmp_path / "aws").write_text("in the way")
    with pytest.raises(OutputError):
        fetcher_on(tmp_path).run([call(Flaky())])
