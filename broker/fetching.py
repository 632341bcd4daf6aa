"""The broker's fetcher: an adapter's calls, run concurrently and never beyond their time.

One fetcher serves one provider for one refresh. Calls draw on a token bucket per region and
API; throttled and transient faults are tried again with growing, capped waits; a call or a
provider that takes too long is left behind; ended credentials stop the provider. What succeeds
is kept on disk, and stands in, marked with its fault, for what fails on a later day.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from broker.background import LOOK_UP_S, Attempt
from broker.last_good import LastGood
from broker.provider import Call, CallError, FaultKind, Fetched, Row
from broker.token_bucket import TokenBucket

_LOG = logging.getLogger(__name__)

#: Faults worth another try, and how many tries in all (None: as many as `Patience` says).
_TRIES: Final = {FaultKind.THROTTLED: None, FaultKind.TRANSIENT: None, FaultKind.BROKEN: 2}
#: Faults after which the provider is asked nothing more.
_STOPPING: Final = frozenset({FaultKind.EXPIRED, FaultKind.UNCONFIGURED})
#: Faults that say the data is gone rather than out of reach: older rows would mislead.
_GONE: Final = frozenset({FaultKind.DISABLED, FaultKind.UNCONFIGURED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how often a fetcher tries.

    Attributes:
        threads: calls in flight at once.
        tries: runs of one call, the first included.
        call_s: seconds one run of a call may take.
        provider_s: seconds all rounds of calls together may take.
        first_wait_s: pause before the second try; it doubles with each further one.
        longest_wait_s: cap of every pause, whatever the provider asks for.
    """

    threads: int = 16
    tries: int = 4
    call_s: float = 60.0
    provider_s: float = 240.0
    first_wait_s: float = 0.25
    longest_wait_s: float = 20.0


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ConcurrentFetcher:
    """Runs the calls of one provider; see the module's text.

    Args:
        patience: limits.
        last_good: where rows are kept; None keeps none.
        now: the wall clock, for `Fetched.fetched_at`.
        heard: called with each outcome as it comes (from a worker thread), for progress.
    """

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        last_good: LastGood | None = None,
        now: Callable[[], datetime] = _utc_now,
        heard: Callable[[Fetched], None] | None = None,
    ) -> None:
        self.patience = patience or Patience()
        self._last_good = last_good
        self._now = now
        self._heard = heard
        self._buckets: dict[tuple[str, str], TokenBucket] = {}
        self._ends_at: float | None = None
        self._stopped: CallError | None = None

    def run(self, calls: Sequence[Call]) -> Sequence[Fetched]:
        """Run `calls` concurrently and return their outcomes in the order given.

        Raises:
            OutputError: when rows cannot be kept on disk.
            BaseException: whatever a call raised that is not a `CallError`: a bug of the adapter.
        """
        if self._ends_at is None:
            self._ends_at = time.monotonic() + self.patience.provider_s
        return _Round(self, calls, ends_at=self._ends_at).outcomes()

    @property
    def stopped(self) -> CallError | None:
        """The fault that stopped the provider; None while it is being asked."""
        return self._stopped

    def stop(self, fault: CallError) -> None:
        """Ask the provider nothing more, because of `fault`."""
        self._stopped = self._stopped or fault

    def bucket(self, call: Call) -> TokenBucket:
        """Return the token bucket `call` draws on."""
        key = (call.region, call.api)
        if key not in self._buckets:
            self._buckets[key] = TokenBucket(per_second=call.per_second, burst=call.burst)
        return self._buckets[key]

    def keep(self, call: Call, rows: Sequence[Row], *, tries: int) -> Fetched:
        """Keep the rows of a call on disk and return its outcome."""
        fetched_at = self._now()
        if self._last_good is not None:
            self._last_good.save(call.dataset, call.region, rows=rows, fetched_at=fetched_at)
        return Fetched(
            dataset=call.dataset,
            region=call.region,
            rows=rows,
            fetched_at=fetched_at,
            requests=tries,
        )

    def stand_in(self, call: Call, fault: CallError, *, tries: int) -> Fetched:
        """Return the outcome of a call that failed, with the last good rows if there are any."""
        where = call.region or "global"
        _LOG.info("%s %s: %s (%s)", call.dataset, where, fault.code, fault.kind)
        kept = None
        if self._last_good is not None and fault.kind not in _GONE:
            kept = self._last_good.load(call.dataset, call.region, now=self._now())
        return Fetched(
            dataset=call.dataset,
            region=call.region,
            rows=kept.rows if kept else (),
            fetched_at=kept.fetched_at if kept else None,
            fault=fault,
            requests=tries,
        )

    def tell(self, fetched: Fetched) -> None:
        """Report an outcome to whoever watches."""
        if self._heard is not None:
            self._heard(fetched)


@dataclass(slots=True, kw_only=True)
class _Task:
    """A call on its way through a round."""

    index: int
    call: Call
    tries: int = 0
    started_at: float | None = None
    outcome: Fetched | None = None


@dataclass(order=True, slots=True)
class _Turn:
    """When a task may start; the order of the queue."""

    at: float
    index: int
    task: _Task = field(compare=False)


class _Round:
    """One set of calls in progress.

    Worker threads take tasks whose turn has come. The calling thread only watches the clock, so
    that ctrl-C reaches it at once; workers are daemons, so that a call that hangs never keeps the
    process alive.
    """

    def __init__(self, fetcher: ConcurrentFetcher, calls: Sequence[Call], *, ends_at: float):
        self._fetcher = fetcher
        self._patience = fetcher.patience
        self._ends_at = ends_at
        self._tasks = [_Task(index=index, call=call) for index, call in enumerate(calls)]
        self._left = len(self._tasks)
        self._queue: list[_Turn] = []
        self._changed = threading.Condition()
        self._bug: BaseException | None = None

    def outcomes(self) -> list[Fetched]:
        with self._changed:
            for task in self._tasks:
                self._enqueue(task, time.monotonic())
        for _ in range(min(self._patience.threads, len(self._tasks))):
            self._start_worker()
        try:
            self._watch()
        finally:
            self._dismiss()
        if self._bug is not None:
            raise self._bug
        return [task.outcome for task in self._tasks if task.outcome is not None]

    def _start_worker(self) -> None:
        threading.Thread(target=self._work, daemon=True, name="fetch").start()

    # --- the calling thread -------------------------------------------------------------------

    def _watch(self) -> None:
        with self._changed:
            while self._left and self._bug is None:
                now = time.monotonic()
                for task in self._overdue(now):
                    self._leave_behind(task)
                if self._left and self._bug is None:
                    pause_s = max(0.01, self._next_deadline() - now)
                    self._changed.wait(min(pause_s, LOOK_UP_S))

    def _dismiss(self) -> None:
        with self._changed:
            self._left = 0
            self._changed.notify_all()

    def _overdue(self, now: float) -> list[_Task]:
        open_tasks = [task for task in self._tasks if task.outcome is None]
        if now >= self._ends_at:
            return open_tasks
        limit = now - self._patience.call_s
        return [task for task in open_tasks if (task.started_at or now) <= limit]

    def _next_deadline(self) -> float:
        started = [
            task.started_at
            for task in self._tasks
            if task.started_at is not None and task.outcome is None
        ]
        return min([self._ends_at, *(at + self._patience.call_s for at in started)])

    def _leave_behind(self, task: _Task) -> None:
        was_running = task.started_at is not None
        self._fail(task, _too_slow())
        if was_running and self._left:
            self._start_worker()  # in place of the one that hangs

    # --- the worker threads -------------------------------------------------------------------

    def _work(self) -> None:
        while (task := self._take()) is not None:
            done: list[Fetched] = []
            with Attempt() as attempt:
                rows = task.call.run()
                if task.outcome is None:
                    done.append(self._fetcher.keep(task.call, rows, tries=task.tries))
            if not self._conclude(task, done, attempt.error):
                return

    def _take(self) -> _Task | None:
        with self._changed:
            while self._left:
                now = time.monotonic()
                task = self._due(now)
                if task is not None:
                    task.started_at = now
                    task.tries += 1
                    self._changed.notify_all()
                    return task
                self._changed.wait(self._queue[0].at - now if self._queue else None)
        return None

    def _due(self, now: float) -> _Task | None:
        while self._queue and self._queue[0].at <= now:
            turn = heapq.heappop(self._queue)
            if turn.task.outcome is not None:
                continue
            if self._fetcher.stopped is not None:
                self._fail(turn.task, self._fetcher.stopped)
                continue
            held_until = self._fetcher.bucket(turn.task.call).held_until
            if held_until <= now:
                return turn.task
            heapq.heappush(self._queue, _Turn(held_until, turn.index, turn.task))
        return None

    def _conclude(self, task: _Task, done: Sequence[Fetched], error: BaseException | None) -> bool:
        """Record what came of a run; False when the task was left behind in the meantime."""
        with self._changed:
            if task.outcome is not None:
                return False
            task.started_at = None
            if done:
                self._settle(task, done[0])
            elif isinstance(error, CallError):
                self._after_fault(task, error)
            else:
                self._bug = error
                self._changed.notify_all()
            return True

    def _after_fault(self, task: _Task, fault: CallError) -> None:
        if fault.kind in _STOPPING:
            self._fetcher.stop(fault)
        tries = _TRIES.get(fault.kind, 1) or self._patience.tries
        if task.tries >= tries or self._fetcher.stopped is not None:
            self._fail(task, fault)
            return
        now = time.monotonic()
        resume_at = now + self._pause_s(task, fault)
        if fault.kind is FaultKind.THROTTLED:
            self._fetcher.bucket(task.call).hold(resume_at)
        self._enqueue(task, resume_at, fault)

    def _pause_s(self, task: _Task, fault: CallError) -> float:
        growing = self._patience.first_wait_s * (1 << (task.tries - 1))
        spread = 1 + (task.index % 8) / 16  # so that calls do not all come back at once
        asked = fault.retry_after_s or 0.0
        return min(max(growing * spread, asked), self._patience.longest_wait_s)

    # --- both, under the lock -----------------------------------------------------------------

    def _enqueue(self, task: _Task, not_before: float, fault: CallError | None = None) -> None:
        at = max(not_before, self._fetcher.bucket(task.call).reserve(time.monotonic()))
        if at >= self._ends_at:
            self._fail(task, fault or _too_slow())
            return
        heapq.heappush(self._queue, _Turn(at, task.index, task))
        self._changed.notify_all()

    def _fail(self, task: _Task, fault: CallError) -> None:
        self._settle(task, self._fetcher.stand_in(task.call, fault, tries=task.tries))

    def _settle(self, task: _Task, outcome: Fetched) -> None:
        task.outcome = outcome
        self._left -= 1
        self._fetcher.tell(outcome)
        self._changed.notify_all()


def _too_slow() -> CallError:
    return CallError(
        FaultKind.TRANSIENT,
        "DeadlineExceeded",
        remedy="run the refresh again, with fewer regions or a longer deadline",
    )
